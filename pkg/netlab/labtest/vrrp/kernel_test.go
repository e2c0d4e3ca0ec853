package vrrp_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// What belongs to a whole machine, its clock, and drivers that the machine may lack.
func TestOwnKernel(t *testing.T) {
	t.Parallel()
	netlab.OnOwnKernel(t, func(t *testing.T) {
		t.Run("clock steps", clockSteps)
		t.Run("ipvlan", ipvlan)
		t.Run("VRF", vrf)
		t.Run("connections", preemptAfterSync)
	})
}

// A stepped clock changes nothing: nobody becomes master, nobody is silent. With signed
// adverts, whose sequence is the time, the routers step together and go on.
func clockSteps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		extra string
		mixes func(*testing.T, func(*testing.T, *lan, [2]string))
	}{
		{"plain", "", mixed},
		{"HMAC", signed("enforce", 1), alone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conf := router{advert: "0.5", extra: tt.extra}
			tt.mixes(t, func(t *testing.T, l *lan, bin [2]string) {
				first, second := conf, conf
				first.priority, second.priority = 150, 100
				l.start(0, bin[0], first)
				l.only(15*time.Second, 0, vip)
				l.start(1, bin[1], second)
				l.stays(time.Second, 0, vip)
				for _, step := range []time.Duration{time.Hour, -2 * time.Hour, 90 * time.Second} {
					sent := len(l.adverts(0, time.Time{}))
					stepClock(t, step)
					l.stays(2*time.Second, 0, vip)
					if now := len(l.adverts(0, time.Time{})); now == sent {
						t.Errorf("no advert after a step of %v", step)
					}
				}
				if got := len(l.unprovoked(1, time.Time{})); got > 0 {
					t.Errorf("the backup sent %d adverts", got)
				}
			})
		})
	}
}

func stepClock(t *testing.T, by time.Duration) {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
		t.Fatal(err)
	}
	next := unix.NsecToTimespec(now.Nano() + by.Nanoseconds())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &next); err != nil {
		t.Fatal(err)
	}
}

// use_ipvlan makes adverts leave through an ipvlan interface, which needs an address of its
// own to send from. The virtual address stays on the interface below.
func ipvlan(t *testing.T) {
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		var first *netlab.Daemon
		for i, priority := range []int{150, 100} {
			own := fmt.Sprintf("10.5.0.%d%s", 11+i, []string{"/24", ""}[i])
			d := l.start(i, bin[i], router{priority: priority, advert: "0.5", extra: "use_ipvlan ipv51 " + own + " bridge"})
			l.only(10*time.Second, 0, vip)
			if i == 0 {
				first = d
			}
		}
		l.stays(time.Second, 0, vip)
		l.reaches(vip)
		expectAddresses(t, l.r[0], "eth0", "10.5.0.1/24", "10.5.0.50/24")
		expectAddresses(t, l.r[0], "ipv51", "10.5.0.11/24")
		expectAddresses(t, l.r[1], "ipv51", "10.5.0.12/32")
		if out := l.r[0].Run("ip", "route", "show", "dev", "ipv51"); !strings.Contains(out, "10.5.0.0/24") {
			t.Errorf("routes of the interface:\n%s", out)
		}
		for _, a := range l.adverts(0, time.Time{}) {
			if a.Src.String() != "10.5.0.11" {
				t.Fatalf("an advert from %v", a.Src)
			}
		}
		first.Stop()
		l.only(10*time.Second, 1, vip)
		l.reaches(vip)
		expectAddresses(t, l.r[0], "eth0", "10.5.0.1/24")
		if out := l.r[0].Run("ip", "-o", "link"); strings.Contains(out, "ipv51") {
			t.Errorf("the interface is left over:\n%s", out)
		}
	})
}

// expectAddresses compares the IPv4 addresses of an interface.
func expectAddresses(t *testing.T, n *netlab.Namespace, dev string, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(n.Run("ip", "-o", "-4", "addr", "show", "dev", dev)) {
		got = append(got, strings.Fields(line)[3])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has %v, want %v", dev, got, want)
	}
}

// An interface that is enslaved to a VRF works as any other.
func vrf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		extra [2]string
	}{
		{"multicast", [2]string{}},
		{"unicast", [2]string{unicast(0, 1), unicast(1, 0)}},
		{"virtual MAC", [2]string{"use_vmac", "use_vmac"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				for i := range 2 {
					l.r[i].Run("ip", "link", "add", "blue", "type", "vrf", "table", "100")
					l.r[i].Run("ip", "link", "set", "blue", "up")
					l.r[i].Run("ip", "link", "set", "eth0", "master", "blue")
				}
				first := l.start(0, bin[0], router{priority: 150, advert: "0.5", extra: tt.extra[0]})
				l.start(1, bin[1], router{priority: 100, advert: "0.5", extra: tt.extra[1]})
				l.settles(10*time.Second, 0, vip)
				l.stays(time.Second, 0, vip)
				l.reaches(vip)
				first.Stop()
				l.only(10*time.Second, 1, vip)
				l.reaches(vip)
			})
		})
	}
}

// With preempt_after_sync a router that comes back takes over when its IPVS has learned the
// connections of the master, and has them then.
func preemptAfterSync(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	bin := netlab.Holdfast(t)
	conf := func(priority int) string {
		return "global_defs {\n lvs_sync_daemon eth1 VI\n}\n" +
			router{priority: priority, advert: "0.5", extra: "preempt_after_sync"}.String() +
			"virtual_server " + vip + " 7 {\n lb_algo rr\n lb_kind NAT\n protocol UDP\n real_server 10.5.0.3 7 {\n weight 1\n }\n}\n"
	}
	l.r[1].Daemon(bin, conf(100))
	l.only(15*time.Second, 1, vip)
	var flows [5]net.Conn
	if err := l.client.Do(func() (err error) {
		for i := range flows {
			if flows[i], err = net.Dial("udp", vip+":7"); err != nil {
				break
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// The master tells of a flow with every fiftieth packet.
	defer every(10*time.Millisecond, func() {
		for _, f := range flows {
			_, _ = f.Write([]byte{0}) // nobody need answer
		}
	})()

	first := l.r[0].Daemon(bin, conf(150))
	first.WaitLog(15*time.Second, `\(VI\) does not preempt before IPVS knows the connections of the master`)
	l.stays(3*time.Second, 1, vip)
	l.only(30*time.Second, 0, vip)
	first.WaitLog(time.Second, `IPVS knows the connections of the master \([1-9]`)
	if known := l.r[0].Run("ipvsadm", "-Lnc"); strings.Count(known, vip+":7") < 5 {
		t.Errorf("the connections that the new master knows:\n%s", known)
	}
}
