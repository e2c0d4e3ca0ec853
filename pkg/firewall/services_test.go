package firewall

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func TestServiceRules(t *testing.T) {
	at := netip.MustParseAddr("192.0.2.50")
	for _, tt := range []struct {
		name      string
		got, want []string
	}{
		{
			"marks with and without a port",
			markRules([]Mark{{at, unix.IPPROTO_TCP, 80, 1000}, {at, unix.IPPROTO_UDP, 0, 1001}}),
			[]string{
				"PREROUTING -d 192.0.2.50 -p tcp --dport 80 -m comment --comment holdfast -j MARK --set-mark 1000",
				"PREROUTING -d 192.0.2.50 -p udp -m comment --comment holdfast -j MARK --set-mark 1001",
				"OUTPUT -d 192.0.2.50 -p tcp --dport 80 -m comment --comment holdfast -j MARK --set-mark 1000",
				"OUTPUT -d 192.0.2.50 -p udp -m comment --comment holdfast -j MARK --set-mark 1001",
			},
		},
		{
			"source NAT",
			natRules([]SNAT{{at, unix.IPPROTO_TCP, 80, netip.MustParseAddr("192.0.2.9")}, {at, unix.IPPROTO_SCTP, 0, netip.MustParseAddr("192.0.2.9")}}),
			[]string{
				"POSTROUTING -p tcp -m conntrack --ctorigdst 192.0.2.50 --ctorigdstport 80 -m comment --comment holdfast -j SNAT --to-source 192.0.2.9",
				"POSTROUTING -p sctp -m conntrack --ctorigdst 192.0.2.50 -m comment --comment holdfast -j SNAT --to-source 192.0.2.9",
			},
		},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Rules stay when they are released, a successor takes them over, and its end
// removes them.
func TestServicesAreAdopted(t *testing.T) {
	for _, tools := range []bool{false, true} {
		t.Run(map[bool]string{false: "nftables", true: "iptables"}[tools], func(t *testing.T) {
			l := newLAN(t)
			p := ServicePolicy{
				Marks: []Mark{{netip.MustParseAddr("192.0.2.50"), unix.IPPROTO_TCP, 80, 1000}},
				SNAT:  []SNAT{{netip.MustParseAddr("2001:db8::50"), unix.IPPROTO_UDP, 53, netip.MustParseAddr("2001:db8::2")}},
			}
			rules := func() string {
				if !tools {
					return l.ruleset()
				}
				return l.b.Run("iptables-legacy-save") + l.b.Run("ip6tables-legacy-save")
			}
			open := func() *Services {
				s := NewServices(Options{Table: "services", Priority: -1})
				if tools {
					s.tools, s.applied = legacyTools, map[string]ServicePolicy{}
				}
				return s
			}
			in := func(f func() error) {
				t.Helper()
				if err := l.b.Do(f); err != nil {
					t.Fatal(err)
				}
			}
			if tools && l.b.Do(func() error { return exec.Command("iptables-legacy", "-t", "nat", "-S").Run() }) != nil {
				netlab.Lacks(t, "a kernel with tables for iptables-legacy")
			}
			count := func() int { return strings.Count(rules(), "holdfast") + strings.Count(rules(), "table ip") }
			first := open()
			in(func() error { return first.Apply(p) })
			before := count()
			if before == 0 {
				t.Fatalf("no rules:\n%s", rules())
			}
			in(first.Release)
			second := open()
			in(func() error { return second.Apply(p) })
			if got := count(); got != before {
				t.Errorf("%d rules after the successor's start, %d before:\n%s", got, before, rules())
			}
			in(second.Close)
			if got := count(); got != 0 {
				t.Errorf("left behind:\n%s", rules())
			}
		})
	}
}
