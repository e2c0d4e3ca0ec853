package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { netlab.MainNative(m) }

var (
	group4 = netip.MustParseAddr("224.0.0.18")
	group6 = netip.MustParseAddr("ff02::12")
)

// packet4 is an IPv4 packet with an eight byte VRRP header.
func packet4(src, dst netip.Addr, vrid, ttl byte) []byte {
	b := make([]byte, 28)
	b[0], b[1], b[8], b[9] = 0x45, 0xc0, ttl, ProtocolVRRP
	binary.BigEndian.PutUint16(b[2:], 28)
	copy(b[12:], src.AsSlice())
	copy(b[16:], dst.AsSlice())
	b[20], b[21] = 0x21, vrid
	return b
}

// inbox collects what a hub delivers.
type inbox struct {
	mu   sync.Mutex
	got  []Packet
	lost []error
}

func (i *inbox) deliver(p Packet) {
	p.Data = bytes.Clone(p.Data)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, p)
}

func (i *inbox) fail(_ Endpoint, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lost = append(i.lost, err)
}

func (i *inbox) packets() []Packet {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.got
}

// lan is two hosts, a that sends and b that receives.
type lan struct {
	*netlab.Lab
	a, b   *netlab.Namespace
	port   *netlab.Port
	sender *Sender
	hub    *Hub
	inbox
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	netlab.Require(t)
	l := &lan{Lab: netlab.New(t)}
	l.a, l.b = l.Namespace("a"), l.Namespace("b")
	sw := l.Switch("lan")
	sw.Connect(l.a, "eth0", "192.0.2.1/24", "fe80::1/64")
	l.port = sw.Connect(l.b, "eth0", "192.0.2.2/24", "fe80::2/64")
	// A cable carries nothing for a moment after it was plugged in.
	for _, addr := range []string{"192.0.2.2", "fe80::2%eth0"} {
		l.Eventually(10*time.Second, "a reaches "+addr, func() bool {
			_, err := l.a.Command("ping", "-n", "-c", "1", "-W", "1", addr)
			return err == nil
		})
	}
	l.do(l.a, func() (err error) { l.sender, err = NewSender(); return err })
	l.hub = NewHub(l.deliver, l.fail)
	t.Cleanup(func() { l.sender.Close(); l.hub.Close() })
	return l
}

func (l *lan) do(n *netlab.Namespace, f func() error) {
	l.Helper()
	if err := n.Do(f); err != nil {
		l.Fatalf("%v", err)
	}
}

func (l *lan) set(want ...Listen) {
	l.Helper()
	l.do(l.b, func() error {
		for e, err := range l.hub.Set(want) {
			l.Errorf("%v: %v", e, err)
		}
		return nil
	})
}

func (l *lan) listen4(vrids ...uint8) Listen {
	return Listen{Endpoint: l.endpoint(false), Groups: []netip.Addr{group4}, VRIDs: vrids}
}

func (l *lan) endpoint(six bool) Endpoint {
	return Endpoint{Interface: "eth0", Index: l.b.Link("eth0").Attrs().Index, IPv6: six, Protocol: ProtocolVRRP}
}

func (l *lan) send(p Outgoing) {
	l.Helper()
	p.Index = l.a.Link("eth0").Attrs().Index
	if err := l.sender.Send(p); err != nil {
		l.Errorf("%v", err)
	}
}

func (l *lan) send4(vrid byte, dst netip.Addr) {
	l.Helper()
	src := netip.MustParseAddr("192.0.2.1")
	l.send(Outgoing{Src: src, Dst: dst, Data: packet4(src, dst, vrid, 255)})
}

// expect waits until packets with exactly these VRIDs have come, in order.
func (l *lan) expect(vrids ...byte) []Packet {
	l.Helper()
	vridsOf := func() (list []byte) {
		for _, p := range l.packets() {
			b := p.Data
			if !p.Endpoint.IPv6 {
				b = b[20:]
			}
			list = append(list, b[1])
		}
		return list
	}
	if _, ok := netlab.Poll(5*time.Second, func() bool { return len(vridsOf()) >= len(vrids) }); !ok || !bytes.Equal(vridsOf(), vrids) {
		l.Fatalf("received VRIDs %v, want %v", vridsOf(), vrids)
	}
	return l.packets()
}

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

