package vrrp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// 255 instances on one interface, all taken over at the same moment. (keepalived as their
// master is late on a busy machine, and loses some.)
func TestManyInstances(t *testing.T) {
	t.Parallel()
	const instances = 255
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(priority int) string {
			var b strings.Builder
			for n := 1; n <= instances; n++ {
				b.WriteString(router{name: fmt.Sprintf("VI_%d", n), vrid: n, priority: priority, advert: "1", vips: fmt.Sprintf("10.5.1.%d/32", n)}.String())
			}
			return b.String()
		}
		first := l.start(0, bin[0], conf(150))
		l.allOn(0, instances)
		l.start(1, bin[1], conf(100))
		l.Never(5*time.Second, "an address moved", l.not(0, instances))
		first.Stop()
		l.allOn(1, instances)
	})
}

// 300 addresses of one instance. (keepalived as their master is silent for longer than
// its backup waits while it announces them, and may leave some behind.)
func TestManyAddresses(t *testing.T) {
	t.Parallel()
	const addresses = 300
	var vips strings.Builder
	for n := range addresses {
		fmt.Fprintf(&vips, "10.5.%d.%d/32\n", 1+n/200, 1+n%200)
	}
	excluded := "virtual_ipaddress_excluded {\n" + vips.String() + "}"
	ours(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(priority int) router { return router{priority: priority, advert: "1", extra: excluded} }
		first := l.start(0, bin[0], conf(150))
		l.allOn(0, addresses)
		l.start(1, bin[1], conf(100))
		since := time.Now()
		l.Never(5*time.Second, "an address moved", l.not(0, addresses))
		if got := l.unprovoked(1, since); len(got) > 0 {
			t.Errorf("r2 advertised: %+v", got[0])
		}
		first.Stop()
		l.allOn(1, addresses)
	})
}

// allOn waits until router i has n addresses more than its own, and the other none.
func (l *lan) allOn(i, n int) {
	l.Helper()
	l.Eventually(30*time.Second, fmt.Sprintf("r%d has all addresses", i+1), func() bool { return !l.not(i, n)() })
}

// not asks, and not too often as the lists are long, whether an address is not where all
// should be.
func (l *lan) not(i, n int) func() bool {
	return func() bool {
		l.wait(200 * time.Millisecond)
		return len(l.r[i].Addrs("eth0")) < n+2 || len(l.r[1-i].Addrs("eth0")) > 3+1
	}
}
