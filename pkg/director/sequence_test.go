package director

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// moody is a kernel that fails in every way that there is, for a while.
type moody struct {
	*ipvstest.Memory
	mu sync.Mutex
	moods
	gate chan struct{} // closed: requests get through
}

// moods are what fails next.
type moods struct {
	unreadable int  // how many readings fail
	halfRead   bool // a dump misses its first service
	halfDone   bool // the answers to half of some requests are lost, and the others not sent
	daemons    bool // sync daemons can be neither started nor stopped
}

var errMoody = errors.New("not now")

func newMoody() *moody {
	m := &moody{Memory: ipvstest.New(), gate: make(chan struct{})}
	close(m.gate)
	return m
}

// next waits until requests get through, and returns what fails now.
func (m *moody) next(spend func(*moods)) moods {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	<-gate
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.moods
	spend(&m.moods)
	return now
}

func (m *moody) get(set func(*moods)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	set(&m.moods)
}

func (m *moody) Read(ctx context.Context, owned func(ipvs.Key) bool) (ipvs.Table, error) {
	now := m.next(func(m *moods) { m.unreadable, m.halfRead = max(0, m.unreadable-1), false })
	if now.unreadable > 0 {
		return nil, errMoody
	}
	t, err := m.Memory.Read(ctx, owned)
	if now.halfRead && len(t) > 0 {
		t = t[1:]
	}
	return t, err
}

func (m *moody) Get(ctx context.Context, keys ...ipvs.Key) (ipvs.Table, error) {
	if m.next(func(m *moods) { m.unreadable = max(0, m.unreadable-1) }).unreadable > 0 {
		return nil, ipvs.ErrUncertain
	}
	return m.Memory.Get(ctx, keys...)
}

func (m *moody) Status(ctx context.Context, owned func(ipvs.Key) bool) ([]ipvs.EntryStatus, error) {
	m.next(func(*moods) {})
	return m.Memory.Status(ctx, owned)
}

func (m *moody) Apply(ctx context.Context, ops []ipvs.Op) ([]ipvs.OpError, error) {
	if !m.next(func(m *moods) { m.halfDone = false }).halfDone {
		return m.Memory.Apply(ctx, ops)
	}
	refused, _ := m.Memory.Apply(ctx, ops[:(len(ops)+1)/2])
	return refused, ipvs.ErrUncertain
}

func (m *moody) StartDaemon(ctx context.Context, d ipvs.SyncDaemon) error {
	if m.next(func(*moods) {}).daemons {
		return errMoody
	}
	return m.Memory.StartDaemon(ctx, d)
}

func (m *moody) StopDaemon(ctx context.Context, d ipvs.SyncDaemon) error {
	if m.next(func(*moods) {}).daemons {
		return ipvs.ErrUncertain
	}
	return m.Memory.StopDaemon(ctx, d)
}

// calm ends all that.
func (m *moody) calm() {
	m.FailWith(nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moods = moods{}
	select {
	case <-m.gate:
	default:
		close(m.gate)
	}
}

func (m *moody) hold() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.gate:
		m.gate = make(chan struct{})
	default: // is held
	}
}

// drawConfig draws up to four virtual servers; the last two share their service.
func drawConfig(t *rapid.T, interval time.Duration) *config.Config {
	cfg := cfgOf()
	for i := range 4 {
		if !rapid.Bool().Draw(t, "wanted") {
			continue
		}
		v := drawService(t)
		v.Addr = addr(fmt.Sprintf("10.9.1.%d:80", min(i, 2)))
		v.HASuspend = rapid.Bool().Draw(t, "ha_suspend")
		if rapid.Bool().Draw(t, "slow start") {
			v.SlowStart = 20 * time.Second
		}
		cfg.VirtualServers = append(cfg.VirtualServers, v)
	}
	cfg.Global.LVS.ReconcileInterval = interval
	if rapid.Bool().Draw(t, "sync daemon") {
		cfg.Global.LVS.SyncDaemon = &config.SyncDaemon{
			Interface: rapid.SampledFrom([]string{"lan", "wan"}).Draw(t, "interface"),
			Instance:  rapid.SampledFrom([]string{"", "V1"}).Draw(t, "instance"),
		}
	}
	return cfg
}

