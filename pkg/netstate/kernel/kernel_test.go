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

func TestMain(m *testing.M) { netlab.MainNative(m) }

func everything(netstate.RouteKey) bool { return true }

// host is a namespace with two links and an open kernel.
func host(t *testing.T) (*netlab.Namespace, *Kernel) {
	t.Helper()
	netlab.Require(t)
	lab := netlab.New(t)
	ns, lan := lab.Namespace("host"), lab.Switch("lan")
	lan.Connect(ns, "eth0", "192.0.2.1/24", "2001:db8::1/64")
	lan.Connect(ns, "eth1")
	var k *Kernel
	if err := ns.Do(func() (err error) { k, err = Open(); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return ns, k
}

func read(t *testing.T, k *Kernel) netstate.State {
	t.Helper()
	s, err := k.Read(everything)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func indexOf(t *testing.T, k *Kernel, name string) int {
	t.Helper()
	for _, l := range read(t, k).Links {
		if l.Name == name {
			return l.Index
		}
	}
	t.Fatalf("no link %s", name)
	return 0
}

// TestApplyReachesWant applies a plan for one item with each option, reads back,
// and expects that nothing is left to do; then the same for its removal.
func TestApplyReachesWant(t *testing.T) {
	_, k := host(t)
	eth0, eth1 := indexOf(t, k, "eth0"), indexOf(t, k, "eth1")

	address := func(p string, edit func(*netstate.Address)) netstate.Address {
		a := netstate.NewAddress(eth0, netip.MustParsePrefix(p))
		if edit != nil {
			edit(&a)
		}
		return a
	}
	route := func(dst string, edit func(*netstate.Route)) netstate.Route {
		r := netstate.NewRoute(netip.MustParsePrefix(dst))
		edit(&r)
		return r
	}
	rule := func(f netstate.Family, edit func(*netstate.Rule)) netstate.Rule {
		r := netstate.NewRule(f, 1000)
		edit(&r)
		return r
	}
	gw := netip.MustParseAddr("192.0.2.254")
	gw6 := netip.MustParseAddr("2001:db8::fe")
	via := func(h *netstate.Hop) { h.Via, h.Link = gw, eth0 }

	cases := map[string]netstate.Item{
		"address":               address("192.0.2.10/32", nil),
		"address in subnet":     address("192.0.2.10/24", nil),
		"address with label":    address("192.0.2.10/32", func(a *netstate.Address) { a.Label = "eth0:vip" }),
		"address with brd":      address("192.0.2.10/24", func(a *netstate.Address) { a.Broadcast, _, _ = netstate.Broadcasts(a.Prefix) }),
		"address with scope":    address("198.51.100.1/24", func(a *netstate.Address) { a.Scope = netstate.ScopeHost }),
		"address with peer":     address("192.0.2.10/32", func(a *netstate.Address) { a.Peer = netip.MustParsePrefix("192.0.2.77/32") }),
		"address noprefixroute": address("198.51.100.1/24", func(a *netstate.Address) { a.NoPrefixRoute = true }),
		"address with lifetime": address("198.51.100.1/24", func(a *netstate.Address) { a.Preferred = 600 }),
		"IPv6 address":          address("2001:db8::10/128", nil),
		"IPv6 link-local":       address("fe80::10/64", nil),
		"IPv6 home":             address("2001:db8::10/64", func(a *netstate.Address) { a.Home = true }),
		"IPv6 mngtmpaddr":       address("2001:db8::10/64", func(a *netstate.Address) { a.ManageTemp = true }),
		"IPv6 with peer":        address("2001:db8::10/128", func(a *netstate.Address) { a.Peer = netip.MustParsePrefix("2001:db8::99/128") }),

		"route":          route("203.0.113.0/24", func(r *netstate.Route) { via(&r.Hop) }),
		"route by gw":    route("203.0.113.0/24", func(r *netstate.Route) { r.Hop.Via = gw }),
		"default route":  route("0.0.0.0/0", func(r *netstate.Route) { via(&r.Hop) }),
		"device route":   route("203.0.113.0/24", func(r *netstate.Route) { r.Hop.Link = eth1 }),
		"source, metric": route("203.0.113.0/24", func(r *netstate.Route) { via(&r.Hop); r.Source = netip.MustParseAddr("192.0.2.1"); r.Metric = 77 }),
		"table":          route("203.0.113.0/24", func(r *netstate.Route) { via(&r.Hop); r.Table = 1000 }),
		"onlink": route("203.0.113.0/24", func(r *netstate.Route) {
			r.Hop = netstate.Hop{Via: netip.MustParseAddr("10.9.9.9"), Link: eth0, OnLink: true}
		}),
		"blackhole":       route("203.0.113.0/24", func(r *netstate.Route) { r.Type = netstate.TypeBlackhole }),
		"unreachable v6":  route("2001:db8:1::/48", func(r *netstate.Route) { r.Type = netstate.TypeUnreachable }),
		"tos":             route("203.0.113.0/24", func(r *netstate.Route) { via(&r.Hop); r.TOS = 0x10 }),
		"realms":          route("203.0.113.0/24", func(r *netstate.Route) { via(&r.Hop); r.Hop.Realm = 3<<16 | 4 }),
		"append":          route("203.0.113.0/24", func(r *netstate.Route) { via(&r.Hop); r.Insert = netstate.Append }),
		"IPv4 over IPv6":  route("203.0.113.0/24", func(r *netstate.Route) { r.Hop = netstate.Hop{Via: gw6, Link: eth0} }),
		"IPv6 route":      route("2001:db8:1::/48", func(r *netstate.Route) { r.Hop = netstate.Hop{Via: gw6, Link: eth0} }),
		"IPv6 preference": route("2001:db8:1::/48", func(r *netstate.Route) { r.Hop.Via = gw6; r.Preference = netstate.Some(uint8(1)) }),
		"IPv6 expires":    route("2001:db8:1::/48", func(r *netstate.Route) { r.Hop.Via = gw6; r.Expires = time.Hour }),
		"metrics": route("203.0.113.0/24", func(r *netstate.Route) {
			via(&r.Hop)
			r.Metrics = netstate.Metrics{
				MTU: 1400, AdvMSS: 1360, RTT: 250 * time.Millisecond, RTTVar: 50 * time.Millisecond, RTOMin: 300 * time.Millisecond,
				Reordering: 5, Window: 65000, CWND: 20, SSThresh: 30, InitCWND: 15, InitRWND: 25, HopLimit: 33, Features: 1,
				QuickACK: netstate.Some(true), FastOpenNoCookie: netstate.Some(true), CongCtl: "reno",
				Lock: netstate.LockMTU | netstate.LockCWND,
			}
		}),
		"multipath": route("203.0.113.0/24", func(r *netstate.Route) {
			r.Hops = []netstate.Hop{{Via: gw, Link: eth0, Weight: 3}, {Via: netip.MustParseAddr("10.1.1.1"), Link: eth1, OnLink: true, Weight: 256}}
		}),
		"IPv6 multipath": route("2001:db8:1::/48", func(r *netstate.Route) {
			r.Hops = []netstate.Hop{{Via: gw6, Link: eth0}, {Via: netip.MustParseAddr("2001:db8::fd"), Link: eth0}}
		}),
		"encap ip": route("203.0.113.0/24", func(r *netstate.Route) {
			via(&r.Hop)
			r.Hop.Encap = netstate.Encap{Kind: netstate.EncapIP, ID: 7, Dst: netip.MustParseAddr("10.0.0.9"), TTL: 9, TOS: 4}
		}),
		"encap ip6": route("2001:db8:1::/48", func(r *netstate.Route) {
			r.Hop = netstate.Hop{Via: gw6, Link: eth0, Encap: netstate.Encap{Kind: netstate.EncapIP6, ID: 7, Dst: gw6}}
		}),

		"rule":                rule(netstate.IPv4, func(r *netstate.Rule) { r.From = netip.MustParsePrefix("10.0.0.0/8"); r.Table = 100 }),
		"rule big table":      rule(netstate.IPv4, func(r *netstate.Rule) { r.To = netip.MustParsePrefix("10.0.0.0/8"); r.Table = 100000 }),
		"rule not":            rule(netstate.IPv4, func(r *netstate.Rule) { r.Not = true; r.From = netip.MustParsePrefix("10.0.0.0/8") }),
		"rule mark":           rule(netstate.IPv4, func(r *netstate.Rule) { r.Mark = netstate.Some(uint32(5)) }),
		"rule mark mask":      rule(netstate.IPv4, func(r *netstate.Rule) { r.Mark = netstate.Some(uint32(0)); r.Mask = 0xff }),
		"rule interfaces":     rule(netstate.IPv4, func(r *netstate.Rule) { r.In, r.Out = "eth0", "eth1" }),
		"rule suppress":       rule(netstate.IPv4, func(r *netstate.Rule) { r.SuppressPrefixLen = netstate.Some(uint32(0)); r.Table = 1000 }),
		"rule suppress group": rule(netstate.IPv6, func(r *netstate.Rule) { r.SuppressIfGroup = netstate.Some(uint32(4)); r.Table = 1000 }),
		"rule tunnel":         rule(netstate.IPv4, func(r *netstate.Rule) { r.TunnelID = 1 << 40 }),
		"rule l3mdev":         rule(netstate.IPv4, func(r *netstate.Rule) { r.L3MDev = true }),
		"rule uid":            rule(netstate.IPv6, func(r *netstate.Rule) { r.UIDs = netstate.Some(netstate.Range[uint32]{First: 10, Last: 20}) }),
		"rule protocol, ports": rule(netstate.IPv4, func(r *netstate.Rule) {
			r.IPProto = 6
			r.SrcPorts = netstate.Some(netstate.Range[uint16]{First: 10, Last: 20})
			r.DstPorts = netstate.Some(netstate.Range[uint16]{First: 80, Last: 80})
		}),
		"rule realms, tos": rule(netstate.IPv4, func(r *netstate.Rule) { r.Realms = 1<<16 | 2; r.TOS = 0x10 }),
		"rule goto":        rule(netstate.IPv4, func(r *netstate.Rule) { r.Action, r.Goto = netstate.RuleGoto, 2000 }),
		"rule nop":         rule(netstate.IPv4, func(r *netstate.Rule) { r.Action = netstate.RuleNop }),
		"rule blackhole":   rule(netstate.IPv6, func(r *netstate.Rule) { r.Action = netstate.RuleBlackhole }),
		"rule prohibit": rule(netstate.IPv6, func(r *netstate.Rule) {
			r.Action = netstate.RuleProhibit
			r.From = netip.MustParsePrefix("2001:db8:2::/48")
		}),
	}
	for name, item := range cases {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { k.Apply(context.Background(), []netstate.Op{{Verb: netstate.Remove, Item: item}}) })
			want := stateOf(item)
			apply := func(w netstate.Want, ops int) {
				t.Helper()
				plan := netstate.Plan(read(t, k), w)
				if len(plan) != ops {
					t.Fatalf("plan %v, want %d operation", plan, ops)
				}
				if failed := k.Apply(context.Background(), plan); len(failed) > 0 {
					t.Fatalf("apply: %v", failed)
				}
			}
			apply(netstate.Want{Present: want}, 1)
			apply(netstate.Want{Present: want}, 0)
			apply(netstate.Want{Absent: want}, 1)
			apply(netstate.Want{Absent: want}, 0)
		})
	}
}