// A virtual address of which duplicate address detection still runs, or that
// lives elsewhere, may be the source.
func TestSendIPv6FromForeignSource(t *testing.T) {
	l := newLAN(t)
	l.set(Listen{Endpoint: l.endpoint(true), Groups: []netip.Addr{group6}})
	l.send(Outgoing{Src: netip.MustParseAddr("fe80::77"), Dst: group6, HopLimit: 255, Data: []byte{0x31, 9, 0, 0, 0, 0, 0, 0}})
	if p := l.expect(9)[0]; p.Src.String() != "fe80::77" {
		t.Errorf("source %v", p.Src)
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

// announce sends through an announcer in a and waits until all is sent.
func (l *lan) announce(list ...Announcement) {
	l.Helper()
	var n *Announcer
	l.do(l.a, func() (err error) {
		n, err = NewAnnouncer(func(a Announcement, err error) {
			if err != nil {
				l.Errorf("announce %v: %v", a.Addr, err)
			}
		})
		return err
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	n.Announce(list, 1)
	netlab.Poll(5*time.Second, func() bool { return n.Waiting() == 0 })
	cancel()
	<-done
}

func (l *lan) announcement(addr string, mac net.HardwareAddr) Announcement {
	return Announcement{Index: l.a.Link("eth0").Attrs().Index, MAC: mac, Addr: netip.MustParseAddr(addr)}
}

func TestWatchReportsClaims(t *testing.T) {
	l := newLAN(t)
	claims := make(chan Claim, 16)
	w := NewWatcher(func(c Claim) { claims <- c })
	ours, theirs := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	watched := Watched{Interface: "eth0", Index: l.endpoint(false).Index, Ours: []net.HardwareAddr{ours}}
	for _, a := range []string{"192.0.2.50", "2001:db8::50"} {
		watched.Addrs = append(watched.Addrs, netip.MustParseAddr(a))
	}
	l.do(l.b, func() error { return w.Set([]Watched{watched}) })
	l.announce(
		l.announcement("192.0.2.51", theirs), // not watched
		l.announcement("192.0.2.50", ours),
		l.announcement("2001:db8::50", ours),
		l.announcement("192.0.2.50", theirs),
		l.announcement("2001:db8::50", theirs))
	seen := map[string]bool{}
	for range 2 {
		select {
		case c := <-claims:
			if !bytes.Equal(c.MAC, theirs) || c.Interface != "eth0" {
				t.Errorf("claim %+v", c)
			}
			seen[c.Addr.String()] = true
		case <-time.After(5 * time.Second):
			t.Fatalf("claims of %v only", seen)
		}
	}
	if !seen["192.0.2.50"] || !seen["2001:db8::50"] {
		t.Errorf("claims of %v", seen)
	}
	l.do(l.b, func() error { return w.Set(nil) })
	w.Close()
	if len(claims) > 0 {
		t.Errorf("one claim too many: %+v", <-claims)
	}
}

// What we announce is byte for byte what keepalived announces.
func TestAnnouncementsEqualKeepalived(t *testing.T) {
	l := newLAN(t)
	capture := l.b.Capture("eth0")
	l.a.Daemon("keepalived", `
vrrp_instance four {
	interface eth0
	virtual_router_id 1
	priority 255
	virtual_ipaddress { 192.0.2.50 }
}
vrrp_instance six {
	interface eth0
	virtual_router_id 2
	priority 255
	version 3
	virtual_ipaddress { fe80::50
		2001:db8::50 }
}
`)
	for _, addr := range []string{"192.0.2.50", "fe80::50", "2001:db8::50"} {
		if _, ok := netlab.Poll(10*time.Second, func() bool { return len(netlab.Announcements(capture.Frames(), addr)) > 0 }); !ok {
			t.Fatalf("keepalived did not announce %s", addr)
		}
		want := netlab.Announcements(capture.Frames(), addr)[0].Data
		got, err := l.announcement(addr, l.a.MAC("eth0")).Frame()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s (error %v)\nours       %x\nkeepalived %x", addr, err, got, want)
		}
	}
}

func TestAnnouncementNeedsEthernet(t *testing.T) {
	for _, mac := range []net.HardwareAddr{nil, make(net.HardwareAddr, 20)} {
		if _, err := (Announcement{MAC: mac, Addr: netip.MustParseAddr("192.0.2.1")}).Frame(); err == nil {
			t.Errorf("address of %d bytes: no error", len(mac))
		}
	}
}

func FuzzClaims(f *testing.F) {
	frame, _ := gratuitousARP(net.HardwareAddr{2, 0, 0, 0, 0, 1}, netip.MustParseAddr("192.0.2.1"))
	f.Add(frame[14:])
	frame, _ = unsolicitedNA(net.HardwareAddr{2, 0, 0, 0, 0, 1}, netip.MustParseAddr("2001:db8::1"), true)
	f.Add(frame[54:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if addr, mac, ok := parseARP(b); ok && (!addr.Is4() || len(mac) != 6) {
			t.Errorf("ARP: %v at %v", addr, mac)
		}
		if addr, mac, ok := parseNA(b); ok && (!addr.Is6() || len(mac) != 0 && len(mac) != 6) {
			t.Errorf("NA: %v at %v", addr, mac)
		}
	})
}
