package vrrp_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// A vrrp process that cannot end by itself does not leave a master behind that does not
// speak: its supervisor says good-bye for it.
func TestRelinquish(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, extra string }{{"plain", ""}, {"virtual MAC", "use_vmac"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ours(t, func(t *testing.T, l *lan, bin [2]string) {
				d := l.start(0, bin[0], "child_wait_time 1\n", router{priority: 150, advert: "2", extra: tt.extra})
				l.only(20*time.Second, 0, vip)
				l.join(1, bin[1], router{priority: 100, advert: "2", extra: tt.extra})
				stuck := d.RolePid("vrrp")
				if err := syscall.Kill(stuck, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				since := time.Now()
				d.Stop()
				l.only(10*time.Second, 1, vip)
				var zero bool
				for _, a := range l.adverts(0, since) {
					zero = zero || a.Priority == 0
				}
				if !zero {
					t.Errorf("no advert with priority 0; the log:\n%s", d.Log())
				}
				if links := l.r[0].Run("ip", "-br", "link"); strings.Contains(links, "vrrp.51") {
					t.Errorf("left behind:\n%s", links)
				}
			})
		})
	}
}

// A vrrp process that dies whenever it is started has its addresses given up before a long
// pause, however far each got.
func TestRoleDiesAgainAndAgain(t *testing.T) {
	t.Parallel()
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		d := l.start(0, bin[0], router{priority: 150, advert: "1"})
		l.only(20*time.Second, 0, vip)
		l.join(1, bin[1], router{priority: 100, advert: "1"})
		since := time.Now()
		last := 0
		l.Eventually(20*time.Second, "the supervisor tires of starting it", func() bool {
			if pid := d.RolePid("vrrp"); pid != 0 && pid != last {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
				last = pid
			}
			return strings.Contains(d.Log(), "giving up what the dead process held")
		})
		l.Eventually(10*time.Second, "a good-bye", func() bool {
			return slices.ContainsFunc(l.adverts(0, since), func(a netlab.Advert) bool { return a.Priority == 0 })
		})
		l.settles(30*time.Second, 0, vip) // when it lives again
	})
}

// A standby survives a reload and a restart, and ends by itself.
func TestStandbySurvives(t *testing.T) {
	t.Parallel()
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := globals + router{priority: 150}.String()
		d := l.r[0].Daemon(bin[0], conf, "-P")
		l.start(1, bin[1], router{priority: 100})
		l.settles(8*time.Second, 0, vip)
		ask := func(command string, args ...string) {
			t.Helper()
			if out, err := d.Ask(command, args...); err != nil {
				t.Fatalf("%s: %v: %s", command, err, out)
			}
		}
		ask("standby", "VI", "--for", "1h")
		l.settles(8*time.Second, 1, vip)
		d.Reload(conf + "# changed\n")
		d.WaitLog(10*time.Second, "Reload complete")
		l.stays(2*time.Second, 1, vip)
		d.Stop()
		d.Start()
		d.WaitLog(15*time.Second, "(?s)Stopped.*Startup complete")
		l.stays(3*time.Second, 1, vip)
		ask("resume", "VI")
		l.settles(8*time.Second, 0, vip)
		ask("standby", "VI", "--for", "5s")
		l.only(5*time.Second, 1, vip)
		l.settles(15*time.Second, 0, vip)
	})
}

// A reload may bring the first BFD session, and an instance that depends on it.
func TestFirstSessionByReload(t *testing.T) {
	t.Parallel()
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		session := func(us, peer string) string {
			return "bfd_instance b {\n source_ip " + us + "\n neighbor_ip " + peer + "\n min_rx 200\n min_tx 200\n}\n"
		}
		d := l.r[0].Daemon(bin[0], globals+router{priority: 150}.String())
		l.r[1].Daemon(bin[1], globals+router{priority: 100}.String())
		peer := l.r[2].Daemon(netlab.Holdfast(t), session("10.5.0.3", "10.5.0.1"))
		l.settles(8*time.Second, 0, vip)
		d.Reload(globals + session("10.5.0.1", "10.5.0.3") + router{priority: 150, extra: "track_bfd {\n b\n }"}.String())
		d.WaitLog(10*time.Second, `Tracked BFD b is UP`)
		l.settles(10*time.Second, 0, vip)
		peer.Crash()
		l.only(10*time.Second, 1, vip)
		peer.Start()
		l.settles(15*time.Second, 0, vip)
		d.Reload(globals + router{priority: 150}.String()) // and take it away again
		d.WaitLog(10*time.Second, `(?s)Reload complete.*Reload complete`)
		peer.Stop()
		l.stays(3*time.Second, 0, vip)
	})
}

