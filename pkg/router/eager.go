package router

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// slice is the time slice that the role's threads ask the fair scheduler for.
// They run for some microseconds at a time; whoever asks for less is scheduled
// sooner beside busy processes (since Linux 6.12, and harmless before).
const slice = 100 * time.Microsecond

// hurry asks for prompt scheduling. A role with a real-time priority has it.
func hurry() error {
	return everyThread(func(a *unix.SchedAttr) bool {
		a.Runtime = uint64(slice)
		return a.Policy == unix.SCHED_NORMAL
	})
}

// everyThread changes the scheduling of all threads; threads to come inherit
// it from theirs.
func everyThread(change func(*unix.SchedAttr) bool) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		a, err := unix.SchedGetAttr(tid, 0)
		if errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		if err == nil && change(a) {
			err = unix.SchedSetAttr(tid, a, 0)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// overdue is a timer that was noticed late. With max_auto_priority that raises
// the real-time priority of the process, one step at a time.
func (r *role) overdue(late time.Duration) {
	g := &r.cfg.Global
	if g.MaxAutoPriority <= 0 || late < g.MinAutoDelay || r.autoPriority >= g.MaxAutoPriority {
		return
	}
	r.autoPriority = max(r.autoPriority, g.VRRP.RTPriority) + 1
	priority := uint32(r.autoPriority)
	r.log.Info(fmt.Sprintf("A thread timer expired %.6f seconds ago, raising the real-time priority to %d", late.Seconds(), priority),
		zap.Duration("late", late))
	r.system(func() error {
		return everyThread(func(a *unix.SchedAttr) bool {
			a.Policy, a.Priority, a.Nice, a.Runtime = unix.SCHED_RR, priority, 0, 0
			return true
		})
	})
}
