package router

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

func TestHurry(t *testing.T) {
	if err := hurry(); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	a, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Policy == unix.SCHED_NORMAL && a.Runtime != 0 && a.Runtime != uint64(slice) {
		t.Errorf("the thread's slice is %d ns, want %d, or 0 from a kernel that has none", a.Runtime, slice)
	}
}

func TestAutoPriority(t *testing.T) {
	cfg := &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 1)}}
	r := still(t, cfg, eth(1, "eth0", true))
	cfg.Global.MinAutoDelay = time.Second
	for _, step := range []struct {
		limit int
		late  time.Duration
		want  int
	}{
		{0, time.Minute, 0}, // off
		{2, 999 * time.Millisecond, 0},
		{2, time.Second, 1},
		{2, time.Minute, 2},
		{2, time.Minute, 2}, // no higher
	} {
		cfg.Global.MaxAutoPriority = step.limit
		r.overdue(step.late)
		if r.autoPriority != step.want {
			t.Errorf("late by %v, limit %d: priority %d, want %d", step.late, step.limit, r.autoPriority, step.want)
		}
	}
}