func stateOf(item netstate.Item) netstate.State {
	switch item := item.(type) {
	case netstate.Address:
		return netstate.State{Addresses: []netstate.Address{item}}
	case netstate.Route:
		return netstate.State{Routes: []netstate.Route{item}}
	case netstate.Rule:
		return netstate.State{Rules: []netstate.Rule{item}}
	}
	return netstate.State{}
}

// An administrator's own address that equals a virtual one satisfies it and is
// never removed.
func TestForeignAddressSurvives(t *testing.T) {
	ns, k := host(t)
	vip := netstate.NewAddress(indexOf(t, k, "eth0"), netip.MustParsePrefix("192.0.2.1/24"))
	want := netstate.State{Addresses: []netstate.Address{vip}}
	if plan := netstate.Plan(read(t, k), netstate.Want{Present: want}); len(plan) != 0 {
		t.Errorf("plan to add %v", plan)
	}
	if plan := netstate.Plan(read(t, k), netstate.Want{Absent: want}); len(plan) != 0 {
		t.Errorf("plan to remove %v", plan)
	}
	if failed := k.Apply(context.Background(), []netstate.Op{{Verb: netstate.Add, Item: vip}}); len(failed) > 0 {
		t.Errorf("adding what exists: %v", failed)
	}
	if failed := k.Apply(context.Background(), []netstate.Op{{Verb: netstate.Remove, Item: netstate.NewAddress(vip.Link, netip.MustParsePrefix("192.0.2.99/32"))}}); len(failed) > 0 {
		t.Errorf("removing what is not there: %v", failed)
	}
	if !ns.Has("192.0.2.1") {
		t.Error("the address is gone")
	}
}

