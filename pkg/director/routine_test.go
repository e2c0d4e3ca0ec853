package director

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// slowKernel takes its time for a table, and for each service.
type slowKernel struct {
	ipvs.Kernel
	table, service time.Duration
	tables         atomic.Int64
}

func (k *slowKernel) Read(ctx context.Context, owned func(ipvs.Key) bool) (ipvs.Table, error) {
	k.tables.Add(1)
	time.Sleep(k.table) // virtual
	return k.Kernel.Read(ctx, owned)
}

func (k *slowKernel) Get(ctx context.Context, keys ...ipvs.Key) (ipvs.Table, error) {
	time.Sleep(time.Duration(len(keys)) * k.service)
	return k.Kernel.Get(ctx, keys...)
}

func TestRoutineComparisonRestsAfterALongOne(t *testing.T) {
	for takes, want := range map[time.Duration]int64{0: 20, time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			k := &slowKernel{Kernel: ipvstest.New(), table: takes}
			r := newRole(Options{Config: every(5*time.Second, cfgOf(vs(rs("10.9.0.11:80", 1)))), Log: zap.NewNop()}, k)
			r.engine, r.hub, r.rules, r.sysctls = &fakeEngine{suspended: make(map[string]bool)}, &fakeHub{}, &fakeRules{}, fakeSysctls{}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- r.run(ctx) }()
			time.Sleep(3 * time.Second)
			before := k.tables.Load()
			time.Sleep(100 * time.Second)
			if got := k.tables.Load() - before; got != want {
				t.Errorf("a reading that takes %v is done %d times in 100 s, want %d", takes, got, want)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// large is a table that is compared in six pieces.
func large() *config.Config {
	var all []*config.VirtualServer
	for i := range 6 * pieceSize / 2 {
		all = append(all, edit(vs(rs(fmt.Sprintf("10.8.%d.%d:80", i/250, i%250), 1)), func(v *config.VirtualServer) {
			v.Addr = addr(fmt.Sprintf("10.9.%d.%d:80", i/250, i%250))
		}))
	}
	return every(5*time.Second, cfgOf(all...))
}

// inRoutine starts a role with a large table, each service of which takes a millisecond to
// read, and calls f when its first routine comparison begins.
func inRoutine(t *testing.T, f func(*rig, *slowKernel)) {
	synctest.Test(t, func(t *testing.T) {
		g := launch(t, ipvstest.New(), large())
		slow := &slowKernel{Kernel: g.kernel, service: time.Millisecond, table: time.Second}
		g.role.post(func() { g.role.kernel = slow }) // the worker waits for its next job
		g.kernel.Applied()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		f(g, slow)
		g.end()
	})
}

const (
	onePiece = pieceSize / 2 * time.Millisecond
	oneRound = 6 * (1 + rest) * onePiece
)

func TestFailingServerDoesNotWaitForARoutineComparison(t *testing.T) {
	inRoutine(t, func(g *rig, k *slowKernel) {
		time.Sleep(onePiece / 2)
		g.check("10.8.0.7:80", false)
		time.Sleep(onePiece/2 + 2*k.service)
		synctest.Wait()
		g.did("delete 10.8.0.7:80 from 10.9.0.7:80/tcp")
		if n := k.tables.Load(); n != 0 {
			t.Errorf("the whole table was read %d times", n)
		}
	})
}

func TestRoutineComparisonSeesEveryService(t *testing.T) {
	inRoutine(t, func(g *rig, k *slowKernel) {
		time.Sleep(onePiece / 2)
		for _, last := range []string{"10.9.3.17:80", "10.9.0.0:80"} { // of this round, and of the next: it has been looked at
			g.kernel.Tamper(ipvs.Op{Verb: ipvs.DeleteService, Service: ipvs.Service{Key: ipvs.AddressKey(ipvs.TCP, addr(last))}})
			time.Sleep(oneRound + 5*time.Second + 2*k.table)
			synctest.Wait()
			g.did("add service "+last+"/tcp", "add "+strings.Replace(last, "10.9", "10.8", 1)+" to "+last+"/tcp")
			if !g.logged("The IPVS table was changed by another program, repaired: add service " + last) {
				t.Error("the repair is not logged")
			}
		}
	})
}

func TestFlushedTableIsRepairedAtOnce(t *testing.T) {
	inRoutine(t, func(g *rig, k *slowKernel) {
		time.Sleep(onePiece + time.Second) // between the first piece and the second
		if err := g.kernel.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rest*onePiece + onePiece + 2*k.table)
		synctest.Wait()
		if got, want := len(g.kernel.Applied()), 6*pieceSize; got != want {
			t.Errorf("%d requests, want %d", got, want)
		}
	})
}
