package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"
)

var wall = time.Unix(1_790_000_000, 0)

func hmacConfig() *HMAC {
	return &HMAC{Keys: map[uint8][]byte{1: bytes.Repeat([]byte{7}, 32)}, Active: 1, Window: 5 * time.Second}
}

// encode makes the datagram of a case, to be received.
func encode(t testing.TB, f Format, a Advert, to netip.Addr, at time.Time) Datagram {
	t.Helper()
	e := Encoder{Format: f}
	if err := e.Prepare(&a, at); err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(e.Datagram(to))
	if f.Src.Is6() {
		return ParseIPv6(f.Src, to, f.TTL, b)
	}
	d, err := ParseIPv4(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// resum makes the checksum of a changed message right again.
func resum(d Datagram) {
	m := d.Payload
	m[6], m[7] = 0, 0
	binary.BigEndian.PutUint16(m[6:], checksum(withPseudo, d.Src, d.Dst, m))
}

func TestCheckDrops(t *testing.T) {
	peer := ip("10.9.0.2")
	v3 := Advert{Version: 3, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	v2 := v3
	v2.Version = 2
	v3f := Format{Src: peer, TTL: 255}
	rules := func(change func(*Rules)) Rules {
		r := Rules{Version: 3, VRID: 51, Interval: time.Second, Addrs: v3.Addrs}
		if change != nil {
			change(&r)
		}
		return r
	}
	with := func(f Format, change func(*Format)) Format { change(&f); return f }

	for _, c := range []struct {
		name   string
		rules  Rules
		format Format
		advert Advert
		to     netip.Addr // zero: the group
		change func(*Datagram)
		want   error
	}{
		{"AH missing", rules(func(r *Rules) { r.Version, r.Auth = 2, AuthAH }), v3f, v2, netip.Addr{}, nil, ErrAHMissing},
		{"AH unexpected", rules(func(r *Rules) { r.Version = 2 }), with(v3f, func(f *Format) { f.Auth = AuthAH }), v2, netip.Addr{}, nil, ErrAHUnexpected},
		{"AH wrong key", rules(func(r *Rules) { r.Version, r.Auth, r.Password = 2, AuthAH, "x" }), with(v3f, func(f *Format) { f.Auth, f.Password = AuthAH, "y" }), v2, netip.Addr{}, nil, ErrAHICV},
		{"short", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Header[3] -= 4 }, ErrLength},
		{"empty", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Header[3] = 20 }, ErrLength},
		{"count beyond the end", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Payload[3] = 2 }, ErrLength},
		{"cut off", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Payload = d.Payload[:9] }, ErrTotalLength},
		{"TTL", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.TTL = 254 }, ErrTTL},
		{"version", rules(func(r *Rules) { r.Version = 2 }), v3f, v3, netip.Addr{}, nil, ErrVersion},
		{"no such version", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Payload[0] = 0x41 }, ErrVersion},
		{"VRID", rules(func(r *Rules) { r.VRID = 52 }), v3f, v3, netip.Addr{}, nil, ErrVRID},
		{"trailer missing", rules(func(r *Rules) { r.HMAC = hmacConfig() }), v3f, v3, netip.Addr{}, nil, ErrTrailerMissing},
		{"trailer not expected", rules(nil), with(v3f, func(f *Format) { f.HMAC = hmacConfig() }), v3, netip.Addr{}, nil, ErrLength},
		{"authentication type unknown", rules(func(r *Rules) { r.Version = 2 }), v3f, v2, netip.Addr{}, func(d *Datagram) { d.Payload[4] = 3 }, ErrAuthType},
		{"authentication type", rules(func(r *Rules) { r.Version, r.Auth = 2, AuthPass }), v3f, v2, netip.Addr{}, nil, ErrAuthMismatch},
		{"password", rules(func(r *Rules) { r.Version, r.Auth, r.Password = 2, AuthPass, "a" }), with(v3f, func(f *Format) { f.Auth, f.Password = AuthPass, "b" }), v2, netip.Addr{}, nil, ErrPassword},
		{"v2 interval", rules(func(r *Rules) { r.Version, r.Interval = 2, 2*time.Second }), v3f, v2, netip.Addr{}, nil, ErrInterval},
		{"type", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Payload[0] = 0x32; resum(*d) }, ErrType},
		{"no address", rules(nil), v3f, Advert{Version: 3, VRID: 51, Priority: 1, Interval: time.Second}, netip.Addr{}, nil, ErrNoAddrs},
		{"v3 interval zero", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Payload[4], d.Payload[5] = 0, 0; resum(*d) }, ErrIntervalZero},
		{"checksum v3", rules(nil), v3f, v3, netip.Addr{}, func(d *Datagram) { d.Payload[6]++ }, ErrChecksum},
		{"checksum v2", rules(func(r *Rules) { r.Version = 2 }), v3f, v2, netip.Addr{}, func(d *Datagram) { d.Payload[6]++ }, ErrChecksum},
		{"old unicast checksum refused", rules(func(r *Rules) { r.Unicast, r.OldUnicast = true, OldNever }), with(v3f, func(f *Format) { f.OldUnicast = true }), v3, src4, nil, ErrChecksum},
		{"multicast at a unicast router", rules(func(r *Rules) { r.Unicast = true }), v3f, v3, netip.Addr{}, nil, ErrMulticast},
		{"unicast at a multicast router", rules(nil), v3f, v3, src4, nil, ErrUnicast},
		{"owner ignores", rules(func(r *Rules) { r.IgnoreAll = true }), v3f, v3, netip.Addr{}, nil, ErrOwner},
		{"stranger", rules(func(r *Rules) { r.Unicast, r.CheckSource = true, true }), v3f, v3, src4, nil, ErrUnknownPeer},
		{"far away", rules(func(r *Rules) { r.Unicast, r.CheckSource, r.Peers = true, true, []Peer{{peer, 255, 255}} }), with(v3f, func(f *Format) { f.TTL = 64 }), v3, src4, nil, ErrPeerTTL},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := c.to
			if !to.IsValid() {
				to = group4
			}
			d := encode(t, c.format, c.advert, to, wall)
			if c.change != nil {
				c.change(&d)
			}
			checker := Checker{Rules: c.rules}
			if _, err := checker.Check(d, wall); !errors.Is(err, c.want) {
				t.Errorf("Check: %v, want %v", err, c.want)
			}
		})
	}
}

