package packet

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// FuzzPacket gives arbitrary datagrams to the checker under every kind of
// rule. Nothing may panic, and what a parser accepts must survive a round trip.
func FuzzPacket(f *testing.F) {
	for _, c := range wireCases {
		f.Add(unhex(f, c.wire), c.format.Src.Is6())
	}
	signed := encode(f, Format{Src: src4, TTL: 255, HMAC: hmacConfig()},
		Advert{Version: 3, VRID: 1, Interval: time.Second, Addrs: []netip.Addr{src4}}, group4, wall)
	f.Add(append(bytes.Clone(signed.Header), signed.Payload...), false)

	rules := []Rules{
		{Version: 2},
		{Version: 3},
		{Version: 3, Unicast: true, CheckSource: true},
		{Version: 2, Auth: AuthPass, Password: "secret"},
		{Version: 2, Auth: AuthAH, Password: "secret"},
		{Version: 2, HMAC: hmacConfig()},
		{Version: 3, HMAC: hmacConfig()},
	}
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		d := ParseIPv6(ip("fe80::1"), group6, 255, b)
		if !v6 {
			var err error
			if d, err = ParseIPv4(b); err != nil {
				return
			}
		}
		vrid, _ := d.VRID()
		for _, r := range rules {
			r.VRID, r.Interval = vrid, time.Second
			c := Checker{Rules: r}
			_, _ = c.Check(d, wall)
		}
		a, n, err := Parse(d.Payload, v6)
		if err != nil {
			return
		}
		again, err := a.AppendBinary(nil)
		if err != nil {
			t.Fatalf("what was parsed cannot be written: %v", err)
		}
		back, m, err := Parse(again, v6)
		if err != nil || m != n {
			t.Fatalf("what was written cannot be parsed: %v (%d bytes, then %d)", err, n, m)
		}
		if diff := cmp.Diff(a, back, cmp.Comparer(sameAddr)); diff != "" {
			t.Errorf("round trip (-first +second):\n%s", diff)
		}
	})
}

// What an encoder sends, a checker of the same configuration accepts; with any
// one bit of the message changed it does not, or reads the same advert.
func TestEncodedIsAcceptedAndGuarded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Advert{
			Version:  rapid.SampledFrom([]uint8{2, 3}).Draw(t, "version"),
			VRID:     rapid.Uint8Min(1).Draw(t, "vrid"),
			Priority: rapid.Uint8().Draw(t, "priority"),
			Interval: time.Duration(rapid.IntRange(1, 40).Draw(t, "interval")) * time.Second,
		}
		for i := range rapid.IntRange(1, 255).Draw(t, "addresses") {
			a.Addrs = append(a.Addrs, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}))
		}
		f := Format{Src: src4, TTL: 255}
		rules := Rules{Version: a.Version, VRID: a.VRID, Interval: a.Interval, Addrs: a.Addrs}
		if a.Version == 2 {
			f.Auth = AuthType(rapid.IntRange(0, 2).Draw(t, "auth"))
			f.Password = rapid.StringN(0, 12, 12).Draw(t, "password")
			rules.Auth, rules.Password = f.Auth, f.Password
		}
		if rapid.Bool().Draw(t, "hmac") {
			f.HMAC = hmacConfig()
			rules.HMAC = f.HMAC
		}
		e := Encoder{Format: f}
		if err := e.Prepare(&a, wall); err != nil {
			t.Fatal(err)
		}
		b := bytes.Clone(e.Datagram(group4))
		d, err := ParseIPv4(b)
		if err != nil {
			t.Fatal(err)
		}
		c := Checker{Rules: rules}
		if _, err := c.Check(d, wall); err != nil {
			t.Fatalf("our own advert: %v", err)
		}
		bit := rapid.IntRange(0, len(d.Payload)*8-1).Draw(t, "bit")
		d.Payload[bit/8] ^= 1 << (bit % 8)
		fresh := Checker{Rules: rules}
		if got, err := fresh.Check(d, wall); err == nil {
			t.Fatalf("accepted with bit %d changed: %+v", bit, got)
		}
	})
}
