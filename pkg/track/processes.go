package track

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Without process events all processes are looked at this often, and those that
// are counted more often, so that a death is noticed soon.
const (
	scanInterval   = time.Second
	memberInterval = 100 * time.Millisecond
)

// Processes counts running processes, by the kernel's process events where they
// are to be had and by looking into /proc elsewhere.
type Processes struct {
	report func(Event)
	dial   func() (*os.File, error) // subscribes to process events
	wake   chan struct{}
	stop   context.CancelFunc
	ended  sync.WaitGroup

	mu   sync.Mutex // held for moments only, never while reporting
	next *[]Process // what Set wants, until the goroutine takes it

	// What follows belongs to the goroutine.
	tallies map[string]*tally
	feed    chan procEvent
	dialled bool     // whether events were asked for
	events  *os.File // nil without process events
}

// NewProcesses returns a watcher of no processes. buffer is the receive buffer
// for process events in bytes; 0 leaves the kernel's default. report is called
// from one goroutine.
func NewProcesses(buffer int, report func(Event)) *Processes {
	return newProcesses(func() (*os.File, error) { return dialConnector(buffer) }, report)
}

func newProcesses(dial func() (*os.File, error), report func(Event)) *Processes {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Processes{
		report: report, dial: dial, wake: make(chan struct{}, 1), stop: cancel,
		tallies: map[string]*tally{}, feed: make(chan procEvent, 256),
	}
	p.ended.Go(func() { p.loop(ctx) })
	return p
}

// Set makes the counted processes those that are wanted. The verdict on each new
// one is reported soon after.
func (p *Processes) Set(want []Process) {
	want = slices.Clone(want)
	p.mu.Lock()
	p.next = &want
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Close ends the watch and waits.
func (p *Processes) Close() {
	p.stop()
	p.ended.Wait()
}

// subscribe asks for process events, once there is something to count: where
// there are none, that takes a while to find out.
func (p *Processes) subscribe(ctx context.Context) {
	if p.dialled || len(p.tallies) == 0 {
		return
	}
	p.dialled = true
	events, err := p.dial()
	if err != nil {
		return // then we look again and again
	}
	p.events = events
	p.ended.Go(func() { p.read(ctx, events) })
	context.AfterFunc(ctx, func() { events.Close() })
}

// read passes on process events until the socket is closed, or fails.
func (p *Processes) read(ctx context.Context, events *os.File) {
	buf := make([]byte, 16<<10)
	for {
		n, err := events.Read(buf)
		list := parseProcEvents(buf[:max(n, 0)])
		switch {
		case errors.Is(err, unix.ENOBUFS):
			list = []procEvent{{what: procLost}}
		case err != nil && !errors.Is(err, unix.EINTR):
			list = []procEvent{{what: procOver}}
		}
		for _, ev := range list {
			select {
			case p.feed <- ev:
			case <-ctx.Done():
				return
			}
			if ev.what == procOver {
				return
			}
		}
	}
}

func (p *Processes) loop(ctx context.Context) {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	var scanned time.Time
	for {
		alarm.Reset(p.pause(time.Now(), scanned))
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			p.take()
			p.scan()
			p.subscribe(ctx)
			scanned = p.scan() // what happened meanwhile
		case ev := <-p.feed:
			switch ev.what {
			case procOver:
				p.events = nil // then we look again and again
				scanned = p.scan()
			case procLost:
				scanned = p.scan()
			default:
				p.happened(ev)
			}
		case now := <-alarm.C:
			for _, t := range p.tallies {
				p.tell(t, t.delay.Expire(now), now)
			}
			if p.events == nil {
				p.checkMembers()
				if now.Sub(scanned) >= scanInterval {
					scanned = p.scan()
				}
			}
		}
	}
}

// pause is how long nothing needs to be done unless something happens.
func (p *Processes) pause(now, scanned time.Time) time.Duration {
	pause := time.Hour
	if p.events == nil && len(p.tallies) > 0 {
		pause = min(max(scanned.Add(scanInterval).Sub(now), 0), memberInterval)
	}
	for _, t := range p.tallies {
		if at := t.delay.Deadline(); !at.IsZero() {
			pause = min(pause, max(at.Sub(now), 0))
		}
	}
	return pause
}

func (p *Processes) take() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		return
	}
	old := p.tallies
	p.tallies = make(map[string]*tally, len(*p.next))
	for _, w := range *p.next {
		t := old[w.Name]
		if t == nil || !reflect.DeepEqual(t.spec, w) {
			t = newTally(w)
		}
		p.tallies[w.Name] = t
	}
	p.next = nil
}

// scan looks at all processes.
func (p *Processes) scan() time.Time {
	if len(p.tallies) == 0 {
		return time.Now()
	}
	all, now := allProcesses(), time.Now()
	for _, t := range p.tallies {
		pids := map[int]bool{}
		for _, one := range all {
			if t.spec.Matches(one.comm, one.argv) {
				pids[one.pid] = true
			}
		}
		p.tell(t, t.replace(pids, now), now)
	}
	return now
}

// checkMembers looks whether the processes that are counted still run.
func (p *Processes) checkMembers() {
	for _, t := range p.tallies {
		for pid := range t.pids {
			p.look(t, pid)
		}
	}
}

// look compares one process with what a tally wants.
func (p *Processes) look(t *tally, pid int) {
	one, ok := oneProcess(pid)
	now := time.Now()
	p.tell(t, t.note(pid, ok && t.spec.Matches(one.comm, one.argv), now), now)
}

// happened notes one process event.
func (p *Processes) happened(ev procEvent) {
	now := time.Now()
	for _, t := range p.tallies {
		switch ev.what {
		case procExit:
			p.tell(t, t.note(ev.pid, false, now), now)
		case procFork: // a copy is what its parent is, until it executes a program
			if t.pids[ev.parent] {
				p.look(t, ev.pid)
			}
		case procExec, procComm:
			p.look(t, ev.pid)
		}
	}
}

func (p *Processes) tell(t *tally, changed bool, now time.Time) {
	if changed {
		p.report(t.event(now))
	}
}