// troubled is a role that has to bear with everything.
type troubled struct {
	*rig
	k        *moody
	interval time.Duration
}

// events are all that may happen.
func (g *troubled) events() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"reload": func(t *rapid.T) {
			g.reload <- drawConfig(t, g.interval)
			synctest.Wait()
		},
		"verdict": func(t *rapid.T) {
			keys := g.engine.keys()
			if len(keys) == 0 {
				return
			}
			key := rapid.SampledFrom(keys).Draw(t, "check")
			up := rapid.Bool().Draw(t, "up")
			g.role.checked(healthcheck.Event{Key: key, Up: up, First: true, Result: healthcheck.Result{OK: up}})
			synctest.Wait()
		},
		"order": func(t *rapid.T) {
			to := rapid.SampledFrom([]Admin{Ready, Drain, Maint}).Draw(t, "to")
			timeout := rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "timeout")
			which := rapid.IntRange(0, 100).Draw(t, "which")
			g.within(func() {
				if n := len(g.role.policy.pools); n > 0 {
					pl := g.role.policy.pools[which%n]
					s := pl.servers[which/n%len(pl.servers)]
					g.role.carry(g.role.policy.administer(pl, s, to, timeout, time.Now()))
				}
			})
		},
		"connections": func(t *rapid.T) {
			n := uint32(rapid.IntRange(0, 1).Draw(t, "active"))
			for _, e := range g.table() {
				for _, d := range e.Destinations {
					g.k.Connect(e.Key, d.AddrPort(), n, 0)
				}
			}
		},
		"addresses": func(t *rapid.T) {
			here := make(map[netip.Addr]bool)
			for i := range 3 {
				here[addr(fmt.Sprintf("10.9.1.%d:80", i)).Addr()] = rapid.Bool().Draw(t, "here")
			}
			g.within(func() { g.role.located(here) })
		},
		"VRRP": func(t *rapid.T) {
			state := rapid.SampledFrom([]string{"MASTER", "BACKUP"}).Draw(t, "state")
			g.within(func() { g.role.heardVRRP(map[string]string{"V1": state}) })
		},
		"drift": func(t *rapid.T) {
			if g.interval == 0 {
				return
			}
			for _, e := range g.table() {
				if rapid.Bool().Draw(t, "gone") {
					g.k.Tamper(ipvs.Op{Verb: ipvs.DeleteService, Service: e.Service})
				}
			}
		},
		"failure": func(t *rapid.T) {
			switch rapid.IntRange(0, 5).Draw(t, "failure") {
			case 0:
				n := rapid.IntRange(1, 3).Draw(t, "readings")
				g.k.get(func(m *moods) { m.unreadable = n })
			case 1:
				g.k.get(func(m *moods) { m.halfRead = true })
			case 2:
				g.k.get(func(m *moods) { m.halfDone = true })
			case 3:
				g.k.get(func(m *moods) { m.daemons = true })
			case 4:
				g.k.hold()
			default:
				if g.interval > 0 { // or nobody looks again
					verb := ipvs.Verb(rapid.IntRange(1, 6).Draw(t, "verb"))
					g.k.FailWith(func(op ipvs.Op) error {
						if op.Verb == verb {
							return syscall.ENOMEM
						}
						return nil
					})
				}
			}
		},
		"calm": func(*rapid.T) { g.k.calm(); synctest.Wait() },
		"time": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 20).Draw(t, "s")) * time.Second)
			synctest.Wait()
		},
		"": g.invariants,
	}
}

