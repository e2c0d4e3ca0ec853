package director

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
	"github.com/holdfast-lb/holdfast/pkg/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeEngine remembers what it was asked to check.
type fakeEngine struct {
	mu        sync.Mutex
	specs     []healthcheck.Spec
	suspended map[string]bool
}

func (e *fakeEngine) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (e *fakeEngine) Set(s []healthcheck.Spec) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.specs = s
}

func (e *fakeEngine) Suspend(key string, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.suspended[key] = on
}

func (e *fakeEngine) TrackFile(string, int64) {}
func (e *fakeEngine) Session(string, bool)    {}
func (e *fakeEngine) Snapshot(context.Context) ([]healthcheck.Status, error) {
	return nil, nil
}

// key is the key of the only check of a real server.
func (e *fakeEngine) key(real string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.specs {
		if strings.HasPrefix(s.Key, "["+addr(real).Addr().String()+"]") {
			return s.Key
		}
	}
	return ""
}

// fakeHub remembers what it was told.
type fakeHub struct {
	mu    sync.Mutex
	lines []string
}

func (h *fakeHub) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (h *fakeHub) Configure(notify.Settings)     {}
func (h *fakeHub) Tell(e notify.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, e.Line())
}

// fakeRules remember the rules that are in force.
type fakeRules struct {
	mu     sync.Mutex
	policy firewall.ServicePolicy
	closed bool
}

func (f *fakeRules) Apply(p firewall.ServicePolicy) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.policy = p
	return nil
}

func (f *fakeRules) Close() error { f.closed = true; return f.Apply(firewall.ServicePolicy{}) }

func (f *fakeRules) Release() error { f.closed = true; return nil }

// fakeSysctls remember what was set.
type fakeSysctls map[string]string

func (f fakeSysctls) Set(value string, name ...string) error {
	f[strings.Join(name, ".")] = value
	return nil
}

func (f fakeSysctls) AcceptLocal(towards netip.Addr) error {
	f["accept_local towards "+towards.String()] = "1"
	return nil
}

func (f fakeSysctls) Restore() error { clear(f); return nil }

// rig is a role with everything around it in memory, in a bubble.
type rig struct {
	*testing.T
	kernel *ipvstest.Memory
	engine *fakeEngine
	hub    *fakeHub
	rules  *fakeRules
	set    fakeSysctls
	flows  fakeSysctls
	role   *role
	logs   *observer.ObservedLogs
	reload chan *config.Config
	stop   func() error
}

// launch starts a role and waits until it has nothing to do.
func launch(t *testing.T, k *ipvstest.Memory, cfg *config.Config, change ...func(*Options)) *rig {
	core, logs := observer.New(zap.InfoLevel)
	g := &rig{
		T: t, kernel: k, logs: logs, hub: &fakeHub{}, reload: make(chan *config.Config),
		engine: &fakeEngine{suspended: make(map[string]bool)}, rules: &fakeRules{}, set: fakeSysctls{}, flows: fakeSysctls{},
	}
	opt := Options{Config: cfg, Reload: g.reload, Log: zap.New(core)}
	for _, f := range change {
		f(&opt)
	}
	g.role = newRole(opt, k)
	g.role.engine, g.role.hub, g.role.rules, g.role.sysctls, g.role.flows = g.engine, g.hub, g.rules, g.set, g.flows
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.role.run(ctx) }()
	g.stop = func() error { cancel(); return <-done }
	synctest.Wait()
	return g
}

func (g *rig) check(real string, up bool) {
	g.role.checked(healthcheck.Event{Key: g.engine.key(real), Up: up, First: true, Turned: true, Result: healthcheck.Result{OK: up}})
	synctest.Wait()
}

// did compares the requests that reached the kernel since the last call.
func (g *rig) did(want ...string) {
	g.Helper()
	var got []string
	for _, op := range g.kernel.Applied() {
		got = append(got, op.String())
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		g.Errorf("requests (-want +got):\n%s", diff)
	}
}

// logged says whether a line was logged since the last call.
func (g *rig) logged(part string) bool {
	return slices.ContainsFunc(g.logs.TakeAll(), func(e observer.LoggedEntry) bool { return strings.Contains(e.Message, part) })
}

func (g *rig) end() {
	g.Helper()
	if err := g.stop(); err != nil {
		g.Errorf("the role ended with %v", err)
	}
}

var (
	webKey  = ipvs.AddressKey(ipvs.TCP, addr("10.9.0.100:80"))
	foreign = ipvs.Op{Verb: ipvs.AddService, Service: ipvs.Service{
		Key: ipvs.AddressKey(ipvs.TCP, addr("10.9.0.119:99")), Scheduler: "rr", Netmask: 0xffffffff,
	}}
)

