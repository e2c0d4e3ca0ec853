package link

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
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
