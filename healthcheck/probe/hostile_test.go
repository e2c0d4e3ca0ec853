package probe

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// family is a protocol, the questions that are asked in it, and what a server
// says that is well. A hostile server says something like it, or anything.
type family struct {
	name     string
	asks     []healthcheck.Question
	honest   []string // whole conversations; of datagrams, one answer each
	datagram bool
	cert     *tls.Certificate // a server that can shake hands
}

// families are all protocols that a server of somebody else's is asked in.
func families(t *testing.T) []family {
	const (
		pageText = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Type: application/json\r\n\r\n{\"a\":[1,2]}\n"
		chunked  = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"a\":1\r\n1\r\n}\r\n0\r\n\r\n"
		away     = "HTTP/1.1 302 Found\r\nLocation: /away\r\nContent-Length: 0\r\n\r\n"
		h2Hello  = "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x07\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x02\x08\x01"
		mysql    = "\x4a\x00\x00\x00\x0a5.7.1\x00\x01\x00\x00\x00abcdefgh\x00\xff\xff\x2d\x02\x00\xff\xff\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00"
	)
	pem, key := selfSigned(t, t.TempDir())
	pair, err := tls.LoadX509KeyPair(pem, key)
	if err != nil {
		t.Fatal(err)
	}
	regex := &healthcheck.Regex{Pattern: `"a"(?=:)`}
	login := func(p healthcheck.Protocol) healthcheck.Session {
		return healthcheck.Session{Protocol: p, Username: "u", Password: "p"}
	}
	return []family{
		{name: "HTTP", asks: []healthcheck.Question{
			get(healthcheck.URL{Path: "/", Digest: md5sum(""), Regex: regex}),
			healthcheck.HTTPRequest{Redirects: 3, JSON: []healthcheck.JSONValue{{Path: "a.1", Value: "2"}}, Regex: regex},
			healthcheck.WebSocket{},
		}, honest: []string{pageText, chunked, away}},
		{name: "HTTP/2", asks: []healthcheck.Question{healthcheck.GRPC{}, healthcheck.HTTPRequest{HTTP2: true}}, honest: []string{h2Hello}},
		{name: "TLS", asks: []healthcheck.Question{
			healthcheck.HTTP{TLS: &healthcheck.TLS{}, URLs: []healthcheck.URL{{Path: "/"}}},
			healthcheck.Redis{TLS: &healthcheck.TLS{}},
		}, honest: []string{pageText}, cert: &pair},
		{name: "SMTP", asks: []healthcheck.Question{healthcheck.SMTP{Helo: "me"}}, honest: []string{"220-hi\r\n220 there\r\n250-a\r\n250 b\r\n221 bye\r\n"}},
		{name: "mail, news and files", asks: []healthcheck.Question{
			login(healthcheck.IMAP), login(healthcheck.POP3), login(healthcheck.NNTP), login(healthcheck.FTP),
		}, honest: []string{"* OK hi\r\na1 OK in\r\n", "+OK hi\r\n+OK\r\n+OK\r\n", "201 hi\r\n381 go on\r\n281 in\r\n", "220 hi\r\n331 go on\r\n230 in\r\n"}},
		{name: "Redis", asks: []healthcheck.Question{healthcheck.Redis{Password: "p", Role: "master"}}, honest: []string{"+OK\r\n+PONG\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"}},
		{name: "MySQL", asks: []healthcheck.Question{healthcheck.MySQL{Username: "u", Password: "p", Query: "select 1"}}, honest: []string{
			mysql + "\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x01\x01\x05\x00\x00\x02\xfe\x00\x00\x02\x00\x02\x00\x00\x03\x011",
			mysql + "\x02\x00\x00\x02\x01\x04",
		}},
		{name: "PostgreSQL", asks: []healthcheck.Question{healthcheck.PgSQL{Username: "u", Password: "p", Query: "select 1"}}, honest: []string{
			"R\x00\x00\x00\x0c\x00\x00\x00\x05abcdR\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05ID\x00\x00\x00\x04Z\x00\x00\x00\x05I",
			"R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00R\x00\x00\x00\x20\x00\x00\x00\x0br=holdfast1234x,s=QUJD,i=1",
		}},
		{name: "LDAP", asks: []healthcheck.Question{healthcheck.LDAP{Base: "dc=x"}}, honest: []string{"0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x000\x0c\x02\x01\x02e\x07\x0a\x01\x00\x04\x00\x04\x00"}},
		{name: "own conversations", asks: []healthcheck.Question{
			healthcheck.SendExpect{Steps: []healthcheck.Exchange{{Expect: "(?s)hello.*there"}, {Send: []byte("x")}, {Expect: "^ok", Reject: "^no"}}},
			healthcheck.SIP{TCP: true},
		}, honest: []string{"hello, there\r\nok", "SIP/2.0 100 Trying\r\n\r\nSIP/2.0 200 OK\r\n\r\n"}},
		{name: "DNS", asks: []healthcheck.Question{healthcheck.DNS{Type: 1, Name: "example.org"}}, datagram: true},
		{name: "UDP, SIP and RADIUS", asks: []healthcheck.Question{
			healthcheck.UDP{Payload: []byte("hi"), RequireReply: true, Reply: []byte("ho"), MaxReply: 255},
			healthcheck.SIP{},
			healthcheck.Radius{Secret: "s", Username: "u", Password: "p"},
		}, honest: []string{"ho", "SIP/2.0 200 OK\r\n\r\n"}, datagram: true},
	}
}

// serve starts the family's hostile server.
func (f *family) serve(t *testing.T, seed uint64) string {
	if f.datagram {
		return f.serveDatagrams(t, seed)
	}
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 0))
	return serve(t, func(c net.Conn) {
		mu.Lock()
		mine := rand.New(rand.NewPCG(dice.Uint64(), 1))
		mu.Unlock()
		if f.cert != nil && mine.IntN(3) == 0 {
			var spoiled net.Conn = c
			if mine.IntN(2) == 0 {
				spoiled = &spoiler{c, mine}
			}
			secure := tls.Server(spoiled, &tls.Config{Certificates: []tls.Certificate{*f.cert}})
			if secure.Handshake() != nil {
				return
			}
			c = secure
		}
		f.misbehave(c, mine)
	})
}