// A router that loses its witness gives way to one that has it; if nobody has it, nothing
// moves.
func TestWitness(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	bin := netlab.Holdfast(t)
	witness := "track_ping {\n target 10.6.0.3\n interval 0.2\n timeout 0.2\n rise 2\n fall 2\n }"
	// Adverts are slow, pings are fast: who notices last notices in time.
	l.start(0, bin, router{priority: 150, advert: "1", extra: witness})
	l.start(1, bin, router{priority: 100, advert: "1", extra: witness})
	l.settles(15*time.Second, 0, vip)
	l.port1[0].Block(true)
	l.settles(15*time.Second, 1, vip)
	l.port1[0].Block(false)
	l.settles(15*time.Second, 0, vip)
	l.port1[2].Block(true)
	l.stays(5*time.Second, 0, vip)
}

// A polled interface is as good as one that reports its state by itself.
func TestLinkbeat(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		poll := "linkbeat_interfaces {\n eth0 IOCTL\n}\n"
		if bin[0] == netlab.Keepalived {
			poll = "" // of 2.2 wants another spelling
		}
		l.start(0, bin[0], poll, router{priority: 150})
		l.start(1, bin[1], router{priority: 100})
		l.settles(10*time.Second, 0, vip)
		l.port[0].Unplug()
		l.only(10*time.Second, 1, vip)
		l.port[0].Plug()
		l.settles(10*time.Second, 0, vip)
	})
}

// An interface without the MULTICAST flag is of no use to adverts, until it has it.
func TestWithoutMulticast(t *testing.T) {
	t.Parallel()
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		l.r[0].Run("ip", "link", "set", "eth0", "multicast", "off")
		d := l.start(0, bin[0], router{priority: 150})
		l.start(1, bin[1], router{priority: 100})
		d.WaitLog(5*time.Second, `\(VI\) interface eth0 does not support multicast`)
		l.settles(8*time.Second, 1, vip)
		l.r[0].Run("ip", "link", "set", "eth0", "multicast", "on")
		l.settles(8*time.Second, 0, vip)
	})
}

// disable_local_igmp holds for as long as the daemon runs.
func TestDisableLocalIGMP(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	value := func() string {
		return strings.TrimSpace(l.r[0].Run("cat", "/proc/sys/net/ipv4/igmp_link_local_mcast_reports"))
	}
	d := l.r[0].Daemon(netlab.Holdfast(t), "global_defs {\n disable_local_igmp\n}\n"+router{priority: 150}.String(), "-P")
	l.Eventually(5*time.Second, "no reports", func() bool { return value() == "0" })
	d.Stop()
	if value() != "1" {
		t.Error("the setting is not put back")
	}
}

// Who leaves the addresses to a successor says no good-bye.
func TestDontRelease(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		d := l.r[0].Daemon(bin[0], globals+router{priority: 150}.String(), "-P", "-V")
		l.only(8*time.Second, 0, vip)
		since := time.Now()
		d.Stop()
		for _, a := range l.adverts(0, since) {
			if a.Priority == 0 {
				t.Error("an advert with priority 0")
			}
		}
		if !l.r[0].Has(vip) {
			t.Error("the address is gone")
		}
	})
}

// An address that the kernel refuses, or that another host is found to have, is a fault of
// its instance alone, and says so.
func TestRefusedAddress(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	l.client.AddAddr("eth0", "fd05::77/64")
	l.r[0].Sysctl("net/ipv6/conf/eth1/disable_ipv6", "1")
	l.r[0].Sysctl("net/ipv6/conf/eth0/accept_dad", "1")
	l.r[0].Sysctl("net/ipv6/conf/eth0/dad_transmits", "1")
	d := l.start(0, netlab.Holdfast(t),
		router{priority: 150},
		router{name: "REFUSED", vrid: 52, priority: 150, vips: "10.5.0.52/24", extra: "virtual_ipaddress_excluded {\n fd06::52/64 dev eth1\n }"},
		router{name: "TAKEN", vrid: 53, priority: 150, vips: "10.5.0.53/24", extra: "virtual_ipaddress_excluded {\n fd05::77/64 dev eth0 -nodad\n }"},
		router{name: "FREE", vrid: 54, priority: 150, vips: "10.5.0.54/24", extra: "virtual_ipaddress_excluded {\n fd05::78/64 dev eth0 -nodad\n }"})
	d.WaitLog(10*time.Second, `\(REFUSED\): entering FAULT state \(address fd06::52 refused`)
	d.WaitLog(10*time.Second, `\(TAKEN\): entering FAULT state \(address fd05::77 refused: somebody else`)
	l.only(5*time.Second, 0, vip)
	l.Eventually(5*time.Second, "what is left is given up", func() bool { return l.holders("10.5.0.52")+l.holders("10.5.0.53") == "" })
	if out, err := d.Ask("status"); err != nil || !strings.Contains(out, "because address fd06::52 refused") {
		t.Errorf("status (%v):\n%s", err, out)
	}
	l.Eventually(10*time.Second, "fd05::78 is announced", func() bool {
		return len(netlab.Announcements(l.seen[0].Received(), "fd05::78")) >= 5
	})
	if early := len(netlab.Announcements(l.seen[0].Received(), "fd05::77")); early > 0 {
		t.Errorf("%d announcements of an address that was not ours", early)
	}
}
