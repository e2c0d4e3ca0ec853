// Package vrrp_test holds the scenarios of virtual routers: whole daemons on a small
// LAN, holdfast among itself and mixed with the distribution's keepalived, judged from
// outside only: addresses, frames at the switch's ports, answers to a client.
package vrrp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func TestMain(m *testing.M) { netlab.MainNative(m) }

const (
	vip  = "10.5.0.50"
	vip6 = "fd05::50"
)

// lan is three routers, a client and the switch between them. Router N (from 0) has
// 10.5.0.(N+1) and fd05::(N+1) on eth0, and 10.6.0.(N+1) on eth1.
type lan struct {
	*netlab.Lab
	t      *testing.T
	sw     *netlab.Switch
	r      [3]*netlab.Namespace
	port   [3]*netlab.Port
	port1  [3]*netlab.Port // of eth1, on a switch of its own
	seen   [3]*netlab.Capture
	client *netlab.Namespace

	stalls   *netlab.Stalls
	interval time.Duration // the shortest one between adverts
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	netlab.Require(t)
	l := &lan{Lab: netlab.New(t), t: t}
	l.stalls = l.WatchStalls()
	l.sw = l.Switch("sw")
	second := l.Switch("sw1")
	for i := range l.r {
		r := l.Namespace(fmt.Sprintf("r%d", i+1))
		l.r[i] = r
		l.port[i] = l.sw.Connect(r, "eth0", fmt.Sprintf("10.5.0.%d/24", i+1), fmt.Sprintf("fd05::%d/64", i+1))
		l.port1[i] = second.Connect(r, "eth1", fmt.Sprintf("10.6.0.%d/24", i+1))
		l.seen[i] = l.port[i].Capture()
	}
	l.client = l.Namespace("client")
	l.sw.Connect(l.client, "eth0", "10.5.0.100/24", "fd05::100/64")
	return l
}

// router is the configuration of one virtual router.
type router struct {
	name     string // VI by default
	vrid     int    // 51 by default
	priority int
	advert   string // seconds; 0.3 by default
	version  int    // 3 by default
	state    string // BACKUP by default
	dev      string // eth0 by default
	vips     string // one a line; 10.5.0.50/24 by default
	extra    string // more lines of the instance
}

func (r router) String() string {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&r.name, "VI")
	def(&r.advert, "0.3")
	def(&r.dev, "eth0")
	def(&r.state, "BACKUP")
	def(&r.vips, vip+"/24")
	if r.vrid == 0 {
		r.vrid = 51
	}
	if r.version == 0 {
		r.version = 3
	}
	return fmt.Sprintf(`vrrp_instance %s {
    state %s
    interface %s
    virtual_router_id %d
    priority %d
    advert_int %s
    version %d
    virtual_ipaddress {
        %s
    }
    %s
}
`, r.name, r.state, r.dev, r.vrid, r.priority, r.advert, r.version, r.vips, r.extra)
}

// authentication is that of version 2.
func authentication(kind, password string) string {
	return "authentication {\n auth_type " + kind + "\n auth_pass " + password + "\n }"
}

// signed makes adverts carry an HMAC with the active one of two keys.
func signed(mode string, active int) string {
	return fmt.Sprintf(`auth_hmac {
        key 1 hex:%s
        key 2 hex:%s
        active_key %d
        mode %s
    }`, strings.Repeat("51", 32), strings.Repeat("52", 32), active, mode)
}

// unicast makes router i speak to router j alone.
func unicast(i, j int) string {
	return fmt.Sprintf("unicast_src_ip 10.5.0.%d\n unicast_peer {\n 10.5.0.%d\n }", i+1, j+1)
}

const globals = "global_defs {\n    router_id lab\n    enable_script_security\n    script_user root\n}\n"

// start starts a daemon with only the VRRP role on router i. Its log is shown when the
// test fails.
func (l *lan) start(i int, bin string, conf ...any) *netlab.Daemon {
	l.Helper()
	text := globals + fmt.Sprint(conf...)
	l.notice(text)
	d := l.r[i].Daemon(bin, text, "-P")
	l.Cleanup(func() {
		if l.t.Failed() {
			log := d.Log()
			l.Logf("log of r%d:\n%s", i+1, log[max(0, len(log)-6000):])
		}
	})
	return d
}

// join starts a router that finds a better master, and waits until it knows its place.
func (l *lan) join(i int, bin string, conf ...any) *netlab.Daemon {
	l.Helper()
	d := l.start(i, bin, conf...)
	d.WaitLog(10*time.Second, "Entering BACKUP STATE")
	return d
}

