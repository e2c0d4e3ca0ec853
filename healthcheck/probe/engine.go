// Package probe makes the health checks that package healthcheck decides
// about: it opens the connections, runs the programs, and keeps the time, for
// ten thousand checks at once.
//
// One goroutine, that of [Engine.Run], owns all checks. It connects and talks
// without blocking; only TLS and users' programs have goroutines of their own.
package probe

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
	"github.com/holdfast-lb/holdfast/pkg/script"
)

// batch is how many checks are started before looking at what came back. What many more
// take would count as the time that servers take to answer: those due together would be put
// off, fall on others, and be ever more.
const batch = 16

// maxLooks is how often the kernel is asked for more answers before other things
// have their turn.
const maxLooks = 40

// Options are what an engine needs of its surroundings.
type Options struct {
	// Event takes what has changed. It is called by the goroutine of Run, which
	// waits for it, with each check's events in order. Required.
	Event func(healthcheck.Event)
	Log   *zap.Logger
	// Alone makes each check on its own, even where several ask the same of the
	// same target.
	Alone bool
	// Scripts bounds how many programs run at once; 256 by default.
	Scripts *script.Pool
	// Random returns numbers from 0 to 1 for the spreading of the first
	// checks; nil is the usual source.
	Random func() float64
}

// Engine makes checks. Its methods may be called from any goroutine and never
// block, but for Run and Snapshot.
type Engine struct {
	opt  Options
	poll *poller
	done chan struct{} // closed when Run has returned

	mu     sync.Mutex
	inbox  []func(now time.Time)
	closed bool

	// What follows belongs to Run.
	ctx    context.Context
	shared healthcheck.Sharing
	agenda agenda
	files  map[string]healthcheck.Result // numbers in track files, by name
	bfd    map[string]healthcheck.Result // BFD sessions, by name
	byFD   []*job
	marks  int32  // of connections; counts
	buf    []byte // for reading; used by one connection at a time
	judges judges
	ping   sync.Once
	worker sync.WaitGroup
}

// New returns an engine without checks.
func New(opt Options) (*Engine, error) {
	if opt.Scripts == nil {
		opt.Scripts = script.NewPool(256)
	}
	if opt.Random == nil {
		opt.Random = rand.Float64
	}
	if opt.Log == nil {
		opt.Log = zap.NewNop()
	}
	p, err := newPoller()
	if err != nil {
		return nil, fmt.Errorf("health checks: %w", err)
	}
	return &Engine{
		opt: opt, poll: p, done: make(chan struct{}),
		shared: healthcheck.Sharing{Off: opt.Alone},
		agenda: newAgenda(time.Now()),
		files:  make(map[string]healthcheck.Result),
		bfd:    make(map[string]healthcheck.Result),
		buf:    make([]byte, 64<<10),
		judges: newJudges(),
	}, nil
}

// Set says which checks there are to be. New ones start, those that are gone
// stop, and those with the same key go on as they were.
func (e *Engine) Set(specs []healthcheck.Spec) {
	e.do(func(now time.Time) {
		run, known := e.shared.Set(specs)
		e.set(run, now)
		for _, ev := range known {
			e.opt.Event(ev)
		}
	})
}

// Suspend stops making a check, or makes it again; its verdict stays.
func (e *Engine) Suspend(key string, on bool) {
	e.do(func(now time.Time) {
		if made, suspend, change := e.shared.Suspend(key, on); change {
			e.suspend(e.agenda.jobs[made], suspend, now)
		}
	})
}

// TrackFile says which number is in a track file, for FILE_CHECK.
func (e *Engine) TrackFile(name string, value int64) {
	e.do(func(now time.Time) {
		e.files[name] = healthcheck.Result{OK: true, Value: value, Reason: fmt.Sprintf("track file %s holds %d", name, value)}
		for _, j := range e.agenda.jobs {
			e.tell(j, now)
		}
	})
}

// Session says whether a BFD session is up, for BFD_CHECK.
func (e *Engine) Session(name string, up bool) {
	e.do(func(now time.Time) {
		r := healthcheck.Result{OK: up}
		if !up {
			r.Fault, r.Reason = healthcheck.FaultState, fmt.Sprintf("BFD session %s is down", name)
		}
		e.bfd[name] = r
		for _, j := range e.agenda.jobs {
			e.tell(j, now)
		}
	})
}

