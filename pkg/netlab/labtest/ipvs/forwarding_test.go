package ipvs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// forwardingConf is one file for all ways of forwarding: HTTP and plain TCP, on IPv4 and
// IPv6.
func forwardingConf(kind, sched string) string {
	var b strings.Builder
	b.WriteString("global_defs {\n    router_id lab\n}\n")
	for _, family := range []struct{ vip, real string }{{netlab.VIP, "10.10.0.1%d"}, {netlab.VIP6, "fd00:20::1%d"}} {
		for port, check := range map[int]string{
			80: "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n retry 1\n delay_before_retry 1\n }",
			7:  "TCP_CHECK {\n connect_timeout 1\n retry 1\n delay_before_retry 1\n }",
		} {
			fmt.Fprintf(&b, "virtual_server %s %d {\n delay_loop 1\n lb_algo %s\n lb_kind %s\n protocol TCP\n", family.vip, port, sched, kind)
			for web, weight := range []int{1, 3} {
				fmt.Fprintf(&b, " real_server "+family.real+" %d {\n weight %d\n %s\n }\n", web+1, port, weight, check)
			}
			b.WriteString("}\n")
		}
	}
	return b.String()
}

// Real connections reach every backend, in each way of forwarding, over IPv4 and IPv6; a
// server that dies leaves the table and comes back.
func TestForwarding(t *testing.T) {
	prepare := map[string]func(*netlab.Site){"NAT": (*netlab.Site).NAT, "DR": (*netlab.Site).DR, "TUN": (*netlab.Site).TUN}
	for _, kind := range []string{"NAT", "DR", "TUN"} {
		for _, sched := range []string{"rr", "wrr"} {
			t.Run(kind+" "+sched, func(t *testing.T) {
				site := lab(t).Site(1, 2)
				prepare[kind](site)
				lb := site.Directors[0]
				lb.AddAddr("eth0", netlab.VIP+"/32", netlab.VIP6+"/128")
				web := site.Serve("http", 80)
				echo := site.Serve("tcp", 7)
				d := lb.Daemon(netlab.Holdfast(t), forwardingConf(kind, sched), "-C")
				site.Eventually(10*time.Second, "eight destinations", func() bool { return lb.Destinations() == 8 })

				want := map[string]int{"web1": 6, "web2": 6}
				if sched == "wrr" {
					want = map[string]int{"web1": 3, "web2": 9}
				}
				for _, ask := range []struct{ kind, addr string }{
					{"http", netlab.VIP + ":80"},
					{"tcp", netlab.VIP + ":7"},
					{"http", "[" + netlab.VIP6 + "]:80"},
					{"tcp", "[" + netlab.VIP6 + "]:7"},
				} {
					if got := site.Client.AskMany(ask.kind, ask.addr, 12); !equalCounts(got, want) {
						t.Errorf("%s %s: answers by server %v, want %v", ask.kind, ask.addr, got, want)
					}
				}

				web[1].Down()
				echo[1].Down()
				site.Eventually(10*time.Second, "dead server removed", func() bool { return lb.Destinations() == 4 })
				for _, addr := range []string{netlab.VIP + ":80", "[" + netlab.VIP6 + "]:80"} {
					if got := site.Client.AskMany("http", addr, 6); !equalCounts(got, map[string]int{"web1": 6}) {
						t.Errorf("%s with one server dead: %v", addr, got)
					}
				}
				web[1].Up()
				echo[1].Up()
				site.Eventually(10*time.Second, "server back", func() bool { return lb.Destinations() == 8 })

				if code := d.Stop(); code != 0 {
					t.Errorf("exit status %d", code)
				}
				if got := lb.IPVS(); len(got) != 0 {
					t.Errorf("left in the kernel: %v", got)
				}
			})
		}
	}
}

func equalCounts(a, b map[string]int) bool {
	return fmt.Sprint(a) == fmt.Sprint(b)
}
