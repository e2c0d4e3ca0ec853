package link

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

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