// spoiler changes a byte now and then of what is written.
type spoiler struct {
	net.Conn
	dice *rand.Rand
}

func (s *spoiler) Write(b []byte) (int, error) {
	if s.dice.IntN(3) == 0 {
		b = mutated(b, s.dice)
	}
	if _, err := s.Conn.Write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// misbehave is one session of a stream.
func (f *family) misbehave(c net.Conn, dice *rand.Rand) {
	switch dice.IntN(12) {
	case 0: // hangs up
		return
	case 1: // says nothing
		hang(c)
		return
	case 2:
		_, _ = c.Write(noise(dice))
	case 3: // one line, or one byte, without end
		flood := bytes.Repeat([]byte(f.honest[dice.IntN(len(f.honest))])[:1+dice.IntN(8)], 4000)
		for range 200 {
			if _, err := c.Write(flood); err != nil {
				return
			}
		}
	case 4: // drips
		for _, b := range mutated([]byte(f.honest[dice.IntN(len(f.honest))]), dice) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			runtime.Gosched()
		}
	default: // something like an answer, in pieces
		answer := mutated([]byte(f.honest[dice.IntN(len(f.honest))]), dice)
		for len(answer) > 0 {
			n := min(len(answer), 1+dice.IntN(64))
			if _, err := c.Write(answer[:n]); err != nil {
				return
			}
			answer = answer[n:]
		}
	}
	switch dice.IntN(8) {
	case 0:
		hang(c)
	case 1, 2:
		if tcp, ok := c.(*net.TCPConn); ok { // a reset
			_ = tcp.SetLinger(0)
		}
	}
}

func (f *family) serveDatagrams(t *testing.T, seed uint64) string {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(seed, 0))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 2000)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			answer := bytes.Clone(buf[:n]) // of a name server
			if len(f.honest) > 0 {
				answer = []byte(f.honest[dice.IntN(len(f.honest))])
			} else if n > 3 {
				answer[2], answer[3] = 0x81, 0x80|byte(dice.IntN(6))
			}
			switch dice.IntN(8) {
			case 0: // says nothing
			case 1:
				_, _ = pc.WriteTo(noise(dice), from)
			case 2: // somebody else's answers, many of them
				for range 50 {
					_, _ = pc.WriteTo(mutated(answer, dice), from)
				}
			case 3:
				_, _ = pc.WriteTo(nil, from)
			case 4:
				_, _ = pc.WriteTo(append(answer, make([]byte, 60_000)...), from)
			default:
				_, _ = pc.WriteTo(mutated(answer, dice), from)
			}
		}
	}()
	t.Cleanup(func() { pc.Close(); <-ended })
	return pc.LocalAddr().String()
}

