package director

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

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

// brokenEngine is one whose checks come to an end by themselves.
type brokenEngine struct{ *fakeEngine }

func (brokenEngine) Run(context.Context) error { return errors.New("epoll is gone") }

// Without checks the role ends, for its successor to make them, and leaves the
// tables to it.
func TestEndOfTheChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		r := newRole(Options{Config: cfgOf(vs(rs("10.9.0.11:80", 1))), Log: zap.NewNop()}, k)
		r.engine, r.hub, r.rules, r.sysctls, r.flows = brokenEngine{&fakeEngine{}}, &fakeHub{}, &fakeRules{}, fakeSysctls{}, fakeSysctls{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := r.run(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("the role goes on without checks, to end with %v", err)
		}
		if left, _ := k.Read(t.Context(), nil); len(left) != 1 {
			t.Errorf("the role leaves %v, want its service", left)
		}
	})
}

// What was said of a server that has left the configuration is forgotten with it.
func TestOrdersOfServersThatAreGone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders")
	synctest.Test(t, func(t *testing.T) {
		keep := func(o *Options) { o.OrdersFile = file }
		both := func() *config.Config { return cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1))) }
		g := launch(t, ipvstest.New(), both(), keep)
		if err := g.role.administer(t.Context(), Maint, []byte(`{"virtual":"10.9.0.100:80","real":"10.9.0.11:80"}`)); err != nil {
			t.Fatal(err)
		}
		g.reload <- cfgOf(vs(rs("10.9.0.12:80", 1)))
		synctest.Wait()
		g.reload <- both()
		synctest.Wait()
		g.end()
		g = launch(t, ipvstest.New(), both(), keep)
		g.did("add service 10.9.0.100:80/tcp", "add 10.9.0.11:80 to 10.9.0.100:80/tcp", "add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		g.end()
	})
}

// unreadable is a kernel that does not finish reading its table.
type unreadable struct{ ipvs.Kernel }

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
