package firewall

import (
	"net/netip"
	"strings"
	"testing"
)

func TestTransaction(t *testing.T) {
	saved := `*filter
:INPUT ACCEPT [0:0]
-A INPUT -d 192.0.2.1/32 -m comment --comment holdfast -j DROP
-A INPUT -d 192.0.2.2/32 -m comment --comment "not holdfast" -j DROP
-A OUTPUT -j ACCEPT
COMMIT
`
	got := transaction("filter", saved, []string{"INPUT -d 192.0.2.9 -j DROP", "OUTPUT -s 192.0.2.9 -j DROP"})
	want := `*filter
-D INPUT -d 192.0.2.1/32 -m comment --comment holdfast -j DROP
-I OUTPUT 1 -s 192.0.2.9 -j DROP
-I INPUT 1 -d 192.0.2.9 -j DROP
COMMIT
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := transaction("filter", "*filter\nCOMMIT\n", nil); got != "" {
		t.Errorf("nothing to do, but\n%s", got)
	}
}

func TestIPTables(t *testing.T) {
	l := newLAN(t)
	in := func(f func() error) {
		t.Helper()
		if err := l.b.Do(f); err != nil {
			t.Fatal(err)
		}
	}
	l.b.Run("iptables", "-A", "INPUT", "-i", "lo", "-j", "ACCEPT")
	l.b.Run("iptables", "-A", "INPUT", "-j", "ACCEPT")
	n := &IPTables{In: "INPUT", Out: "OUTPUT"}
	p := Policy{Virtual: []Virtual{{Index: 9, Name: "vrrp.51", Idle: true}}}
	vips := []string{"192.0.2.50", "2001:db8::50"}
	for _, v := range vips {
		p.Silent = append(p.Silent, Silent{Addr: netip.MustParseAddr(v)})
	}
	in(func() error { return n.Apply(p) })
	for _, v := range vips {
		if l.reaches(v) {
			t.Errorf("%s is reached although it is silent", v)
		}
	}
	if !l.reaches("192.0.2.2") || !l.reaches("2001:db8::2") {
		t.Error("other addresses are silent, too")
	}
	// A successor knows the rules again.
	successor := &IPTables{In: "INPUT", Out: "OUTPUT"}
	in(successor.Close)
	for _, v := range vips {
		if !l.reaches(v) {
			t.Errorf("%s is not reached after the end", v)
		}
	}
	if out := l.b.Run("iptables", "-S"); strings.Contains(out, "holdfast") || !strings.Contains(out, "-A INPUT -i lo -j ACCEPT") {
		t.Errorf("rules left:\n%s", out)
	}
}
