package track

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/script"
)

// Script is a program that is run again and again; exit status 0 is good.
type Script struct {
	Name     string
	Command  script.Command // its Timeout is how long a run may take; 0: Interval
	Interval time.Duration  // from start to start
	Rise     int
	Fall     int
	InitFail bool // counts as failed until the first result
}

// Scripts runs the tracked scripts, each in a goroutine of its own. Its methods
// belong to one goroutine.
type Scripts struct {
	report func(Event)
	run    func(context.Context, script.Command) (script.Result, error)
	open   map[string]*scriptLoop
	ended  sync.WaitGroup
}

// NewScripts returns a watcher of no scripts. report is called from several
// goroutines.
func NewScripts(report func(Event)) *Scripts {
	return &Scripts{report: report, run: script.Run, open: map[string]*scriptLoop{}}
}

// Set makes the scripts that run those that are wanted, told apart by name. One
// whose command is the same keeps its verdict whatever else changed; one that is
// wholly the same is not disturbed.
func (s *Scripts) Set(want []Script) {
	wanted := make(map[string]bool, len(want))
	for _, w := range want {
		wanted[w.Name] = true
		old := s.open[w.Name]
		if old != nil && reflect.DeepEqual(old.spec, w) {
			continue
		}
		s.open[w.Name] = s.start(w, old)
	}
	for name, l := range s.open {
		if !wanted[name] {
			l.cancel()
			delete(s.open, name)
		}
	}
}

// Close ends all scripts, also one that is running, and waits for them.
func (s *Scripts) Close() {
	s.Set(nil)
	s.ended.Wait()
}

// start begins to run a script, after an older definition of it has ended.
func (s *Scripts) start(w Script, old *scriptLoop) *scriptLoop {
	l := &scriptLoop{spec: w, report: s.report, run: s.run, done: make(chan struct{})}
	if old != nil {
		old.cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	s.ended.Go(func() {
		defer close(l.done)
		l.prepare(old)
		l.loop(ctx)
	})
	return l
}

// scriptLoop is one script; what changes in it belongs to its goroutine until
// done is closed.
type scriptLoop struct {
	spec      Script
	gate      Gate
	status    int // last exit status
	undecided bool
	report    func(Event)
	run       func(context.Context, script.Command) (script.Result, error)
	cancel    context.CancelFunc
	done      chan struct{}
}

// prepare sets where the script stands before its first run. The verdict of an
// older definition carries over when it came from the same command.
func (l *scriptLoop) prepare(old *scriptLoop) {
	l.gate = Gate{Rise: l.spec.Rise, Fall: l.spec.Fall}
	if l.spec.InitFail {
		l.gate.Start(Down)
		l.undecided = true
	}
	if old == nil {
		return
	}
	<-old.done
	was, is := old.spec.Command, l.spec.Command
	if reflect.DeepEqual(was.Args, is.Args) && reflect.DeepEqual(was.User, is.User) {
		l.gate.Start(old.gate.State())
		l.status, l.undecided = old.status, old.undecided
	}
}

// loop runs the script at fixed instants. A run that takes longer than the
// interval costs those it overlaps.
func (l *scriptLoop) loop(ctx context.Context) {
	command := l.spec.Command
	if command.Timeout == 0 {
		command.Timeout = l.spec.Interval
	}
	next := time.Now()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-alarm.C:
		}
		result, err := l.run(ctx, command)
		if ctx.Err() != nil {
			return // being stopped is not a result
		}
		if ev, ok := l.observe(result, err); ok {
			ev.At = time.Now()
			l.report(ev)
		}
		next = next.Add(l.spec.Interval)
		if late := time.Since(next); late > 0 {
			next = next.Add((late/max(l.spec.Interval, 1) + 1) * l.spec.Interval)
		}
		alarm.Reset(time.Until(next))
	}
}

// observe turns the end of a run into an event, if there is anything to tell.
func (l *scriptLoop) observe(r script.Result, err error) (Event, bool) {
	ev := Event{Kind: KindScript, Name: l.spec.Name}
	status := r.Status
	if err != nil {
		status = 127
	}
	if r.Signal == 0 && !r.TimedOut && status != l.status {
		ev.Log = append(ev.Log, fmt.Sprintf("Script `%s` now returning %d", l.spec.Name, status))
		l.status = status
	}
	ok := err == nil && r.OK()
	if l.undecided {
		l.gate.Start(Unknown) // the first result decides, also after init_fail
		l.undecided = false
	}
	ev.Changed = l.gate.Observe(ok)
	ev.State = l.gate.State()
	if ev.Changed {
		ev.Log = append(ev.Log, fmt.Sprintf("VRRP_Script(%s) %s", l.spec.Name, verdict(r, err)))
	}
	return ev, ev.Changed || len(ev.Log) > 0
}

func verdict(r script.Result, err error) string {
	switch {
	case err != nil:
		return fmt.Sprintf("failed (%v)", err)
	case r.TimedOut:
		return "timed_out"
	case r.Signal != 0:
		return fmt.Sprintf("failed (due to signal %d)", int(r.Signal))
	case r.Status != 0:
		return fmt.Sprintf("failed (exited with status %d)", r.Status)
	}
	return "succeeded"
}