// within has the loop do something, and waits for what follows.
func (g *troubled) within(f func()) {
	if err := g.role.inLoop(context.Background(), f); err != nil {
		g.Error(err)
	}
	synctest.Wait()
}

func (g *troubled) table() (t ipvs.Table) {
	g.within(func() { t = g.role.policy.table() })
	return t
}

// invariants are true at any time.
func (g *troubled) invariants(t *rapid.T) {
	var err error
	g.within(func() { err = g.wrong() })
	if err != nil {
		t.Fatal(err)
	}
}

// wrong is what is wrong with the policy or the engine, seen from the loop.
func (g *troubled) wrong() error {
	p := &g.role.policy
	for pl := range p.steps {
		if !slices.Contains(p.pools, pl) {
			return fmt.Errorf("%s is waited for, but is of an old configuration", pl.name)
		}
	}
	for _, pl := range p.pools {
		for _, s := range pl.servers {
			if _, ok := p.steps[pl]; !ok && (s.admin == Drain && !s.deadline.IsZero() || !s.ramp.IsZero()) {
				return fmt.Errorf("nobody waits for %s of %s, which is in %v until %v and in slow start since %v", s.name(), pl.name, s.admin, s.deadline, s.ramp)
			}
			for i := range s.checks {
				key := s.checks[i].spec.Key
				if p.checks[key].server != s {
					return fmt.Errorf("%s hears nothing of its check %s", s.name(), key)
				}
				if got := g.engine.isSuspended(key); got != pl.muted(s) {
					return fmt.Errorf("%s is suspended: %v, want %v", key, got, pl.muted(s))
				}
			}
		}
	}
	return nil
}

// settled is true some time after the last failure.
func (g *troubled) settled(t *rapid.T) {
	g.k.calm()
	time.Sleep(retryDelay + settleDelay)
	synctest.Wait()
	if g.interval > 0 {
		var rested time.Time
		g.within(func() { rested = g.role.routine.pause })
		time.Sleep(max(0, time.Until(rested)) + 2*g.interval)
		synctest.Wait()
	}
	have, _ := g.k.Memory.Read(context.Background(), nil)
	if plan := ipvs.Plan(have, g.table()); len(plan) > 0 {
		t.Fatalf("the kernel is not as wanted: %v", plan)
	}
	running, _ := g.k.Daemons(context.Background())
	var err error
	g.within(func() {
		r := g.role
		if want := daemonsOf(r.cfg, r.states); len(running) != len(want) {
			err = fmt.Errorf("sync daemons %v, want %v", running, want)
		}
		if len(r.leaving) > 0 || !r.retry.IsZero() || !r.unsettled.IsZero() {
			err = fmt.Errorf("nothing is left to do, but: leaving %v, retry %v, settle %v", r.leaving, r.retry, r.unsettled)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever happens in whatever order: when it is over, the kernel is as wanted,
// and when the role has ended nothing of it is left.
func TestAnyOrderOfEventsEndsWell(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var failed any
		synctest.Test(t, func(t *testing.T) {
			defer func() { failed = recover() }() // to be thrown where it is waited for
			interval := rapid.SampledFrom([]time.Duration{0, 5 * time.Second}).Draw(rt, "lvs_reconcile_interval")
			g := &troubled{k: newMoody(), interval: interval}
			g.rig = launch(t, g.k.Memory, drawConfig(rt, interval))
			g.role.kernel = g.k // the worker waits for its next job
			func() {
				defer g.end()
				defer g.k.calm()
				rt.Repeat(g.events())
				g.settled(rt)
				defer g.k.get(func(m *moods) { m.halfDone = true }) // for good measure
			}()
			if left, _ := g.k.Memory.Read(t.Context(), nil); len(left) > 0 {
				rt.Fatalf("left behind: %v", left)
			}
		})
		switch {
		case fmt.Sprintf("%T", failed) == "rapid.invalidData":
			rt.SkipNow()
		case failed != nil:
			panic(failed)
		}
	})
}
