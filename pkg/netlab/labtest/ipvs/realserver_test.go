package ipvs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// backend is a machine on which "holdfast realserver" is run, with a record of its own.
type backend struct {
	*netlab.Namespace
	bin, run string
}

// realserver runs the subcommand and returns what it says and whether it was content.
func (b backend) realserver(args ...string) (out string, ok bool) {
	out, err := b.Command("unshare", append([]string{
		"-m", "sh", "-c", `mkdir -p /run/holdfast && mount --bind "$0" /run/holdfast && exec "$@"`,
		b.run, b.bin, "realserver",
	}, args...)...)
	return strings.TrimSpace(out), err == nil
}

// facts are what the subcommand may change on a machine.
func (b backend) facts() string {
	var s strings.Builder
	for _, dev := range []string{"lo", "tunl0", "ip6tnl0"} {
		link, _ := b.Command("ip", "-br", "link", "show", "dev", dev)
		fmt.Fprintln(&s, link, b.Addrs(dev))
	}
	for _, name := range []string{"all/arp_ignore", "all/arp_announce", "tunl0/rp_filter"} {
		value, _ := b.Command("cat", "/proc/sys/net/ipv4/conf/"+name)
		fmt.Fprintln(&s, name, value)
	}
	return s.String()
}

// Backends that "holdfast realserver up" has prepared serve the virtual addresses and do
// not claim them; before and after that they do not serve, and "down" leaves nothing.
func TestRealServer(t *testing.T) {
	for _, tt := range []struct {
		name, kind string
		flags      []string
		network    func(*testing.T, *netlab.Site)
	}{
		{"DR", "DR", nil, func(_ *testing.T, s *netlab.Site) {
			for i, web := range s.Webs {
				web.AddAddr("eth0", fmt.Sprintf("192.168.10.%d/24", i+11), fmt.Sprintf("fd00:10::%d/64", i+11))
			}
		}},
		{"TUN", "TUN", []string{"--tun"}, func(_ *testing.T, s *netlab.Site) {
			for _, web := range s.Webs {
				web.AddConnectedRoute("192.168.10.0/24", "eth0")
				web.AddConnectedRoute("fd00:10::/64", "eth0")
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			site := lab(t).Site(1, 2)
			for i, web := range site.Webs {
				web.AddAddr("eth0", fmt.Sprintf("10.10.0.%d/24", i+11), fmt.Sprintf("fd00:20::%d/64", i+11))
			}
			tt.network(t, site)
			site.Serve("http", 80)
			lb := site.Directors[0]
			lb.AddAddr("eth0", netlab.VIP+"/32", netlab.VIP6+"/128")
			lb.Daemon(netlab.Holdfast(t), forwardingConf(tt.kind, "rr"), "-C")
			answers := func(addr string) map[string]int {
				got := map[string]int{}
				for range 4 {
					name, err := site.Client.Ask("http", addr, 300*time.Millisecond)
					if err != nil {
						name = "-"
					}
					got[name]++
				}
				return got
			}
			served := func(addr string) bool { return equalCounts(answers(addr), map[string]int{"web1": 2, "web2": 2}) }
			vips := []string{netlab.VIP + ":80", "[" + netlab.VIP6 + "]:80"}
			site.Eventually(10*time.Second, "all servers in the table", func() bool { return lb.Destinations() == 8 })
			if served(vips[0]) || served(vips[1]) {
				t.Fatal("the backends serve without being prepared")
			}

			both := append([]string{netlab.VIP, netlab.VIP6}, tt.flags...)
			var backends []backend
			var before []string
			for _, web := range site.Webs {
				b := backend{web, netlab.Holdfast(t), t.TempDir()}
				backends, before = append(backends, b), append(before, b.facts())
				if out, ok := b.realserver(append([]string{"check"}, both...)...); ok || !strings.Contains(out, netlab.VIP+" is not on this machine") {
					t.Errorf("%s: check of a fresh machine says %q", b.Name, out)
				}
				dry, ok := b.realserver(append([]string{"up", "--dry-run"}, both...)...)
				if !ok || b.facts() != before[len(before)-1] {
					t.Errorf("%s: a dry run changes something: %s", b.Name, dry)
				}
				if out, ok := b.realserver(append([]string{"up"}, both...)...); !ok || out != dry {
					t.Errorf("%s: up does %q, and announced %q", b.Name, out, dry)
				}
				if out, ok := b.realserver(append([]string{"up"}, both...)...); !ok || out != "" {
					t.Errorf("%s: up once more does %q", b.Name, out)
				}
				if out, ok := b.realserver(append([]string{"check"}, both...)...); !ok {
					t.Errorf("%s: check says %q", b.Name, out)
				}
			}
			for _, addr := range vips {
				site.Eventually(10*time.Second, addr+" is served by both", func() bool { return served(addr) })
			}
			for range 5 { // of three that have the address, the director says so
				site.Client.Run("ip", "neigh", "flush", "dev", "eth0")
				site.Client.Ask("http", vips[0], time.Second)
				neigh := site.Client.Run("ip", "neigh", "show", netlab.VIP, "dev", "eth0")
				for _, b := range backends {
					if strings.Contains(neigh, b.MAC("eth0").String()) {
						t.Fatalf("%s claims the virtual address: %s", b.Name, neigh)
					}
				}
			}
			for i, b := range backends {
				if out, ok := b.realserver(append([]string{"down"}, both...)...); !ok {
					t.Errorf("%s: down says %q", b.Name, out)
				}
				if after := b.facts(); after != before[i] {
					t.Errorf("%s: down leaves\n%s\nof\n%s", b.Name, after, before[i])
				}
				if left, _ := os.ReadDir(b.run); len(left) > 0 {
					t.Errorf("%s: a record of nothing is left: %v", b.Name, left)
				}
				if out, ok := b.realserver(append([]string{"down"}, both...)...); !ok || out != "" {
					t.Errorf("%s: down once more does %q", b.Name, out)
				}
			}
			if served(vips[0]) {
				t.Error("the backends still serve")
			}
		})
	}
}
