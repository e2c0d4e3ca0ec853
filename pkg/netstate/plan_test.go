package netstate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func vip(link int, p string) Address { return NewAddress(link, netip.MustParsePrefix(p)) }

func TestPlan(t *testing.T) {
	mine := vip(2, "10.0.0.1/32")
	theirs := mine
	theirs.Protocol = 0
	labelled := mine
	labelled.Label = "eth0:1"
	noprefix := mine
	noprefix.NoPrefixRoute = true
	route := NewRoute(netip.MustParsePrefix("10.9.0.0/16"))
	route.Hop.Link = 2
	bigger := route
	bigger.Metrics.MTU = 9000
	static := route
	static.Protocol = 4
	rule := NewRule(IPv4, 100)
	six := NewRoute(netip.MustParsePrefix("2001:db8::/32"))
	six.Hop = Hop{Via: netip.MustParseAddr("fe80::1"), Link: 2}
	merged := six
	merged.Protocol, merged.Metric, merged.Hop = 4, 1024, Hop{}
	merged.Hops = []Hop{{Via: netip.MustParseAddr("fe80::9"), Link: 2, Weight: 1}, {Via: netip.MustParseAddr("fe80::1"), Link: 2, Weight: 1}}

	state := func(items ...Item) (s State) {
		for _, it := range items {
			switch it := it.(type) {
			case Address:
				s.Addresses = append(s.Addresses, it)
			case Route:
				s.Routes = append(s.Routes, it)
			case Rule:
				s.Rules = append(s.Rules, it)
			}
		}
		return s
	}
	for _, c := range []struct {
		name            string
		have            State
		present, absent State
		want            string
	}{
		{"nothing", State{}, State{}, State{}, ""},
		{"all kinds in order", State{}, state(rule, route, mine), State{}, "add address, add route, add rule"},
		{"all kinds in reverse", state(rule, route, mine), State{}, state(rule, route, mine), "remove rule, remove route, remove address"},
		{"addition before removal", state(mine), state(vip(3, "10.0.0.1/32")), state(mine), "add address, remove address"},
		{"twice wanted", State{}, state(mine, mine, route, route, rule, rule), State{}, "add address, add route, add rule"},
		{"twice unwanted", state(mine, route, rule), State{}, state(mine, mine, route, route, rule, rule), "remove rule, remove route, remove address"},
		{"wanted and not", state(mine, route, rule), state(mine, route, rule), state(mine, route, rule), ""},
		{"somebody else's address will do", state(theirs), state(mine), State{}, ""},
		{"somebody else's address stays", state(theirs), State{}, state(mine), ""},
		{"somebody else's route will do", state(static), state(route), State{}, ""},
		{"somebody else's route stays", state(static), State{}, state(route), ""},
		{"our route beside another's", state(static, route), State{}, state(route), "remove route"},
		{"not named", state(mine, route, rule), State{}, State{}, ""},
		{"new label", state(mine), state(labelled), State{}, "remove address, add address"},
		{"new flag", state(mine), state(noprefix), State{}, "replace address"},
		{"another's flag", state(theirs), state(noprefix), State{}, ""},
		{"new metric", state(route), state(bigger), State{}, "replace route"},
		{"IPv6 route merged by the kernel", state(merged), state(six), State{}, ""},
		{"IPv6 route leaves the merged one", state(merged), State{}, state(six), "remove route"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, op := range Plan(c.have, Want{c.present, c.absent}) {
				words := strings.Fields(op.String())
				got = append(got, words[0]+" "+words[1])
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("plan is %q, want %q", s, c.want)
			}
		})
	}
}

// kernelModel does what the kernel does with a plan.
type kernelModel struct{ s State }

func (k *kernelModel) do(op Op) error {
	switch item := op.Item.(type) {
	case Address:
		at := slices.IndexFunc(k.s.Addresses, func(a Address) bool { return a.Key() == item.Key() })
		return change(&k.s.Addresses, op.Verb, at, item)
	case Route:
		at := slices.IndexFunc(k.s.Routes, func(r Route) bool { return item.satisfiedBy(r) && r.Protocol == item.Protocol })
		return change(&k.s.Routes, op.Verb, at, item)
	case Rule:
		at := slices.IndexFunc(k.s.Rules, func(r Rule) bool { return r == item })
		return change(&k.s.Rules, op.Verb, at, item)
	}
	return nil
}

func change[T any](list *[]T, v Verb, at int, item T) error {
	switch {
	case v == Add && at >= 0:
		return fmt.Errorf("%v exists", item)
	case v == Add:
		*list = append(*list, item)
	case at < 0:
		return fmt.Errorf("%v does not exist", item)
	case v == Replace:
		(*list)[at] = item
	default:
		*list = slices.Delete(*list, at, at+1)
	}
	return nil
}

