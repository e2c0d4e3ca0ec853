package vrrp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// A virtual MAC address: VIP and adverts are on an interface of their own with the
// address of RFC 9568, section 7.3. Nothing ever binds the VIP to a real one.
func TestVMAC(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, addr, mac string
		router          router
		base            bool // adverts leave with the interface's own address
	}{
		{"IPv4", vip, "00:00:5e:00:01:33", router{extra: "use_vmac"}, false},
		{"adverts from the base", vip, "00:00:5e:00:01:33", router{extra: "use_vmac\n vmac_xmit_base"}, true},
		{"unicast", vip, "00:00:5e:00:01:33", router{extra: "use_vmac\n" + unicast(0, 1)}, true},
		{"IPv6", vip6, "00:00:5e:00:02:33", router{extra: "use_vmac", vips: "fe80::5:50/64\n" + vip6 + "/64"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				first, second := tt.router, tt.router
				first.priority, second.priority = 150, 100
				second.extra = swap(second.extra)
				d := l.start(0, bin[0], first)
				l.start(1, bin[1], second)
				l.settles(8*time.Second, 0, tt.addr)
				name := ownInterface(l.r[0], tt.addr)
				if got := l.r[0].MAC(name).String(); got != tt.mac {
					t.Errorf("%s has %s, want %s", name, got, tt.mac)
				}
				sent := l.adverts(0, time.Time{})
				if len(sent) == 0 {
					t.Fatal("no advert in a second")
				}
				if from := sent[len(sent)-1].SrcMAC.String(); (from == tt.mac) == tt.base {
					t.Errorf("adverts come from %s", from)
				}
				l.reaches(tt.addr)
				d.Stop()
				l.only(8*time.Second, 1, tt.addr)
				l.reaches(tt.addr)
				for i := range 2 {
					for _, a := range netlab.Announcements(l.seen[i].Received(), tt.addr) {
						if a.MAC.String() != tt.mac {
							t.Fatalf("r%d announced %s at %s", i+1, tt.addr, a.MAC)
						}
					}
				}
				if _, err := l.r[0].Command("ip", "link", "show", name); err == nil {
					t.Errorf("%s is left over", name)
				}
			})
		})
	}
}

// Whoever takes a virtual router's own interface down has made it fail. What was removed,
// renamed or given another address is replaced.
func TestVMACDisturbed(t *testing.T) {
	t.Parallel()
	const dev, mac = "vrrp.51", "00:00:5e:00:01:33"
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		pair(l, bin, "use_vmac")
		l.r[0].Down(dev)
		l.only(8*time.Second, 1, vip)
		l.r[0].Up(dev)
		l.settles(12*time.Second, 0, vip)
		for _, disturb := range []string{
			"ip link del " + dev,
			"ip link set " + dev + " address 00:00:5e:00:01:34",
			"ip link set " + dev + " down && ip link set " + dev + " name other",
		} {
			l.r[0].Run("sh", "-c", disturb)
			l.Eventually(8*time.Second, "the interface is as it was", func() bool {
				out, err := l.r[0].Command("ip", "link", "show", dev)
				return err == nil && strings.Contains(out, mac)
			})
			l.settles(12*time.Second, 0, vip)
			l.reaches(vip)
		}
	})
}

// swap exchanges the first two routers in lines about unicast.
func swap(conf string) string {
	return strings.NewReplacer("10.5.0.1\n", "10.5.0.2\n", "10.5.0.2\n", "10.5.0.1\n").Replace(conf)
}

// reaches checks that the client gets an answer from an address.
func (l *lan) reaches(addr string) {
	l.Helper()
	l.Eventually(8*time.Second, "the client reaches "+addr, func() bool {
		_, err := l.client.Command("ping", "-c1", "-W1", addr)
		return err == nil
	})
}

// ownInterface is the interface that has an address.
func ownInterface(n *netlab.Namespace, addr string) string {
	out := n.Run("ip", "-o", "addr", "show", "to", addr)
	return strings.TrimSuffix(strings.Fields(out + " - -")[1], ":")
}

// What a crash leaves in the kernel is taken away when the daemon comes back as backup,
// and nothing is there twice when it comes back as master.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, extra string
		run         func(*testing.T, func(*testing.T, *lan, [2]string))
	}{
		{"address, route, rule", "virtual_routes {\n 10.77.0.0/16 via 10.5.0.100 dev eth0\n }\n virtual_rules {\n from 10.79.0.0/16 table 100\n }", ours},
		{"virtual MAC", "use_vmac", mixed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, func(t *testing.T, l *lan, bin [2]string) {
				first, _ := pair(l, bin, tt.extra)
				first.Crash()
				l.Eventually(8*time.Second, "r2 takes over", func() bool { return l.r[1].Has(vip) })
				if !l.r[0].Has(vip) {
					t.Fatal("a crash took the address away: nothing to test")
				}
				first.Write(globals + router{priority: 50, extra: tt.extra}.String())
				first.Start()
				l.only(5*time.Second, 1, vip)
				l.stays(time.Second, 1, vip)
				l.Eventually(5*time.Second, "route and rule are gone", func() bool {
					return !strings.Contains(l.r[0].Run("ip", "route")+l.r[0].Run("ip", "rule"), "10.7")
				})
				first.Crash()
				first.Write(globals + router{priority: 150, extra: tt.extra}.String())
				first.Start()
				l.only(8*time.Second, 0, vip)
				if n := strings.Count(l.r[0].Run("ip", "-o", "addr"), " "+vip+"/"); n != 1 {
					t.Errorf("r1 has the address %d times", n)
				}
				first.Stop()
				l.only(8*time.Second, 1, vip)
				if out := l.r[0].Run("ip", "-o", "link"); strings.Contains(out, "vrrp.51") {
					t.Errorf("the virtual MAC's interface is left over:\n%s", out)
				}
			})
		})
	}
}