// The kernel names an address after its link, also when that gets another name: what was
// read before the change removes the address after it.
func TestRemoveAfterRename(t *testing.T) {
	ns, k := host(t)
	link := indexOf(t, k, "eth1")
	ours := func(a netstate.Address) bool { return a.Link == link && a.Prefix.Addr().Is4() }
	add := netstate.Op{Verb: netstate.Add, Item: netstate.NewAddress(link, netip.MustParsePrefix("192.0.2.50/24"))}
	if failed := k.Apply(context.Background(), []netstate.Op{add}); len(failed) > 0 {
		t.Fatal(failed)
	}
	addresses := read(t, k).Addresses
	known := addresses[slices.IndexFunc(addresses, ours)]
	ns.Down("eth1")
	ns.Run("ip", "link", "set", "eth1", "name", "wan0")
	if failed := k.Apply(context.Background(), []netstate.Op{{Verb: netstate.Remove, Item: known}}); len(failed) > 0 {
		t.Fatal(failed)
	}
	if slices.ContainsFunc(read(t, k).Addresses, ours) {
		t.Errorf("%+v is still there", known)
	}
}

func TestApplyNamesWhatFails(t *testing.T) {
	_, k := host(t)
	eth0 := indexOf(t, k, "eth0")
	failed := k.Apply(context.Background(), []netstate.Op{
		{Verb: netstate.Add, Item: netstate.NewAddress(9999, netip.MustParsePrefix("192.0.2.50/32"))},
		{Verb: netstate.Add, Item: netstate.NewAddress(eth0, netip.MustParsePrefix("192.0.2.51/32"))},
	})
	if len(failed) != 1 {
		t.Fatalf("failures %v, want one", failed)
	}
	if !slices.ContainsFunc(read(t, k).Addresses, func(a netstate.Address) bool { return a.Prefix.Addr().String() == "192.0.2.51" }) {
		t.Error("the operation after the one that failed was not done")
	}
}

func TestSysctls(t *testing.T) {
	ns, _ := host(t)
	err := ns.Do(func() error {
		s := NewSysctls()
		if err := s.Interface("ipv4", "eth0", "arp_ignore", "1"); err != nil {
			return err
		}
		if err := s.Interface("ipv4", "eth0", "arp_ignore", "2"); err != nil {
			return err
		}
		if err := s.Interface("ipv4", "nosuch", "arp_ignore", "2"); err == nil {
			t.Error("setting of a missing interface: no error")
		}
		return s.Restore()
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := ns.Run("cat", "/proc/sys/net/ipv4/conf/eth0/arp_ignore"); got[0] != '0' {
		t.Errorf("arp_ignore is %q after Restore, want 0", got)
	}
}
