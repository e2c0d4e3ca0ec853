package link

import (
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

var (
	ibMAC       = ibAddress("80000048 fe80000000000000 0002c9030001e0a1")
	ibBroadcast = ibAddress("00ffffff ff12401bffff0000 00000000ffffffff")
)

func ibAddress(text string) net.HardwareAddr {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestInfiniBand(t *testing.T) {
	for _, c := range []struct {
		name, addr string
		to         string
		etherType  uint16
		body       string
	}{
		{
			"gratuitous ARP", "192.0.2.50", "00ffffff ff12401bffff0000 00000000ffffffff", 0x0806,
			"0020 0800 14 04 0001" +
				"80000048 fe80000000000000 0002c9030001e0a1 c0000232" +
				"00ffffff ff12401bffff0000 00000000ffffffff c0000232",
		},
		{
			"neighbour advertisement", "2001:db8::50", "00ffffff ff12601bffff0000 0000000000000001", 0x86dd,
			"60000000 0030 3a ff 20010db8000000000000000000000050 ff020000000000000000000000000001" +
				"88 00 d209 20000000 20010db8000000000000000000000050" +
				"02 03 0000 80000048 fe80000000000000 0002c9030001e0a1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Announcement{MAC: ibMAC, Broadcast: ibBroadcast, Addr: netip.MustParseAddr(c.addr)}
			to, etherType, body, err := a.infiniBand()
			if err != nil {
				t.Fatal(err)
			}
			if want := ibAddress(c.to).String(); to.String() != want || etherType != c.etherType {
				t.Errorf("type %04x to %v, want %04x to %s", etherType, to, c.etherType, want)
			}
			if got, want := hex.EncodeToString(body), hex.EncodeToString(ibAddress(c.body)); got != want {
				t.Errorf("body\n%s, want\n%s", got, want)
			}
			parse, packet := parseARP, body
			if etherType == etherTypeIPv6 {
				parse, packet = parseNA, body[40:]
			}
			if addr, mac, ok := parse(packet); !ok || addr != a.Addr || mac.String() != ibMAC.String() {
				t.Errorf("read again: %v at %v (%v)", addr, mac, ok)
			}
		})
	}
}

func TestInfiniBandNeedsBroadcastAddress(t *testing.T) {
	a := Announcement{MAC: ibMAC, Addr: netip.MustParseAddr("192.0.2.50")}
	if _, _, _, err := a.infiniBand(); !errors.Is(err, ErrNotEthernet) {
		t.Errorf("error %v", err)
	}
}

// What is sent without a header arrives with one, on any kind of link.
func TestSendCooked(t *testing.T) {
	l := newLAN(t)
	capture := l.b.Capture("eth0")
	l.do(l.a, func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return sendCooked(fd, l.a.Link("eth0").Attrs().Index, etherBroadcast, 0x88b5, []byte("holdfast"))
	})
	_, ok := netlab.Poll(5*time.Second, func() bool {
		for _, f := range capture.Frames() {
			if strings.Contains(string(f.Data), "\x88\xb5holdfast") {
				return true
			}
		}
		return false
	})
	if !ok {
		t.Error("the packet did not arrive")
	}
}
