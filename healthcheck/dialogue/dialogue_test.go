package dialogue

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

var target = netip.MustParseAddrPort("192.0.2.1:80")

func plan(t testing.TB, ask healthcheck.Question) Plan {
	t.Helper()
	p, err := Prepare(healthcheck.Spec{Ask: ask, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func page(u healthcheck.URL) healthcheck.HTTP { return healthcheck.HTTP{URLs: []healthcheck.URL{u}} }

// converse feeds a dialogue what a server says, cut into pieces of a size, and
// then the end. It returns the verdict and everything that was said.
func converse(p Plan, server []byte, size int) (healthcheck.Result, []byte) {
	d := p.Begin(Attempt{ID: 0x1234})
	t := d.Open()
	said := bytes.Clone(t.Send)
	for len(server) > 0 && !t.Done {
		n := min(size, len(server))
		piece := bytes.Clone(server[:n]) // it is only lent: spoil it afterwards
		t = d.Hear(piece)
		clear(piece)
		said = append(said, t.Send...)
		server = server[n:]
	}
	if !t.Done {
		t = d.Closed()
	}
	if !t.Done {
		return d.Silent(), said
	}
	if t.Judge != nil {
		return t.Judge(), said
	}
	return t.Result, said
}

func TestAnswersInPieces(t *testing.T) {
	big := strings.Repeat("x", 100_000)
	tests := []struct {
		name   string
		ask    healthcheck.Question
		server string
		fault  healthcheck.Fault
	}{
		{"status", page(healthcheck.URL{Path: "/"}), "HTTP/1.1 204 No Content\r\n\r\n", 0},
		{"status without text", page(healthcheck.URL{Path: "/"}), "HTTP/1.1 200\r\n\r\n", 0},
		{"length before close", page(healthcheck.URL{Path: "/", Digest: "5d41402abc4b2a76b9719d911017c592"}), "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello, and more", 0},
		{"bare newlines", page(healthcheck.URL{Path: "/", Digest: "5d41402abc4b2a76b9719d911017c592"}), "HTTP/1.0 200 OK\nA: b\n\nhello", 0},
		{"chunks stay as they are", page(healthcheck.URL{Path: "/", Regex: &healthcheck.Regex{Pattern: `^5\r\n`}}), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0},
		{"regex across pieces", page(healthcheck.URL{Path: "/", Regex: &healthcheck.Regex{Pattern: "hello"}}), "HTTP/1.0 200 OK\r\n\r\n" + big + "hello", 0},
		{"regex beyond its offset", page(healthcheck.URL{Path: "/", Regex: &healthcheck.Regex{Pattern: "hello", MaxOffset: 10}}), "HTTP/1.0 200 OK\r\n\r\n" + big + "hello", healthcheck.FaultRegex},
		{"regex must not match", page(healthcheck.URL{Path: "/", Regex: &healthcheck.Regex{Pattern: "hell", NoMatch: true}}), "HTTP/1.0 200 OK\r\n\r\nhello", healthcheck.FaultRegex},
		{"regex finds nothing in nothing", page(healthcheck.URL{Path: "/", Regex: &healthcheck.Regex{Pattern: "^$"}}), "HTTP/1.0 200 OK\r\n\r\n", healthcheck.FaultRegex},
		{"regex must not match nothing", page(healthcheck.URL{Path: "/", Regex: &healthcheck.Regex{Pattern: "^$", NoMatch: true}}), "HTTP/1.0 200 OK\r\n\r\n", 0},
		{"status comes before digest", page(healthcheck.URL{Path: "/", Digest: "00"}), "HTTP/1.0 500 no\r\n\r\n", healthcheck.FaultStatus},
		{"negative length", page(healthcheck.URL{Path: "/"}), "HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", healthcheck.FaultStatus},
		{"endless header", page(healthcheck.URL{Path: "/"}), "HTTP/1.0 200 OK\r\nA: " + big, healthcheck.FaultStatus},
		{"no status", page(healthcheck.URL{Path: "/"}), "HTTP/1.0 abc OK\r\n\r\n", healthcheck.FaultStatus},
		{"long status", page(healthcheck.URL{Path: "/"}), "HTTP/1.0 2000 OK\r\n\r\n", healthcheck.FaultStatus},
		{"half a header", page(healthcheck.URL{Path: "/"}), "HTTP/1.0 200 OK\r\n", healthcheck.FaultNoData},
		{"nothing", page(healthcheck.URL{Path: "/"}), "", healthcheck.FaultNoData},
		{"smtp", healthcheck.SMTP{Helo: "me"}, "220-a\r\n220 b\r\n250-c\r\n250 d\r\n221 bye\r\n", 0},
		{"smtp hangs up after QUIT", healthcheck.SMTP{Helo: "me"}, "220 b\r\n250 d\r\n", healthcheck.FaultRead},
		{"smtp with a long code", healthcheck.SMTP{Helo: "me"}, "2200 b\r\n", healthcheck.FaultBanner},
		{"smtp with two codes", healthcheck.SMTP{Helo: "me"}, "421-b\r\n220 b\r\n", healthcheck.FaultBanner},
		{"smtp hangs up before", healthcheck.SMTP{Helo: "me"}, "220 b\r\n", healthcheck.FaultRead},
		{"smtp endless line", healthcheck.SMTP{Helo: "me"}, big, healthcheck.FaultRead},
		{"smtp endless reply", healthcheck.SMTP{Helo: "me"}, strings.Repeat("220-x\r\n", 1000), healthcheck.FaultRead},
	}
	for _, tt := range tests {
		for _, size := range []int{1, 7, 1 << 20} {
			if size == 1 && len(tt.server) > 10_000 {
				continue
			}
			r, _ := converse(plan(t, tt.ask), []byte(tt.server), size)
			if r.Fault != tt.fault || r.OK != (tt.fault == 0) {
				t.Errorf("%s in pieces of %d: %+v, want fault %d", tt.name, size, r, tt.fault)
			}
		}
	}
}

// A body of another length than announced is good, and noted.
func TestLengthThatDiffers(t *testing.T) {
	for server, want := range map[string]string{
		"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello":        "",
		"HTTP/1.0 200 OK\r\n\r\nhello":                             "",
		"HTTP/1.0 200 OK\r\nContent-Length: 30\r\n\r\nhello":       "content_length (30) does not match received bytes (5)",
		"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhello, world": "content_length (3) does not match received bytes (12)",
	} {
		if r, _ := converse(plan(t, page(healthcheck.URL{Path: "/"})), []byte(server), 7); !r.OK || r.Reason != want {
			t.Errorf("%q: %+v, want OK and %q", server, r, want)
		}
	}
}

func TestWhatIsSaid(t *testing.T) {
	if _, said := converse(plan(t, healthcheck.SMTP{Helo: "me"}), []byte("220 a\r\n250 b\r\n221 c\r\n"), 7); string(said) != "HELO me\r\nQUIT\r\n" {
		t.Errorf("SMTP: %q", said)
	}
	v6 := healthcheck.Spec{Ask: page(healthcheck.URL{Path: "/"}), Target: netip.MustParseAddrPort("[2001:db8::1]:80")}
	p, err := Prepare(v6)
	if err != nil {
		t.Fatal(err)
	}
	if said := p.Begin(Attempt{}).Open().Send; !bytes.Contains(said, []byte("\r\nHost: [2001:db8::1]:80\r\n")) {
		t.Errorf("HTTP to IPv6: %q", said)
	}
	query := plan(t, healthcheck.DNS{Type: 6}).Begin(Attempt{ID: 0x1234}).Open().Send
	want := "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01"
	if string(query) != want {
		t.Errorf("DNS query %q, want %q", query, want)
	}
	echo := plan(t, healthcheck.Ping{}).Begin(Attempt{ID: 0x1234}).Open().Send
	if len(echo) != 8+128 || echo[0] != 8 || binary.BigEndian.Uint16(echo[6:]) != 0x1234 {
		t.Errorf("echo request of %d bytes: % x", len(echo), echo[:8])
	}
}

func TestDNSAnswers(t *testing.T) {
	p := plan(t, healthcheck.DNS{Type: 1, Name: "example.org"})
	query := p.Begin(Attempt{ID: 0x1234}).Open().Send
	answer := func(id uint16, flags uint16) []byte {
		b := bytes.Clone(query)
		binary.BigEndian.PutUint16(b, id)
		binary.BigEndian.PutUint16(b[2:], flags)
		return b
	}
	tests := []struct {
		name  string
		reply []byte
		done  bool
		value int64
	}{
		{"empty answer", answer(0x1234, 0x8180), true, 0},
		{"NXDOMAIN", answer(0x1234, 0x8183), true, 3},
		{"somebody else's", answer(0x1235, 0x8180), false, 0},
		{"a query", answer(0x1234, 0x0100), false, 0},
		{"too short", []byte{0x12, 0x34, 0x81}, false, 0},
		{"header alone", answer(0x1234, 0x8180)[:12], true, 0},
	}
	for _, tt := range tests {
		d := p.Begin(Attempt{ID: 0x1234})
		turn := d.Hear(tt.reply)
		if turn.Done != tt.done || tt.done && (turn.Result.OK != (tt.value == 0) || turn.Result.Value != tt.value) {
			t.Errorf("%s: %+v", tt.name, turn)
		}
	}
	if _, err := Prepare(healthcheck.Spec{Ask: healthcheck.DNS{Name: strings.Repeat("a", 300)}}); err == nil {
		t.Error("a name of 300 bytes was accepted")
	}
}

func TestEcho(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		s := healthcheck.Spec{Ask: healthcheck.Ping{}, Target: target}
		reply := []byte{0, 0, 0, 0, 0, 0, 0x12, 0x34}
		if v6 {
			s.Target = netip.MustParseAddrPort("[::1]:0")
			reply[0] = 129
		}
		p, err := Prepare(s)
		if err != nil {
			t.Fatal(err)
		}
		d := p.Begin(Attempt{ID: 0x1234})
		other := bytes.Clone(reply)
		other[7]++
		if d.Hear(other).Done || d.Hear(reply[:7]).Done {
			t.Error("another's echo, or half of one, was taken for ours")
		}
		if turn := d.Hear(reply); !turn.Done || !turn.Result.OK {
			t.Errorf("our echo: %+v", turn)
		}
	}
}

func TestRegex(t *testing.T) {
	tests := []struct {
		pattern string
		options string
		body    string
		want    int // start of the match, -1 for none
		linear  bool
	}{
		{"b+", "", "aabb", 2, true},
		{"B+", "caseless", "aabb", 2, true},
		{"a.b", "", "a\nb", -1, true},
		{"a.b", "dotall", "a\nb", 0, true},
		{"^b", "multiline", "a\nb", 2, true},
		{"[[:digit:]]+", "", "ab12", 2, true},
		{`\Qa.b\E`, "", "axb a.b", 4, true},
		{"OK$", "", "OK\n", 0, false}, // PCRE's $ also matches before a last newline
		{"OK$", "dollar_endonly", "OK\n", -1, true},
		{"[[:digit:]]$", "", "ab12\n", 3, false},
		{`(\w)\1`, "", "abccd", 2, false},
		{"(?<!a)b", "", "abb", 2, false},
		{"é", "", "xé", 1, true},
		{"(?<=x)é", "", "xé", 1, false},
		{"a b # comment", "extended", "xab", 1, false},
		{"b", "firstline", "a\nb", -1, false},
	}
	for _, tt := range tests {
		p, err := compile(healthcheck.Regex{Pattern: tt.pattern, Options: strings.Fields(tt.options)})
		if err != nil {
			t.Errorf("%q (%s): %v", tt.pattern, tt.options, err)
			continue
		}
		got, err := p.find([]byte(tt.body))
		if err != nil || got != tt.want || (p.linear != nil) != tt.linear {
			t.Errorf("%q (%s) in %q: %d, %v, linear %v; want %d, linear %v", tt.pattern, tt.options, tt.body, got, err, p.linear != nil, tt.want, tt.linear)
		}
	}
	for _, bad := range []string{"(", `a\K`, "[z-a]"} {
		if err := CheckRegex(healthcheck.Regex{Pattern: bad}); err == nil && bad != `a\K` {
			t.Errorf("%q was accepted", bad)
		}
	}
	p, err := compile(healthcheck.Regex{Pattern: "b", MinOffset: 3})
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := p.find([]byte("ab\xffb")); at != 3 {
		t.Errorf("from byte 3: %d", at)
	}
}

func TestRegexThatBlowsUpIsStopped(t *testing.T) {
	p, err := compile(healthcheck.Regex{Pattern: `^(a+)+$`})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.find([]byte(strings.Repeat("a", 40) + "b")); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v, want it stopped", err)
	}
}

// Whatever a server says, in whatever pieces, there is a verdict and no panic.
func FuzzHTTP(f *testing.F) {
	f.Add([]byte("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 3)
	f.Add([]byte("HTTP/1.1 503\n\n"), 1)
	p := plan(f, page(healthcheck.URL{Path: "/", Digest: "00", Regex: &healthcheck.Regex{Pattern: "a"}}))
	f.Fuzz(func(t *testing.T, in []byte, size int) { fuzz(t, p, in, size) })
}

func FuzzSMTP(f *testing.F) {
	f.Add([]byte("220-a\r\n220 b\r\n250 d\r\n221 bye\r\n"), 3)
	p := plan(f, healthcheck.SMTP{Helo: "me"})
	f.Fuzz(func(t *testing.T, in []byte, size int) { fuzz(t, p, in, size) })
}

func FuzzDNS(f *testing.F) {
	f.Add([]byte("\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01"), 100)
	p := plan(f, healthcheck.DNS{Type: 1, Name: "example.org"})
	f.Fuzz(func(t *testing.T, in []byte, size int) { fuzz(t, p, in, size) })
}

// fuzz also checks that the verdict does not depend on the pieces, for streams.
func fuzz(t *testing.T, p Plan, in []byte, size int) {
	r, _ := converse(p, in, max(1, size))
	if r.OK == (r.Fault != healthcheck.FaultNone) {
		t.Fatalf("no clear verdict: %+v", r)
	}
	if p.Transport != Stream {
		return
	}
	if whole, _ := converse(p, in, len(in)+1); whole.OK != r.OK || whole.Fault != r.Fault {
		t.Fatalf("in pieces of %d: %+v; whole: %+v", size, r, whole)
	}
}

// What genhash shows of an answer is what a check sees of it.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 503\n\nbye"))
	p := plan(f, page(healthcheck.URL{Path: "/", Digest: "00", Status: []healthcheck.StatusRange{{Low: 100, High: 999}}}))
	f.Fuzz(func(t *testing.T, in []byte) {
		head, body, err := Split(in)
		if err == nil && !bytes.HasPrefix(in[len(head):], body) {
			t.Fatalf("%q is not what follows %q", body, head)
		}
		r, _ := converse(p, in, len(in)+1)
		if saw := r.Fault == healthcheck.FaultDigest; saw != (err == nil) && len(head) <= maxHead {
			t.Fatalf("a check says %+v, genhash %v", r, err)
		}
		if want := fmt.Sprintf("digest differs: %x", md5.Sum(body)); err == nil && r.Reason != want {
			t.Fatalf("a check says %q, genhash %q", r.Reason, want)
		}
	})
}
