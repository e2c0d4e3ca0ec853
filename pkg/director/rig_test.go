package director

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
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
	"github.com/holdfast-lb/holdfast/pkg/firewall"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
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
	clear(e.suspended)
	for _, spec := range s {
		if spec.Suspended {
			e.suspended[spec.Key] = true
		}
	}
}

func (e *fakeEngine) Suspend(key string, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.suspended[key] = on
}

func (e *fakeEngine) isSuspended(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.suspended[key]
}

func (e *fakeEngine) keys() (all []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.specs {
		all = append(all, s.Key)
	}
	return all
}

func (e *fakeEngine) TrackFile(string, int64) {}

func (e *fakeEngine) Session(string, bool) {}

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

func (h *fakeHub) Configure(notify.Settings) {}

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
	lost   bool
}

func (f *fakeRules) Apply(p firewall.ServicePolicy) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.policy, f.lost = p, false
	return nil
}

// Whole reports whether the rules are those that were applied: a test may take them away.
func (f *fakeRules) Whole() (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.lost, nil
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
	g.role.watchAddresses = func(ctx context.Context, _ func(netstate.Event)) error { <-ctx.Done(); return nil }
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
