package vrrp_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// Both daemons understand each other's authentication, and refuse a wrong one: then each
// is alone, and both are master.
func TestAuthentication(t *testing.T) {
	auth := func(kind, password string) string {
		if kind == "" {
			return ""
		}
		return "authentication {\n auth_type " + kind + "\n auth_pass " + password + "\n }"
	}
	for _, tt := range []struct {
		name          string
		first, second string
		agree         bool
	}{
		{"PASS", auth("PASS", "secret"), auth("PASS", "secret"), true},
		{"PASS of eight characters", auth("PASS", "12345678"), auth("PASS", "12345678"), true},
		{"AH", auth("AH", "secret"), auth("AH", "secret"), true},
		{"wrong password", auth("PASS", "secret"), auth("PASS", "Secret"), false},
		{"wrong AH password", auth("AH", "secret"), auth("AH", "Secret"), false},
		{"PASS against none", auth("PASS", "secret"), "", false},
		{"PASS against AH", auth("PASS", "secret"), auth("AH", "secret"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				l.start(0, bin[0], router{priority: 150, version: 2, advert: "1", extra: tt.first})
				l.start(1, bin[1], router{priority: 100, version: 2, advert: "1", extra: tt.second})
				if tt.agree {
					l.only(10*time.Second, 0, vip)
					l.stays(3*time.Second, 0, vip)
					return
				}
				l.Eventually(10*time.Second, "each is alone", func() bool { return l.holders(vip) == "r1 r2" })
				l.Never(2*time.Second, "one of them gave way", func() bool { return l.holders(vip) != "r1 r2" })
			})
		})
	}
}

// A stream of adverts with a high priority keeps a router in backup if each of them is
// right, and is as good as silence if something is wrong with it.
func TestAdvertsThatDoNotCount(t *testing.T) {
	good3 := netlab.RawAdvert{Src: "10.5.0.3", VRID: 51, Priority: 200, Interval: 20, Addresses: []string{vip}}
	good2 := netlab.RawAdvert{Src: "10.5.0.3", Version: 2, VRID: 51, Priority: 200, Interval: 1, Auth: 1, Password: "secret", Addresses: []string{vip}}
	change := func(a netlab.RawAdvert, f func(*netlab.RawAdvert)) netlab.RawAdvert {
		f(&a)
		return a
	}
	for _, tt := range []struct {
		name   string
		advert netlab.RawAdvert
		counts bool
	}{
		{"version 3: right", good3, true},
		{"version 3: other VRID", change(good3, func(a *netlab.RawAdvert) { a.VRID = 52 }), false},
		{"version 3: TTL 254", change(good3, func(a *netlab.RawAdvert) { a.TTL = 254 }), false},
		{"version 3: wrong checksum", change(good3, func(a *netlab.RawAdvert) { a.BadChecksum = true }), false},
		{"version 3: unknown type", change(good3, func(a *netlab.RawAdvert) { a.Type = 2 }), false},
		{"version 3: cut short", change(good3, func(a *netlab.RawAdvert) { a.Cut = 3 }), false},
		{"version 3: no address at all", change(good3, func(a *netlab.RawAdvert) { a.Cut = 12 }), false},
		{"version 3: lower priority", change(good3, func(a *netlab.RawAdvert) { a.Priority = 50 }), false},
		{"version 4", change(good3, func(a *netlab.RawAdvert) { a.Version = 4 }), false},
		{"version 2 for a router of version 3", change(good2, func(a *netlab.RawAdvert) {}), false},
		{"version 3: unicast", change(good3, func(a *netlab.RawAdvert) { a.Dst = "10.5.0.1" }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			in := l.r[2].Injector("eth0")
			l.start(0, netlab.Holdfast(t), router{priority: 100, advert: "0.2"})
			sent := every(100*time.Millisecond, func() { in.Advert(tt.advert) })
			defer sent()
			if tt.counts {
				l.Never(2*time.Second, "became master", func() bool { return l.r[0].Has(vip) })
			} else {
				l.Eventually(5*time.Second, "master", func() bool { return l.r[0].Has(vip) })
			}
		})
	}
	for _, tt := range []struct {
		name   string
		advert netlab.RawAdvert
		counts bool
	}{
		{"version 2: right", good2, true},
		{"version 2: wrong password", change(good2, func(a *netlab.RawAdvert) { a.Password = "public" }), false},
		{"version 2: no authentication", change(good2, func(a *netlab.RawAdvert) { a.Auth, a.Password = 0, "" }), false},
		{"version 2: other interval", change(good2, func(a *netlab.RawAdvert) { a.Interval = 3 }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			in := l.r[2].Injector("eth0")
			l.start(0, netlab.Holdfast(t), router{priority: 100, version: 2, advert: "1", extra: pass})
			sent := every(500*time.Millisecond, func() { in.Advert(tt.advert) })
			defer sent()
			if tt.counts {
				l.Never(6*time.Second, "became master", func() bool { return l.r[0].Has(vip) })
			} else {
				l.Eventually(8*time.Second, "master", func() bool { return l.r[0].Has(vip) })
			}
		})
	}
}