// An address that the administrator gave to the interface is his: it survives the daemon
// that was told to manage the same one. An owner whose only address it is sends from it.
func TestOwnAddressStays(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]string{"another one": vip, "the only one": "10.5.0.1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			if !l.r[0].Has(own) {
				l.r[0].AddAddr("eth0", own+"/24")
			}
			d := l.start(0, netlab.Holdfast(t), router{priority: 255, state: "MASTER", vips: own + "/24"})
			l.Eventually(10*time.Second, "it advertises", func() bool { return len(l.adverts(0, time.Time{})) >= 5 })
			d.Stop()
			if !l.r[0].Has(own) {
				t.Error("the administrator's address is gone")
			}
		})
	}
}

// Duplicate address detection delays nothing and rejects nothing: an address that moves
// answers at once, although its old holder may still have it. What cannot be sent from, as
// its detection goes on, is waited for.
func TestDuplicateAddressDetection(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		for i := range 2 {
			for _, dev := range []string{"default", "eth0"} {
				l.r[i].Sysctl("net/ipv6/conf/"+dev+"/accept_dad", "1")
			}
			// The link-local address is new, and has to wait.
			l.r[i].Down("eth0")
			l.r[i].Up("eth0")
		}
		conf := func(priority int) router {
			return router{priority: priority, vips: "fe80::5:50/64\n" + vip6 + "/64"}
		}
		first := l.start(0, bin[0], conf(150))
		l.start(1, bin[1], conf(100))
		usable := func(i int) {
			t.Helper()
			l.settles(15*time.Second, i, vip6)
			for _, addr := range []string{vip6, "fe80::5:50"} {
				if out := l.r[i].Run("ip", "-o", "addr", "show", "to", addr); strings.Contains(out, "tentative") || strings.Contains(out, "dadfailed") {
					t.Errorf("r%d: %s", i+1, out)
				}
			}
		}
		usable(0)
		first.Crash() // the kernel keeps the addresses, and would object to others
		l.Eventually(8*time.Second, "r2 takes over", func() bool { return l.r[1].Has(vip6) })
		l.reachesFrom(1, vip6)
		l.r[0].Run("ip", "addr", "del", vip6+"/64", "dev", "eth0")
		l.r[0].Run("ip", "addr", "del", "fe80::5:50/64", "dev", "eth0")
		first.Start()
		usable(0)
	})
}

// reachesFrom checks that router i itself can use the address as a source.
func (l *lan) reachesFrom(i int, addr string) {
	l.Helper()
	l.Eventually(8*time.Second, fmt.Sprintf("r%d can use %s", i+1, addr), func() bool {
		_, err := l.r[i].Command("ping", "-c1", "-W1", "-I", addr, "fd05::3")
		return err == nil
	})
}

// Somebody deletes the address of a master: it comes back, and nobody else takes it. With
// on_vip_removed failover the master says priority 0 and waits for its skew time, as
// keepalived does.
func TestAddressStolen(t *testing.T) {
	t.Parallel()
	t.Run("restore", func(t *testing.T) {
		ours(t, func(t *testing.T, l *lan, bin [2]string) {
			pair(l, bin, "")
			since := time.Now()
			l.r[0].DelAddr("eth0", vip+"/24")
			l.only(10*time.Second, 0, vip)
			l.stays(time.Second, 0, vip)
			if got := l.unprovoked(1, since); len(got) > 0 {
				t.Errorf("r2 advertised: %+v", got[0])
			}
		})
	})
	t.Run("failover", func(t *testing.T) {
		mixed(t, func(t *testing.T, l *lan, bin [2]string) {
			l.start(0, bin[0], router{priority: 150, extra: "on_vip_removed failover"})
			l.only(5*time.Second, 0, vip)
			l.join(1, bin[1], router{priority: 100})
			stolen := time.Now()
			l.r[0].DelAddr("eth0", vip+"/24")
			l.Eventually(5*time.Second, "r1 offers it to others", func() bool {
				return slices.ContainsFunc(l.adverts(0, stolen), func(a netlab.Advert) bool { return a.Priority == 0 })
			})
			l.settles(12*time.Second, 0, vip)
		})
	})
	t.Run("failover at once", func(t *testing.T) { // while the others are still being set
		alone(t, func(t *testing.T, l *lan, bin [2]string) {
			vips := vip + "/24"
			for i := range 100 {
				vips += fmt.Sprintf("\n10.5.1.%d/24", i+1)
			}
			l.start(0, bin[0], router{priority: 150, vips: vips, extra: "on_vip_removed failover"})
			started := time.Now()
			for !l.r[0].Has(vip) {
				if time.Since(started) > 8*time.Second {
					l.Fatalf("no address")
				}
			}
			l.r[0].DelAddr("eth0", vip+"/24")
			l.Eventually(5*time.Second, "r1 offers it to others", func() bool {
				return slices.ContainsFunc(l.adverts(0, started), func(a netlab.Advert) bool { return a.Priority == 0 })
			})
			l.settles(12*time.Second, 0, vip)
		})
	})
	t.Run("route", func(t *testing.T) {
		mixed(t, func(t *testing.T, l *lan, bin [2]string) {
			const route = "10.77.0.0/16 via 10.5.0.100 dev eth0"
			pair(l, bin, "virtual_routes {\n "+route+"\n }")
			l.Eventually(5*time.Second, "the route", func() bool { return strings.Contains(l.r[0].Run("ip", "route"), route) })
			l.r[0].Run("ip", "route", "del", "10.77.0.0/16")
			l.Eventually(10*time.Second, "the route is back", func() bool { return strings.Contains(l.r[0].Run("ip", "route"), route) })
			l.stays(time.Second, 0, vip)
		})
	})
}