func noise(dice *rand.Rand) []byte {
	b := make([]byte, dice.IntN(3000)+1)
	for i := range b {
		b[i] = byte(dice.Uint32())
	}
	return b
}

// mutated is a copy with some of it changed, missing, or there twice.
func mutated(b []byte, dice *rand.Rand) []byte {
	b = bytes.Clone(b)
	for range dice.IntN(4) {
		if len(b) == 0 {
			break
		}
		i := dice.IntN(len(b))
		j := i + dice.IntN(len(b)-i)
		switch dice.IntN(6) {
		case 0:
			b[i] = byte(dice.Uint32())
		case 1: // a length that lies
			b[i] = 0xff
		case 2:
			b[i] ^= 1 << dice.IntN(8)
		case 3:
			b = append(b[:i], b[j:]...)
		case 4:
			b = append(b[:j:j], b[i:]...)
		case 5:
			b = append(b[:i:i], append(noise(dice), b[i:]...)...)
		}
	}
	return b
}

// sessions is how many there are with each kind of hostile server.
func sessions(t *testing.T) uint64 {
	if s := os.Getenv("HOLDFAST_SESSIONS"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 100
	}
	return 850 // more than 10,000 with all of them
}

// Whatever servers say there is always a verdict in time, and nothing is left
// behind: no memory, no goroutine, no descriptor.
func TestSessionsWithHostileServers(t *testing.T) {
	want := sessions(t)
	before := goleak.IgnoreCurrent()
	closedPort(t) // the runtime's own descriptors come with the first socket
	descriptors := openFiles(t)
	t.Run("all", func(t *testing.T) { beHostile(t, want) })
	goleak.VerifyNone(t, before, regexp2Clock)
	if n := openFiles(t); n > descriptors {
		t.Errorf("%d descriptors are open, %d were", n, descriptors)
	}
}

// beHostile holds a number of sessions in each family.
func beHostile(t *testing.T, want uint64) {
	specs := make(map[string][]healthcheck.Spec)
	of := make(map[string]string)
	for i, f := range families(t) {
		target := f.serve(t, uint64(i))
		for n, ask := range f.asks {
			for k := range 60 / len(f.asks) {
				s := check(fmt.Sprintf("%s %d %d", f.name, n, k), ask, target)
				s.DelayLoop, s.ConnectTimeout = time.Millisecond, 40*time.Millisecond
				specs[f.name] = append(specs[f.name], s)
				of[s.Key] = f.name
			}
		}
	}
	w := newWorld(t)
	go func() { // nobody is interested in the verdicts
		for {
			select {
			case <-w.events:
			case <-w.done:
				return
			}
		}
	}()
	var small uint64 // memory, once everything has been used
	total, all := uint64(0), len(specs)
	for begun, tick := time.Now(), time.Tick(50*time.Millisecond); len(specs) > 0; <-tick {
		w.Set(slices.Concat(slices.Collect(maps.Values(specs))...))
		status, err := w.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		made := make(map[string]uint64)
		for _, s := range status {
			if s.Last.Took > 30*time.Second {
				t.Fatalf("%s took %v for a verdict: %+v", s.Keys, s.Last.Took, s.Last)
			}
			made[of[s.Keys[0]]] += s.Runs
		}
		least := want
		for name, n := range made {
			least = min(least, n)
			if n >= want {
				total += n
				delete(specs, name)
			}
		}
		if small == 0 && (least > want/5 || len(specs) < all) {
			small = heap()
		}
		if time.Since(begun) > 5*time.Minute+time.Duration(want)*10*time.Millisecond {
			t.Fatalf("too slow: %v sessions of %d", made, want)
		}
	}
	t.Logf("%d sessions", total)
	if large := heap(); large > small+8<<20 {
		t.Errorf("%d KiB in use, %d KiB near the beginning", large>>10, small>>10)
	}
}

// heap is the memory in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one has finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
