package vrrp_test

import (
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

var pass = authentication("PASS", "secret")

// The master is the router with the highest priority; it is replaced when it leaves or
// dies, and takes its place again. At no time after the election do two advertise.
func TestElection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		version int
		advert  string
		extra   string
	}{
		{"version 2", 2, "1", pass},
		{"version 3", 3, "0.3", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				interval, err := time.ParseDuration(tt.advert + "s")
				if err != nil {
					t.Fatal(err)
				}
				conf := func(priority int) router {
					return router{priority: priority, version: tt.version, advert: tt.advert, extra: tt.extra}
				}
				within := func(what string, got, from, to time.Duration) {
					t.Helper()
					if got < from || got > to+l.stalls.Worst() {
						t.Errorf("%s took %v, want %v to %v; this machine stood still for %v", what, got, from, to, l.stalls.Worst())
					}
				}

				start := time.Now()
				l.start(1, bin[1], conf(100))
				l.only(10*time.Second, 1, vip)
				alone := masterDown(100, tt.version, interval)
				within("a lone backup becoming master", time.Since(start), alone, alone+slack)

				start = time.Now()
				first := l.start(0, bin[0], conf(150))
				l.only(10*time.Second, 0, vip)
				preempt := masterDown(150, tt.version, interval)
				within("preemption", time.Since(start), preempt, preempt+slack)

				settled := time.Now().Add(2 * interval)
				l.stays(6*interval, 0, vip)
				if got := l.unprovoked(1, settled); len(got) > 0 {
					t.Errorf("r2 still advertises: %+v", got[0])
				}
				got := l.adverts(0, settled)
				if len(got) < 3 {
					t.Fatalf("r1 sent %d adverts in four intervals", len(got))
				}
				if a := got[0]; a.Version != uint8(tt.version) || a.Priority != 150 || a.TTL != 255 || a.Interval != interval ||
					a.Src.String() != "10.5.0.1" || a.Dst.String() != "224.0.0.18" || a.Count != 1 {
					t.Errorf("advert %+v", a)
				}
				if len(netlab.Announcements(l.seen[0].Received(), vip)) == 0 {
					t.Error("no gratuitous ARP")
				}

				stopped := time.Now()
				if code := first.Stop(); code != 0 {
					t.Errorf("exit status %d", code)
				}
				if l.r[0].Has(vip) {
					t.Error("r1 has stopped and still has the address")
				}
				if last := l.adverts(0, stopped); len(last) == 0 || last[len(last)-1].Priority != 0 {
					t.Errorf("r1 did not say goodbye with priority 0: %+v", last)
				}
				l.only(5*time.Second, 1, vip)
				var next []netlab.Advert // which the capture may see a moment later
				l.Eventually(time.Second, "r2, which has the address, advertises", func() bool {
					next = l.adverts(1, stopped)
					return len(next) > 0
				})
				goodbye := l.adverts(0, stopped)
				within("takeover from a master that stops", next[0].At.Sub(goodbye[len(goodbye)-1].At),
					0, skew(100, tt.version, interval)+slack)

				restarted := time.Now()
				first.Start()
				l.only(10*time.Second, 0, vip)
				l.Eventually(10*time.Second, "r1 advertises again", func() bool { return len(l.adverts(0, restarted)) > 1 })
				first.Crash()
				l.port[0].Unplug() // a dead machine is silent
				sent := l.adverts(0, restarted)
				last := sent[len(sent)-1].At
				l.Eventually(10*time.Second, "takeover", func() bool {
					next = l.adverts(1, last)
					return len(next) > 0
				})
				within("takeover from a dead master", next[0].At.Sub(last), alone-10*time.Millisecond, alone+slack)
			})
		})
	}
}

// Of equal priorities the higher address wins (RFC 9568, section 6.4.3).
func TestTieBreak(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		// A stall that made them change places here would be for good.
		conf := router{priority: 100, advert: "1"}
		l.start(0, bin[0], conf)
		l.only(10*time.Second, 0, vip)
		l.start(1, bin[1], conf)
		l.stays(4*time.Second, 0, vip) // a backup does not replace an equal
		l.port[0].Block(true)
		l.Eventually(10*time.Second, "both alone", func() bool { return l.holders(vip) == "r1 r2" })
		l.port[0].Block(false)
		l.only(10*time.Second, 1, vip)
		l.stays(time.Second, 1, vip)
	})
}

// The owner of the address (priority 255) does not wait.
func TestOwner(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		l.start(1, bin[1], router{priority: 254, advert: "1"})
		took := l.only(6*time.Second, 1, vip)
		if took < 3*time.Second {
			t.Errorf("priority 254 became master after %v", took)
		}
		l.start(0, bin[0], router{priority: 255, state: "MASTER", advert: "1"})
		if took := l.only(5*time.Second, 0, vip); took > time.Second+slack+l.stalls.Worst() {
			t.Errorf("the owner became master after %v", took)
		}
	})
}

