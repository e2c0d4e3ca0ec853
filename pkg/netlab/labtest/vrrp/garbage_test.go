package vrrp_test

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// Ten thousand packets of which nothing is right change nothing, neither for a master nor
// for a backup, and do not fill the log. They do not even put off the moment at which a
// backup replaces its master.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		version int
		extra   string
		to      string
		run     func(*testing.T, func(*testing.T, *lan, [2]string))
	}{
		{"version 2 PASS", 2, pass, "224.0.0.18", mixed},
		{"version 2 AH", 2, authentication("AH", "secret"), "224.0.0.18", mixed},
		{"version 3", 3, "", "224.0.0.18", mixed},
		{"version 3 HMAC", 3, signed("enforce", 1), "224.0.0.18", alone},
		{"unicast", 3, unicast(0, 1), "10.5.0.2", mixed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, func(t *testing.T, l *lan, bin [2]string) {
				in := l.r[2].Injector("eth0")
				const seed = 9568
				random := rand.New(rand.NewPCG(seed, uint64(tt.version)))
				sample := in.Build(netlab.RawAdvert{Src: "10.5.0.3", Dst: tt.to, Version: uint8(tt.version), VRID: 51, Priority: 200, Interval: 1, Auth: 1, Password: "secret", Addresses: []string{vip}})
				p := l.watched(bin, router{version: tt.version, advert: "1", extra: tt.extra})
				for range 10_000 {
					in.Frame(garbage(random, sample))
				}
				l.wait(time.Second)
				p.unmoved(masterDown(100, tt.version, time.Second))
				if bin[1] == netlab.Keepalived {
					return
				}
				defer every(10*time.Millisecond, func() { in.Frame(garbage(random, sample)) })()
				cut := time.Now()
				l.port[0].Block(true)
				l.Eventually(8*time.Second, "the backup takes over amid garbage", func() bool { return l.r[1].Has(vip) })
				if took, most := time.Since(cut), masterDown(100, tt.version, time.Second)+slack+l.stalls.Since(cut); took > most {
					t.Errorf("the takeover took %v, want %v at most", took, most)
				}
			})
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
// no address; answers, announcements and log lines are bounded.
func TestFlood(t *testing.T) {
	lower := netlab.RawAdvert{Src: "10.5.0.3", VRID: 51, Priority: 50, Interval: 20, Addresses: []string{vip}}
	damaged := lower
	damaged.Priority, damaged.BadChecksum = 200, true
	for _, tt := range []struct {
		name   string
		advert netlab.RawAdvert
	}{{"lower priority", lower}, {"wrong checksum", damaged}} {
		t.Run(tt.name, func(t *testing.T) {
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				in := l.r[2].Injector("eth0")
				frame := in.Build(tt.advert)
				p := l.watched(bin, router{advert: "0.5"})
				stop := every(time.Millisecond, func() {
					for range 20 {
						in.Frame(frame)
					}
				})
				l.wait(4 * time.Second)
				stop()
				p.unmoved(masterDown(100, 3, 500*time.Millisecond))
				// One regular advert and one answer in each interval.
				during := time.Since(p.since)
				if got, most := len(l.adverts(0, p.since)), 2*int(during/(500*time.Millisecond))+4; got > most && p.ours[0] {
					t.Errorf("the master sent %d adverts in %v, want %d at most", got, during, most)
				}
			})
		})
	}
}

// watched is a master and a backup whose conduct is judged from a moment on, each by
// itself: beside us keepalived loses adverts in floods, or sends none.
type watched struct {
	*lan
	ours   [2]bool
	daemon [2]*netlab.Daemon
	logged [2]int
	since  time.Time
}

// watched starts a master and its backup.
func (l *lan) watched(bin [2]string, r router) *watched {
	l.Helper()
	p := &watched{lan: l}
	first, second := r, r
	first.priority, second.priority = 150, 100
	second.extra = swap(r.extra)
	p.daemon[0] = l.start(0, bin[0], first)
	l.only(10*time.Second, 0, vip)
	p.daemon[1] = l.join(1, bin[1], second)
	l.stays(time.Second, 0, vip)
	for i, d := range p.daemon {
		p.ours[i] = bin[i] != netlab.Keepalived
		p.logged[i] = len(d.Log())
	}
	p.since = time.Now()
	return p
}

// unmoved checks what our routers did: the master has the address and was never silent for
// as long as a backup waits (down); the backup advertised only after such a silence, which
// two of ours never see; neither died, nor logged much.
func (p *watched) unmoved(down time.Duration) {
	p.Helper()
	sent, rival := p.adverts(0, p.since), p.unprovoked(1, p.since)
	if gap := longestGap(sent); p.ours[0] && (gap > down+p.stalls.Since(p.since) || !p.r[0].Has(vip)) {
		p.Errorf("the master was silent for %v, and is %q; this machine stood still for %v", gap, p.holders(vip), p.stalls.Since(p.since))
	}
	if p.ours[1] && len(rival) > 0 && (p.ours[0] || !silent(sent, rival[0].At, down)) {
		p.Errorf("the backup advertised: %+v", rival[0])
	}
	for i, d := range p.daemon {
		if n := strings.Count(d.Log()[p.logged[i]:], "\n"); p.ours[i] && (n > 200 || !d.Alive()) {
			p.Errorf("r%d logged %d lines", i+1, n)
		}
	}
}

// silent reports whether nothing was sent in the time before a moment.
func silent(sent []netlab.Advert, before time.Time, during time.Duration) bool {
	for _, a := range sent {
		if a.At.Before(before) && before.Sub(a.At) < during-10*time.Millisecond {
			return false
		}
	}
	return true
}