func webOp(v ipvs.Verb, at string, weight int32) ipvs.Op {
	op := ipvs.Op{Verb: v, Service: ipvs.Service{Key: webKey}}
	if at != "" {
		op.Destination = ipvs.Destination{Addr: addr(at).Addr(), Port: addr(at).Port(), Weight: weight}
	}
	return op
}

func every(period time.Duration, cfg *config.Config) *config.Config {
	cfg.Global.LVS.ReconcileInterval = period
	return cfg
}

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

func TestAdoptionSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)))
		k := ipvstest.New()
		g := launch(t, k, cfg, func(o *Options) { o.DontReleaseIPVS = true })
		g.check("10.9.0.12:80", false)
		g.end()
		k.Applied()
		g = launch(t, k, cfg)
		g.did()
		g.check("10.9.0.12:80", true)
		g.did("add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		g.end()
	})
}

// What a first start finds is not touched, as with keepalived, until the first
// comparison as a matter of routine; a successor, or a role that makes none,
// puts it right at once.
func TestLeftoversAtTheStart(t *testing.T) {
	every5 := func(cfg *config.Config) *config.Config { return every(5*time.Second, cfg) }
	repair := []string{"edit service 10.9.0.100:80/tcp", "edit 10.9.0.11:80 of 10.9.0.100:80/tcp", "delete 10.9.0.17:80 from 10.9.0.100:80/tcp"}
	const missing = "add 10.9.0.12:80 to 10.9.0.100:80/tcp"
	for _, tt := range []struct {
		name   string
		cfg    func(*config.Config) *config.Config
		change func(*Options)
		first  []string
		later  []string
	}{
		{"a first start", every5, func(*Options) {}, []string{missing}, repair},
		{"a successor", every5, func(o *Options) { o.Restarted = true }, slices.Insert(slices.Clone(repair), 2, missing), nil},
		{"lvs_reconcile_interval 0", func(c *config.Config) *config.Config { return c }, func(*Options) {}, slices.Insert(slices.Clone(repair), 2, missing), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := ipvstest.New()
				k.Tamper(ipvs.Op{Verb: ipvs.AddService, Service: ipvs.Service{Key: webKey, Scheduler: "sh"}},
					webOp(ipvs.AddDestination, "10.9.0.11:80", 1), webOp(ipvs.AddDestination, "10.9.0.17:80", 7))
				unchecked := vs(rs("10.9.0.11:80", 5), rs("10.9.0.12:80", 1))
				for _, s := range unchecked.RealServers {
					s.Checkers = nil
				}
				g := launch(t, k, tt.cfg(cfgOf(unchecked)), tt.change)
				g.did(tt.first...)
				if said := g.logged("differs from the configuration, to be put right in 5s: edit service 10.9.0.100:80/tcp, edit"); said != (tt.later != nil) {
					t.Errorf("that it differs is logged: %v", said)
				}
				time.Sleep(6 * time.Second)
				synctest.Wait()
				g.did(tt.later...)
				g.end()
			})
		})
	}
}

// TestFlushIsForTheFirstStart: a successor keeps what its predecessor built.
func TestFlushIsForTheFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := cfgOf(vs(rs("10.9.0.11:80", 1)))
		cfg.Global.LVS.Flush = true
		k := ipvstest.New()
		g := launch(t, k, cfg, func(o *Options) { o.DontReleaseIPVS = true })
		g.end()
		k.Applied()
		g = launch(t, k, cfg, func(o *Options) { o.Restarted = true })
		g.did()
		g.end()
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

