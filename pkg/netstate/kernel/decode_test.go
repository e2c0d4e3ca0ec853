package kernel

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"golang.org/x/sys/unix"
)

var (
	comparePrefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	compareAddrs    = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
)

// seeds are messages as our own encoder makes them.
func seeds() map[uint16][][]byte {
	addr := netstate.NewAddress(3, netip.MustParsePrefix("192.0.2.1/24"))
	addr.Label, addr.Broadcast = "eth0:1", netip.MustParseAddr("192.0.2.255")
	addr6 := netstate.NewAddress(3, netip.MustParsePrefix("2001:db8::1/128"))
	addr6.Peer = netip.MustParsePrefix("2001:db8::2/128")
	route := netstate.NewRoute(netip.MustParsePrefix("10.0.0.0/8"))
	route.Metrics = netstate.Metrics{MTU: 1400, Lock: netstate.LockMTU, CongCtl: "reno"}
	route.Hops = []netstate.Hop{
		{Via: netip.MustParseAddr("192.0.2.9"), Link: 3, Weight: 2},
		{Via: netip.MustParseAddr("2001:db8::9"), Link: 4, Encap: netstate.Encap{Kind: netstate.EncapMPLS, Labels: []uint32{16, 17}}},
	}
	rule := netstate.NewRule(netstate.IPv6, 1000)
	rule.From, rule.Mark, rule.TunnelID = netip.MustParsePrefix("2001:db8::/32"), netstate.Some(uint32(7)), 9
	rule.DstPorts = netstate.Some(netstate.Range[uint16]{First: 1, Last: 2})
	return map[uint16][][]byte{
		unix.RTM_NEWADDR:  {encodeAddress(addr), encodeAddress(addr6)},
		unix.RTM_NEWROUTE: {encodeRoute(route, netstate.Add)},
		unix.RTM_NEWRULE:  {encodeRule(rule)},
	}
}

// What is decoded must be a fixed point: encoded and decoded again it is the
// same value, and no bytes make a decoder fail.
func FuzzDecode(f *testing.F) {
	for kind, list := range seeds() {
		for _, b := range list {
			f.Add(kind, b)
			f.Add(kind+1, b[:len(b)-3])
		}
	}
	f.Add(uint16(unix.RTM_NEWLINK), make([]byte, 40))
	f.Fuzz(func(t *testing.T, kind uint16, body []byte) {
		ev, ok := decode(kind, body)
		if !ok {
			return
		}
		netstate.NewMirror().Apply(ev)
		var again netstate.Event
		switch ev := ev.(type) {
		case netstate.AddressChanged:
			ev.Address.Tentative, ev.Address.Duplicate = false, false
			if !canEncode(ev.Address) {
				return
			}
			b := encodeAddress(ev.Address)
			a, _ := decodeAddress(b)
			a.NoDAD, a.Home, a.ManageTemp = ev.Address.NoDAD, ev.Address.Home, ev.Address.ManageTemp // IPv6 only
			again = netstate.AddressChanged{Address: a}
			if diff := cmp.Diff(ev, again, comparePrefixes, compareAddrs); diff != "" {
				t.Errorf("decoded, encoded and decoded: %s", diff)
			}
		case netstate.RuleChanged:
			r, _ := decodeRule(encodeRule(ev.Rule))
			if r != ev.Rule.Normal() && canEncodeRule(ev.Rule) {
				t.Errorf("decoded, encoded and decoded:\n%+v\n%+v", ev.Rule, r)
			}
		case netstate.RouteChanged:
			if _, ok := decodeRoute(encodeRoute(ev.Route, netstate.Add)); !ok {
				t.Errorf("what we encode cannot be decoded: %+v", ev.Route)
			}
		}
	})
}

// canEncode excludes what only nonsense on the wire decodes to.
func canEncode(a netstate.Address) bool {
	return a.Prefix.IsValid() && (a.Label == "" || a.Prefix.Addr().Is4()) &&
		(!a.Broadcast.IsValid() || a.Prefix.Addr().Is4() && a.Broadcast.IsValid()) &&
		(!a.Peer.IsValid() || a.Peer.IsValid() && a.Peer.Addr() != a.Prefix.Addr())
}

func canEncodeRule(r netstate.Rule) bool {
	same := func(p netip.Prefix) bool {
		return !p.IsValid() || p.Addr().Is4() == (r.Family == netstate.IPv4)
	}
	return same(r.From) && same(r.To)
}

func TestDecodeKeepsOut(t *testing.T) {
	bridge := make([]byte, unix.SizeofIfInfomsg)
	bridge[0] = unix.AF_BRIDGE
	cloned := make([]byte, unix.SizeofRtMsg)
	cloned[0], cloned[9] = unix.AF_INET, unix.RTM_F_CLONED>>8
	for name, m := range map[string]struct {
		kind uint16
		body []byte
	}{
		"a bridge about its port":   {unix.RTM_DELLINK, bridge},
		"the route cache":           {unix.RTM_NEWROUTE, cloned},
		"a short message":           {unix.RTM_NEWADDR, []byte{2, 24}},
		"another kind of message":   {unix.RTM_NEWNEIGH, make([]byte, 64)},
		"an address without local":  {unix.RTM_NEWADDR, []byte{unix.AF_INET, 24, 0, 0, 1, 0, 0, 0}},
		"a route of another family": {unix.RTM_NEWROUTE, append([]byte{unix.AF_BRIDGE}, make([]byte, 20)...)},
	} {
		if ev, ok := decode(m.kind, m.body); ok {
			t.Errorf("%s: decoded as %+v", name, ev)
		}
	}
}
