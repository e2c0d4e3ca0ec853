package router

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// What changed while reports were lost is acted upon: an interface that was made again
// has another number, one of our own is made again.
func TestReportsLost(t *testing.T) {
	elsewhere := func(c *config.Config) {
		c.Instances[0].VIPs[0].Dev = "story1"
		six := instanceConfig("B", "story0", 2, "2001:db8::1/64")
		six.IPv6, six.SrcIP, six.McastDst = true, netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::12")
		six.VMAC = &config.VMAC{Name: "storyv"}
		c.Instances = append(c.Instances, six)
	}
	r, _ := reloadable(t, elsewhere, "A")
	r.begin()
	a, b := r.named("A"), r.named("B")
	own := eth(1003, "storyv", true)
	own.Parent, own.Kind = 1001, "macvlan"
	r.virtualMade(b, b.virtual, own, true, nil)
	r.netChanged(netstate.LinkChanged{Link: own})
	r.reassess()
	if b.own.Index != 1003 || a.want.Addresses[0].Link != 1002 {
		t.Fatalf("B is on %v, A has %v", b.own, a.want.Addresses)
	}
	r.netChanged(netstate.Resynced{State: netstate.State{Links: []netstate.Link{eth(1001, "story0", true), eth(1004, "story1", true)}}})
	r.reassess()
	if got := a.want.Addresses[0].Link; got != 1004 {
		t.Errorf("the address is for the interface %d", got)
	}
	if !b.virtual.making || b.election.state() != vrrp.Fault {
		t.Errorf("its own interface is not made again, B is %v", b.election.state())
	}
}

// A master sets its addresses again on an interface that was made again, also those that
// nobody watches.
func TestInterfaceMadeAgain(t *testing.T) {
	elsewhere := func(c *config.Config) { c.Instances[0].VIPs[0].Dev, c.Instances[0].VIPs[0].NoTrack = "story1", true }
	r, _ := reloadable(t, elsewhere, "A")
	elect(t, r)
	planned(t, r)
	r.netChanged(netstate.LinkGone{Link: eth(1002, "story1", true)})
	r.netChanged(netstate.LinkChanged{Link: eth(1004, "story1", true)})
	r.reassess()
	if got := planned(t, r); !r.named("A").held || !slices.Contains(got, "add 192.0.2.101/24") {
		t.Errorf("A is %v, planned %q", r.named("A").election.state(), got)
	}
}

// A master that has not heard of a refusal yet must hear of it, whatever its interface
// does meanwhile.
func TestRefusalIsHeardOf(t *testing.T) {
	r, _ := reloadable(t, nil, "A")
	elect(t, r)
	a := r.named("A")
	r.applied(a, []kernel.Failure{{Op: netstate.Op{Verb: netstate.Add, Item: a.want.Addresses[0]}, Err: unix.EAGAIN}})
	r.netChanged(netstate.LinkChanged{Link: eth(1001, "story0", false)})
	r.netChanged(netstate.LinkChanged{Link: eth(1001, "story0", true)})
	r.reassess()
	if s := a.election.state(); s != vrrp.Fault {
		t.Errorf("A is %v", s)
	}
	r.netChanged(netstate.LinkChanged{Link: eth(1001, "story0", false)})
	r.netChanged(netstate.LinkChanged{Link: eth(1001, "story0", true)})
	r.reassess()
	if s := a.election.state(); s != vrrp.Backup {
		t.Errorf("A is %v although the address may be had now", s)
	}
}

// A route that cannot be had is tried again now and then, and when a link has changed;
// the addresses need not be announced for that.
func TestRefusedRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := reloadable(t, func(c *config.Config) {
			c.Instances[0].Routes = []config.Route{{Dst: netip.MustParsePrefix("198.51.100.0/24"), Dev: "story1", Scope: -1, Pref: -1, TTLProp: -1}}
		}, "A")
		elect(t, r)
		a := r.named("A")
		r.netChanged(netstate.AddressChanged{Address: a.want.Addresses[0]})
		planned(t, r)
		r.applied(a, []kernel.Failure{{Op: netstate.Op{Verb: netstate.Add, Item: a.want.Routes[0]}, Err: unix.ENETUNREACH}})
		repaired := func() []string {
			a.settled, a.repeat = r.began, 0
			r.amiss = true
			r.repair()
			return planned(t, r)
		}
		if got := repaired(); len(got) > 0 {
			t.Errorf("tried again at once: %q", got)
		}
		r.netChanged(netstate.LinkChanged{Link: eth(1002, "story1", false)})
		if got := repaired(); len(got) != 1 || a.repeat != 0 {
			t.Errorf("after the link changed: %q, %d announcements", got, a.repeat)
		}
	})
}

// An address that goes while we change things, or is reported to have gone just after
// that, is not taken for somebody else's doing.
func TestOwnChangesAreNoTheft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failover := func(c *config.Config) { c.Instances[0].OnVIPRemoved = config.FailoverVIP }
		r, _ := reloadable(t, failover, "A")
		elect(t, r)
		a := r.named("A")
		goes := func() {
			r.netChanged(netstate.AddressGone{Address: a.want.Addresses[0]})
			r.netChanged(netstate.AddressChanged{Address: a.want.Addresses[0]})
			r.reassess()
		}
		goes()
		r.applied(a, nil)
		goes()
		if !a.held {
			t.Errorf("A is %v", a.election.state())
		}
		a.settled = r.began // long ago
		goes()
		if a.held {
			t.Error("what somebody removed is not handed over")
		}
	})
}

// Nor is the route of another one to the same place by another way.
func TestOthersRouteIsNoTheft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := reloadable(t, func(c *config.Config) {
			c.Instances[0].OnVIPRemoved = config.FailoverVIP
			c.Instances[0].Routes = []config.Route{{Dst: netip.MustParsePrefix("198.51.100.0/24"), Dev: "story0", Scope: -1, Pref: -1, TTLProp: -1}}
		}, "A")
		elect(t, r)
		a := r.named("A")
		other := a.want.Routes[0]
		other.Hop.Link = 1002
		for _, c := range []struct {
			route netstate.Route
			held  bool
		}{{other, true}, {a.want.Routes[0], false}} {
			r.applied(a, nil)
			a.busy, a.settled = 0, r.began
			r.netChanged(netstate.RouteGone{Route: c.route})
			r.reassess()
			if a.held != c.held {
				t.Errorf("%v is gone: A is %v", c.route, a.election.state())
			}
		}
	})
}