func TestEndings(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  config.LVSGlobal
		keep bool
		left []ipvs.Key
	}{
		{name: "as usual", left: []ipvs.Key{foreign.Service.Key}},
		{name: "lvs_flush_on_stop", cfg: config.LVSGlobal{FlushOnStop: config.FlushAll}},
		{name: "lvs_flush_on_stop VS", cfg: config.LVSGlobal{FlushOnStop: config.FlushServices}, left: []ipvs.Key{foreign.Service.Key}},
		{name: "dont-release-ipvs", keep: true, left: []ipvs.Key{foreign.Service.Key, webKey}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := ipvstest.New()
				k.Tamper(foreign)
				cfg := cfgOf(vs(rs("10.9.0.11:80", 1)))
				cfg.Global.LVS = tt.cfg
				g := launch(t, k, cfg, func(o *Options) { o.DontReleaseIPVS = tt.keep })
				g.end()
				var left []ipvs.Key
				found, _ := k.Read(t.Context(), nil)
				for _, e := range found {
					left = append(left, e.Key)
				}
				if diff := cmp.Diff(tt.left, left, cmpopts.EquateComparable(ipvs.Key{})); diff != "" {
					t.Errorf("left behind (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A role that is told to end before it has begun takes down what its predecessor
// has left.
func TestEndDuringTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		k.Tamper(ipvs.Op{Verb: ipvs.AddService, Service: ipvs.Service{Key: webKey, Scheduler: "rr"}}, webOp(ipvs.AddDestination, "10.9.0.11:80", 1))
		r := newRole(Options{Config: cfgOf(vs(rs("10.9.0.11:80", 1))), Log: zap.NewNop(), Restarted: true}, k)
		r.engine, r.hub, r.rules, r.sysctls, r.flows = &fakeEngine{}, &fakeHub{}, &fakeRules{}, fakeSysctls{}, fakeSysctls{}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.run(ctx); err != nil {
			t.Errorf("the role ended with %v", err)
		}
		if left, _ := k.Read(t.Context(), nil); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestFlushTimeoutsAndDaemons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		k.Tamper(foreign)
		before, _ := k.Timeouts(t.Context())
		cfg := cfgOf(vs(rs("10.9.0.11:80", 1)))
		cfg.Global.LVS = config.LVSGlobal{Flush: true, TimeoutTCP: time.Hour, SyncDaemon: &config.SyncDaemon{Interface: "lan", ID: 3}}
		g := launch(t, k, cfg)
		if found, _ := k.Read(t.Context(), nil); len(found) != 1 || found[0].Key != webKey {
			t.Errorf("after lvs_flush there is %v, want only ours", found)
		}
		timeouts := func(want ipvs.Timeouts) {
			t.Helper()
			if got, _ := k.Timeouts(t.Context()); got != want {
				t.Errorf("timeouts %+v, want %+v", got, want)
			}
		}
		daemons := func(want ...string) {
			t.Helper()
			running, _ := k.Daemons(t.Context())
			var got []string
			for _, d := range running {
				got = append(got, d.Role.String()+" "+d.Interface)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("sync daemons (-want +got):\n%s", diff)
			}
		}
		timeouts(ipvs.Timeouts{TCP: time.Hour, TCPFin: before.TCPFin, UDP: before.UDP})
		daemons("master lan", "backup lan")

		next := cfgOf(vs(rs("10.9.0.11:80", 1)))
		next.Global.LVS = config.LVSGlobal{TimeoutUDP: time.Second, SyncDaemon: &config.SyncDaemon{Interface: "wan", ID: 3}}
		g.reload <- next
		synctest.Wait()
		timeouts(ipvs.Timeouts{TCP: before.TCP, TCPFin: before.TCPFin, UDP: time.Second})
		daemons("master wan", "backup wan")
		g.end()
		timeouts(before)
		daemons()
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

func TestFullNAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) {
			v.Method.FullNAT, v.SNAT = true, netip.MustParseAddr("10.9.0.1")
		})
		g := launch(t, ipvstest.New(), cfgOf(server))
		want := firewall.ServicePolicy{SNAT: []firewall.SNAT{{
			Addr: webKey.Addr, Protocol: 6, Port: 80, Source: netip.MustParseAddr("10.9.0.1"),
		}}}
		if diff := cmp.Diff(want, g.rules.policy, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
		parameters := fakeSysctls{"net.ipv4.vs.conntrack": "1"}
		if diff := cmp.Diff(parameters, g.set); diff != "" {
			t.Errorf("kernel parameters (-want +got):\n%s", diff)
		}
		g.reload <- cfgOf(vs(rs("10.9.0.11:80", 1)))
		synctest.Wait()
		if len(g.rules.policy.SNAT) != 0 {
			t.Errorf("rules of a service that needs none any more: %+v", g.rules.policy)
		}
		g.end()
		if !g.rules.closed || len(g.set) != 0 {
			t.Errorf("after the end: rules closed %v, parameters %v", g.rules.closed, g.set)
		}
	})
}

// The kernel lets go of connections while a server leaves a virtual server that
// wants it, and at no other time.
func TestFlowsOfAServerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(address string, expire config.Tri) *config.VirtualServer {
			return edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) {
				v.Addr, v.ExpireConns = addr(address), expire
			})
		}
		k := ipvstest.New()
		cfg := cfgOf(at("10.9.0.100:80", config.True), at("10.9.0.101:80", config.False))
		g := launch(t, k, cfg)
		set := map[string]bool{} // by request: what was in force
		k.FailWith(func(op ipvs.Op) error {
			set[op.String()] = g.flows["net.ipv4.vs.expire_nodest_conn"] == "1"
			return nil
		})
		for _, v := range cfg.VirtualServers {
			without := *v
			without.RealServers = v.RealServers[:1]
			next := cfgOf(cfg.VirtualServers...)
			next.VirtualServers = slices.Clone(next.VirtualServers)
			next.VirtualServers[slices.Index(cfg.VirtualServers, v)] = &without
			g.reload <- next
			synctest.Wait()
			g.reload <- cfg
			synctest.Wait()
		}
		k.FailWith(nil)
		want := map[string]bool{
			"delete 10.9.0.12:80 from 10.9.0.100:80/tcp": true, "add 10.9.0.12:80 to 10.9.0.100:80/tcp": false,
			"delete 10.9.0.12:80 from 10.9.0.101:80/tcp": false, "add 10.9.0.12:80 to 10.9.0.101:80/tcp": false,
		}
		if diff := cmp.Diff(want, set); diff != "" {
			t.Errorf("expire_nodest_conn (-want +got):\n%s", diff)
		}
		g.end()
	})
}

