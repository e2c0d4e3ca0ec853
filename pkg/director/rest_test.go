package director

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
)

// slowKernel takes its time for a table, as a large one does.
type slowKernel struct {
	ipvs.Kernel
	takes time.Duration
	reads atomic.Int64
}

func (k *slowKernel) Read(ctx context.Context, owned func(ipvs.Key) bool) (ipvs.Table, error) {
	k.reads.Add(1)
	time.Sleep(k.takes) // virtual
	return k.Kernel.Read(ctx, owned)
}

func TestRoutineComparisonRestsAfterALongOne(t *testing.T) {
	for takes, want := range map[time.Duration]int64{0: 20, time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			k := &slowKernel{Kernel: ipvstest.New(), takes: takes}
			r := newRole(Options{Config: every(5*time.Second, cfgOf(vs(rs("10.9.0.11:80", 1)))), Log: zap.NewNop()}, k)
			r.engine, r.hub, r.rules, r.sysctls = &fakeEngine{suspended: make(map[string]bool)}, &fakeHub{}, &fakeRules{}, fakeSysctls{}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- r.run(ctx) }()
			time.Sleep(3 * time.Second)
			before := k.reads.Load()
			time.Sleep(100 * time.Second)
			if got := k.reads.Load() - before; got != want {
				t.Errorf("a reading that takes %v is done %d times in 100 s, want %d", takes, got, want)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
