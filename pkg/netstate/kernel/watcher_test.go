package kernel

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

// watch runs a watcher until the test ends and returns what it reports.
func watch(t *testing.T, ns *netlab.Namespace, o WatchOptions) <-chan netstate.Event {
	t.Helper()
	var w *Watcher
	if err := ns.Do(func() (err error) { w, err = OpenWatcher(o); return err }); err != nil {
		t.Fatal(err)
	}
	events, done := make(chan netstate.Event), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		done <- w.Run(ctx, func(ev netstate.Event) {
			select {
			case events <- ev:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("watcher: %v", err)
		}
	})
	return events
}

// await applies events to a mirror until it is as cond says.
func await(t *testing.T, events <-chan netstate.Event, m *netstate.Mirror, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !cond() {
		select {
		case ev := <-events:
			m.Apply(ev)
		case <-deadline:
			t.Fatalf("%s was not reported", what)
		}
	}
}

func TestWatcherReportsChanges(t *testing.T) {
	ns, k := host(t)
	events, m := watch(t, ns, WatchOptions{Interest: everything, Kernel: k}), netstate.NewMirror()
	eth0 := func() netstate.Link { l, _ := m.LinkByName("eth0"); return l }
	await(t, events, m, "the first state", func() bool { return eth0().Usable() })

	vip := netstate.NewAddress(eth0().Index, netip.MustParsePrefix("192.0.2.10/32"))
	route := netstate.NewRoute(netip.MustParsePrefix("203.0.113.0/24"))
	route.Hop.Link = eth0().Index
	rule := netstate.NewRule(netstate.IPv4, 500)
	want := netstate.State{Addresses: []netstate.Address{vip}, Routes: []netstate.Route{route}, Rules: []netstate.Rule{rule}}
	has := func() bool {
		return len(netstate.Plan(m.State(), netstate.Want{Present: want})) == 0
	}
	k.Apply(context.Background(), netstate.Plan(m.State(), netstate.Want{Present: want}))
	await(t, events, m, "address, route and rule", has)
	if a, _ := m.Address(vip); a.Protocol != netstate.Protocol {
		t.Errorf("protocol of our address is %d", a.Protocol)
	}

	ns.DelAddr("eth0", "192.0.2.10/32")
	await(t, events, m, "the removal of an address", func() bool { _, there := m.Address(vip); return !there })

	ns.Down("eth0") // takes the route away without a word
	await(t, events, m, "link down", func() bool { return !eth0().Usable() })
	if slices.ContainsFunc(m.State().Routes, func(r netstate.Route) bool { return r.Dst == route.Dst }) {
		t.Error("the route through a link that is down is still there")
	}
	ns.Up("eth0")
	ns.Run("ip", "link", "set", "eth1", "name", "lan1")
	await(t, events, m, "a rename", func() bool {
		_, old := m.LinkByName("eth1")
		_, renamed := m.LinkByName("lan1")
		return !old && renamed
	})
	ns.Run("ip", "link", "del", "eth0")
	await(t, events, m, "a link that is gone", func() bool { return eth0().Index == 0 })
}

// With a tiny buffer that nobody empties, notifications are lost; the watcher
// notices, and ends with the truth.
func TestWatcherSurvivesOverrun(t *testing.T) {
	ns, k := host(t)
	eth0 := indexOf(t, k, "eth0")
	events, m := watch(t, ns, WatchOptions{Buffer: 1, Kernel: k}), netstate.NewMirror()
	m.Apply(<-events)
	var ops, undo []netstate.Op
	for i := range 500 {
		a := netstate.NewAddress(eth0, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32))
		ops = append(ops, netstate.Op{Verb: netstate.Add, Item: a})
		if i%2 == 0 {
			undo = append(undo, netstate.Op{Verb: netstate.Remove, Item: a})
		}
	}
	if failed := k.Apply(context.Background(), append(ops, undo...)); len(failed) > 0 {
		t.Fatal(failed[0])
	}
	known := func() (n int) {
		for _, a := range m.State().Addresses {
			if a.Link == eth0 && a.Family() == netstate.IPv4 {
				n++
			}
		}
		return n
	}
	resyncs := 0
	deadline := time.After(20 * time.Second)
	for known() != 1+250 || resyncs == 0 {
		select {
		case ev := <-events:
			if _, ok := ev.(netstate.Resynced); ok {
				resyncs++
			}
			m.Apply(ev)
		case <-deadline:
			t.Fatalf("%d addresses known after %d complete reads, want 251 after at least one", known(), resyncs)
		}
	}
}
