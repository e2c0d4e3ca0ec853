package director

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		k.Tamper(foreign)
		g := launch(t, k, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1))))
		g.did("add service 10.9.0.100:80/tcp", "add 10.9.0.11:80 to 10.9.0.100:80/tcp", "add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		g.check("10.9.0.12:80", false)
		g.did("delete 10.9.0.12:80 from 10.9.0.100:80/tcp")
		g.check("10.9.0.12:80", true)
		g.did("add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		g.end()
		g.did("delete service 10.9.0.100:80/tcp")
		if left, _ := k.Read(t.Context(), nil); len(left) != 1 || left[0].Key != foreign.Service.Key {
			t.Errorf("the role leaves %v, want only what it found", left)
		}
		want := []string{
			"VS [10.9.0.100]:tcp:80 UP",
			"RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 DOWN",
			"RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 UP",
		}
		if diff := cmp.Diff(want, g.hub.lines); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
	})
}

func TestReloadSendsOnlyDifferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) { v.Addr = addr("10.9.0.101:80") })
		g := launch(t, ipvstest.New(), cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)), other))
		g.did("add service 10.9.0.100:80/tcp", "add 10.9.0.11:80 to 10.9.0.100:80/tcp", "add 10.9.0.12:80 to 10.9.0.100:80/tcp",
			"add service 10.9.0.101:80/tcp", "add 10.9.0.11:80 to 10.9.0.101:80/tcp")
		g.reload <- cfgOf(vs(rs("10.9.0.11:80", 7), rs("10.9.0.12:80", 1), rs("10.9.0.13:80", 1)), other)
		synctest.Wait()
		g.did("edit 10.9.0.11:80 of 10.9.0.100:80/tcp", "add 10.9.0.13:80 to 10.9.0.100:80/tcp")
		g.reload <- cfgOf(other)
		synctest.Wait()
		g.did("delete service 10.9.0.100:80/tcp")
		if g.logged("another program") {
			t.Error("a reload is taken for somebody else's work")
		}
		g.kernel.Tamper(ipvs.Op{Verb: ipvs.AddService, Service: ipvs.Service{Key: webKey, Scheduler: "rr"}})
		g.end()
		g.did("delete service 10.9.0.101:80/tcp") // what we have given up and somebody else has taken is not ours
	})
}

func TestDriftIsRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		g := launch(t, k, every(5*time.Second, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)))))
		k.Applied()
		k.Tamper(foreign, webOp(ipvs.DeleteDestination, "10.9.0.11:80", 0), webOp(ipvs.EditDestination, "10.9.0.12:80", 9))
		time.Sleep(4 * time.Second)
		synctest.Wait()
		g.did()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		g.did("add 10.9.0.11:80 to 10.9.0.100:80/tcp", "edit 10.9.0.12:80 of 10.9.0.100:80/tcp")
		if !g.logged("The IPVS table was changed by another program, repaired: add 10.9.0.11:80 to 10.9.0.100:80/tcp, edit 10.9.0.12:80 of 10.9.0.100:80/tcp") {
			t.Error("the repair is not logged")
		}
		k.Tamper(webOp(ipvs.DeleteService, "", 0))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		g.did("add service 10.9.0.100:80/tcp", "add 10.9.0.11:80 to 10.9.0.100:80/tcp", "add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		st, err := g.role.status(t.Context())
		if err != nil || st.Counters.Drift != 5 {
			t.Errorf("status %+v, %v, want a drift of 5", st, err)
		}
		g.end()
	})
}

func TestChangeMeetsDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		g := launch(t, k, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), rs("10.9.0.13:80", 1))))
		k.Applied()
		k.Tamper(webOp(ipvs.DeleteDestination, "10.9.0.11:80", 0), webOp(ipvs.DeleteDestination, "10.9.0.12:80", 0))
		g.check("10.9.0.12:80", false)
		g.did("add 10.9.0.11:80 to 10.9.0.100:80/tcp")
		g.end()
	})
}

func TestLostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		g := launch(t, k, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1))))
		k.Applied()
		k.LoseNextAnswer(ipvs.ErrUncertain)
		g.check("10.9.0.12:80", false)
		g.did("delete 10.9.0.12:80 from 10.9.0.100:80/tcp") // it was read again, and done
		k.LoseNextAnswer(errors.New("no socket"))
		g.check("10.9.0.12:80", true)
		g.did("add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		if !g.logged("IPVS could not be reconciled") {
			t.Error("the failure is not logged")
		}
		k.Tamper(webOp(ipvs.DeleteDestination, "10.9.0.12:80", 0)) // as if it had not been done
		time.Sleep(2 * retryDelay)
		synctest.Wait()
		g.did("add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		g.end()
	})
}

func TestRefusalIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		k.FailWith(func(op ipvs.Op) error {
			if op.Verb == ipvs.AddDestination && op.Destination.Port == 81 {
				return syscall.EINVAL
			}
			return nil
		})
		g := launch(t, k, every(time.Second, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:81", 1)))))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		said, drift := 0, 0
		for _, e := range g.logs.TakeAll() {
			if e.Message == "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: invalid argument(22) (10.9.0.100:80/tcp -> 10.9.0.12:81)" {
				said++
			}
			if strings.Contains(e.Message, "another program") {
				drift++
			}
		}
		if said != 1 || drift != 0 {
			t.Errorf("logged %d times, %d times as drift; want once and never", said, drift)
		}
		g.end()
	})
}

func TestSuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) { v.HASuspend = true })
		g := launch(t, ipvstest.New(), cfgOf(vs(rs("10.9.0.11:80", 1))))
		g.reload <- cfgOf(server)
		synctest.Wait()
		suspended := func(want bool) {
			t.Helper()
			if got := g.engine.suspended[g.engine.key("10.9.0.11:80")]; got != want {
				t.Errorf("suspended %v, want %v", got, want)
			}
		}
		here := func(a ...string) {
			set := make(map[netip.Addr]bool)
			for _, s := range a {
				set[netip.MustParseAddr(s)] = true
			}
			g.role.post(func() { g.role.located(set) })
			synctest.Wait()
		}
		suspended(false) // the addresses are not known
		here("10.9.0.1")
		suspended(true)
		g.reload <- cfgOf(server)
		synctest.Wait()
		if !g.engine.specs[0].Suspended {
			t.Error("a reload takes the suspension back")
		}
		here("10.9.0.1", "10.9.0.100")
		suspended(false)
		g.end()
	})
}

func TestClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		g := launch(t, k, cfgOf(vs(rs("10.9.0.11:80", 3), rs("10.9.0.12:80", 1))))
		k.Applied()
		ask := func(to Admin, params string) error {
			err := g.role.administer(t.Context(), to, []byte(params))
			synctest.Wait()
			return err
		}
		server := `{"virtual":"10.9.0.100:80","real":"10.9.0.11:80","timeout_ns":60000000000}`
		if err := ask(Drain, server); err != nil {
			t.Fatal(err)
		}
		g.did("edit 10.9.0.11:80 of 10.9.0.100:80/tcp")
		k.Connect(webKey, addr("10.9.0.11:80"), 2, 7)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		g.did()
		st, err := g.role.status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := control.RealServer{
			Name: "[10.9.0.11]:tcp:80", Up: true, Admin: "drain", Weight: 3, Configured: 3, InPool: true, Active: 2, Inactive: 7,
		}
		got := st.Virtual[0].Real[0]
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(control.RealServer{}, "Since", "DrainUntil", "Checks")); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		k.Connect(webKey, addr("10.9.0.11:80"), 0, 7)
		time.Sleep(time.Second)
		synctest.Wait()
		g.did("delete 10.9.0.11:80 from 10.9.0.100:80/tcp") // the last connection has gone
		if !g.engine.suspended[g.engine.key("10.9.0.11:80")] {
			t.Error("a drained server is still checked")
		}
		if err := ask(Ready, server); err != nil {
			t.Fatal(err)
		}
		g.did("add 10.9.0.11:80 to 10.9.0.100:80/tcp")
		if g.engine.suspended[g.engine.key("10.9.0.11:80")] {
			t.Error("a server that is ready again is not checked")
		}
		for _, params := range []string{`{`, `{"virtual":"x","real":"y"}`} {
			if err := ask(Drain, params); err == nil {
				t.Errorf("drain %s succeeds", params)
			}
		}
		g.end()
		if _, err := g.role.status(context.Background()); !errors.Is(err, errLeaving) {
			t.Errorf("status of a role that has ended: %v, want %v", err, errLeaving)
		}
	})
}

func TestSyncDaemonFollowsAnInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		cfg := cfgOf(vs(rs("10.9.0.11:80", 1)))
		cfg.Global.LVS.SyncDaemon = &config.SyncDaemon{Interface: "lan", Instance: "V1", ID: 51}
		g := launch(t, k, cfg)
		running := func(want ...ipvs.SyncRole) {
			t.Helper()
			synctest.Wait()
			list, _ := k.Daemons(t.Context())
			var got []ipvs.SyncRole
			for _, d := range list {
				got = append(got, d.Role)
			}
			if !slices.Equal(got, want) {
				t.Errorf("sync daemons %v, want %v", got, want)
			}
		}
		hear := func(state string) {
			g.role.post(func() { g.role.heardVRRP(map[string]string{"V1": state, "V2": "MASTER"}) })
		}
		running() // nobody has said who is master
		hear("BACKUP")
		running(ipvs.SyncBackup)
		k.Connect(webKey, netip.MustParseAddrPort("10.9.0.11:80"), 3, 4)
		knows := func(want control.SyncStatus) {
			t.Helper()
			if st, err := g.role.syncStatus(t.Context()); err != nil || *st != want {
				t.Errorf("connections: %+v (%v), want %+v", st, err, want)
			}
		}
		knows(control.SyncStatus{Backup: true, Connections: 7})
		hear("MASTER")
		running(ipvs.SyncMaster)
		knows(control.SyncStatus{})
		hear("FAULT")
		running(ipvs.SyncBackup)
		g.end()
		running()
	})
}

func (unreadable) Read(ctx context.Context, _ func(ipvs.Key) bool) (ipvs.Table, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// asked counts what a kernel is asked for.
type asked struct {
	ipvs.Kernel
	tables, services int
}

func (a *asked) Read(ctx context.Context, owned func(ipvs.Key) bool) (ipvs.Table, error) {
	a.tables++
	return a.Kernel.Read(ctx, owned)
}

func (a *asked) Get(ctx context.Context, keys ...ipvs.Key) (ipvs.Table, error) {
	a.services += len(keys)
	return a.Kernel.Get(ctx, keys...)
}

// One server that changes costs one request, and a look at its own service.
func TestCostOfOneChange(t *testing.T) {
	many := func(weight int) *config.Config {
		var all []*config.VirtualServer
		for i := range 50 {
			w := 1
			if i == 25 {
				w = weight
			}
			all = append(all, edit(vs(rs("10.9.0.11:80", w), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) {
				v.Addr = addr(fmt.Sprintf("10.9.1.%d:80", i))
			}))
		}
		return cfgOf(all...)
	}
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		g := launch(t, k, many(1))
		k.Applied()
		seen := &asked{Kernel: k}
		g.role.kernel = seen // the worker waits for its next job
		g.reload <- many(7)
		synctest.Wait()
		g.did("edit 10.9.0.11:80 of 10.9.1.25:80/tcp")
		if seen.tables != 0 || seen.services != 1 {
			t.Errorf("the kernel was asked for %d whole tables and %d services", seen.tables, seen.services)
		}
		g.end()
	})
}
