package link

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

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
	w := NewWatcher(func(c Claim) { claims <- c }, func(err error) { t.Error(err) })
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

// What ends the watching is told, unless that was our own wish.
func TestWatchFails(t *testing.T) {
	r, w, err := os.Pipe() // no socket
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	n := &watch{file: r}
	if n.conn, err = r.SyscallConn(); err != nil {
		t.Fatal(err)
	}
	if err := n.read(nil); !errors.Is(err, unix.ENOTSOCK) {
		t.Errorf("error %v", err)
	}
	r.Close()
	if err := n.read(nil); err != nil {
		t.Errorf("closed: %v", err)
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