// A packet with two faults gives the error of the earlier check.
func TestCheckOrder(t *testing.T) {
	d := encode(t, Format{Src: ip("10.9.0.2"), TTL: 1}, Advert{Version: 3, VRID: 51, Priority: 1, Interval: time.Second, Addrs: []netip.Addr{src4}}, group4, wall)
	d.Payload[6]++ // checksum
	checker := Checker{Rules: Rules{Version: 2, VRID: 51}}
	for _, want := range []error{ErrTTL, ErrVersion, ErrChecksum, ErrMulticast} {
		if _, err := checker.Check(d, wall); !errors.Is(err, want) {
			t.Fatalf("Check: %v, want %v first", err, want)
		}
		switch want { // repair it
		case ErrTTL:
			d.TTL = 255
		case ErrVersion:
			checker.Rules.Version, checker.Rules.Unicast = 3, true
		case ErrChecksum:
			d.Payload[6]--
		}
	}
}

func TestCheckTolerates(t *testing.T) {
	peer := ip("10.9.0.2")
	a := Advert{Version: 3, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	base := Rules{Version: 3, VRID: 51, Interval: time.Second, Addrs: a.Addrs}

	t.Run("padding", func(t *testing.T) {
		d := encode(t, Format{Src: peer, TTL: 255}, a, group4, wall)
		d.Payload = append(d.Payload, make([]byte, 14)...)
		c := Checker{Rules: base}
		if _, err := c.Check(d, wall); err != nil {
			t.Error(err)
		}
	})
	t.Run("either checksum of version 3", func(t *testing.T) {
		for _, asV2 := range []bool{false, true} {
			c := Checker{Rules: base}
			if _, err := c.Check(encode(t, Format{Src: peer, TTL: 255, ChecksumAsV2: asV2}, a, group4, wall), wall); err != nil {
				t.Errorf("ChecksumAsV2 %v: %v", asV2, err)
			}
		}
	})
	t.Run("another interval in version 3", func(t *testing.T) {
		c := Checker{Rules: base}
		c.Rules.Interval = 2 * time.Second
		got, err := c.Check(encode(t, Format{Src: peer, TTL: 255}, a, group4, wall), wall)
		if err != nil || got.Advert.Interval != time.Second {
			t.Errorf("interval %v, error %v", got.Advert.Interval, err)
		}
	})
	t.Run("no address on either side", func(t *testing.T) {
		none := a
		none.Addrs = nil
		c := Checker{Rules: base}
		c.Rules.Addrs = nil
		if _, err := c.Check(encode(t, Format{Src: peer, TTL: 255}, none, group4, wall), wall); err != nil {
			t.Error(err)
		}
	})
	t.Run("any TTL in unicast", func(t *testing.T) {
		c := Checker{Rules: base}
		c.Rules.Unicast = true
		if _, err := c.Check(encode(t, Format{Src: peer, TTL: 3}, a, src4, wall), wall); err != nil {
			t.Error(err)
		}
	})
}

func TestAddressList(t *testing.T) {
	x, y, z := ip("10.9.0.50"), ip("10.9.0.51"), ip("10.9.0.52")
	for _, c := range []struct {
		name      string
		want, got []netip.Addr
		say       string
	}{
		{"equal", []netip.Addr{x, y}, []netip.Addr{x, y}, ""},
		{"another order", []netip.Addr{x, y}, []netip.Addr{y, x}, ""},
		{"fewer", []netip.Addr{x, y}, []netip.Addr{x}, "expected 2 VIPs but received 1"},
		{"another one", []netip.Addr{x, y}, []netip.Addr{x, z}, "address 10.9.0.51 not present in advert"},
	} {
		t.Run(c.name, func(t *testing.T) {
			say := ""
			if err := compareLists(c.want, c.got); err != nil {
				say = err.Error()
			}
			if say != c.say {
				t.Errorf("got %q, want %q", say, c.say)
			}
		})
	}
}

func TestOldUnicastChecksumIsFollowed(t *testing.T) {
	a := Advert{Version: 3, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	d := encode(t, Format{Src: ip("10.9.0.2"), TTL: 255, OldUnicast: true}, a, src4, wall)
	c := Checker{Rules: Rules{Version: 3, VRID: 51, Addrs: a.Addrs, Unicast: true}}
	if _, err := c.Check(d, wall); err != nil || !c.SpeaksOld {
		t.Errorf("SpeaksOld %v, error %v", c.SpeaksOld, err)
	}
}

func TestAHReplay(t *testing.T) {
	f := Format{Src: ip("10.9.0.2"), TTL: 255, Auth: AuthAH, Password: "secret"}
	a := Advert{Version: 2, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	c := Checker{Rules: Rules{Version: 2, VRID: 51, Interval: time.Second, Addrs: a.Addrs, Auth: AuthAH, Password: "secret"}}
	d := encode(t, f, a, group4, wall)
	for _, step := range []struct {
		after time.Duration
		want  error
	}{
		{0, nil},
		{time.Second, ErrAHReplay},
		{3 * time.Second, nil}, // a router that was away counts anew
	} {
		if _, err := c.Check(d, wall.Add(step.after)); !errors.Is(err, step.want) {
			t.Errorf("after %v: %v, want %v", step.after, err, step.want)
		}
	}
}

func TestHMAC(t *testing.T) {
	peer := ip("10.9.0.2")
	a := Advert{Version: 3, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	trailer := func(d *Datagram) []byte { return d.Payload[len(d.Payload)-trailerLen:] }
	for _, c := range []struct {
		name   string
		rules  func(*HMAC)
		change func(*Datagram)
		at     time.Time // receiver's clock; zero: the sender's
		want   error
	}{
		{"right", nil, nil, time.Time{}, nil},
		{"permissive", func(h *HMAC) { h.Mode = Permissive }, nil, time.Time{}, nil},
		{"permissive does not pardon", func(h *HMAC) { h.Mode = Permissive }, func(d *Datagram) { trailer(d)[20]++ }, time.Time{}, ErrHMAC},
		{"type", nil, func(d *Datagram) { trailer(d)[0] = 2 }, time.Time{}, ErrTrailerMalformed},
		{"reserved", nil, func(d *Datagram) { trailer(d)[3] = 1 }, time.Time{}, ErrTrailerMalformed},
		{"behind", nil, nil, wall.Add(6 * time.Second), ErrStale},
		{"ahead", nil, nil, wall.Add(-6 * time.Second), ErrStale},
		{"monotonic needs no clock", func(h *HMAC) { h.Monotonic = true }, nil, wall.Add(time.Hour), nil},
		{"key", nil, func(d *Datagram) { trailer(d)[1] = 9 }, time.Time{}, ErrKeyUnknown},
		{"priority changed", nil, func(d *Datagram) { d.Payload[2]++ }, time.Time{}, ErrHMAC},
		{"sender changed", nil, func(d *Datagram) { d.Src = ip("10.9.0.3") }, time.Time{}, ErrHMAC},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := encode(t, Format{Src: peer, TTL: 255, HMAC: hmacConfig()}, a, group4, wall)
			if c.change != nil {
				c.change(&d)
			}
			h := hmacConfig()
			if c.rules != nil {
				c.rules(h)
			}
			at := c.at
			if at.IsZero() {
				at = wall
			}
			checker := Checker{Rules: Rules{Version: 3, VRID: 51, Addrs: a.Addrs, HMAC: h}}
			_, err := checker.Check(d, at)
			if !errors.Is(err, c.want) {
				t.Fatalf("Check: %v, want %v", err, c.want)
			}
			if _, again := checker.Check(d, at); err == nil && !errors.Is(again, ErrReplay) {
				t.Errorf("the same packet again: %v, want %v", again, ErrReplay)
			}
		})
	}
}

// A clock that is set back takes the numbers of senders back with it. Their receivers
// have the same time, and must not wait for the old one to come again.
func TestHMACClockSetBack(t *testing.T) {
	a := Advert{Version: 3, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	for _, tt := range []struct {
		name      string
		monotonic bool
		back      time.Duration
		want      error
	}{
		{"a little", false, 5 * time.Second, ErrReplay},
		{"beyond the window", false, 6 * time.Second, nil},
		{"an hour", false, time.Hour, nil},
		{"monotonic", true, time.Hour, ErrReplay},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := hmacConfig()
			h.Monotonic = tt.monotonic
			c := Checker{Rules: Rules{Version: 3, VRID: 51, Addrs: a.Addrs, HMAC: h}}
			at := func(wall time.Time) error {
				_, err := c.Check(encode(t, Format{Src: ip("10.9.0.2"), TTL: 255, HMAC: hmacConfig()}, a, group4, wall), wall)
				return err
			}
			if err := at(wall); err != nil {
				t.Fatal(err)
			}
			later := wall.Add(-tt.back)
			if err := at(later); !errors.Is(err, tt.want) {
				t.Fatalf("after the step: %v, want %v", err, tt.want)
			}
			if err := at(later); !errors.Is(err, ErrReplay) {
				t.Errorf("the same packet again: %v, want %v", err, ErrReplay)
			}
		})
	}
}

func TestHMACSkewIsReported(t *testing.T) {
	a := Advert{Version: 3, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	d := encode(t, Format{Src: ip("10.9.0.2"), TTL: 255, HMAC: hmacConfig()}, a, group4, wall)
	c := Checker{Rules: Rules{Version: 3, VRID: 51, Addrs: a.Addrs, HMAC: hmacConfig()}}
	got, err := c.Check(d, wall.Add(4*time.Second))
	if err != nil || got.Skew != 4*time.Second {
		t.Errorf("skew %v, error %v; want 4s", got.Skew, err)
	}
}

func TestSequence(t *testing.T) {
	base := clockSequence(wall)
	for _, c := range []struct {
		name      string
		monotonic bool
		clock     []time.Duration // beside wall
		want      []uint64        // beside base
	}{
		{"same instant counts", false, []time.Duration{0, 0, 0}, []uint64{0, 1, 2}},
		{"clock goes on", false, []time.Duration{0, time.Second}, []uint64{0, 1 << 32}},
		{"small step back grows", false, []time.Duration{0, -5 * time.Second}, []uint64{0, 1}},
		{"big step back is followed", false, []time.Duration{0, -6 * time.Second}, []uint64{0, ^uint64(6<<32) + 1}},
		{"monotonic grows in any case", true, []time.Duration{0, -time.Hour}, []uint64{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := hmacConfig()
			h.Monotonic = c.monotonic
			var s sequence
			for i, d := range c.clock {
				if got := s.next(wall.Add(d), h); got != base+c.want[i] {
					t.Errorf("number %d: base%+d, want base%+d", i, int64(got-base), int64(c.want[i]))
				}
			}
		})
	}
}

func TestReplayGuardForgetsTheOldestSender(t *testing.T) {
	var g replayGuard
	for i := range byte(5) {
		g.accept(lastSeen{from: netip.AddrFrom4([4]byte{10, 0, 0, i}), seq: 9}, maxSenders)
	}
	if len(g) != maxSenders {
		t.Fatalf("%d senders remembered, want %d", len(g), maxSenders)
	}
	if !g.newer(ip("10.0.0.0"), 1, wall) || g.newer(ip("10.0.0.1"), 9, wall) {
		t.Error("the first sender, and only it, should be forgotten")
	}
}

// Reserved bits are zero on the wire and without meaning on receipt.
func TestReservedBits(t *testing.T) {
	a := Advert{Version: 3, VRID: 51, Priority: 100, Interval: time.Second, Addrs: []netip.Addr{ip("10.9.0.50")}}
	d := encode(t, Format{Src: ip("10.9.0.2"), TTL: 255}, a, group4, wall)
	if got := d.Payload[4] >> 4; got != 0 {
		t.Errorf("sent as %d", got)
	}
	d.Payload[4] |= 0xf0
	resum(d)
	c := Checker{Rules: Rules{Version: 3, VRID: 51, Addrs: a.Addrs}}
	got, err := c.Check(d, wall)
	if err != nil || got.Advert.Interval != time.Second {
		t.Errorf("with all of them set: interval %v, error %v", got.Advert.Interval, err)
	}
}
