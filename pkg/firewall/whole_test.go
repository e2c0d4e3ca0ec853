package firewall

import (
	"net/netip"
	"testing"
)

// Tables that another program has flushed or removed are noticed, and made anew; what
// others do beside them is not taken for it.
func TestWhole(t *testing.T) {
	l := newLAN(t)
	p := Policy{Silent: []Silent{
		{Addr: netip.MustParseAddr("192.0.2.50"), Index: l.index("eth0")},
		{Addr: netip.MustParseAddr("2001:db8::50"), Index: l.index("eth0")},
	}}
	whole := func(when string, want bool) {
		t.Helper()
		if got, err := l.nft.Whole(); got != want || err != nil {
			t.Errorf("%s: whole is %v, error %v; want %v", when, got, err, want)
		}
	}
	whole("before there are any rules", true)
	l.apply(p)
	ours := func() string {
		return l.b.Run("nft", "list", "table", "ip", options.Table) + l.b.Run("nft", "list", "table", "ip6", options.Table)
	}
	before := ours()
	whole("after the rules were made", true)
	for _, by := range []struct {
		others string
		whole  bool
	}{
		{"add table inet others", true},
		{"delete table inet others", true},
		{"flush table ip keepalived", false},
		{"delete table ip6 keepalived", false},
		{"flush ruleset", false},
	} {
		l.b.Run("nft", by.others)
		whole(by.others, by.whole)
		l.apply(p)
		whole("after "+by.others+" was put right", true)
		if got := ours(); got != before {
			t.Errorf("after %s the rules are\n%s\nwant\n%s", by.others, got, before)
		}
	}
	l.apply(Policy{})
	whole("after the rules were removed", true)
}
