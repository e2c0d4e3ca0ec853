package script

import (
	"sync"
	"syscall"
	"time"
)

// group is the process group of a running program. Timers and contexts end it
// from goroutines of their own, and never after release, from which moment
// the number may belong to somebody else.
type group struct {
	mu       sync.Mutex
	pid      int // 0 once released
	ending   bool
	timedOut bool
	kill     *time.Timer
}

func newGroup(pid int) *group { return &group{pid: pid} }

// end asks the group to end and insists two seconds later.
func (g *group) end() { g.stop(false) }

// timeout is end for a program that took too long.
func (g *group) timeout() { g.stop(true) }

func (g *group) stop(late bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pid == 0 || g.ending {
		return
	}
	g.ending, g.timedOut = true, late
	_ = syscall.Kill(-g.pid, syscall.SIGTERM)
	g.kill = time.AfterFunc(killDelay, g.insist)
}

func (g *group) insist() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pid != 0 {
		_ = syscall.Kill(-g.pid, syscall.SIGKILL)
	}
}

// release says that the program itself is gone, and reports whether that was
// for taking too long. Whatever a program that had to be ended has left behind
// in its group goes with it.
func (g *group) release() (timedOut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ending {
		g.kill.Stop()
		_ = syscall.Kill(-g.pid, syscall.SIGKILL)
	}
	g.pid = 0
	return g.timedOut
}