// Snapshot returns where every check stands, in no order. It waits for Run.
func (e *Engine) Snapshot(ctx context.Context) ([]healthcheck.Status, error) {
	answer := make(chan []healthcheck.Status, 1)
	e.do(func(time.Time) {
		all := make([]healthcheck.Status, 0, len(e.agenda.jobs))
		for key, j := range e.agenda.jobs {
			s := j.check.Status()
			s.Keys, s.Suspended = e.shared.Users(key), j.suspended
			all = append(all, s)
		}
		answer <- all
	})
	select {
	case all := <-answer:
		return all, nil
	case <-e.done:
		return nil, errors.New("health checks have ended")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// do hands work to the owner of the checks.
func (e *Engine) do(f func(now time.Time)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.inbox = append(e.inbox, f)
	e.poll.wake()
}

// Run makes checks until ctx ends, then stops them all and returns nil. It can
// be called once.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.done)
	ctx, cancel := context.WithCancel(ctx)
	e.ctx = ctx
	stop := context.AfterFunc(ctx, func() { e.do(func(time.Time) {}) })
	defer stop()
	err := e.loop()
	cancel()
	e.close()
	return err
}

func (e *Engine) loop() error {
	for e.poll.peek(); e.ctx.Err() == nil; {
		now := e.takeReady()
		e.work(now)
		busy := e.takeInbox(now)
		// What has just been started may have come back already, from close by,
		// and is looked for before going to sleep.
		until := e.agenda.until()
		if busy || !until.IsZero() && !until.After(now) {
			e.poll.peek()
			continue
		}
		if err := e.poll.until(until); err != nil {
			return fmt.Errorf("health checks: %w", err)
		}
		if err := e.poll.wait(); err != nil {
			return fmt.Errorf("health checks: %w", err)
		}
	}
	return nil
}

// takeReady goes on with everybody who has got an answer, and returns until when
// answers are known of: nobody is late whose answer only waits to be seen. Those who
// never stop talking give way after a while.
func (e *Engine) takeReady() time.Time {
	known := e.poll.looked
	for looks := 1; ; looks++ {
		now := e.poll.looked
		for _, ev := range e.poll.ready() {
			if j := e.connection(ev); j != nil {
				e.happened(j, ev.Events, now)
			}
		}
		switch {
		case !e.poll.more():
			return now
		case looks == maxLooks: // and what has been taken from the kernel has been seen to
			return known
		}
		e.poll.peek()
	}
}

// takeInbox does what was handed in, and reports whether there was anything.
func (e *Engine) takeInbox(now time.Time) bool {
	e.mu.Lock()
	in := e.inbox
	e.inbox = nil
	e.mu.Unlock()
	for _, f := range in {
		f(now)
	}
	return len(in) > 0
}

// work starts what is due and ends what took too long, a batch at a time.
func (e *Engine) work(now time.Time) {
	for range batch {
		j := e.agenda.next(now)
		if j == nil {
			return
		}
		if j.running {
			e.late(j, now)
		} else {
			e.start(j, now)
		}
	}
}

func (e *Engine) set(specs []healthcheck.Spec, now time.Time) {
	fresh, kept, gone := e.agenda.set(specs, now)
	for _, j := range gone {
		e.hangUp(j)
	}
	certs := make(certificates)
	for _, j := range kept {
		e.report(j.job, j.step)
		e.suspend(j.job, j.check.Spec.Suspended, now)
		if j.plan.TLS != nil { // the files may hold something new
			e.prepare(j.job, certs)
		}
	}
	for _, j := range fresh {
		e.prepare(j, certs)
		if !j.suspended {
			e.activate(j, now)
		}
	}
}

// prepare makes ready what can be made ready once.
func (e *Engine) prepare(j *job, certs certificates) {
	s := &j.check.Spec
	switch s.Ask.(type) {
	case healthcheck.Misc, healthcheck.File, healthcheck.BFD:
		return
	}
	if j.plan, j.unfit = dialogue.Prepare(*s); j.unfit != nil {
		return
	}
	if j.plan.TLS != nil {
		if j.tls, j.unfit = certs.config(j.plan.TLS); j.unfit != nil {
			return
		}
	}
	if j.plan.Transport == dialogue.Echo {
		e.ping.Do(func() { allowPing(e.opt.Log) })
	}
	j.dialer, j.unfit = newDialer(s, j.plan.Transport)
}

func (e *Engine) suspend(j *job, on bool, now time.Time) {
	switch {
	case on == j.suspended:
	case on:
		e.say(j, j.check.Suspending())
		e.hangUp(j)
		e.agenda.suspend(j)
	default:
		e.activate(j, now)
	}
}

// activate begins to make a check.
func (e *Engine) activate(j *job, now time.Time) {
	e.say(j, j.check.Activating())
	e.agenda.activate(j, now, e.opt.Random())
	e.tell(j, now)
}

// tell passes on what is known of a track file or BFD session.
func (e *Engine) tell(j *job, now time.Time) {
	if j.suspended {
		return
	}
	var r healthcheck.Result
	var known bool
	switch ask := j.check.Spec.Ask.(type) {
	case healthcheck.File:
		r, known = e.files[ask.Name]
	case healthcheck.BFD:
		r, known = e.bfd[ask.Session]
	}
	if known {
		e.report(j, e.agenda.finish(j, now, r))
	}
}

// report passes on what came of an attempt.
func (e *Engine) report(j *job, st healthcheck.Step) {
	e.say(j, st.Lines)
	if !st.Tell {
		return
	}
	for _, ev := range e.shared.Spread(st.Event) {
		e.opt.Event(ev)
	}
}

func (e *Engine) say(j *job, lines []healthcheck.Line) {
	for _, l := range lines {
		check := zap.String("check", j.check.Spec.Ask.Keyword())
		if !l.Failed {
			e.opt.Log.Info(l.Text, check)
			continue
		}
		last := j.check.Last()
		e.opt.Log.Warn(l.Text, check, zap.String("reason", last.Reason), zap.Duration("took", last.Took))
	}
}

// close ends everything that is under way and waits for it.
func (e *Engine) close() {
	for _, j := range e.agenda.jobs {
		e.hangUp(j)
	}
	e.worker.Wait()
	e.mu.Lock()
	e.closed, e.inbox = true, nil
	e.mu.Unlock()
	_ = e.poll.close()
}