func genAddress(t *rapid.T, label string) Address {
	a := vip(rapid.IntRange(1, 2).Draw(t, label+" link"), rapid.SampledFrom([]string{"10.0.0.1/32", "10.0.0.1/24", "10.0.0.2/32", "2001:db8::1/64", "fe80::1/128"}).Draw(t, label))
	a.Protocol = rapid.SampledFrom([]uint8{0, Protocol}).Draw(t, label+" protocol")
	a.NoPrefixRoute = rapid.Bool().Draw(t, label+" noprefixroute")
	return a
}

func genState(t *rapid.T, label string) State {
	var s State
	seen := map[AddressKey]bool{}
	for range rapid.IntRange(0, 5).Draw(t, label) {
		if a := genAddress(t, label); !seen[a.Key()] {
			seen[a.Key()] = true
			s.Addresses = append(s.Addresses, a)
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, label+" routes") {
		r := NewRoute(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16))
		r.Hop.Link = rapid.IntRange(1, 2).Draw(t, label+" link")
		r.Metrics.MTU = rapid.SampledFrom([]uint32{0, 1400}).Draw(t, label+" mtu")
		s.Routes = append(s.Routes, r)
		s.Rules = append(s.Rules, NewRule(IPv4, uint32(i)))
	}
	return s
}

// Carrying out a plan gives what was wanted, planning again gives nothing, and
// what is not ours is as it was.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have := genState(t, "have")
		want := Want{Present: genState(t, "present"), Absent: genState(t, "absent")}
		for i := range want.Present.Addresses {
			want.Present.Addresses[i].Protocol = Protocol
		}
		for i := range want.Absent.Addresses {
			want.Absent.Addresses[i].Protocol = Protocol
		}
		k := kernelModel{State{Addresses: slices.Clone(have.Addresses), Routes: slices.Clone(have.Routes), Rules: slices.Clone(have.Rules)}}
		plan := Plan(have, want)
		for _, op := range plan {
			if err := k.do(op); err != nil {
				t.Fatalf("plan %v: %v: %v", plan, op, err)
			}
		}
		if again := Plan(k.s, want); len(again) > 0 {
			t.Fatalf("after %v still %v", plan, again)
		}
		for _, a := range have.Addresses {
			if a.Protocol != Protocol && !slices.Contains(k.s.Addresses, a) {
				t.Fatalf("plan %v touched %v, which is not ours", plan, a)
			}
		}
		for _, w := range want.Present.Addresses {
			if !slices.ContainsFunc(k.s.Addresses, func(a Address) bool { return a.Key() == w.Key() }) {
				t.Fatalf("plan %v leaves %v out", plan, w)
			}
		}
	})
}

func TestMirrorFollowsSilentRemovals(t *testing.T) {
	m := NewMirror()
	addr := vip(2, "10.0.0.1/24")
	plain := NewRoute(netip.MustParsePrefix("10.1.0.0/16"))
	plain.Hop.Link = 2
	sourced := NewRoute(netip.MustParsePrefix("10.2.0.0/16"))
	sourced.Hop.Link, sourced.Source = 3, addr.Prefix.Addr()
	six := NewRoute(netip.MustParsePrefix("2001:db8::/32"))
	six.Hop.Link = 2
	m.Apply(Resynced{State{
		Links:     []Link{{Index: 2, Name: "eth0", Admin: true}, {Index: 3, Name: "eth1", Admin: true}},
		Addresses: []Address{addr}, Routes: []Route{plain, sourced, six},
	}})
	routes := func() (n int) { return len(m.State().Routes) }

	m.Apply(LinkChanged{Link{Index: 2, Name: "eth0", Admin: false}})
	if routes() != 2 {
		t.Errorf("%d routes after the link went down, want the IPv6 one and the other", routes())
	}
	m.Apply(AddressGone{addr})
	if routes() != 1 {
		t.Errorf("%d routes after their source went, want 1", routes())
	}
	m.Apply(LinkChanged{Link{Index: 2, Name: "lan0", Admin: true}})
	if _, ok := m.LinkByName("eth0"); ok {
		t.Error("the old name is still known")
	}
	m.Apply(LinkGone{Link{Index: 2, Name: "lan0"}})
	if s := m.State(); len(s.Links) != 1 || len(s.Routes) != 0 {
		t.Errorf("after the link went: %+v", s)
	}
}

