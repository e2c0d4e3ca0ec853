package firewall

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { netlab.MainNative(m) }

var options = Options{Table: "keepalived", Priority: -1, Counters: true}

// lan is two hosts; b has the firewall.
type lan struct {
	*netlab.Lab
	a, b *netlab.Namespace
	nft  *NFTables
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	netlab.Require(t)
	l := &lan{Lab: netlab.New(t)}
	l.a, l.b = l.Namespace("a"), l.Namespace("b")
	sw := l.Switch("lan")
	sw.Connect(l.a, "eth0", "192.0.2.1/24", "2001:db8::1/64", "fe80::1/64")
	sw.Connect(l.b, "eth0", "192.0.2.2/24", "2001:db8::2/64", "fe80::2/64", "192.0.2.50/32", "2001:db8::50/128", "fe80::50/128")
	// A cable carries nothing for a moment after it was plugged in.
	l.Eventually(10*time.Second, "a reaches b", func() bool { return l.reaches("192.0.2.2") && l.reaches("fe80::2") })
	if err := l.b.Do(func() (err error) { l.nft, err = OpenNFTables(options); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.nft.Release() })
	return l
}

func (l *lan) index(name string) int { return l.b.Link(name).Attrs().Index }

func (l *lan) apply(p Policy) {
	l.Helper()
	if err := l.nft.Apply(p); err != nil {
		l.Fatalf("%v", err)
	}
}

func (l *lan) ruleset() string { return l.b.Run("nft", "list", "ruleset") }

// reaches reports whether a gets an answer from an address.
func (l *lan) reaches(addr string) bool {
	if netip.MustParseAddr(addr).IsLinkLocalUnicast() {
		addr += "%eth0"
	}
	_, err := l.a.Command("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", addr)
	return err == nil
}

func TestSilentAddresses(t *testing.T) {
	l := newLAN(t)
	vips := []string{"192.0.2.50", "2001:db8::50", "fe80::50"}
	var p Policy
	for _, v := range vips {
		if !l.reaches(v) {
			t.Errorf("%s is not reached before", v)
		}
		p.Silent = append(p.Silent, Silent{Addr: netip.MustParseAddr(v), Index: l.index("eth0")})
	}
	l.apply(p)
	l.a.Run("ip", "neigh", "flush", "all")
	for _, v := range vips {
		if l.reaches(v) {
			t.Errorf("%s is reached although it is silent", v)
		}
	}
	for _, other := range []string{"192.0.2.2", "2001:db8::2", "fe80::2"} {
		if !l.reaches(other) {
			t.Errorf("%s is silent, too", other)
		}
	}
	// Address resolution goes on, or clients could not reach what is behind us.
	if out := l.a.Run("ip", "neigh"); !strings.Contains(out, "2001:db8::50 dev eth0 lladdr") {
		t.Errorf("neighbours of a:\n%s", out)
	}
	l.apply(Policy{})
	for _, v := range vips {
		if !l.reaches(v) {
			t.Errorf("%s is not reached after the end", v)
		}
	}
	if out := l.ruleset(); out != "" {
		t.Errorf("rules were left behind:\n%s", out)
	}
}

// Link-local addresses are silent on their interface only.
func TestSilentLinkLocalElsewhere(t *testing.T) {
	l := newLAN(t)
	l.apply(Policy{Silent: []Silent{{Addr: netip.MustParseAddr("fe80::50"), Index: l.index("lo")}}})
	if !l.reaches("fe80::50") {
		t.Error("the address is silent on an interface that was not named")
	}
}

func TestOnlyOurTables(t *testing.T) {
	l := newLAN(t)
	l.b.Run("nft", "add", "table", "ip", "theirs")
	l.apply(Policy{Silent: []Silent{{Addr: netip.MustParseAddr("192.0.2.50")}}})
	if err := l.nft.Apply(Policy{}); err != nil {
		t.Fatal(err)
	}
	if out := strings.TrimSpace(l.ruleset()); out != "table ip theirs {\n}" {
		t.Errorf("rules:\n%s", out)
	}
}

// A policy that is in force already is not applied again, so counters go on.
func TestApplyAgainKeepsCounters(t *testing.T) {
	l := newLAN(t)
	p := Policy{Silent: []Silent{{Addr: netip.MustParseAddr("192.0.2.50")}}}
	l.apply(p)
	l.reaches("192.0.2.50")
	l.apply(Policy{Silent: append(p.Silent, p.Silent...)}) // the same, said twice
	if out := l.ruleset(); !strings.Contains(out, "counter packets 2 ") {
		t.Errorf("the counter started again:\n%s", out)
	}
}

func TestManyAddresses(t *testing.T) {
	l := newLAN(t)
	var p Policy
	for i := range 5000 {
		p.Silent = append(p.Silent, Silent{Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})})
	}
	p.Silent = append(p.Silent, Silent{Addr: netip.MustParseAddr("192.0.2.50")})
	l.apply(p)
	if l.reaches("192.0.2.50") {
		t.Error("the last of 5001 addresses is reached")
	}
}

// vmac gives b a virtual MAC interface.
func (l *lan) vmac() net.HardwareAddr {
	mac := net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}
	l.b.Run("ip", "link", "add", "link", "eth0", "name", "vrrp.51", "address", mac.String(), "type", "macvlan", "mode", "private")
	return mac
}

