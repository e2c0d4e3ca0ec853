package vrrp_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

var record = flag.String("record", "", "a keepalived 2.4, whose frames become testdata")

// On the wire holdfast is keepalived: adverts, announcements and their order are equal byte
// for byte for the same configuration, with Ethernet and IP headers, and so is the
// good-bye.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	const three = "10.5.0.50/24\n10.5.0.52/24\n10.5.0.51/24"
	const first6 = "fe80::5:50/64\nfd05::50/64\nfd05::52/64\nfd05::51/64"
	const unicast6 = "unicast_src_ip fd05::1\n unicast_peer {\n fd05::2\n }"
	v2 := func(extra ...string) router {
		return router{version: 2, advert: "1", extra: strings.Join(extra, "\n")}
	}
	ah := authentication("AH", "secret")
	for _, tt := range []struct {
		name   string
		router router
	}{
		{"version 2", v2()},
		{"version 2, three addresses", router{version: 2, advert: "1", vips: three}},
		{"version 2 PASS", v2(pass)},
		{"version 2 AH", v2(ah)},
		{"version 2, unicast", v2(unicast(0, 1))},
		{"version 2 PASS, unicast", v2(pass, unicast(0, 1))},
		{"version 2 AH, unicast", v2(ah, unicast(0, 1))},
		{"version 2, virtual MAC", v2("use_vmac")},
		{"version 2 AH, virtual MAC", v2(ah, "use_vmac")},
		{"version 3", router{}},
		{"version 3, three addresses", router{vips: three}},
		{"version 3, unicast to two", router{extra: "unicast_src_ip 10.5.0.1\n unicast_peer {\n 10.5.0.3\n 10.5.0.2\n }"}},
		{"version 3, unicast TTL", router{extra: unicast(0, 1) + "\n unicast_ttl 64"}},
		{"version 3, virtual MAC", router{extra: "use_vmac"}},
		{"version 3, virtual MAC, adverts from the base", router{extra: "use_vmac\n vmac_xmit_base"}},
		{"version 3, owner", router{priority: 255, state: "MASTER"}},
		{"IPv6", router{vips: first6}},
		{"IPv6, unicast", router{vips: first6, extra: unicast6}},
		{"IPv6, unicast, hop limit", router{vips: first6, extra: unicast6 + "\n unicast_ttl 200"}},
		{"IPv6, virtual MAC", router{vips: first6, extra: "use_vmac"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.router.priority == 0 {
				tt.router.priority = 150
			}
			if tt.router.advert == "" {
				tt.router.advert = "0.8" // so long that busy neighbours do not matter to the order
			}
			var got [2]frames
			t.Run("both", func(t *testing.T) {
				for i, bin := range []string{netlab.Keepalived, netlab.Holdfast(t)} {
					t.Run([]string{"keepalived", "holdfast"}[i], func(t *testing.T) {
						t.Parallel()
						got[i] = wire(newLAN(t), bin, tt.router)
					})
				}
			})
			allow(&got[0], &got[1])
			if diff := cmp.Diff(got[0], got[1], cmpopts.IgnoreUnexported(frames{})); diff != "" {
				t.Errorf("keepalived (-) and holdfast (+):\n%s\n%s", diff, got[1].log)
			}
		})
	}
}

// frames is what a router sent, in hexadecimal.
type frames struct {
	Adverts, Announcements []string
	Order                  string // of the first frames: A for adverts, G for an announcement
	Goodbye                []string
	log                    string
}

// allow forgives adverts before the first announcement that are there because the kernel
// was slow to set the address, beside all others that change their networks: holdfast
// says so of its own, and of keepalived more adverts than holdfast's tell.
func allow(keepalived, holdfast *frames) {
	early := func(f *frames) int { return len(f.Order) - len(strings.TrimLeft(f.Order, "A")) }
	switch k, h := early(keepalived), early(holdfast); {
	case k > h:
		keepalived.Order = keepalived.Order[k-h:]
	case h > k && strings.Contains(holdfast.log, "The kernel took "):
		holdfast.Order = holdfast.Order[h-k:]
	}
}

// wire runs a router and returns its first adverts, the announcements at its election, and
// what it sent when it was stopped.
func wire(l *lan, bin string, r router) frames {
	l.Helper()
	addrs := strings.Fields(r.vips)
	if len(addrs) == 0 {
		addrs = []string{vip}
	}
	mine := map[string]bool{}
	for _, a := range addrs {
		a, _, _ = strings.Cut(a, "/")
		mine[a] = true
	}
	announced := 5 * len(addrs)
	garps := func() (out []netlab.Announcement) {
		for addr := range mine {
			out = append(out, netlab.Announcements(l.seen[0].Received(), addr)...)
		}
		return out
	}
	d := l.start(0, bin, r)
	l.Eventually(15*time.Second, "four adverts", func() bool { return len(l.adverts(0, time.Time{})) >= 4 })
	l.Eventually(10*time.Second, "announcements", func() bool { return len(garps()) >= announced })

	var f frames
	for _, a := range l.adverts(0, time.Time{})[:4] {
		f.Adverts = append(f.Adverts, hex.EncodeToString(a.Data))
	}
	var order strings.Builder
	for _, frame := range l.seen[0].Received() {
		list := []netlab.Frame{frame}
		if len(netlab.Adverts(list, 51)) > 0 && len(f.Announcements) < announced {
			order.WriteByte('A')
		}
		for addr := range mine {
			if len(netlab.Announcements(list, addr)) > 0 && len(f.Announcements) < announced {
				order.WriteByte('G')
				f.Announcements = append(f.Announcements, hex.EncodeToString(frame.Data))
			}
		}
	}
	f.Order = order.String()
	f.log = d.Log()
	before := len(l.adverts(0, time.Time{}))
	d.Stop()
	l.Eventually(5*time.Second, "the good-bye", func() bool {
		all := l.adverts(0, time.Time{})
		return all[len(all)-1].Priority == 0
	})
	for _, a := range l.adverts(0, time.Time{})[before:] {
		if a.Priority == 0 {
			f.Goodbye = append(f.Goodbye, hex.EncodeToString(timeless(a.Data)))
		}
	}
	return f
}

