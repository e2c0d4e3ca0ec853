package vrrp

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever happens, a backup waits for its master to be silent for too long and no longer
// than that, a master sends its next advert, one that may start does so; whoever has
// waited for an appointment has another one. All routers are in one state, and rivalries
// that were reported are also reported to be over.
func TestAppointments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3).Draw(t, "routers")
		configs := make([]Config, n)
		for i := range configs {
			configs[i] = anyConfig(t)
		}
		m := New(n > 1, configs...)
		now := epoch
		w := watch{rivals: map[int]netip.Addr{}}
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 10, 300, 1000, 5000, 100_000}).Draw(t, "ms")) * ms)
			if d := m.Deadline(); !d.IsZero() && rapid.Bool().Draw(t, "in time") {
				now = d
			}
			ev := anyEvent(t, n, now)
			if c, ok := ev.(Configure); ok {
				configs[c.Router] = c.Config
			}
			w.see(t, m.Handle(ev, now))
			w.check(t, m, now)
			for range 3 { // it never asks for what has passed
				if d := m.Deadline(); !d.IsZero() && !d.After(now) {
					w.see(t, m.Handle(Expired{}, now))
				}
			}
			w.check(t, m, now)
			if d := m.Deadline(); !d.IsZero() && !d.After(now) {
				t.Fatalf("%v asks again and again for %v", m.state, d.Sub(now))
			}
		}
	})
}

func anyConfig(t *rapid.T) Config {
	c := v3(func(c *Config) {
		c.Version = rapid.SampledFrom([]uint8{2, 3}).Draw(t, "version")
		c.Priority = rapid.SampledFrom([]uint8{1, 100, 254, Owner}).Draw(t, "priority")
		c.Interval = time.Duration(rapid.SampledFrom([]int{1, 2, 10}).Draw(t, "interval")) * sec
		c.Preempt = rapid.Bool().Draw(t, "preempt")
		c.PreemptDelay = rapid.SampledFrom([]time.Duration{0, 0, 20 * sec}).Draw(t, "delay")
		c.ExpiredBackup = rapid.SampledFrom([]uint8{0, 0, 100}).Draw(t, "expired")
		c.HigherSendAdvert = rapid.Bool().Draw(t, "higher")
		c.Announce.Refresh = rapid.SampledFrom([]time.Duration{0, 7 * sec}).Draw(t, "refresh")
	})
	return c
}

func anyEvent(t *rapid.T, routers int, now time.Time) Event {
	r := rapid.IntRange(0, routers-1).Draw(t, "router")
	on := rapid.Bool().Draw(t, "on")
	switch rapid.IntRange(0, 14).Draw(t, "event") {
	case 0:
		return Start{As: rapid.SampledFrom([]State{Init, Backup, Master}).Draw(t, "as"), NotBefore: now.Add(rapid.SampledFrom([]time.Duration{0, 3 * sec}).Draw(t, "after"))}
	case 1, 2, 3:
		return Expired{}
	case 4, 5, 6:
		return Advert{
			Router: r, From: rapid.SampledFrom([]netip.Addr{lower, peer, self}).Draw(t, "from"),
			Priority: rapid.SampledFrom([]uint8{0, 1, 50, 100, 128, 254, Owner}).Draw(t, "theirs"),
			Interval: rapid.SampledFrom([]time.Duration{10 * ms, sec, 40 * sec}).Draw(t, "every"),
		}
	case 7:
		if on {
			return Faults{Router: r, Reasons: []string{"x"}}
		}
		return Faults{Router: r}
	case 8:
		return Pending{Router: r, Wait: on}
	case 9:
		return Priority{Router: r, Value: rapid.SampledFrom([]uint8{1, 100, 254, Owner}).Draw(t, "value")}
	case 10:
		return Configure{Router: r, Config: anyConfig(t)}
	case 11:
		return Claim{Router: r, By: "somebody"}
	case 12:
		return Taken{}
	case 13:
		return Standby{On: on}
	default:
		return HoldPreempt{On: on}
	}
}

// watch is what an owner would know of a machine.
type watch struct {
	rivals map[int]netip.Addr
	states [3]State
}

