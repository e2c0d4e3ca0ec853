package notify

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/script"
)

const (
	// patience is how long the next state of an object waits for scripts of
	// the one before. Some users' scripts never end.
	patience = 10 * time.Second
	// grace is how long scripts, readers of pipes and mails have when the daemon stops.
	grace = time.Second
)

// Settings is what a reload may change.
type Settings struct {
	FIFOs []FIFO
	Mail  MailSettings
}

// Hub carries out notifications. Tell and Configure may be called from any
// goroutine and never block; everything happens on Run's.
type Hub struct {
	log   *zap.Logger
	grace time.Duration
	start func(context.Context, script.Command) (process, error)

	mu    sync.Mutex
	inbox []any // Event or Settings, in order
	wake  chan struct{}
}

// New returns a hub that starts with the given settings.
func New(s Settings, log *zap.Logger) *Hub {
	h := &Hub{log: log, grace: grace, start: startScript, wake: make(chan struct{}, 1)}
	h.post(s) // so that pipes are there and are read before the first event
	return h
}

// process is a script that runs.
type process interface {
	Wait() (script.Result, error)
}

func startScript(ctx context.Context, c script.Command) (process, error) {
	return script.Start(ctx, c)
}

// Tell reports an event.
func (h *Hub) Tell(e Event) { h.post(e) }

// Configure replaces the settings for the events that follow.
func (h *Hub) Configure(s Settings) { h.post(s) }

func (h *Hub) post(m any) {
	h.mu.Lock()
	h.inbox = append(h.inbox, m)
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *Hub) take() []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.inbox
	h.inbox = nil
	return m
}

// Run carries out what is told until ctx ends. Whatever was told before that
// is still delivered; then scripts, readers of pipes and mails have one second to end.
func (h *Hub) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r := &runner{
		hub:    h,
		ctx:    work,
		queues: make(map[key]*queue),
		done:   make(chan key),
		mailed: make(map[key]string),
		mails:  newMailer(h.log),
	}
	r.jobs.Go(func() { r.mails.run(work) })
	for ctx.Err() == nil {
		select {
		case <-h.wake:
			r.handle(h.take())
		case k := <-r.done:
			r.next(k)
		case <-ctx.Done():
		}
	}
	r.handle(h.take())
	r.finish(cancel)
	return nil
}

// runner is the state of Run, used on its goroutine only.
type runner struct {
	hub    *Hub
	ctx    context.Context // of scripts and mails; outlives Run's by the grace period
	queues map[key]*queue
	done   chan key // a queue may go on to its next state
	jobs   sync.WaitGroup
	fifos  []*pipe
	mailed map[key]string // the state last mailed
	mails  *mailer
}

// queue exists while scripts of an object run.
type queue struct{ waiting *Event }

func (r *runner) handle(messages []any) {
	for _, m := range messages {
		switch m := m.(type) {
		case Event:
			r.tell(m)
		case Settings:
			r.configure(m)
		}
	}
}

func (r *runner) tell(e Event) {
	if !e.NoFIFO {
		line := e.Line() + "\n"
		for _, p := range r.fifos {
			p.write(line)
		}
	}
	if e.Mail != nil {
		r.mail(e)
	}
	if e.Specific == nil && e.Generic == nil {
		return
	}
	k := e.key()
	if q, busy := r.queues[k]; busy {
		q.waiting = &e
		return
	}
	r.queues[k] = &queue{}
	r.start(k, e)
}

// mail sends the event's mail unless the previous one of the same instance or
// group said the same.
func (r *runner) mail(e Event) {
	if k := e.key(); e.Kind == Instance || e.Kind == Group {
		if r.mailed[k] == e.State {
			return
		}
		r.mailed[k] = e.State
	}
	r.mails.post(*e.Mail)
}

// start runs the scripts of an event and afterwards lets the queue go on.
func (r *runner) start(k key, e Event) {
	ended := r.spawn(e)
	r.jobs.Go(func() {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-ended:
		case <-timer.C:
			r.hub.log.Warn("notify script of "+e.Name+" still runs; not waiting for it any more",
				zap.String("object", e.Name), zap.String("state", e.State))
		case <-r.ctx.Done():
			return
		}
		select {
		case r.done <- k:
		case <-r.ctx.Done():
		}
	})
}

// spawn starts the scripts of an event, one right after the other, and returns
// a channel that is closed when all have ended.
func (r *runner) spawn(e Event) <-chan struct{} {
	ended := make(chan struct{})
	var running sync.WaitGroup
	for _, cmd := range e.commands() {
		p, err := r.hub.start(r.ctx, cmd)
		if err != nil {
			r.hub.log.Error("notify script "+cmd.String(), zap.Error(err))
			continue
		}
		running.Go(func() {
			res, err := p.Wait()
			if err == nil && !res.OK() {
				r.hub.log.Warn("notify script " + cmd.String() + " " + res.String())
			}
		})
	}
	r.jobs.Go(func() {
		running.Wait()
		close(ended)
	})
	return ended
}

// next goes on with what has waited in a queue.
func (r *runner) next(k key) {
	q := r.queues[k]
	if q.waiting == nil {
		delete(r.queues, k)
		return
	}
	e := *q.waiting
	q.waiting = nil
	r.start(k, e)
}

// finish delivers what still waits beside what still runs, for there is no
// time to wait, and ends everything after the grace period.
func (r *runner) finish(cancel func()) {
	for _, q := range r.queues {
		if q.waiting != nil {
			r.spawn(*q.waiting)
		}
	}
	r.mails.close()
	for _, p := range r.fifos {
		if reader := p.hangUp(); reader != nil {
			r.jobs.Go(func() { _, _ = reader.Wait() })
		}
	}
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		r.jobs.Wait()
	}()
	timer := time.NewTimer(r.hub.grace)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case <-r.done:
		case <-idle:
			waiting = false
		case <-timer.C:
			waiting = false
		}
	}
	cancel()
	<-idle
	for _, p := range r.fifos {
		p.close()
	}
}