// timeless is an IPv4 frame without what depends on how many were sent before: the
// identification, the sequence number of AH, and what is computed of them.
func timeless(frame []byte) []byte {
	b := bytes.Clone(frame)
	if b[12] != 8 || b[13] != 0 {
		return b // IPv6
	}
	clear(b[18:20])
	clear(b[24:26])
	if b[23] == 51 {
		clear(b[34+8 : 34+24])
	}
	return b
}

// For what the distribution's keepalived does not know, frames of keepalived 2.4.3 are in
// testdata. In signed ones all bytes are equal that do not depend on the time; those that
// do are computed here.
func TestSameBytesAsRecorded(t *testing.T) {
	t.Parallel()
	const vips6 = "fe80::5:50/64\nfd05::50/64"
	sign := func(version int) string { return strings.Replace(hmacConf, "TIME", fmt.Sprint(5*version), 1) }
	for _, tt := range []struct {
		name   string
		router router
	}{
		{"v3-sum-as-v2", router{extra: "v3_checksum_as_v2"}},
		{"hmac-v2", router{version: 2, advert: "1", extra: sign(2)}},
		{"hmac-v2-unicast", router{version: 2, advert: "1", extra: sign(2) + unicast(0, 1)}},
		{"hmac-v3", router{extra: sign(3)}},
		{"hmac-v3-unicast", router{extra: sign(3) + unicast(0, 1)}},
		{"hmac-v3-three", router{extra: sign(3), vips: "10.5.0.50/24\n10.5.0.52/24\n10.5.0.51/24"}},
		{"hmac-v3-vmac", router{extra: sign(3) + "use_vmac"}},
		{"hmac-v6", router{extra: sign(3), vips: vips6}},
		{"hmac-v6-unicast", router{extra: sign(3) + "unicast_src_ip fd05::1\n unicast_peer {\n fd05::2\n }", vips: vips6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.router.priority = 150
			if tt.router.advert == "" {
				tt.router.advert = "0.2" // as when it was recorded
			}
			path := filepath.Join("testdata", tt.name+".hex")
			bin := netlab.Holdfast(t)
			if *record != "" {
				bin = *record
			}
			l := newLAN(t)
			l.start(0, bin, tt.router)
			l.Eventually(15*time.Second, "four adverts", func() bool { return len(l.adverts(0, time.Time{})) >= 4 })
			var got []string
			for _, a := range l.adverts(0, time.Time{})[:4] {
				got = append(got, hex.EncodeToString(a.Data))
			}
			if *record != "" {
				if err := os.WriteFile(path, []byte(strings.Join(got, "\n")+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Fields(string(text))
			if strings.HasPrefix(tt.name, "hmac-") {
				want, got = unsigned(t, want), unsigned(t, got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("keepalived (-) and holdfast (+):\n%s", diff)
			}
		})
	}
}

const hmacConf = `auth_hmac {
        key 7 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
        active_key 7
        time_window TIME
        mode enforce
    }
    `

// unsigned checks the trailer of each frame and returns the frames without what depends on
// the time: sequence, signature and, in IPv6, the checksum that covers them.
func unsigned(t *testing.T, list []string) []string {
	t.Helper()
	var out []string
	var last []byte
	for _, text := range list {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		family, addr, at := byte(4), b[26:30], 34
		if b[12] == 0x86 {
			family, addr, at = 6, b[22:38], 54
		}
		msg := bytes.Clone(b[at:])
		trailer := msg[len(msg)-28:]
		if bytes.Compare(trailer[4:12], last) <= 0 {
			t.Errorf("sequence %x follows %x", trailer[4:12], last)
		}
		last = bytes.Clone(trailer[4:12])
		pseudo := append([]byte{family, msg[0] >> 4, msg[1], 0}, addr...)
		pseudo = append(pseudo, make([]byte, 20-len(pseudo))...)
		signature := bytes.Clone(trailer[12:])
		clear(trailer[12:])
		sum := bytes.Clone(msg[6:8])
		clear(msg[6:8])
		mac := hmac.New(sha256.New, []byte{
			0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
			16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
		})
		mac.Write(pseudo)
		mac.Write(msg)
		if want := mac.Sum(nil)[:16]; !bytes.Equal(signature, want) {
			t.Errorf("signature %x, want %x", signature, want)
		}
		clear(trailer[4:12])
		if family == 4 {
			copy(msg[6:8], sum)
		}
		out = append(out, hex.EncodeToString(append(b[:at:at], msg...)))
	}
	return out
}
