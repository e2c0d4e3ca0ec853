package link

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

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

// An advert leaves nothing for the garbage collector, and for 255 of them no
// time is lost to it.
func TestSendAllocatesNothing(t *testing.T) {
	l := newLAN(t)
	index := l.a.Link("eth0").Attrs().Index
	src4, src6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")
	for name, p := range map[string]Outgoing{
		"IPv4": {Index: index, Src: src4, Dst: group4, Data: packet4(src4, group4, 51, 255)},
		"IPv6": {Index: index, Src: src6, Dst: group6, HopLimit: 255, Data: []byte{0x31, 51, 0, 0, 0, 0, 0, 0}},
	} {
		var err error
		if n := testing.AllocsPerRun(100, func() { err = errors.Join(err, l.sender.Send(p)) }); n != 0 || err != nil {
			t.Errorf("%s: %v allocations (error %v)", name, n, err)
		}
	}
}

// An interface on which nothing gets out any more does not silence the others, although
// all of them are served by one socket.
func TestSendBesideStuckInterface(t *testing.T) {
	l := newLAN(t)
	l.stick(t)
	src := netip.MustParseAddr("192.0.2.1")
	through := func(dev string) error {
		return l.sender.Send(Outgoing{Index: l.a.Link(dev).Attrs().Index, Src: src, Dst: group4, Data: packet4(src, group4, 51, 255)})
	}
	for range 1000 { // as many as wait for an interface at most
		if err := through("eth0"); err != nil {
			t.Fatalf("an advert is not even taken: %v", err)
		}
	}
	if err := through("eth1"); err != nil {
		t.Error(err)
	}
}

// stick gives a a second interface, and lets nothing more out of the first.
func (l *lan) stick(t *testing.T) {
	t.Helper()
	l.Switch("other").Connect(l.a, "eth1", "198.51.100.1/24")
	if out, err := l.a.Command("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "8bit", "burst", "1000", "limit", "100000000"); err != nil {
		netlab.Lacks(t, "a kernel that holds packets back (sch_tbf): "+out)
	}
}

// What the kernel refuses is an error that says so.
func TestSendToNowhere(t *testing.T) {
	l := newLAN(t)
	err := l.sender.Send(Outgoing{Index: 9999, Dst: group4, Data: packet4(netip.MustParseAddr("192.0.2.1"), group4, 51, 255)})
	if !errors.Is(err, unix.ENODEV) {
		t.Errorf("an interface that does not exist: %v", err)
	}
}