// An interface is removed and made again. Only the instance on it is concerned.
func TestInterfaceComesAndGoes(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		appear := func() {
			parent := l.r[0].Link("eth0").Attrs().Index
			l.r[0].AddLink(&netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Name: "mv0", ParentIndex: parent}, Mode: netlink.MACVLAN_MODE_BRIDGE})
			l.r[0].AddAddr("mv0", "10.5.0.21/24")
		}
		appear()
		const other = "10.5.0.60"
		second := router{name: "OTHER", vrid: 60, vips: other + "/24"}
		conf := func(priority int, dev string) []any {
			second.priority = priority
			return []any{router{priority: priority, dev: dev}, "\n", second}
		}
		l.start(0, bin[0], conf(150, "mv0")...)
		l.only(8*time.Second, 0, vip)
		l.only(8*time.Second, 0, other)
		l.join(1, bin[1], conf(100, "eth0")...)
		for range 2 {
			l.r[0].Run("ip", "link", "del", "mv0")
			l.only(8*time.Second, 1, vip)
			l.stays(500*time.Millisecond, 0, other)
			appear()
			l.settles(12*time.Second, 0, vip)
		}
	})
}

// An interface gets another name, and then its old one again. That is as if it were
// removed and made; only the instance on it is concerned.
func TestInterfaceRenamed(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		const other = "10.6.0.50"
		conf := func(priority int) []any {
			return []any{
				router{priority: priority},
				"\n",
				router{name: "OTHER", vrid: 60, priority: priority, dev: "eth1", vips: other + "/24"},
			}
		}
		l.start(0, bin[0], conf(150)...)
		l.only(8*time.Second, 0, vip)
		l.only(8*time.Second, 0, other)
		l.join(1, bin[1], conf(100)...)
		rename := func(from, to string) {
			l.r[0].Down(from)
			l.r[0].Run("ip", "link", "set", from, "name", to)
			l.r[0].Up(to)
		}
		for range 2 {
			rename("eth0", "wan0")
			l.only(8*time.Second, 1, vip)
			l.stays(500*time.Millisecond, 0, other)
			rename("wan0", "eth0")
			l.settles(12*time.Second, 0, vip)
		}
	})
}

// Routers whose lists of addresses differ still have one master, which does what its own
// list says. keepalived 2.4 does the same; older ones ignore such adverts.
func TestOtherAddressList(t *testing.T) {
	t.Parallel()
	accepting := []mix{{"both holdfast", false, false}, {"keepalived first", true, false}}
	t.Run("another address", func(t *testing.T) {
		mixes(t, accepting, func(t *testing.T, l *lan, bin [2]string) {
			l.start(0, bin[0], router{priority: 150})
			l.start(1, bin[1], router{priority: 100, vips: "10.5.0.51/24"})
			l.only(8*time.Second, 0, vip)
			l.Eventually(8*time.Second, "r2 is backup", func() bool { return !l.r[1].Has("10.5.0.51") })
			l.Never(2*time.Second, "r2 became master", func() bool { return l.r[1].Has("10.5.0.51") })
		})
	})
	t.Run("another number", func(t *testing.T) {
		mixes(t, accepting, func(t *testing.T, l *lan, bin [2]string) {
			l.start(0, bin[0], router{priority: 150})
			second := l.start(1, bin[1], router{priority: 100, vips: vip + "/24\n10.5.0.51/24"})
			l.only(8*time.Second, 0, vip)
			l.Eventually(8*time.Second, "r2 is backup", func() bool { return !l.r[1].Has("10.5.0.51") })
			l.Never(2*time.Second, "r2 became master", func() bool { return l.r[1].Has("10.5.0.51") })
			second.WaitLog(3*time.Second, `expected 2 VIPs but received 1`)
		})
	})
}