func TestMembershipReportsLeaveThroughParent(t *testing.T) {
	l := newLAN(t)
	mac := l.vmac()
	l.apply(Policy{Virtual: []Virtual{{Index: l.index("vrrp.51"), Parent: l.index("eth0")}}})
	capture := l.a.Capture("eth0")
	l.b.Up("vrrp.51")
	l.b.AddAddr("vrrp.51", "192.0.2.60/32")
	l.b.Do(func() error { // join a group on the virtual interface
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: [4]byte{224, 0, 0, 18}, Ifindex: int32(l.index("vrrp.51"))})
	})
	reports := func() (four, six, virtual int) {
		for _, f := range capture.Frames() {
			b := f.Data
			igmp := len(b) > 34 && b[12] == 8 && b[13] == 0 && b[23] == unix.IPPROTO_IGMP
			mld := len(b) > 62 && b[12] == 0x86 && b[13] == 0xdd && b[20] == 0 && b[62] == icmp6MLD2Report
			if !igmp && !mld {
				continue
			}
			switch {
			case bytes.Equal(b[6:12], mac):
				virtual++
			case igmp:
				four++
			default:
				six++
			}
		}
		return four, six, virtual
	}
	_, ok := netlab.Poll(5*time.Second, func() bool { four, six, _ := reports(); return four > 0 && six > 0 })
	four, six, virtual := reports()
	if !ok || virtual > 0 {
		t.Errorf("%d IGMP and %d MLD reports through the parent, %d from the virtual MAC\n%s", four, six, virtual, l.ruleset())
	}
}

func TestIdleVirtualMACReceivesNothing(t *testing.T) {
	l := newLAN(t)
	mac := l.vmac()
	l.b.Up("vrrp.51")
	l.b.AddAddr("vrrp.51", "192.0.2.60/32")
	l.a.Run("ip", "neigh", "replace", "192.0.2.60", "lladdr", mac.String(), "dev", "eth0")
	v := Virtual{Index: l.index("vrrp.51"), Parent: l.index("eth0")}
	for _, idle := range []bool{false, true, false} {
		v.Idle = idle
		l.apply(Policy{Virtual: []Virtual{v}})
		if l.reaches("192.0.2.60") == idle {
			t.Errorf("idle %v: reached is %v", idle, !idle)
		}
	}
}

// One line says what the kernel refuses, however many rules came to nothing with it.
func TestRefusedTable(t *testing.T) {
	l := newLAN(t)
	l.nft.options.Table = strings.Repeat("x", 300)
	err := l.nft.ApplyServices(ServicePolicy{Marks: []Mark{{netip.MustParseAddr("192.0.2.50"), unix.IPPROTO_TCP, 80, 1000}}})
	if !errors.Is(err, unix.ERANGE) || strings.Count(err.Error(), unix.ERANGE.Error()) != 2 {
		t.Errorf("want it once for each of the two families: %v", err)
	}
}

func TestMarks(t *testing.T) {
	l := newLAN(t)
	serve := func(port int) {
		l.b.Listen(fmt.Sprintf("192.0.2.50:%d", port))
		l.b.Listen(fmt.Sprintf("[2001:db8::50]:%d", port))
	}
	serve(80)
	serve(81)
	dial := func(addr string, within time.Duration) error {
		return l.a.Do(func() error {
			c, err := net.DialTimeout("tcp", addr, within)
			if err == nil {
				c.Close()
			}
			return err
		})
	}
	// What carries the mark goes nowhere: so it is seen that it was set.
	for family, mark := range map[string]string{"-4": "1000", "-6": "1001"} {
		l.b.Run("ip", family, "rule", "add", "lookup", "local", "pref", "10")
		l.b.Run("ip", family, "rule", "del", "lookup", "local", "pref", "0")
		l.b.Run("ip", family, "rule", "add", "fwmark", mark, "blackhole", "pref", "1")
	}
	if err := l.nft.ApplyServices(ServicePolicy{Marks: []Mark{
		{netip.MustParseAddr("192.0.2.50"), unix.IPPROTO_TCP, 80, 1000},
		{netip.MustParseAddr("2001:db8::50"), unix.IPPROTO_TCP, 0, 1001},
	}}); err != nil {
		t.Fatal(err)
	}
	for addr, marked := range map[string]bool{
		"192.0.2.50:80": true, "192.0.2.50:81": false, "[2001:db8::50]:80": true, "[2001:db8::50]:81": true,
	} {
		within := 3 * time.Second
		if marked {
			within = 300 * time.Millisecond
		}
		if err := dial(addr, within); (err != nil) != marked {
			t.Errorf("%s: want marked %v: %v\n%s", addr, marked, err, l.ruleset())
		}
	}
}

// The source of connections to a service becomes the one asked for. A rewrite of
// the destination stands in for IPVS, which leaves the same traces.
func TestSourceNAT(t *testing.T) {
	l := newLAN(t)
	l.a.AddRoute("10.9.0.1/32", "192.0.2.2")
	l.b.Forward()
	seen := make(chan string, 1)
	ln := l.a.Listen("192.0.2.1:8080")
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			seen <- c.RemoteAddr().(*net.TCPAddr).IP.String()
			c.Close()
		}
	}()
	l.b.Run("nft", "add table ip lab; add chain ip lab pre { type nat hook prerouting priority -100; }; add rule ip lab pre ip daddr 10.9.0.1 tcp dport 80 dnat to 192.0.2.1:8080")
	if err := l.nft.ApplyServices(ServicePolicy{SNAT: []SNAT{
		{netip.MustParseAddr("10.9.0.1"), unix.IPPROTO_TCP, 80, netip.MustParseAddr("192.0.2.2")},
	}}); err != nil {
		t.Fatal(err)
	}
	err := l.a.Do(func() error {
		c, err := net.DialTimeout("tcp", "10.9.0.1:80", 3*time.Second)
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, l.ruleset())
	}
	if got := <-seen; got != "192.0.2.2" {
		t.Errorf("the server saw %s", got)
	}
}
