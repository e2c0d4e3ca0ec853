package vrrp_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// pair starts two routers, 150 and 100, and waits until the first is master.
func pair(l *lan, bin [2]string, extra string) (first, second *netlab.Daemon) {
	l.Helper()
	first = l.start(0, bin[0], router{priority: 150, extra: extra})
	second = l.start(1, bin[1], router{priority: 100, extra: extra})
	l.only(5*time.Second, 0, vip)
	return first, second
}

func TestLinkFailures(t *testing.T) {
	for _, tt := range []struct {
		name       string
		fail, heal func(*lan)
		noticed    bool // by the router itself, which then gives the address up
	}{
		{"cable pulled", func(l *lan) { l.port[0].Unplug() }, func(l *lan) { l.port[0].Plug() }, true},
		{"interface down", func(l *lan) { l.r[0].Down("eth0") }, func(l *lan) { l.r[0].Up("eth0") }, true},
		{"silent cut", func(l *lan) { l.port[0].Block(true) }, func(l *lan) { l.port[0].Block(false) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				pair(l, bin, "")
				tt.fail(l)
				if tt.noticed {
					l.only(5*time.Second, 1, vip)
				} else {
					l.Eventually(5*time.Second, "both alone", func() bool { return l.holders(vip) == "r1 r2" })
				}
				tt.heal(l)
				l.settles(10*time.Second, 0, vip)
			})
		})
	}
}

// A backup that hears nobody becomes master; one that is heard but does not hear makes
// the other step back, or be ignored, and all is well after the network heals.
func TestOneWayPartition(t *testing.T) {
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		pair(l, bin, "")
		l.port[1].Deaf(true) // r2 no longer hears r1, and becomes master with less priority
		l.Eventually(5*time.Second, "r2 thinks it is alone", func() bool { return l.r[1].Has(vip) })
		l.Never(time.Second, "r1 gave way to a lower priority", func() bool { return !l.r[0].Has(vip) })
		l.port[1].Deaf(false)
		l.settles(5*time.Second, 0, vip)
	})
}

// Two of three adverts may get lost.
func TestLoss(t *testing.T) {
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(p int) router { return router{priority: p, advert: "0.5"} }
		l.start(0, bin[0], conf(150))
		l.start(1, bin[1], conf(100))
		l.only(8*time.Second, 0, vip)
		for range 3 {
			l.port[1].Deaf(true)
			l.stays(1100*time.Millisecond, 0, vip)
			l.port[1].Deaf(false)
			heard := time.Now()
			l.Eventually(2*time.Second, "an advert", func() bool { return len(l.adverts(0, heard)) > 0 })
			l.stays(50*time.Millisecond, 0, vip)
		}
	})
}

// A router that was stopped for longer than the others wait comes back to a LAN with
// another master, and there is one master again at once.
func TestStoppedForSixSeconds(t *testing.T) {
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		d, _ := pair(l, bin, "")
		all := append([]int{d.Pid()}, d.RolePid("vrrp"))
		for _, pid := range all {
			syscall.Kill(pid, syscall.SIGSTOP)
		}
		l.Eventually(5*time.Second, "r2 takes over", func() bool { return l.r[1].Has(vip) })
		l.Never(6*time.Second, "r2 lost it", func() bool { return !l.r[1].Has(vip) })
		for _, pid := range all {
			syscall.Kill(pid, syscall.SIGCONT)
		}
		l.settles(8*time.Second, 0, vip)
	})
}

// The death of the VRRP process alone is not seen from outside: the address stays, and
// the peer does not take over.
func TestRoleKilled(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	bin := netlab.Holdfast(t)
	d := l.start(0, bin, router{priority: 150, advert: "1"})
	l.start(1, netlab.Keepalived, router{priority: 100, advert: "1"})
	l.only(10*time.Second, 0, vip)
	for range 3 {
		old := d.RolePid("vrrp")
		if old == 0 {
			t.Fatal("no vrrp process")
		}
		killed := time.Now()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		l.stays(5*time.Second, 0, vip)
		now := d.RolePid("vrrp")
		if now == 0 || now == old {
			t.Fatalf("the vrrp process was %d and is %d", old, now)
		}
		if got := l.adverts(0, killed); len(got) < 3 || got[0].Priority != 150 {
			t.Fatalf("adverts since then: %d", len(got))
		}
		if got := l.adverts(1, killed); len(got) > 0 {
			t.Fatalf("the peer became master: %+v", got[0])
		}
	}
}

