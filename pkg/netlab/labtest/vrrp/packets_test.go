package vrrp_test

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// A stream of adverts with a high priority keeps a router in backup if each of them is
// right, and is as good as silence if something is wrong with it.
func TestAdvertsThatDoNotCount(t *testing.T) {
	t.Parallel()
	good3 := netlab.RawAdvert{Src: "10.5.0.3", VRID: 51, Priority: 200, Interval: 100, Addresses: []string{vip}}
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
		{"version 3: other addresses", change(good3, func(a *netlab.RawAdvert) { a.Addresses = []string{"10.5.0.77"} }), true},
		{"version 3: another number of addresses", change(good3, func(a *netlab.RawAdvert) { a.Addresses = []string{vip, "10.5.0.77"} }), true},
		{"version 3: interval 0", change(good3, func(a *netlab.RawAdvert) { a.Interval = 0 }), false},
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
		{"version 2: other addresses", change(good2, func(a *netlab.RawAdvert) { a.Addresses = []string{"10.5.0.77"} }), true},
		{"version 2: TTL 254", change(good2, func(a *netlab.RawAdvert) { a.TTL = 254 }), false},
		{"version 2: wrong checksum", change(good2, func(a *netlab.RawAdvert) { a.BadChecksum = true }), false},
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

// Ten thousand packets of which nothing is right change nothing, neither for a master nor
// for a backup, and do not fill the log. They do not even put off the moment at which a
// backup replaces its master. (Beside us keepalived, as either router, loses the adverts
// among them.)
func TestGarbage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		version int
		extra   string
		to      string
	}{
		{"version 2 PASS", 2, pass, "224.0.0.18"},
		{"version 2 AH", 2, authentication("AH", "secret"), "224.0.0.18"},
		{"version 3", 3, "", "224.0.0.18"},
		{"version 3 HMAC", 3, signed("enforce", 1), "224.0.0.18"},
		{"unicast", 3, unicast(0, 1), "10.5.0.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			in := l.r[2].Injector("eth0")
			conf := func(priority int, extra string) router {
				return router{priority: priority, version: tt.version, advert: "1", extra: extra}
			}
			other := strings.NewReplacer("10.5.0.1", "10.5.0.2", "10.5.0.2", "10.5.0.1").Replace(tt.extra)
			master := l.start(0, netlab.Holdfast(t), conf(150, tt.extra))
			l.only(10*time.Second, 0, vip)
			backup := l.start(1, netlab.Holdfast(t), conf(100, other))
			backup.WaitLog(5*time.Second, "Entering BACKUP STATE")
			before := [2]int{len(master.Log()), len(backup.Log())}

			const seed = 9568
			random := rand.New(rand.NewPCG(seed, uint64(tt.version)))
			sample := in.Build(netlab.RawAdvert{Src: "10.5.0.3", Dst: tt.to, Version: uint8(tt.version), VRID: 51, Priority: 200, Interval: 1, Auth: 1, Password: "secret", Addresses: []string{vip}})
			since := time.Now()
			for i := range 10_000 {
				in.Frame(garbage(random, sample))
				if i%1000 == 0 && !(master.Alive() && backup.Alive()) {
					t.Fatalf("a daemon died after %d packets:\n%s%s", i, master.Log(), backup.Log())
				}
			}
			l.stays(time.Second, 0, vip)
			if got := l.adverts(1, since); len(got) > 0 {
				t.Errorf("the backup advertised: %+v", got[0])
			}
			for i, d := range []*netlab.Daemon{master, backup} {
				if n := strings.Count(d.Log()[before[i]:], "\n"); n > 200 {
					t.Errorf("r%d logged %d lines for 10,000 packets", i+1, n)
				}
			}

			stop := every(10*time.Millisecond, func() { in.Frame(garbage(random, sample)) })
			defer stop()
			cut := time.Now()
			l.port[0].Block(true)
			l.Eventually(8*time.Second, "the backup takes over amid garbage", func() bool { return l.r[1].Has(vip) })
			if took, most := time.Since(cut), masterDown(100, tt.version, time.Second)+slack; took > most {
				t.Errorf("the takeover took %v, want %v at most", took, most)
			}
		})
	}
}

// garbage is an IPv4 frame whose message is random, or that of the sample with some bytes
// changed and perhaps some missing at its end.
func garbage(random *rand.Rand, sample []byte) []byte {
	const ip, message = 14, 14 + 20
	frame := append([]byte(nil), sample...)
	if random.IntN(2) == 0 {
		frame = append(frame[:message], make([]byte, random.IntN(100))...)
		for i := message; i < len(frame); i++ {
			frame[i] = byte(random.Uint32())
		}
		frame[ip+9] = []byte{112, 51}[random.IntN(2)] // VRRP or AH
	} else {
		body := frame[message:]
		for range 1 + random.IntN(8) {
			body[random.IntN(len(body))] ^= byte(1 + random.IntN(255))
		}
		if random.IntN(2) == 0 {
			frame = frame[:message+random.IntN(len(body))]
		}
	}
	// The kernel would keep a damaged IPv4 header to itself.
	header := frame[ip:message]
	binary.BigEndian.PutUint16(header[2:], uint16(len(frame)-ip))
	binary.BigEndian.PutUint16(header[10:], 0)
	binary.BigEndian.PutUint16(header[10:], headerSum(header))
	return frame
}

// headerSum is the checksum of an IPv4 header whose field for it is zero.
func headerSum(header []byte) uint16 {
	var acc uint32
	for i := 0; i < len(header); i += 2 {
		acc += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for acc > 0xffff {
		acc = acc&0xffff + acc>>16
	}
	return ^uint16(acc)
}

// Twenty thousand adverts a second, right ones of a lower priority or damaged ones, move
// no address; answers, announcements and log lines are bounded. (Beside us keepalived
// becomes a second master.)
func TestFlood(t *testing.T) {
	lower := netlab.RawAdvert{Src: "10.5.0.3", VRID: 51, Priority: 50, Interval: 20, Addresses: []string{vip}}
	damaged := lower
	damaged.Priority, damaged.BadChecksum = 200, true
	for _, tt := range []struct {
		name   string
		advert netlab.RawAdvert
	}{{"lower priority", lower}, {"wrong checksum", damaged}} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLAN(t)
			in := l.r[2].Injector("eth0")
			frame := in.Build(tt.advert)
			first := l.start(0, netlab.Holdfast(t), router{priority: 150, advert: "0.5"})
			second := l.start(1, netlab.Holdfast(t), router{priority: 100, advert: "0.5"})
			l.only(5*time.Second, 0, vip)
			l.stays(time.Second, 0, vip)
			logs := [2]int{len(first.Log()), len(second.Log())}
			since := time.Now()
			stop := every(time.Millisecond, func() {
				for range 20 {
					in.Frame(frame)
				}
			})
			l.stays(4*time.Second, 0, vip)
			stop()
			during := time.Since(since)
			if got := l.adverts(1, since); len(got) > 0 {
				t.Errorf("the backup advertised: %+v", got[0])
			}
			// One regular advert and one answer in each interval.
			if got, most := len(l.adverts(0, since)), 2*int(during/(500*time.Millisecond))+4; got > most {
				t.Errorf("the master sent %d adverts in %v, want %d at most", got, during, most)
			}
			for i, d := range []*netlab.Daemon{first, second} {
				if n := strings.Count(d.Log()[logs[i]:], "\n"); n > 200 {
					t.Errorf("r%d logged %d lines", i+1, n)
				}
			}
		})
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