func (w *watch) see(t *rapid.T, list []Action) {
	for _, a := range list {
		switch a := a.(type) {
		case Become:
			if a.From != w.states[a.Router] && a.From != Master {
				t.Fatalf("router %d becomes %v from %v, but was %v", a.Router, a.To, a.From, w.states[a.Router])
			}
			w.states[a.Router] = a.To
		case Conflict:
			if w.rivals[a.Router].IsValid() {
				t.Fatalf("router %d has a second rival", a.Router)
			}
			w.rivals[a.Router] = a.With
		case Resolved:
			if w.rivals[a.Router] != a.With {
				t.Fatalf("router %d is rid of %v, which it did not have", a.Router, a.With)
			}
			delete(w.rivals, a.Router)
		}
	}
}

func (w *watch) check(t *rapid.T, m *Machine, now time.Time) {
	t.Helper()
	for i := range m.routers {
		if w.states[i] != m.state {
			t.Fatalf("router %d is told to be %v, the machine is %v", i, w.states[i], m.state)
		}
	}
	if m.state != Master && len(w.rivals) > 0 {
		t.Fatalf("%v with rivals %v", m.state, w.rivals)
	}
	d := m.Deadline()
	var latest time.Time
	switch m.state {
	case Init:
		if m.notBefore.IsZero() || m.pending() && !m.faulty() {
			return // not started, or not able to
		}
		latest = m.notBefore
	case Backup:
		latest = later(now, m.graceEnd)
		for _, r := range m.routers {
			wait := time.Duration(r.cfg.DownAdverts)*max(r.learned, r.cfg.Interval) + max(r.learned, sec)
			latest = later(latest, now.Add(wait))
		}
	case Master:
		every := slices.MinFunc(m.routers, func(a, b *router) int { return int(a.cfg.Interval - b.cfg.Interval) }).cfg.Interval
		latest = now.Add(every)
	default:
		if !d.IsZero() {
			t.Fatalf("%v with an appointment", m.state)
		}
		return
	}
	if d.IsZero() || d.After(latest) {
		t.Fatalf("%v has its appointment in %v, want in %v at the latest", m.state, d.Sub(now), latest.Sub(now))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Going on as master with a fault is to say good-bye and to give up what is there.
func TestStartAsMasterWithFault(t *testing.T) {
	m := New(false, v3())
	tell(t, m, []step{
		{0, Faults{Reasons: []string{"cable"}}, nil, -1},
		{0, Start{As: Master}, []Action{send(0), became(Master, Fault)}, -1},
		{1 * sec, Faults{}, []Action{became(Fault, Backup)}, 4500 * ms},
	})
}

// A fault is told when the start may be made, though something is not known yet.
func TestFaultEndsDelayedStart(t *testing.T) {
	tell(t, New(false, v3()), []step{
		{0, Pending{Wait: true}, nil, -1},
		{0, Faults{Reasons: []string{"cable"}}, nil, -1},
		{0, Start{NotBefore: epoch.Add(3 * sec)}, nil, 3 * sec},
		{3 * sec, Expired{}, []Action{became(Init, Fault)}, -1},
		{4 * sec, Faults{}, nil, -1},
		{5 * sec, Pending{}, []Action{became(Fault, Backup)}, 8500 * ms},
	})
}

// An owner that gave way to another one and is none any more waits like anybody else.
func TestDemotedOwnerIsReconfigured(t *testing.T) {
	m := New(false, v3(owner))
	tell(t, m, []step{{0, Start{}, []Action{send(255), became(Init, Master), announce(5)}, 1 * sec}})
	m.routers[0].demoted = true
	m.Handle(Advert{From: peer, Priority: Owner, Interval: sec}, epoch)
	m.Handle(Configure{Config: v3()}, epoch)
	m.Handle(Priority{Value: 128}, epoch)
	if p := m.Status(0).Priority; p != 128 {
		t.Errorf("priority %d", p)
	}
	if d := m.Deadline().Sub(epoch); d != 3500*ms {
		t.Errorf("waits for %v", d)
	}
}
