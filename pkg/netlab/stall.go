package netlab

import (
	"sync"
	"time"
)

// Stalls measures how late this machine lets a program run that waits for a timer. A claim
// about a daemon's timing holds but for that.
type Stalls struct {
	stop  chan struct{}
	ended chan struct{}

	mu   sync.Mutex
	seen []stall
}

// stall is a time in which the measuring program was to run and did not.
type stall struct {
	end  time.Time
	long time.Duration
}

// stallTick is how often the measuring program wakes. What is shorter is no stall.
const stallTick = 5 * time.Millisecond

// WatchStalls measures until the end of the test.
func (l *Lab) WatchStalls() *Stalls {
	s := &Stalls{stop: make(chan struct{}), ended: make(chan struct{})}
	go s.watch()
	l.Cleanup(func() { close(s.stop); <-s.ended })
	return s
}

func (s *Stalls) watch() {
	defer close(s.ended)
	tick := time.NewTicker(stallTick)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		now := time.Now()
		if late := now.Sub(last) - stallTick; late > stallTick {
			s.mu.Lock()
			s.seen = append(s.seen, stall{now, late})
			s.mu.Unlock()
		}
		last = now
	}
}

// Worst is the longest time that the measuring program was late so far.
func (s *Stalls) Worst() time.Duration { return s.Since(time.Time{}) }

// Since is the longest of the stalls that ended at or after a time.
func (s *Stalls) Since(from time.Time) (worst time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.seen {
		if !one.end.Before(from) {
			worst = max(worst, one.long)
		}
	}
	return worst
}
