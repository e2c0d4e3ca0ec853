package script

import "context"

// Pool bounds how many programs run at once, so that ten thousand checks that
// come due together do not become ten thousand processes.
type Pool struct{ slots chan struct{} }

// NewPool returns a pool that runs at most n programs at once.
func NewPool(n int) *Pool { return &Pool{slots: make(chan struct{}, max(n, 1))} }

// Run is like the function Run but first waits for a free slot. The command's
// timeout starts when the program does.
func (p *Pool) Run(ctx context.Context, c Command) (Result, error) {
	return p.run(ctx, c, Run)
}

func (p *Pool) run(ctx context.Context, c Command, run func(context.Context, Command) (Result, error)) (Result, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
	defer func() { <-p.slots }()
	return run(ctx, c)
}