// holders are the routers that have the address.
func (l *lan) holders(addr string) string {
	var out []string
	for i, r := range l.r {
		if r.Has(addr) {
			out = append(out, fmt.Sprintf("r%d", i+1))
		}
	}
	return strings.Join(out, " ")
}

// only waits until router i alone has the address, and returns how long that took.
func (l *lan) only(within time.Duration, i int, addr string) time.Duration {
	l.Helper()
	want := fmt.Sprintf("r%d", i+1)
	took, ok := netlab.Poll(within, func() bool { return l.holders(addr) == want })
	if !ok {
		l.Fatalf("%s is on %q, want it on %s alone within %v", addr, l.holders(addr), want, within)
	}
	return took
}

// stays checks that router i alone has the address for a while.
func (l *lan) stays(during time.Duration, i int, addr string) {
	l.Helper()
	want := fmt.Sprintf("r%d", i+1)
	var now string
	defer func() {
		if now != want {
			l.Logf("%s is on %q, want it on %s alone", addr, now, want)
		}
	}()
	l.Never(during, addr+" moved", func() bool { now = l.holders(addr); return now != want })
}

// settles waits until router i alone has the address and keeps it for a second. Two
// routers that start together may both become master before either has heard of the
// other; then the lesser yields.
func (l *lan) settles(within time.Duration, i int, addr string) {
	l.Helper()
	want, since := fmt.Sprintf("r%d", i+1), time.Now()
	_, ok := netlab.Poll(within, func() bool {
		if l.holders(addr) != want {
			since = time.Now()
		}
		return time.Since(since) > time.Second
	})
	if !ok {
		l.Fatalf("%s is on %q, want it on %s alone, for good, within %v", addr, l.holders(addr), want, within)
	}
}

// wait lets time pass in which nothing is to be seen.
func (l *lan) wait(d time.Duration) { netlab.Poll(d, func() bool { return false }) }

// adverts are those that router i sent since a time, for VRID 51.
func (l *lan) adverts(i int, since time.Time) []netlab.Advert {
	var out []netlab.Advert
	for _, a := range netlab.Adverts(l.seen[i].Received(), 51) {
		if !a.At.Before(since) {
			out = append(out, a)
		}
	}
	return out
}

// masterDown is the Master_Down_Interval of RFC 9568, section 6.1.
func masterDown(priority, version int, advert time.Duration) time.Duration {
	return 3*advert + skew(priority, version, advert)
}

func skew(priority, version int, advert time.Duration) time.Duration {
	if version == 2 {
		advert = time.Second // RFC 3768: skew does not scale with the interval
	}
	return time.Duration(256-priority) * advert / 256
}

// slack is what a machine that is busy with other tests may add to any time.
const slack = 1500 * time.Millisecond

// mixed runs a scenario for two routers with holdfast on both, and with keepalived in
// either place.
func mixed(t *testing.T, scenario func(t *testing.T, l *lan, bin [2]string)) {
	t.Helper()
	mixes(t, []mix{{"both holdfast", false, false}, {"keepalived first", true, false}, {"keepalived second", false, true}}, scenario)
}

// ours runs a scenario in which the first router does what keepalived does not.
func ours(t *testing.T, scenario func(t *testing.T, l *lan, bin [2]string)) {
	t.Helper()
	mixes(t, []mix{{"both holdfast", false, false}, {"keepalived second", false, true}}, scenario)
}

// alone runs a scenario with holdfast on both routers only: it is about something that
// the distribution's keepalived does not have.
func alone(t *testing.T, scenario func(t *testing.T, l *lan, bin [2]string)) {
	t.Helper()
	mixes(t, []mix{{"both holdfast", false, false}}, scenario)
}

// keepalivedSecond runs a scenario with keepalived on the second router only.
func keepalivedSecond(t *testing.T, scenario func(t *testing.T, l *lan, bin [2]string)) {
	t.Helper()
	mixes(t, []mix{{"keepalived second", false, true}}, scenario)
}

// mix says which of two routers is keepalived.
type mix struct {
	name          string
	first, second bool
}

func mixes(t *testing.T, list []mix, scenario func(t *testing.T, l *lan, bin [2]string)) {
	t.Helper()
	for _, m := range list {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			var bin [2]string
			for i, ka := range []bool{m.first, m.second} {
				if bin[i] = netlab.Keepalived; !ka {
					bin[i] = netlab.Holdfast(t)
				}
			}
			scenario(t, newLAN(t), bin)
		})
	}
}