// every calls f at once and then periodically, until the function it returns is called.
func every(period time.Duration, f func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			f()
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// Ten thousand damaged adverts change nothing, and do not fill the log.
func TestGarbage(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	d := l.start(0, netlab.Holdfast(t), router{priority: 100})
	l.only(5*time.Second, 0, vip)
	in := l.r[2].Injector("eth0")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	before := len(d.Log())
	const headers = 14 + 20
	for i := range 10_000 {
		frame := in.Build(netlab.RawAdvert{Src: "10.5.0.3", VRID: 51, Priority: 200, Interval: 10, Addresses: []string{vip}})
		body := frame[headers:]
		for range 1 + random.IntN(8) {
			body[random.IntN(len(body))] ^= byte(1 + random.IntN(255))
		}
		in.Frame(frame[:headers+random.IntN(len(body)+1)])
		if i%100 == 0 && !d.Alive() {
			t.Fatalf("the daemon died after %d packets:\n%s", i, d.Log())
		}
	}
	l.stays(time.Second, 0, vip)
	if grown := d.Log()[before:]; strings.Count(grown, "\n") > 200 {
		t.Errorf("%d lines of log for 10,000 packets", strings.Count(grown, "\n"))
	}
}

// A thousand right adverts a second from a lower priority are answered and survived.
func TestFlood(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	d := l.start(0, netlab.Holdfast(t), router{priority: 100})
	l.only(5*time.Second, 0, vip)
	in := l.r[2].Injector("eth0")
	before := len(d.Log())
	stop := every(time.Millisecond, func() {
		in.Advert(netlab.RawAdvert{Src: "10.5.0.3", VRID: 51, Priority: 50, Interval: 10, Addresses: []string{vip}})
	})
	l.stays(3*time.Second, 0, vip)
	stop()
	if grown := d.Log()[before:]; strings.Count(grown, "\n") > 500 {
		t.Errorf("%d lines of log in three seconds", strings.Count(grown, "\n"))
	}
}

// On the wire holdfast is keepalived: the first adverts and announcements of the same
// configuration are equal byte for byte.
func TestSameBytes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		router router
	}{
		{"version 2", router{version: 2, advert: "1"}},
		{"version 2 PASS", router{version: 2, advert: "1", extra: pass}},
		{"version 3", router{}},
		{"version 3, three addresses", router{vips: "10.5.0.50/24\n10.5.0.52/24\n10.5.0.51/24"}},
		{"IPv6", router{vips: "fe80::5:50/64\nfd05::50/64"}},
		{"unicast", router{extra: "unicast_src_ip 10.5.0.1\n unicast_peer {\n 10.5.0.2\n 10.5.0.3\n }"}},
		{"unicast version 2 PASS", router{version: 2, advert: "1", extra: pass + "\n unicast_src_ip 10.5.0.1\n unicast_peer {\n 10.5.0.2\n }"}},
		{"virtual MAC", router{extra: "use_vmac"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.router.priority = 150
			var adverts, garps [2]string
			t.Run("both", func(t *testing.T) {
				for i, bin := range []string{netlab.Keepalived, netlab.Holdfast(t)} {
					t.Run([]string{"keepalived", "holdfast"}[i], func(t *testing.T) {
						t.Parallel()
						l := newLAN(t)
						l.start(0, bin, tt.router)
						l.Eventually(8*time.Second, "four adverts", func() bool { return len(l.adverts(0, time.Time{})) >= 4 })
						addr := vip
						if strings.Contains(tt.router.vips, ":") {
							addr = vip6
						}
						l.Eventually(3*time.Second, "announcements", func() bool {
							return len(netlab.Announcements(l.seen[0].Received(), addr)) >= 5
						})
						adverts[i], garps[i] = wire(l, addr)
					})
				}
			})
			if adverts[0] != adverts[1] {
				t.Errorf("adverts differ:\nkeepalived\n%s\nholdfast\n%s", adverts[0], adverts[1])
			}
			if garps[0] != garps[1] {
				t.Errorf("announcements differ:\nkeepalived\n%s\nholdfast\n%s", garps[0], garps[1])
			}
		})
	}
}

// wire is the first four adverts and the first five announcements of an address, in
// hexadecimal.
func wire(l *lan, addr string) (adverts, garps string) {
	var a, g strings.Builder
	for _, f := range l.adverts(0, time.Time{})[:4] {
		dump(&a, f.Data)
	}
	for _, f := range netlab.Announcements(l.seen[0].Received(), addr)[:5] {
		dump(&g, f.Data)
	}
	return a.String(), g.String()
}

func dump(b *strings.Builder, data []byte) {
	fmt.Fprintf(b, "%x\n", data)
}
