package vrrp_test

import (
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// A stream of adverts with a high priority makes the master give way and keeps the backup
// in its place if each of them is right. If something is wrong with it, it is as good as
// silence to both: the master stays, and the backup replaces it in time when it is gone.
func TestAdvertsThatDoNotCount(t *testing.T) {
	t.Parallel()
	good3 := netlab.RawAdvert{Src: "10.5.0.3", VRID: 51, Priority: 200, Interval: 100, Addresses: []string{vip}}
	good2 := netlab.RawAdvert{Src: "10.5.0.3", Version: 2, VRID: 51, Priority: 200, Interval: 1, Auth: 1, Password: "secret", Addresses: []string{vip}}
	version3 := router{}
	version2 := router{version: 2, advert: "1", extra: pass}
	for _, tt := range []struct {
		name   string
		r      router
		advert netlab.RawAdvert
		change func(*netlab.RawAdvert)
		run    func(*testing.T, func(*testing.T, *lan, [2]string))
		counts bool
	}{
		{"version 3: right", version3, good3, nil, mixed, true},
		{"version 3: other addresses", version3, good3, func(a *netlab.RawAdvert) { a.Addresses = []string{"10.5.0.77"} }, alone, true},
		{"version 3: another number of addresses", version3, good3, func(a *netlab.RawAdvert) { a.Addresses = []string{vip, "10.5.0.77"} }, alone, true},
		{"version 3: interval 0", version3, good3, func(a *netlab.RawAdvert) { a.Interval = 0 }, mixed, false},
		{"version 3: other VRID", version3, good3, func(a *netlab.RawAdvert) { a.VRID = 52 }, mixed, false},
		{"version 3: TTL 254", version3, good3, func(a *netlab.RawAdvert) { a.TTL = 254 }, mixed, false},
		{"version 3: wrong checksum", version3, good3, func(a *netlab.RawAdvert) { a.BadChecksum = true }, mixed, false},
		{"version 3: unknown type", version3, good3, func(a *netlab.RawAdvert) { a.Type = 2 }, mixed, false},
		{"version 3: cut short", version3, good3, func(a *netlab.RawAdvert) { a.Cut = 3 }, mixed, false},
		{"version 3: no address at all", version3, good3, func(a *netlab.RawAdvert) { a.Cut = 12 }, mixed, false},
		{"version 3: lower priority", version3, good3, func(a *netlab.RawAdvert) { a.Priority = 50 }, mixed, false},
		{"version 4", version3, good3, func(a *netlab.RawAdvert) { a.Version = 4 }, mixed, false},
		{"version 2 for a router of version 3", version3, good2, nil, mixed, false},
		{"version 3: unicast to the master", version3, good3, func(a *netlab.RawAdvert) { a.Dst = "10.5.0.1" }, mixed, false},
		{"version 3: unicast to the backup", version3, good3, func(a *netlab.RawAdvert) { a.Dst = "10.5.0.2" }, mixed, false},
		{"version 2: right", version2, good2, nil, mixed, true},
		{"version 2: other addresses", version2, good2, func(a *netlab.RawAdvert) { a.Addresses = []string{"10.5.0.77"} }, alone, true},
		{"version 2: TTL 254", version2, good2, func(a *netlab.RawAdvert) { a.TTL = 254 }, mixed, false},
		{"version 2: wrong checksum", version2, good2, func(a *netlab.RawAdvert) { a.BadChecksum = true }, mixed, false},
		{"version 2: wrong password", version2, good2, func(a *netlab.RawAdvert) { a.Password = "public" }, mixed, false},
		{"version 2: no authentication", version2, good2, func(a *netlab.RawAdvert) { a.Auth, a.Password = 0, "" }, mixed, false},
		{"version 2: other interval", version2, good2, func(a *netlab.RawAdvert) { a.Interval = 3 }, mixed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, func(t *testing.T, l *lan, bin [2]string) {
				advert, period := tt.advert, 300*time.Millisecond
				if tt.r.version == 2 {
					period = time.Second
				}
				if tt.change != nil {
					tt.change(&advert)
				}
				p := l.watched(bin, tt.r)
				in := l.r[2].Injector("eth0")
				defer every(100*time.Millisecond, func() { in.Advert(advert) })()
				if tt.counts {
					l.Eventually(3*time.Second, "r1 gives way", func() bool { return l.holders(vip) == "" })
					l.Never(masterDown(100, 3, time.Second)+slack, "somebody became master", func() bool { return l.holders(vip) != "" })
					return
				}
				l.wait(2 * time.Second)
				p.unmoved(masterDown(100, tt.r.version, period))
				l.port[0].Block(true)
				if p.ours[1] {
					l.Eventually(6*time.Second, "r2 replaces r1", func() bool { return l.r[1].Has(vip) })
				}
			})
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

// A network that delivers every packet three times is as good as one that does it once.
// Authentication that refuses replayed packets does not mind.
func TestDuplication(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		r     router
		mixes func(*testing.T, func(*testing.T, *lan, [2]string))
	}{
		{"version 3", router{}, mixed},
		{"version 2 AH", router{version: 2, advert: "1", extra: authentication("AH", "secret")}, mixed},
		{"version 3 HMAC", router{extra: signed("enforce", 1)}, alone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.mixes(t, func(t *testing.T, l *lan, bin [2]string) {
				defer l.repeat(0, 1)()
				defer l.repeat(1, 0)()
				first, second := tt.r, tt.r
				first.priority, second.priority = 150, 100
				l.start(1, bin[1], second)
				l.only(8*time.Second, 1, vip)
				d := l.start(0, bin[0], first)
				l.only(8*time.Second, 0, vip)
				l.stays(2*time.Second, 0, vip)
				d.Stop()
				l.only(8*time.Second, 1, vip)
				l.stays(time.Second, 1, vip)
			})
		})
	}
}

// repeat delivers two more copies of router i's adverts to router j, until the function
// it returns is called.
func (l *lan) repeat(i, j int) (stop func()) {
	out := l.sw.Injector(l.port[j].Name)
	var seen int
	return every(2*time.Millisecond, func() {
		sent := netlab.Adverts(l.seen[i].Received(), 51)
		for _, a := range sent[seen:] {
			out.Frame(a.Data)
			out.Frame(a.Data)
		}
		seen = len(sent)
	})
}
