package vrrp_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// pair starts two routers, 150 and 100, and waits until the first is master.
func pair(l *lan, bin [2]string, extra string) (first, second *netlab.Daemon) {
	l.Helper()
	first = l.start(0, bin[0], router{priority: 150, extra: extra})
	l.only(5*time.Second, 0, vip)
	return first, l.join(1, bin[1], router{priority: 100, extra: extra})
}

func TestLinkFailures(t *testing.T) {
	t.Parallel()
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

// After a fault the peers of a unicast router are told anew where its own address is.
func TestUnicastAfterFault(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		l.start(0, bin[0], router{priority: 150, extra: unicast(0, 1)})
		l.only(5*time.Second, 0, vip)
		l.join(1, bin[1], router{priority: 100, extra: unicast(1, 0)})
		l.port[0].Unplug()
		l.only(8*time.Second, 1, vip)
		l.port[0].Plug()
		l.Eventually(8*time.Second, "r1 announces its own address", func() bool {
			return len(netlab.Announcements(l.seen[0].Received(), "10.5.0.1")) > 0
		})
		l.settles(10*time.Second, 0, vip)
	})
}

// One direction of a cable does not work. A backup that hears nobody becomes master, a
// master that is deaf stays one; both advertise, and all is well when the network heals.
func TestOneWayPartition(t *testing.T) {
	t.Parallel()
	t.Run("backup is deaf", func(t *testing.T) {
		mixed(t, func(t *testing.T, l *lan, bin [2]string) {
			pair(l, bin, "")
			l.port[1].Deaf(true)
			l.Eventually(5*time.Second, "r2 thinks it is alone", func() bool { return l.r[1].Has(vip) })
			l.Never(time.Second, "r1 gave way to a lower priority", func() bool { return !l.r[0].Has(vip) })
			healed := time.Now()
			l.port[1].Deaf(false)
			l.settles(8*time.Second, 0, vip)
			l.announcesAgain(healed)
		})
	})
	t.Run("both are deaf in turn", func(t *testing.T) {
		mixed(t, func(t *testing.T, l *lan, bin [2]string) {
			pair(l, bin, "")
			l.port[0].Deaf(true) // to nobody who matters
			l.stays(1500*time.Millisecond, 0, vip)
			l.port[1].Deaf(true)
			l.Eventually(5*time.Second, "both alone", func() bool { return l.holders(vip) == "r1 r2" })
			l.port[0].Deaf(false) // r1 hears the lower priority, and stays
			l.Never(time.Second, "r1 gave way to a lower priority", func() bool { return !l.r[0].Has(vip) })
			l.port[1].Deaf(false)
			l.settles(8*time.Second, 0, vip)
		})
	})
}

// A master is cut off, and the backup takes over and announces the address. When the
// network heals, the backup yields to the first advert; the master, which has heard nothing
// of all that, must announce the address again, or hosts go on asking the backup.
func TestHostsFollowAfterPartition(t *testing.T) {
	t.Parallel()
	mixes(t, []mix{{"both holdfast", false, false}, {"keepalived first", true, false}}, func(t *testing.T, l *lan, bin [2]string) {
		pair(l, bin, "")
		_, _ = l.client.Command("ping", "-c1", "-W1", vip)
		asks := func(i int) {
			l.Eventually(time.Second, "the client takes r"+strconv.Itoa(i+1)+" for the address", func() bool {
				return strings.Contains(l.client.Run("ip", "neigh", "show", vip), l.r[i].MAC("eth0").String())
			})
		}
		for range 4 { // either may be heard first
			asks(0)
			l.port[0].Block(true)
			l.Eventually(5*time.Second, "r2 takes over", func() bool { return l.r[1].Has(vip) })
			asks(1)
			l.port[0].Block(false)
			l.settles(8*time.Second, 0, vip)
		}
		asks(0)
	})
}

// announcesAgain waits until the master announces its address after it had a rival:
// switches and neighbours may have learned the wrong place.
func (l *lan) announcesAgain(since time.Time) {
	l.Helper()
	l.Eventually(8*time.Second, "r1 announces its address again", func() bool {
		for _, a := range netlab.Announcements(l.seen[0].Received(), vip) {
			if a.At.After(since) {
				return true
			}
		}
		return false
	})
}

// A cable with a bad contact: the routers end where they began, and still hear each
// other, as they join the group again after each loss.
func TestLinkBounce(t *testing.T) {
	t.Parallel()
	for i, name := range []string{"of the master", "of the backup"} {
		t.Run(name, func(t *testing.T) {
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				first, _ := pair(l, bin, "")
				bounce := func(off, on func()) {
					for n := range 8 {
						off()
						l.wait(time.Duration(20*n) * time.Millisecond)
						on()
						l.wait(time.Duration(10*n) * time.Millisecond)
					}
				}
				bounce(l.port[i].Unplug, l.port[i].Plug)
				l.settles(12*time.Second, 0, vip)
				bounce(func() { l.r[i].Down("eth0") }, func() { l.r[i].Up("eth0") })
				l.settles(12*time.Second, 0, vip)
				first.Stop()
				l.only(5*time.Second, 1, vip)
			})
		})
	}
}

// Two of three adverts may get lost.
func TestLoss(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(p int) router { return router{priority: p, advert: "1"} }
		l.start(0, bin[0], conf(150))
		l.only(8*time.Second, 0, vip)
		l.join(1, bin[1], conf(100))
		heard := l.r[1].Capture("eth0")
		sent := func(n int) {
			since := time.Now()
			l.Eventually(4*time.Second, "adverts", func() bool { return len(l.adverts(0, since)) >= n })
		}
		for range 3 { // a machine that stands still may lose a third one as well
			began := time.Now()
			for range 3 {
				l.port[1].Deaf(true)
				sent(2)
				l.port[1].Deaf(false)
				sent(1)
			}
			got := l.adverts(1, began)
			if len(got) == 0 {
				return
			}
			if !silent(netlab.Adverts(heard.Received(), 51), got[0].At, masterDown(100, 3, time.Second)) {
				t.Fatalf("r2 took over: %+v", got[0])
			}
			l.settles(8*time.Second, 0, vip)
		}
		t.Error("r2 took over, as it had lost more than two adverts each time")
	})
}

// A router that was stopped for longer than the others wait comes back to a LAN with
// another master, and there is one master again at once.
func TestStoppedForSixSeconds(t *testing.T) {
	t.Parallel()
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
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		d := l.start(0, bin[0], router{priority: 150, advert: "1", extra: "virtual_routes {\n 10.77.0.0/16 via 10.5.0.100 dev eth0\n }"})
		l.only(10*time.Second, 0, vip)
		l.join(1, bin[1], router{priority: 100, advert: "1"})
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
			if got := l.unprovoked(1, killed); len(got) > 0 {
				t.Fatalf("the peer became master: %+v", got[0])
			}
		}
		if log := d.Log(); strings.Contains(log, "somebody else removed it") {
			t.Errorf("what the one before had set seems to be missing:\n%s", log)
		}
	})
}
