package probe

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// send says something and waits for the other side to go.
func send(s string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, s)
		hang(c)
	}
}

// say says something and goes.
func say(s string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, s)
		_ = c.(*net.TCPConn).CloseWrite()
		hang(c)
	}
}

// repeat says something without end.
func repeat(first, again string) func(net.Conn) {
	block := strings.Repeat(again, 1+4096/len(again))
	return func(c net.Conn) {
		_, err := io.WriteString(c, first)
		for err == nil {
			_, err = io.WriteString(c, block)
		}
	}
}

// zeros is a megabyte of nothing, compressed a thousand times.
func zeros() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	return b.String()
}

// h2Frame is a frame of HTTP/2 on the first stream.
func h2Frame(kind, flags byte, payload string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))[1:]
	head = append(head, kind, flags, 0, 0, 0, 1)
	return string(head) + payload
}

// One trick of a hostile server each: the verdict, with its reason, comes
// within the time that all of an attempt may take, and costs little memory.
func TestTricksOfHostileServers(t *testing.T) {
	t.Parallel()
	const (
		ok       = "HTTP/1.1 200 OK\r\n"
		settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		ping     = "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"
	)
	page := get(healthcheck.URL{Path: "/"})
	secure := healthcheck.HTTP{TLS: &healthcheck.TLS{}, URLs: page.URLs}
	matching := func(pattern string) healthcheck.HTTP {
		return get(healthcheck.URL{Path: "/", Regex: &healthcheck.Regex{Pattern: pattern}})
	}
	wantJSON := healthcheck.HTTPRequest{JSON: []healthcheck.JSONValue{{Path: "a", Value: "b"}}}
	login := healthcheck.PgSQL{Username: "u", Password: "p"}
	tests := []struct {
		name   string
		ask    healthcheck.Question
		server func(net.Conn)
		reason string // one of those divided by |
	}{
		{"header that drips", page, drip(ok + strings.Repeat("A: b\r\n", 1000)), "no end after"},
		{"body that drips", page, drip(ok + "\r\n" + strings.Repeat("x", 10_000)), "no end after"},
		{"greeting that drips", healthcheck.SMTP{Helo: "x"}, drip("220-" + strings.Repeat("x", 3000)), "no end after"},
		{"handshake that drips", secure, drip("\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + strings.Repeat("x", 10_000)), "no handshake after"},
		{"header without end", page, repeat(ok, "A: b\r\n"), "a header of more than 16 KiB"},
		{"one line without end", page, repeat(ok+"A: ", "b"), "a header of more than 16 KiB"},
		{"body without end", healthcheck.HTTPRequest{JSON: wantJSON.JSON}, repeat(ok+"\r\n", "x"), "body is not JSON"},
		{"body longer than an int", page, send(ok + "Content-Length: 99999999999999999999\r\n\r\n"), "content length"},
		{"interim answers without end", healthcheck.HTTPRequest{}, repeat("", "HTTP/1.1 100 Continue\r\n\r\n"), "more than 10 interim answers"},
		{"chunk longer than memory", healthcheck.HTTPRequest{JSON: wantJSON.JSON}, send(ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"), "body is not JSON"},
		{"redirects without end", healthcheck.HTTPRequest{Redirects: 7}, func(c net.Conn) {
			buf := make([]byte, 1000)
			n, _ := c.Read(buf)
			path := strings.Fields(string(buf[:n]) + " / /")[1]
			_, _ = fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: %sx\r\nContent-Length: 0\r\n\r\n", path)
			hang(c)
		}, "status 302"},
		{"compressed bomb", wantJSON, say(ok + "Content-Encoding: gzip\r\n\r\n" + strings.Repeat(zeros(), 100)), "body is not JSON"},
		{"HPACK bomb", healthcheck.HTTPRequest{HTTP2: true}, send(settings + h2Frame(1, 4, "\x40\x01x\x7f\xb9\x1e"+strings.Repeat("y", 4000)+strings.Repeat("\xbe", 8000))), "a header of more than 16 KiB"},
		{"fields of nothing without end", healthcheck.GRPC{}, repeat(settings, h2Frame(1, 4, strings.Repeat("\x00\x00\x00", 1000))), "a header of more than 16 KiB"},
		{"continuations without end", healthcheck.GRPC{}, repeat(settings+h2Frame(1, 0, ""), h2Frame(9, 0, strings.Repeat("\x82", 1000))), "not HTTP/2"},
		{"questions without listening", healthcheck.GRPC{}, repeat(settings, ping), "server asks without reading|broken pipe|reset|no end after|no answer in time"},
		{"JSON that is nested", wantJSON, send(ok + "Content-Length: 100000\r\n\r\n" + strings.Repeat("[", 100_000)), "exceeded max depth"},
		{"regex that blows up", matching(`^(a+)+$`), reply(ok + "Content-Length: 41\r\n\r\n" + strings.Repeat("a", 40) + "b"), "regex took longer than 1s"},
		{"regex on a long body", matching(`(x+x+)+y`), reply(ok + "Content-Length: 300000\r\n\r\n" + strings.Repeat("x", 300_000)), "does not match the body of 300000 bytes"},
		{"not TLS", secure, send("220 ready\r\n"), "does not look like a TLS handshake"},
		{"TLS record too long", secure, send("\x16\x03\x03\xff\xff" + strings.Repeat("x", 70_000)), "TLS: "},
		{"TLS certificate too long", secure, send("\x16\x03\x03\x40\x00\x0b\xff\xff\xff" + strings.Repeat("x", 16_380)), "TLS: "},
		{"TLS alerts without end", secure, repeat("", "\x15\x03\x03\x00\x02\x01\x00"), "TLS: "},
		{"mail greeting without end", healthcheck.SMTP{Helo: "x"}, repeat("", "220-x\r\n"), "more than 100 lines"},
		{"mail line without end", healthcheck.SMTP{Helo: "x"}, repeat("220 ", "x"), "line too long"},
		{"mail answers before questions", healthcheck.SMTP{Helo: "x"}, repeat("", "250 x\r\n"), "wanted 220"},
		{"database packet of 16 MiB", healthcheck.MySQL{}, repeat("\xff\xff\xff\x00\x0a", "x"), "not MySQL"},
		{"database greeting that lies", healthcheck.MySQL{Username: "u"}, send("\x05\x00\x00\x00\x0a5.7."), "not MySQL"},
		{"database message of 4 GiB", login, repeat("R\xff\xff\xff\xff", "x"), "not PostgreSQL"},
		{"proofs without end", login, prove, "SASL out of order"},
		{"entry of 4 GiB", healthcheck.LDAP{}, repeat("0\x84\xff\xff\xff\xff", "x"), "not LDAP"},
		{"length of 127 octets", healthcheck.LDAP{}, send("0\xff" + strings.Repeat("\xff", 200)), "not LDAP"},
		{"conversation without end", healthcheck.Redis{}, repeat("+", "x"), "server said|not found in"},
	}
	specs := make([]healthcheck.Spec, len(tests))
	for i, tt := range tests {
		specs[i] = check(tt.name, tt.ask, serve(t, tt.server))
		specs[i].ConnectTimeout = 5 * time.Second
		if strings.Contains(tt.name, "drips") {
			specs[i].ConnectTimeout = time.Second
		}
	}
	// A server that is well is not made to wait for the others.
	neighbour := check("neighbour", healthcheck.TCP{}, serve(t, hang))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := newWorld(t, append(specs, neighbour)...)
	first := make(map[string]healthcheck.Event)
	for len(first) <= len(tests) {
		ev := w.next(t)
		first[ev.Key] = ev
		if !strings.Contains(ev.Key, "drips") {
			w.Suspend(ev.Key, true) // once is enough
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 400<<20 {
		t.Errorf("%d MiB of memory", grown>>20)
	}
	for _, tt := range tests {
		ev := first[tt.name]
		fits := false
		for _, reason := range strings.Split(tt.reason, "|") {
			fits = fits || strings.Contains(ev.Result.Reason, reason)
		}
		if strings.Contains(tt.name, "drips") { // if the machine stood still, the drops came too slowly
			w.until(t, tt.name, func(s healthcheck.Status) bool {
				return s.Keys[0] != tt.name || !s.Up && strings.Contains(s.Last.Reason, tt.reason)
			})
		} else if ev.Up || !fits {
			t.Errorf("%s: %+v, want %q", tt.name, ev.Result, tt.reason)
		}
		if ev.Result.Took > 30*time.Second {
			t.Errorf("%s: a verdict after %v", tt.name, ev.Result.Took)
		}
	}
	if !first["neighbour"].Up {
		t.Errorf("neighbour: %+v", first["neighbour"])
	}
}

// prove asks a client of PostgreSQL again and again for a proof that it knows
// the password, each of which costs it ten thousand hashes.
func prove(c net.Conn) {
	buf := make([]byte, 1000)
	_, _ = c.Read(buf) // its name
	_, _ = io.WriteString(c, "R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")
	n, _ := c.Read(buf)
	_, nonce, _ := strings.Cut(string(buf[:n]), ",r=")
	body := "\x00\x00\x00\x0br=" + nonce + "x,s=QUJD,i=10000"
	repeat("", "R"+string(binary.BigEndian.AppendUint32(nil, uint32(4+len(body))))+body)(c)
}

// Datagrams that are no answers do not keep a check from its verdict.
func TestForgedDatagramsDoNotDelayTheVerdict(t *testing.T) {
	t.Parallel()
	forge := func(answer func(query []byte) []byte) string {
		return serveDatagrams(t, func(q []byte, say func([]byte)) {
			for range 100 {
				say(answer(bytes.Clone(q)))
			}
		})
	}
	other := func(q []byte) []byte { q[0] ^= 0xff; q[2] |= 0x80; return q }
	// A name that points at itself, in the answer to our question.
	loop := func(q []byte) []byte {
		q[2], q[3], q[7] = q[2]|0x80, 2, 1
		return append(q, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x7f\x00\x00\x01"...)
	}
	short := func(q []byte) []byte { return q[:3] }
	specs := []healthcheck.Spec{
		check("other id", healthcheck.DNS{Type: 1, Name: "example.org"}, forge(other)),
		check("cut off", healthcheck.DNS{Type: 1, Name: "example.org"}, forge(short)),
		check("pointer loop", healthcheck.DNS{Type: 1, Name: "example.org"}, forge(loop)),
		check("radius", healthcheck.Radius{Secret: "s", Username: "u"}, forge(other)),
	}
	for i := range specs {
		specs[i].ConnectTimeout, specs[i].DelayLoop = 200*time.Millisecond, time.Second
	}
	for key, ev := range newWorld(t, specs...).verdicts(t) {
		if ev.Up || ev.Result.Took > 5*time.Second {
			t.Errorf("%s: %+v, want down within a second", key, ev)
		}
	}
}

// drip says one byte at a time, and never gives up.
func drip(s string) func(net.Conn) {
	return func(c net.Conn) {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := range s {
			if _, err := io.WriteString(c, s[i:i+1]); err != nil {
				return
			}
			<-tick.C
		}
	}
}