// With nftables_ipvs a group is one service for each family.
func TestMarkedGroup(t *testing.T) {
	one := func(group string) *config.VirtualServer {
		return edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) { v.Addr, v.Group = netip.AddrPort{}, group })
	}
	cfg := cfgOf(one("a"), one("b"))
	cfg.Global.Firewall = config.FirewallGlobal{NFIPVS: true, NFIPVSStartFwmark: 1000}
	cfg.ServerGroups = []*config.ServerGroup{
		{Name: "a", Ranges: []config.GroupRange{
			{First: netip.MustParseAddr("10.9.0.100"), Count: 2, Port: 80},
			{First: netip.MustParseAddr("fd09::100"), Count: 1, Port: 80},
		}, Marks: []config.GroupMark{{Mark: 1001}}},
		{Name: "b", Ranges: []config.GroupRange{{First: netip.MustParseAddr("10.9.0.110"), Count: 1, Port: 81}}},
	}
	s := begin(t, cfg)
	table := `
		fwmark 1000/IPv4 rr
		  10.9.0.11:80 NAT 1
		fwmark 1000/IPv6 rr
		  10.9.0.11:80 NAT 1
		fwmark 1001/IPv4 rr
		  10.9.0.11:80 NAT 1
		fwmark 1002/IPv4 rr
		  10.9.0.11:80 NAT 1
		`
	s.tables(table)
	var marks []string
	for _, m := range s.p.rules().Marks {
		marks = append(marks, fmt.Sprintf("%v/%d:%d %d", m.Addr, m.Protocol, m.Port, m.FWMark))
	}
	want := []string{"10.9.0.100/6:80 1000", "10.9.0.101/6:80 1000", "fd09::100/6:80 1000", "10.9.0.110/6:81 1002"}
	if diff := cmp.Diff(want, marks); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	cfg.VirtualServers = cfg.VirtualServers[1:]
	s.reload(cfg)
	s.tables(`
		fwmark 1002/IPv4 rr
		  10.9.0.11:80 NAT 1
		`)
}

func TestOrdersOutliveTheProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders")
	synctest.Test(t, func(t *testing.T) {
		keep := func(o *Options) { o.OrdersFile, o.DontReleaseIPVS = file, true }
		cfg := cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), rs("10.9.0.13:80", 1)))
		k := ipvstest.New()
		g := launch(t, k, cfg, keep)
		ask := func(to Admin, real string) {
			t.Helper()
			if err := g.role.administer(t.Context(), to, []byte(`{"virtual":"10.9.0.100:80","real":"`+real+`","timeout_ns":3600000000000}`)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		ask(Drain, "10.9.0.11:80")
		ask(Maint, "10.9.0.12:80")
		g.end()
		k.Applied()

		g = launch(t, k, cfg, keep)
		g.did()
		if !g.engine.specs[1].Suspended {
			t.Error("a server in maintenance is checked again")
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		g.did("delete 10.9.0.11:80 from 10.9.0.100:80/tcp") // the deadline of the drain
		ask(Ready, "10.9.0.11:80")
		ask(Ready, "10.9.0.12:80")
		g.did("add 10.9.0.11:80 to 10.9.0.100:80/tcp")
		g.check("10.9.0.12:80", true) // which was not in the table, so its check has the word
		g.did("add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		g.end()
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without orders there is still a file: %v", err)
		}
	})
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if o, err := recall(file); err == nil {
		t.Errorf("recall of a broken file = %v", o)
	}
}

// unreadable is a kernel that does not finish reading its table.
type unreadable struct{ ipvs.Kernel }

func (unreadable) Read(ctx context.Context, _ func(ipvs.Key) bool) (ipvs.Table, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A stop does not wait until a large table has been read.
func TestStopInterruptsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRole(Options{Log: zap.NewNop()}, unreadable{ipvstest.New()})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.work(ctx) }()
		r.jobs <- job{full: true, keys: []ipvs.Key{webKey}}
		time.Sleep(time.Second)
		stopped := time.Now()
		stop()
		<-done
		if d := time.Since(stopped); d > 0 {
			t.Errorf("the worker ended after %v", d)
		}
	})
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