func TestNopreempt(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		low := l.start(1, bin[1], router{priority: 100})
		l.only(5*time.Second, 1, vip)
		l.start(0, bin[0], router{priority: 150, extra: "nopreempt"})
		l.stays(1500*time.Millisecond, 1, vip)
		low.Crash()
		l.r[1].DelAddr("eth0", vip+"/24")
		l.only(5*time.Second, 0, vip) // a dead master is always replaced
	})
}

func TestPreemptDelay(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		l.start(1, bin[1], router{priority: 100})
		l.only(5*time.Second, 1, vip)
		start := time.Now()
		l.start(0, bin[0], router{priority: 150, extra: "preempt_delay 2"})
		l.only(6*time.Second, 0, vip)
		if took := time.Since(start); took < 2*time.Second || took > 3*time.Second+slack+l.stalls.Worst() {
			t.Errorf("preempted after %v, want 2 s and a little", took)
		}
	})
}

func TestThreeRouters(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		var d [3]*netlab.Daemon
		for i, priority := range []int{150, 200, 100} {
			d[i] = l.start(i, []string{bin[0], netlab.Holdfast(t), bin[1]}[i], router{priority: priority})
		}
		for _, next := range []int{1, 0, 2} {
			l.settles(8*time.Second, next, vip) // who hears of nobody in time may begin as master
			d[next].Stop()
		}
	})
}

func TestUnicast(t *testing.T) {
	t.Parallel()
	for _, version := range []int{2, 3} {
		name, advert := "version 3", "0.3"
		if version == 2 {
			name, advert = "version 2", "1"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				peers := []string{
					"unicast_src_ip 10.5.0.1\n unicast_peer {\n 10.5.0.2\n }",
					"unicast_src_ip 10.5.0.2\n unicast_peer {\n 10.5.0.1\n }",
				}
				first := l.start(0, bin[0], router{priority: 150, version: version, advert: advert, extra: peers[0]})
				l.start(1, bin[1], router{priority: 100, version: version, advert: advert, extra: peers[1]})
				l.settles(10*time.Second, 0, vip)
				for _, a := range l.adverts(0, time.Time{}) {
					if a.Dst.String() != "10.5.0.2" {
						t.Fatalf("advert to %v", a.Dst)
					}
				}
				first.Stop()
				l.only(5*time.Second, 1, vip)
			})
		})
	}
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(priority int) router {
			return router{priority: priority, vips: "fe80::5:50/64\n" + vip6 + "/64"}
		}
		first := l.start(0, bin[0], conf(150))
		l.start(1, bin[1], conf(100))
		l.settles(8*time.Second, 0, vip6)
		a := l.adverts(0, time.Time{})[0]
		if a.Dst.String() != "ff02::12" || !a.Src.IsLinkLocalUnicast() || a.TTL != 255 || a.Count != 2 {
			t.Errorf("advert %+v", a)
		}
		if len(netlab.Announcements(l.seen[0].Received(), vip6)) == 0 {
			t.Error("no unsolicited neighbour advertisement")
		}
		first.Stop()
		l.only(5*time.Second, 1, vip6)
	})
}

func TestUnicastIPv6(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(priority int, me, peer string) router {
			extra := "unicast_src_ip " + me + "\n unicast_peer {\n " + peer + "\n }"
			return router{priority: priority, vips: "fe80::5:50/64\n" + vip6 + "/64", extra: extra}
		}
		first := l.start(0, bin[0], conf(150, "fd05::1", "fd05::2"))
		l.start(1, bin[1], conf(100, "fd05::2", "fd05::1"))
		l.settles(8*time.Second, 0, vip6)
		for _, a := range l.adverts(0, time.Time{}) {
			if a.Dst.String() != "fd05::2" {
				t.Fatalf("advert to %v", a.Dst)
			}
		}
		first.Stop()
		l.only(5*time.Second, 1, vip6)
	})
}

// IPv4 and IPv6 instances may share a VRID on one interface.
func TestBothFamilies(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(priority int) []any {
			return []any{
				router{priority: priority},
				"\n",
				router{name: "VI6", priority: priority, vips: "fe80::5:50/64\n" + vip6 + "/64"},
			}
		}
		first := l.start(0, bin[0], conf(150)...)
		l.only(5*time.Second, 0, vip)
		l.only(5*time.Second, 0, vip6)
		l.join(1, bin[1], conf(100)...)
		first.Stop()
		l.only(5*time.Second, 1, vip)
		l.only(5*time.Second, 1, vip6)
	})
}
