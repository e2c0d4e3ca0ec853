package link

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func TestReceiveIPv4(t *testing.T) {
	l := newLAN(t)
	l.set(l.listen4(51, 53))
	before := time.Now()
	l.send4(51, group4)
	l.send4(52, group4)                             // nobody's
	l.send4(51, netip.MustParseAddr("224.0.0.99"))  // not joined
	l.send4(53, netip.MustParseAddr("192.0.2.2"))   // unicast
	l.send4(51, netip.MustParseAddr("224.0.0.111")) // not joined
	l.send4(51, group4)
	got := l.expect(51, 53, 51)
	p := got[0]
	if p.Src.String() != "192.0.2.1" || p.Dst != group4 || p.HopLimit != 255 || p.Index != l.endpoint(false).Index || len(p.Data) != 28 {
		t.Errorf("packet %+v", p)
	}
	if p.At.Before(before.Add(-time.Millisecond)) || p.At.After(time.Now()) {
		t.Errorf("received at %v, sent after %v", p.At, before)
	}
	if got[1].Dst.String() != "192.0.2.2" {
		t.Errorf("unicast packet %+v", got[1])
	}
}

func TestReceiveIPv6(t *testing.T) {
	l := newLAN(t)
	l.set(Listen{Endpoint: l.endpoint(true), Groups: []netip.Addr{group6}, VRIDs: []uint8{51}})
	src := netip.MustParseAddr("fe80::1")
	for vrid := range byte(53) {
		l.send(Outgoing{Src: src, Dst: group6, HopLimit: 255, Data: []byte{0x31, vrid, 0, 0, 0, 0, 0, 0}})
	}
	p := l.expect(51)[0]
	if p.Src != src || p.Dst != group6 || p.HopLimit != 255 || p.Index != l.endpoint(true).Index {
		t.Errorf("packet %+v", p)
	}
}

func TestSetAdjustsOpenSockets(t *testing.T) {
	l := newLAN(t)
	other := netip.MustParseAddr("224.0.0.99")
	l.set(l.listen4(51))
	l.send4(51, group4)
	l.expect(51)
	w := l.listen4(52)
	w.Groups, w.Buffer = []netip.Addr{other}, 1<<20
	l.set(w)
	l.send4(51, group4)
	l.send4(52, group4)
	l.send4(52, other)
	l.expect(51, 52)
	w.VRIDs = nil
	l.set(w)
	l.send4(200, other)
	l.expect(51, 52, 200)
	l.set()
	l.send4(51, other)
	if n := len(l.hub.open); n != 0 {
		t.Errorf("%d sockets open, want none", n)
	}
}

func TestMembershipSurvivesLinkBounce(t *testing.T) {
	l := newLAN(t)
	l.set(l.listen4(51))
	l.b.Down("eth0")
	l.b.Up("eth0")
	l.do(l.b, func() error { return l.hub.Rejoin(l.endpoint(false).Index) })
	_, ok := netlab.Poll(5*time.Second, func() bool {
		l.send4(51, group4)
		return len(l.packets()) > 0
	})
	if !ok {
		t.Error("nothing is received after the link came back")
	}
}

// An interface that was removed and made again has another index, and gets
// another socket.
func TestInterfaceMadeAgain(t *testing.T) {
	l := newLAN(t)
	l.b.Run("ip", "link", "add", "link", "eth0", "name", "vrrp.51", "type", "macvlan", "mode", "private")
	l.b.Up("vrrp.51")
	listen := func() Listen {
		return Listen{Endpoint: Endpoint{Interface: "vrrp.51", Index: l.b.Link("vrrp.51").Attrs().Index, Protocol: ProtocolVRRP}, Groups: []netip.Addr{group4}}
	}
	l.set(listen())
	l.b.Run("ip", "link", "del", "vrrp.51")
	l.b.Run("ip", "link", "add", "link", "eth0", "name", "vrrp.51", "type", "macvlan", "mode", "private")
	l.b.Up("vrrp.51")
	l.set(listen())
	l.send4(51, group4)
	l.expect(51)
	if len(l.hub.open) != 1 {
		t.Errorf("%d sockets open, want 1", len(l.hub.open))
	}
}

func TestSetNamesWhatCannotBeOpened(t *testing.T) {
	l := newLAN(t)
	missing := Endpoint{Interface: "nosuch", Index: 99, Protocol: ProtocolVRRP}
	l.do(l.b, func() error {
		failed := l.hub.Set([]Listen{{Endpoint: missing}, l.listen4(51)})
		if len(failed) != 1 || failed[missing] == nil {
			t.Errorf("failed %v, want only %v", failed, missing)
		}
		return nil
	})
	l.send4(51, group4)
	l.expect(51)
}

// Tens of thousands of packets for virtual routers of others never reach us, and
// the one for us does.
func TestFloodOfOthers(t *testing.T) {
	l := newLAN(t)
	l.set(l.listen4(51))
	for range 20000 {
		src := netip.MustParseAddr("192.0.2.1")
		_ = l.sender.Send(Outgoing{Index: l.a.Link("eth0").Attrs().Index, Src: src, Dst: group4, Data: packet4(src, group4, 99, 255)})
	}
	// On a busy machine the network itself may have no room left for the next packet.
	_, ok := netlab.Poll(5*time.Second, func() bool {
		l.send4(51, group4)
		return len(l.packets()) > 0
	})
	if !ok {
		t.Error("the packet for us has not come")
	}
	for _, p := range l.packets() {
		if p.Data[21] != 51 {
			t.Fatalf("received a packet for virtual router %d", p.Data[21])
		}
	}
}

// A socket that failed is opened again by the next Set, also by one that comes while its
// goroutine has not ended yet, because it is telling of the failure.
func TestFailedSocketIsOpenedAgain(t *testing.T) {
	l := newLAN(t)
	l.set(l.listen4(51))
	broken := l.hub.open[l.endpoint(false)]
	broken.failed.Store(true)
	l.set(l.listen4(51))
	if l.hub.open[l.endpoint(false)] == broken {
		t.Error("it is still in use")
	}
	l.send4(51, group4)
	l.expect(51)
}

func TestHubLeavesNothing(t *testing.T) {
	l := newLAN(t)
	opts := goleak.IgnoreCurrent()
	l.set(l.listen4(51), Listen{Endpoint: l.endpoint(true), Groups: []netip.Addr{group6}})
	l.hub.Close()
	goleak.VerifyNone(t, opts)
	if len(l.lost) > 0 {
		t.Errorf("closing was reported as a failure: %v", l.lost)
	}
}
