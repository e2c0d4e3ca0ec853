package netlab

import (
	"sync/atomic"
	"time"
)

// Stalls measures how late this machine lets a program run that waits for a timer. A claim
// about a daemon's timing holds but for that.
type Stalls struct {
	worst atomic.Int64
	stop  chan struct{}
	ended chan struct{}
}

// stallTick is how often the measuring program wakes.
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
		if late := now.Sub(last) - stallTick; int64(late) > s.worst.Load() {
			s.worst.Store(int64(late))
		}
		last = now
	}
}

// Worst is the longest time that the measuring program was late so far.
func (s *Stalls) Worst() time.Duration { return time.Duration(s.worst.Load()) }
