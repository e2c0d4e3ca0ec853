package router

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

// lan has eth0 (2), eth1 (3) and the VRF blue (4).
func lan() *netstate.Mirror {
	m := netstate.NewMirror()
	m.Apply(netstate.Resynced{State: netstate.State{Links: []netstate.Link{
		{Index: 2, Name: "eth0"}, {Index: 3, Name: "eth1"}, {Index: 4, Name: "blue", Kind: "vrf", Table: 10},
	}}})
	return m
}

var comparers = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func TestDesiredAddress(t *testing.T) {
	ten, none := uint32(10), uint32(0)
	v4 := netip.MustParsePrefix("192.0.2.10/24")
	v6 := netip.MustParsePrefix("2001:db8::10/128")
	tests := []struct {
		name string
		in   config.Address
		want netstate.Address
	}{
		{"defaults", config.Address{Prefix: v4}, netstate.Address{
			Link: 2, Prefix: v4, Preferred: netstate.Forever, Protocol: netstate.Protocol,
		}},
		{"IPv6 is not preferred and not probed", config.Address{Prefix: v6}, netstate.Address{
			Link: 2, Prefix: v6, NoDAD: true, Protocol: netstate.Protocol,
		}},
		{"-nodad asks for the probe", config.Address{Prefix: v6, DAD: true, PreferredLft: &ten}, netstate.Address{
			Link: 2, Prefix: v6, Preferred: 10, Protocol: netstate.Protocol,
		}},
		{"a preferred lifetime of 0 is for IPv6", config.Address{Prefix: v4, PreferredLft: &none}, netstate.Address{
			Link: 2, Prefix: v4, Preferred: netstate.Forever, Protocol: netstate.Protocol,
		}},
		{"options", config.Address{Prefix: v4, Label: "eth0:1", Scope: 253, Broadcast: netip.MustParseAddr("192.0.2.255"), NoPrefix: true}, netstate.Address{
			Link: 2, Prefix: v4, Label: "eth0:1", Scope: netstate.ScopeLink, Broadcast: netip.MustParseAddr("192.0.2.255"),
			NoPrefixRoute: true, Preferred: netstate.Forever, Protocol: netstate.Protocol,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := desiredAddress(tt.in, "eth0", lan())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, comparers); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMissingInterface(t *testing.T) {
	_, err := desiredAddress(config.Address{Prefix: netip.MustParsePrefix("192.0.2.1/32")}, "eth7", lan())
	if want := missingLink("eth7"); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestDesiredRoute(t *testing.T) {
	mtu, ack := uint32(1400), uint32(1)
	base := config.Route{Dst: netip.MustParsePrefix("198.51.100.0/24"), Scope: -1, Pref: -1, TTLProp: -1}
	edit := func(f func(*config.Route)) config.Route { r := base; f(&r); return r }
	plain := netstate.NewRoute(base.Dst)
	want := func(f func(*netstate.Route)) netstate.Route { r := plain; f(&r); return r }
	gw := netip.MustParseAddr("192.0.2.254")
	tests := []struct {
		name string
		in   config.Route
		want netstate.Route
	}{
		{
			"gateway", edit(func(r *config.Route) { r.Via, r.Dev = gw, "eth1" }),
			want(func(r *netstate.Route) { r.Hop = netstate.Hop{Via: gw, Link: 3} }),
		},
		{
			"blackhole in a table", edit(func(r *config.Route) { r.Type, r.Table = 6, 100 }),
			want(func(r *netstate.Route) { r.Type, r.Table = netstate.TypeBlackhole, 100 }),
		},
		{
			"table of a VRF", edit(func(r *config.Route) { r.VRF = "blue" }),
			want(func(r *netstate.Route) { r.Table = 10 }),
		},
		{"metrics", edit(func(r *config.Route) {
			r.Metrics = config.RouteMetrics{MTU: &mtu, QuickAck: &ack, RTT: &mtu, RTTVar: &mtu, RTOMin: &mtu, Lock: 1 << 2}
		}), want(func(r *netstate.Route) {
			r.Metrics = netstate.Metrics{
				MTU: 1400, QuickACK: netstate.Some(true), Lock: netstate.LockMTU,
				RTT: 175 * time.Millisecond, RTTVar: 350 * time.Millisecond, RTOMin: 1400 * time.Millisecond,
			}
		})},
		{"two next hops", edit(func(r *config.Route) {
			r.NextHops = []config.NextHop{{Via: gw, Weight: 2}, {Dev: "eth1", OnLink: true}}
		}), want(func(r *netstate.Route) {
			r.Hops = []netstate.Hop{{Via: gw, Weight: 2}, {Link: 3, OnLink: true}}
		})},
		{"MPLS", edit(func(r *config.Route) {
			r.Encap = &config.Encap{Kind: "mpls", Words: []string{"100/200", "ttl", "9"}}
		}), want(func(r *netstate.Route) {
			r.Hop.Encap = netstate.Encap{Kind: netstate.EncapMPLS, Labels: []uint32{100, 200}, TTL: 9}
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := desiredRoute(tt.in, lan())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, comparers); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBadEncap(t *testing.T) {
	for _, words := range []string{"mpls x", "mpls 1048576", "ip id x", "ip nonsense 1", "ila", "ila zz", "seg6 1"} {
		f := strings.Fields(words)
		if _, err := desiredEncap(&config.Encap{Kind: f[0], Words: f[1:]}); err == nil {
			t.Errorf("encap %s is accepted", words)
		}
	}
}

func TestDesiredRule(t *testing.T) {
	from := netip.MustParsePrefix("192.0.2.0/24")
	in := config.Rule{
		From: from, Table: 100, Preference: 50, FwMark: 1, FwMarkGiven: true, SuppressPrefix: -1, SuppressGroup: 3,
		DPortLow: 80, DPortH: 90, IPProto: 6, Protocol: netstate.Protocol,
	}
	want := netstate.NewRule(netstate.IPv4, 50)
	want.From, want.Table = from, 100
	want.Mark = netstate.Some(uint32(1))
	want.SuppressIfGroup = netstate.Some(uint32(3))
	want.DstPorts = netstate.Some(netstate.Range[uint16]{First: 80, Last: 90})
	want.IPProto = 6
	if diff := cmp.Diff(want, desiredRule(in), comparers); diff != "" {
		t.Error(diff)
	}
	in.Protocol, want.Protocol = 0, 0 // as those with no_track have it
	if diff := cmp.Diff(want, desiredRule(in), comparers); diff != "" {
		t.Error(diff)
	}
}
