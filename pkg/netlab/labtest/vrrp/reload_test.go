package vrrp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// Twenty reloads in a row cost nothing: no failover, no late advert.
func TestReloadStorm(t *testing.T) {
	t.Parallel()
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := router{priority: 150, advert: "0.2"}
		d := l.start(0, bin[0], conf)
		l.only(5*time.Second, 0, vip)
		l.join(1, bin[1], router{priority: 100, advert: "0.2"})
		since := time.Now()
		for range 20 {
			d.Reload(globals + conf.String())
			l.stays(100*time.Millisecond, 0, vip)
		}
		l.stays(time.Second, 0, vip)
		if got := l.unprovoked(1, since); len(got) > 0 {
			t.Errorf("the peer advertised: %+v", got[0])
		}
		if gap := longestGap(l.adverts(0, since)); gap > 300*time.Millisecond+l.stalls.Since(since) {
			t.Errorf("an advert was late: %v between two, want 200 ms; this machine stood still for %v", gap, l.stalls.Since(since))
		}
	})
}

func longestGap(adverts []netlab.Advert) time.Duration {
	var gap time.Duration
	for i := 1; i < len(adverts); i++ {
		gap = max(gap, adverts[i].At.Sub(adverts[i-1].At))
	}
	return gap
}

// A reload changes what has changed: addresses, priority, instances.
func TestReloadChanges(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		d, _ := pair(l, bin, "")

		d.Reload(globals + router{priority: 150, vips: vip + "/24\n10.5.0.51/24"}.String())
		l.only(5*time.Second, 0, "10.5.0.51")
		l.stays(500*time.Millisecond, 0, "10.5.0.51")

		d.Reload(globals + router{priority: 150}.String())
		l.Eventually(5*time.Second, "the second address is gone", func() bool { return !l.r[0].Has("10.5.0.51") })
		l.settles(5*time.Second, 0, vip)

		d.Reload(globals + router{priority: 50}.String())
		l.only(8*time.Second, 1, vip)
		d.Reload(globals + router{priority: 150}.String())
		l.only(8*time.Second, 0, vip)

		d.Reload(globals + router{priority: 150}.String() + router{name: "NEW", vrid: 60, priority: 150, vips: "10.5.0.60/24"}.String())
		l.only(8*time.Second, 0, "10.5.0.60")
		d.Reload(globals + router{priority: 150}.String())
		l.Eventually(5*time.Second, "the removed instance's address is gone", func() bool { return !l.r[0].Has("10.5.0.60") })
		l.settles(5*time.Second, 0, vip)
	})
}

// A broken file on SIGHUP leaves everything as it was, and the log says why.
func TestReloadBroken(t *testing.T) {
	t.Parallel()
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		d, _ := pair(l, bin, "")
		since := time.Now()
		broken := strings.Replace(globals+router{priority: 150}.String(), "virtual_router_id 51", "virtual_router_id\n", 1)
		d.Reload(broken)
		l.stays(2*time.Second, 0, vip)
		if got := l.unprovoked(1, since); len(got) > 0 {
			t.Errorf("the peer advertised: %+v", got[0])
		}
		d.WaitLog(3*time.Second, `virtual_router_id`)
	})
}

// A good file after a broken one is taken.
func TestReloadAfterBroken(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	d := l.start(0, netlab.Holdfast(t), router{priority: 150})
	l.only(5*time.Second, 0, vip)
	d.Reload("vrrp_instance VI {\n virtual_router_id\n")
	d.WaitLog(3*time.Second, `virtual_router_id`)
	d.Reload(globals + fmt.Sprint(router{priority: 150, vips: vip + "/24\n10.5.0.51/24"}))
	l.only(5*time.Second, 0, "10.5.0.51")
}