// A route with several hops lives as long as one of its links is up, one with a preferred
// source as long as any link has that.
func TestMirrorKeepsRoutes(t *testing.T) {
	addr, twin := vip(2, "10.0.0.1/24"), vip(3, "10.0.0.1/32")
	both := NewRoute(netip.MustParsePrefix("10.1.0.0/16"))
	both.Hops = []Hop{{Link: 2}, {Link: 3}}
	sourced := NewRoute(netip.MustParsePrefix("10.2.0.0/16"))
	sourced.Hop.Link, sourced.Source = 4, addr.Prefix.Addr()
	up := func(index int) Link { return Link{Index: index, Name: fmt.Sprintf("eth%d", index), Admin: true} }
	down := func(index int) Link { return Link{Index: index, Name: fmt.Sprintf("eth%d", index)} }
	for _, c := range []struct {
		name   string
		events []Event
		want   int
	}{
		{"one of two links down", []Event{LinkChanged{down(2)}}, 2},
		{"one after the other", []Event{LinkChanged{down(2)}, LinkChanged{up(2)}, LinkChanged{down(3)}}, 2},
		{"both links down", []Event{LinkChanged{down(3)}, LinkChanged{down(2)}}, 1},
		{"one of two links gone", []Event{LinkGone{up(3)}}, 1},
		{"the source is elsewhere, too", []Event{AddressGone{addr}}, 2},
		{"the source is nowhere", []Event{AddressGone{addr}, AddressGone{twin}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMirror()
			m.Apply(Resynced{State{Links: []Link{up(2), up(3), up(4)}, Addresses: []Address{addr, twin}, Routes: []Route{both, sourced}}})
			for _, ev := range c.events {
				m.Apply(ev)
			}
			if got := m.State().Routes; len(got) != c.want {
				t.Errorf("%d routes, want %d: %v", len(got), c.want, got)
			}
		})
	}
}

// The changes to another state lead there, one after the other, and what went is named.
func TestMirrorChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, next := genState(t, "have"), genState(t, "next")
		for _, s := range []*State{&have, &next} {
			for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 0, 4, rapid.ID).Draw(t, "links") {
				s.Links = append(s.Links, Link{Index: i, Name: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name") + fmt.Sprint(i), Admin: true})
			}
			// Addresses are on links that exist.
			s.Addresses = slices.DeleteFunc(s.Addresses, func(a Address) bool {
				return !slices.ContainsFunc(s.Links, func(l Link) bool { return l.Index == a.Link })
			})
		}
		m, want := NewMirror(), NewMirror()
		m.Apply(Resynced{have})
		want.Apply(Resynced{next})
		changes := m.Changes(next)
		for _, ev := range changes {
			m.Apply(ev)
		}
		got, goal := m.State(), want.State()
		if !slices.Equal(got.Links, goal.Links) || !slices.Equal(got.Addresses, goal.Addresses) {
			t.Fatalf("changes %v lead to %v, want %v", changes, got, goal)
		}
		for _, r := range got.Rules {
			if !slices.Contains(goal.Rules, r) {
				t.Fatalf("changes %v leave %v", changes, r)
			}
		}
		for _, r := range got.Routes {
			if !slices.ContainsFunc(goal.Routes, func(w Route) bool { return r.Key() == w.Key() }) {
				t.Fatalf("changes %v leave %v", changes, r)
			}
		}
		if again := want.Changes(next); len(again) > 0 {
			t.Fatalf("from a state to the same: %v", again)
		}
	})
}

func TestVirtualName(t *testing.T) {
	for _, c := range []struct {
		f     Family
		taken []string
		want  string
	}{
		{IPv4, nil, "vrrp.51"},
		{IPv6, nil, "vrrp.51"},
		{IPv6, []string{"vrrp.51"}, "vrrp6.51"},
		{IPv4, []string{"vrrp.51"}, "vrrp1.51"},
		{IPv6, []string{"vrrp.51", "vrrp6.51", "vrrp1.51"}, "vrrp2.51"},
	} {
		got := VirtualName(51, c.f, func(s string) bool { return slices.Contains(c.taken, s) })
		if got != c.want {
			t.Errorf("%v with %v taken: %s, want %s", c.f, c.taken, got, c.want)
		}
	}
}

func TestNewAddressDefaults(t *testing.T) {
	for _, c := range []struct {
		prefix string
		scope  Scope
		life   Lifetime
		nodad  bool
	}{
		{"192.0.2.1/32", ScopeGlobal, Forever, false},
		{"2001:db8::1/128", ScopeGlobal, 0, true},
		{"2001:db8::1/64", ScopeGlobal, Forever, true},
		{"fe80::1/128", ScopeLink, 0, true},
	} {
		a := vip(1, c.prefix)
		if a.Scope != c.scope || a.Preferred != c.life || a.NoDAD != c.nodad || a.Broadcast.IsValid() || a.Protocol != 18 {
			t.Errorf("%s: %+v", c.prefix, a)
		}
	}
}

func TestBroadcasts(t *testing.T) {
	ones, zeros, ok := Broadcasts(netip.MustParsePrefix("192.0.2.77/26"))
	if !ok || ones.String() != "192.0.2.127" || zeros.String() != "192.0.2.64" {
		t.Errorf("got %v, %v, %v", ones, zeros, ok)
	}
	for _, p := range []string{"192.0.2.1/31", "2001:db8::1/64"} {
		if _, _, ok := Broadcasts(netip.MustParsePrefix(p)); ok {
			t.Errorf("%s has a broadcast address", p)
		}
	}
}