// What a crash leaves in the kernel is taken away when the daemon comes back as backup.
func TestLeftovers(t *testing.T) {
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		first, _ := pair(l, bin, "")
		first.Crash()
		l.Eventually(5*time.Second, "r2 takes over", func() bool { return l.r[1].Has(vip) })
		if !l.r[0].Has(vip) {
			t.Fatal("a crash took the address away: nothing to test")
		}
		first.Write(globals + router{priority: 50}.String())
		first.Start()
		l.only(5*time.Second, 1, vip)
		l.stays(time.Second, 1, vip)
	})
}

// An interface that does not exist yet, and one that is removed and made again.
func TestInterfaceComesAndGoes(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	vlan := func() {
		parent := l.r[0].Link("eth0").Attrs().Index
		l.r[0].AddLink(&netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Name: "mv0", ParentIndex: parent}, Mode: netlink.MACVLAN_MODE_BRIDGE})
		l.r[0].AddAddr("mv0", "10.5.0.21/24")
	}
	vlan()
	l.start(0, netlab.Holdfast(t), router{priority: 150, dev: "mv0"})
	l.only(5*time.Second, 0, vip)
	l.r[0].Run("ip", "link", "del", "mv0")
	l.Eventually(5*time.Second, "the address is gone", func() bool { return !l.r[0].Has(vip) })
	vlan()
	l.only(10*time.Second, 0, vip)
}

// Somebody deletes the address of a master: it comes back.
func TestAddressStolen(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	l.start(0, netlab.Holdfast(t), router{priority: 150})
	l.only(5*time.Second, 0, vip)
	l.r[0].DelAddr("eth0", vip+"/24")
	l.only(10*time.Second, 0, vip)
}

// Many instances and many addresses, on both sides.
func TestMany(t *testing.T) {
	const instances, addresses = 255, 300
	var conf [2]strings.Builder
	for i, priority := range []int{150, 100} {
		for n := 1; n <= instances; n++ {
			conf[i].WriteString(router{name: fmt.Sprintf("VI_%d", n), vrid: n, priority: priority, advert: "1", vips: fmt.Sprintf("10.5.1.%d/32", n)}.String())
		}
	}
	t.Run("255 instances", func(t *testing.T) {
		l := newLAN(t)
		first := l.start(0, netlab.Holdfast(t), conf[0].String())
		l.start(1, netlab.Keepalived, conf[1].String())
		all := func(i int) func() bool {
			return func() bool {
				return strings.Count(fmt.Sprint(l.r[i].Addrs("eth0")), "10.5.1.") == instances && strings.Count(fmt.Sprint(l.r[1-i].Addrs("eth0")), "10.5.1.") == 0
			}
		}
		l.Eventually(20*time.Second, "r1 has all addresses", all(0))
		l.Never(4*time.Second, "an address moved", func() bool { return !all(0)() })
		first.Stop()
		l.Eventually(10*time.Second, "r2 has all addresses", all(1))
	})
	t.Run("300 addresses", func(t *testing.T) {
		l := newLAN(t)
		var vips strings.Builder
		for n := range addresses {
			fmt.Fprintf(&vips, "10.5.%d.%d/32\n", 2+n/200, 1+n%200)
		}
		excluded := "virtual_ipaddress_excluded {\n" + vips.String() + "}"
		first, _ := pair(l, [2]string{netlab.Holdfast(t), netlab.Holdfast(t)}, excluded)
		all := func(i int) func() bool {
			return func() bool {
				return len(l.r[i].Addrs("eth0")) >= addresses+2 && len(l.r[1-i].Addrs("eth0")) < 10
			}
		}
		l.Eventually(10*time.Second, "r1 has all addresses", all(0))
		l.Never(2*time.Second, "an address moved", func() bool { return !all(0)() })
		first.Stop()
		l.Eventually(10*time.Second, "r2 has all addresses", all(1))
	})
}
