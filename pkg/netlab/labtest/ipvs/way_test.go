package ipvs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// wayConf is a pool of two servers for each family, checked at the virtual address.
func wayConf(kind string) string {
	var b strings.Builder
	for _, family := range []struct{ vip, real string }{{netlab.VIP, "10.10.0.1%d"}, {netlab.VIP6, "fd00:20::1%d"}} {
		for port, check := range map[int]string{80: "HTTP_GET {\n url {\n path /\n status_code 200\n }\n }", 7: "TCP_CHECK {\n }"} {
			fmt.Fprintf(&b, "virtual_server %s %d {\n delay_loop 1\n connect_timeout 1\n retry 1\n delay_before_retry 1\n lb_algo rr\n lb_kind %s\n protocol TCP\n alpha\n probe_via_vip\n", family.vip, port, kind)
			for web := range 2 {
				fmt.Fprintf(&b, " real_server "+family.real+" %d {\n %s\n }\n", web+1, port, check)
			}
			b.WriteString("}\n")
		}
	}
	return b.String()
}

// servers are the real servers of the services with an address; those of firewall marks
// are the ways of the checks.
func servers(lb *netlab.Namespace) string {
	var list []string
	for _, line := range lb.IPVS() {
		if f := strings.Fields(line); f[0] == "-a" && f[1] == "-t" {
			list = append(list, f[4])
		}
	}
	return strings.Join(list, " ")
}

// A check with probe_via_vip finds what a client would: that a server listens, but has
// not got the virtual address. The address that the director has itself is no obstacle,
// nor is a strict filter of reverse paths, and nothing is left at the end.
func TestProbeViaVIP(t *testing.T) {
	prepare := map[string]func(*netlab.Site){"DR": (*netlab.Site).DR, "TUN": (*netlab.Site).TUN}
	for _, kind := range []string{"DR", "TUN"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			site := lab(t).Site(1, 2)
			prepare[kind](site)
			lb := site.Directors[0]
			lb.AddAddr("eth0", netlab.VIP+"/32", netlab.VIP6+"/128")
			lb.Sysctl("net/ipv4/conf/eth1/rp_filter", "1")
			http, echo := site.Serve("http", 80), site.Serve("tcp", 7)
			d := lb.Daemon(netlab.Holdfast(t), wayConf(kind), "-C")
			const (
				one = "10.10.0.11:7 10.10.0.11:80 [fd00:20::11]:7 [fd00:20::11]:80"
				two = "10.10.0.11:7 10.10.0.11:80 10.10.0.12:7 10.10.0.12:80 [fd00:20::11]:7 [fd00:20::11]:80 [fd00:20::12]:7 [fd00:20::12]:80"
			)
			in := func(want string) func() bool {
				return func() bool { return sameWords(servers(lb), want) }
			}
			defer func() {
				if t.Failed() {
					t.Logf("%s\n%v\n%s", d.Log(), lb.IPVS(), lb.Run("ipvsadm", "-Lnc"))
				}
			}()
			site.Eventually(15*time.Second, "both servers", in(two))

			dev4, dev6 := "lo", "lo"
			if kind == "TUN" {
				dev4, dev6 = "tunl0", "ip6tnl0"
			}
			site.Webs[1].DelAddr(dev4, netlab.VIP+"/32")
			site.Webs[1].DelAddr(dev6, netlab.VIP6+"/128")
			site.Eventually(15*time.Second, "the one without the address is out", in(one))
			site.Webs[1].AddAddr(dev4, netlab.VIP+"/32")
			site.Webs[1].AddAddr(dev6, netlab.VIP6+"/128")
			site.Eventually(15*time.Second, "it is back with the address", in(two))
			http[1].Down()
			echo[1].Down()
			site.Eventually(15*time.Second, "the one that does not listen is out", in(one))
			if got := site.Client.AskMany("http", netlab.VIP+":80", 4); !equalCounts(got, map[string]int{"web1": 4}) {
				t.Errorf("answers: %v", got)
			}
			http[1].Up()
			echo[1].Up()
			site.Eventually(15*time.Second, "it is back", in(two))

			if code := d.Stop(); code != 0 {
				t.Errorf("exit status %d", code)
			}
			if got := lb.IPVS(); len(got) != 0 {
				t.Errorf("left in the kernel: %v", got)
			}
			for name, want := range map[string]string{"accept_local": "0", "rp_filter": "1"} {
				lb.Do(func() error {
					got, err := os.ReadFile("/proc/sys/net/ipv4/conf/eth1/" + name)
					if strings.TrimSpace(string(got)) != want {
						t.Errorf("%s is %q afterwards, want %s (%v)", name, got, want, err)
					}
					return nil
				})
			}
		})
	}
}

func sameWords(a, b string) bool {
	return slices.Equal(slices.Sorted(slices.Values(strings.Fields(a))), slices.Sorted(slices.Values(strings.Fields(b))))
}

// A server that answers ARP for the virtual address is out, however well it serves: on
// that network it would draw clients to itself.
func TestProbeViaVIPFindsAnswersToARP(t *testing.T) {
	t.Parallel()
	site := lab(t).Site(1, 2)
	site.DR()
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	site.Serve("http", 80)
	conf := strings.NewReplacer("10.10.0", "192.168.10").Replace(wayConf("DR"))
	d := lb.Daemon(netlab.Holdfast(t), conf[:strings.Index(conf, "virtual_server "+netlab.VIP6)], "-C")
	served := func() bool { return strings.Contains(servers(lb), "192.168.10.12:80") }
	site.Eventually(15*time.Second, "the server", served)
	site.Webs[1].Sysctl("net/ipv4/conf/all/arp_ignore", "0")
	site.Webs[1].Sysctl("net/ipv4/conf/eth0/arp_ignore", "0")
	site.Eventually(15*time.Second, "out for its answers", func() bool { return !served() })
	if out := holdfast(t, lb, d, "status"); !strings.Contains(out, "answers ARP for "+netlab.VIP) {
		t.Errorf("the status does not say why:\n%s", out)
	}
	site.Webs[1].Sysctl("net/ipv4/conf/eth0/arp_ignore", "1")
	site.Eventually(15*time.Second, "back when it is silent", served)
}
