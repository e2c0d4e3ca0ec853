package probe

import (
	"bufio"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// regexp2Clock stops by itself, a while after the last match.
var regexp2Clock = goleak.IgnoreAnyFunction("github.com/dlclark/regexp2.runClock")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, regexp2Clock) }

// world is an engine that runs for the length of a test.
type world struct {
	*Engine
	events chan healthcheck.Event
}

func newWorld(t testing.TB, specs ...healthcheck.Spec) world {
	t.Helper()
	return newWorldOf(t, true, specs...)
}

func newWorldOf(t testing.TB, alone bool, specs ...healthcheck.Spec) world {
	t.Helper()
	w := world{events: make(chan healthcheck.Event, 1000)}
	var err error
	w.Engine, err = New(Options{
		Alone:  alone,
		Event:  func(ev healthcheck.Event) { w.events <- ev },
		Random: func() float64 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Set(specs)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

// next waits for an event.
func (w world) next(t testing.TB) healthcheck.Event {
	t.Helper()
	select {
	case ev := <-w.events:
		return ev
	case <-time.After(10 * time.Second):
		t.Fatal("no event for 10 s")
		panic("unreachable")
	}
}

// verdicts waits for the first verdict of every check.
func (w world) verdicts(t testing.TB) map[string]healthcheck.Event {
	t.Helper()
	all, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := make(map[string]healthcheck.Event)
	for len(first) < len(all) {
		if ev := w.next(t); ev.First {
			first[ev.Key] = ev
		}
	}
	return first
}

// check is a quick spec for a test.
func check(key string, ask healthcheck.Question, target string) healthcheck.Spec {
	s := healthcheck.Spec{
		Key: key, For: healthcheck.Name{Real: key, Virtual: "vs"}, Ask: ask,
		Timing: healthcheck.Timing{DelayLoop: 50 * time.Millisecond, ConnectTimeout: 500 * time.Millisecond},
	}
	if target != "" {
		s.Target = netip.MustParseAddrPort(target)
	}
	return s
}

// serve answers every connection until the test ends.
func serve(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, handle)
	return l.Addr().String()
}

func serveOn(t testing.TB, l net.Listener, handle func(net.Conn)) {
	ended := make(chan struct{})
	conns := make(chan net.Conn, 100000)
	go func() {
		defer close(ended)
		done := make(chan struct{}, 100000)
		n := 0
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			conns <- c
			n++
			go func() {
				defer func() { c.Close(); done <- struct{}{} }()
				handle(c)
			}()
		}
		close(conns)
		for c := range conns {
			c.Close()
		}
		for range n {
			<-done
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
}

// closedPort is an address where nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// hang accepts and says nothing until the other side goes.
func hang(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func reply(s string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, s)
		}
	}
}

func mail(banner, helo string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		_, _ = io.WriteString(c, banner)
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, helo)
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, "221 bye\r\n")
	}
}

func get(u healthcheck.URL) healthcheck.HTTP {
	if u.Path == "" {
		u.Path = "/x"
	}
	return healthcheck.HTTP{URLs: []healthcheck.URL{u}}
}

func md5sum(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// The verdict of each kind for each way in which a server can be well or ill.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	const page = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello and what follows is not the body"
	tests := []struct {
		name   string
		ask    healthcheck.Question
		server func(net.Conn) // nil: nobody listens
		fault  healthcheck.Fault
		reason string // part of it
	}{
		{"tcp", healthcheck.TCP{}, hang, 0, ""},
		{"tcp refused", healthcheck.TCP{}, nil, healthcheck.FaultConnect, "connection refused"},
		{"http", get(healthcheck.URL{}), reply(page), 0, ""},
		{"http refused", get(healthcheck.URL{}), nil, healthcheck.FaultConnect, "connection refused"},
		{"http status", get(healthcheck.URL{}), reply("HTTP/1.1 503 no\r\n\r\n"), healthcheck.FaultStatus, "status 503, wanted 200-299"},
		{
			"http other status wanted", get(healthcheck.URL{Status: []healthcheck.StatusRange{{Low: 301, High: 302}, {Low: 503, High: 503}}}),
			reply("HTTP/1.1 503 no\r\n\r\n"), 0, "",
		},
		{"http digest", get(healthcheck.URL{Digest: md5sum("hello")}), reply(page), 0, ""},
		{"http digest differs", get(healthcheck.URL{Digest: md5sum("hallo")}), reply(page), healthcheck.FaultDigest, "digest differs: " + md5sum("hello")},
		{"http digest until close", get(healthcheck.URL{Digest: md5sum("hi\r\n")}), reply("HTTP/1.0 200 OK\n\nhi\r\n"), 0, ""},
		{"http regex", get(healthcheck.URL{Regex: &healthcheck.Regex{Pattern: "e(l+)o"}}), reply(page), 0, ""},
		{
			"http regex with look-around", get(healthcheck.URL{Regex: &healthcheck.Regex{Pattern: "h(?=ello$)"}}), reply(page), 0, "",
		},
		{
			"http regex fails", get(healthcheck.URL{Regex: &healthcheck.Regex{Pattern: "bye"}}), reply(page),
			healthcheck.FaultRegex, "does not match the body of 5 bytes",
		},
		{"http hangs", get(healthcheck.URL{}), hang, healthcheck.FaultReadTimeout, "no answer in time"},
		{"http closes", get(healthcheck.URL{}), reply(""), healthcheck.FaultNoData, "closed without an answer"},
		{"http garbage", get(healthcheck.URL{}), reply("SSH-2.0-OpenSSH\r\n\r\n"), healthcheck.FaultStatus, "not HTTP"},
		{
			"http half a body and silence", get(healthcheck.URL{}), func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhello")
				hang(c)
			}, healthcheck.FaultReadTimeout, "body stopped after 5 bytes",
		},
		{"smtp", healthcheck.SMTP{Helo: "me"}, mail("220-hi\r\n220 there\r\n", "250 ok\r\n"), 0, ""},
		{"smtp banner", healthcheck.SMTP{Helo: "me"}, mail("421 busy\r\n", ""), healthcheck.FaultBanner, `"421 busy"`},
		{"smtp helo", healthcheck.SMTP{Helo: "me"}, mail("220 hi\r\n", "550 go away\r\n"), healthcheck.FaultReply, "550 go away"},
		{"smtp hangs", healthcheck.SMTP{Helo: "me"}, hang, healthcheck.FaultReadTimeout, "no greeting in time"},
		{"smtp closes", healthcheck.SMTP{Helo: "me"}, func(net.Conn) {}, healthcheck.FaultRead, ""},
	}
	var specs []healthcheck.Spec
	for _, tt := range tests {
		target := closedPort(t)
		if tt.server != nil {
			target = serve(t, tt.server)
		}
		specs = append(specs, check(tt.name, tt.ask, target))
	}
	first := newWorld(t, specs...).verdicts(t)
	for _, tt := range tests {
		ev := first[tt.name]
		if !ev.First || ev.Up != (tt.fault == 0) || ev.Result.Fault != tt.fault || !strings.Contains(ev.Result.Reason, tt.reason) {
			t.Errorf("%s: got %+v, want fault %d with reason %q", tt.name, ev, tt.fault, tt.reason)
		}
	}
}

func TestNoConnectionInTime(t *testing.T) {
	t.Parallel()
	// A listener whose queue is full drops what comes.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = listenOne(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		d := net.Dialer{Timeout: 100 * time.Millisecond}
		if c, err := d.Dial("tcp", l.Addr().String()); err == nil {
			defer c.Close()
		}
	}
	s := check("rs", healthcheck.TCP{}, l.Addr().String())
	s.ConnectTimeout = 200 * time.Millisecond
	ev := newWorld(t, s).next(t)
	if ev.Up || ev.Result.Fault != healthcheck.FaultTimeout || ev.Result.Took < s.ConnectTimeout || ev.Result.Took > 2*s.ConnectTimeout {
		t.Errorf("got %+v, want a timeout after %v", ev, s.ConnectTimeout)
	}
}

func TestDownAndUpAgain(t *testing.T) {
	t.Parallel()
	target := closedPort(t)
	w := newWorld(t, check("rs", healthcheck.TCP{}, target))
	if ev := w.next(t); ev.Up || !ev.Turned {
		t.Fatalf("nobody listens: %+v", ev)
	}
	l, err := net.Listen("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	if ev := w.next(t); !ev.Up || !ev.Turned {
		t.Fatalf("somebody listens: %+v", ev)
	}
	l.Close()
	if ev := w.next(t); ev.Up || !ev.Turned {
		t.Fatalf("nobody listens any more: %+v", ev)
	}
}

func TestRequestIsKeepaliveds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		protocol healthcheck.HTTPProtocol
		host     string
		want     string
	}{
		{healthcheck.HTTP10, "", "GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: %s\r\n\r\n"},
		{healthcheck.HTTP10Close, "", "GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: %s\r\n\r\n"},
		{healthcheck.HTTP11, "www.example.org", "GET /x HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: www.example.org\r\n\r\n"},
	}
	var specs []healthcheck.Spec
	got := make([]chan string, len(tests))
	for i, tt := range tests {
		got[i] = make(chan string, 100)
		target := serve(t, func(c net.Conn) {
			buf := make([]byte, 1000)
			n, _ := c.Read(buf)
			got[i] <- string(buf[:n])
		})
		ask := get(healthcheck.URL{Host: tt.host})
		ask.Protocol = tt.protocol
		specs = append(specs, check(fmt.Sprint(i), ask, target))
	}
	newWorld(t, specs...)
	for i, tt := range tests {
		want := strings.ReplaceAll(tt.want, "%s", specs[i].Target.String())
		if g := <-got[i]; g != want {
			t.Errorf("request\n%q, want\n%q", g, want)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	names := make(chan string, 100)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case names <- r.TLS.ServerName:
		default:
		}
		_, _ = io.WriteString(w, "hello")
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	ask := get(healthcheck.URL{SNI: "www.example.org", Digest: md5sum("hello"), TLSCompliant: true})
	ask.TLS = &healthcheck.TLS{}
	plain := serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 not TLS\r\n"); hang(c) })
	silent := serve(t, hang)
	w := newWorld(t,
		check("tls", ask, srv.Listener.Addr().String()), check("plain", ask, plain),
		check("silent", ask, silent), check("closed", ask, closedPort(t)))
	want := map[string]struct {
		fault  healthcheck.Fault
		reason string
	}{
		"tls":    {0, ""},
		"plain":  {healthcheck.FaultTLS, "first record does not look like a TLS handshake"},
		"silent": {healthcheck.FaultTLS, "no handshake after 500ms"},
		"closed": {healthcheck.FaultConnect, "connection refused"},
	}
	for len(want) > 0 {
		ev := w.next(t)
		x := want[ev.Key]
		delete(want, ev.Key)
		if ev.Up != (x.fault == 0) || ev.Result.Fault != x.fault || !strings.Contains(ev.Result.Reason, x.reason) {
			t.Errorf("%s: %+v, want fault %d, %q", ev.Key, ev, x.fault, x.reason)
		}
	}
	if n := <-names; n != "www.example.org" {
		t.Errorf("SNI %q", n)
	}
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 1000)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			switch q := buf[:n]; {
			case string(q) == "ping":
				_, _ = pc.WriteTo([]byte("pong"), from)
			case string(q) == "silence":
			default: // a name server that says NXDOMAIN, after an answer to somebody else
				other := append([]byte(nil), q...)
				other[0] ^= 0xff
				other[2] |= 0x80
				_, _ = pc.WriteTo(other, from)
				mine := append([]byte(nil), q...)
				mine[2] |= 0x80
				mine[3] |= 3
				_, _ = pc.WriteTo(mine, from)
			}
		}
	}()
	t.Cleanup(func() { pc.Close(); <-ended })
	open, closed := pc.LocalAddr().String(), closedPort(t)
	udp := func(payload string, pattern string) healthcheck.UDP {
		return healthcheck.UDP{Payload: []byte(payload), RequireReply: pattern != "", Reply: []byte(pattern), MaxReply: 255}
	}
	short := udp("ping", "pong")
	short.MinReply = 5
	specs := []healthcheck.Spec{
		check("reply", udp("ping", "po"), open),
		check("mismatch", udp("ping", "pu"), open),
		check("short", short, open),
		check("silence is consent", udp("silence", ""), open),
		check("silence", udp("silence", "x"), open),
		check("refused", udp("ping", ""), closed),
		check("nxdomain", healthcheck.DNS{Type: 6, Name: "example.org"}, open),
		check("no name server", healthcheck.DNS{Type: 6}, closed),
	}
	for i := range specs {
		specs[i].ConnectTimeout = 200 * time.Millisecond
	}
	w := newWorld(t, specs...)
	want := map[string]healthcheck.Fault{
		"reply": 0, "mismatch": healthcheck.FaultReply, "short": healthcheck.FaultReply, "silence is consent": 0,
		"silence": healthcheck.FaultReadTimeout, "refused": healthcheck.FaultRead,
		"nxdomain": healthcheck.FaultStatus, "no name server": healthcheck.FaultRead,
	}
	for len(want) > 0 {
		ev := w.next(t)
		fault := want[ev.Key]
		delete(want, ev.Key)
		if ev.Result.Fault != fault || ev.Up != (fault == 0) {
			t.Errorf("%s: %+v, want fault %d", ev.Key, ev, fault)
		}
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "status")
	if err := os.WriteFile(file, []byte("42"), 0o600); err != nil {
		t.Fatal(err)
	}
	misc := func(sh string) healthcheck.Misc {
		return healthcheck.Misc{
			Command: []string{"/bin/sh", "-c", sh}, Text: "sh", Timeout: 300 * time.Millisecond, Dynamic: true,
			UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()),
		}
	}
	w := newWorld(t,
		check("good", misc("exit 0"), ""), check("weight", misc("exit $(cat "+file+")"), ""),
		check("bad", misc("exit 1"), ""), check("signal", misc("kill -9 $$"), ""),
		check("hangs", misc("trap '' TERM; sleep 0.1; sleep 20 & wait"), ""),
		check("missing", healthcheck.Misc{Command: []string{"/nowhere/at/all"}, Timeout: time.Second}, ""))
	type verdict struct {
		up     bool
		fault  healthcheck.Fault
		weight int
	}
	want := map[string]verdict{
		"good": {true, 0, 0}, "weight": {true, 0, 40}, "bad": {false, healthcheck.FaultExit, 0},
		"signal": {false, healthcheck.FaultSignal, 0}, "hangs": {false, healthcheck.FaultReadTimeout, 0},
		"missing": {false, healthcheck.FaultSend, 0},
	}
	for len(want) > 0 {
		ev := w.next(t)
		if got := (verdict{ev.Up, ev.Result.Fault, ev.Weight}); got != want[ev.Key] {
			t.Errorf("%s: %+v, want %+v", ev.Key, ev, want[ev.Key])
		}
		delete(want, ev.Key)
	}
	if err := os.WriteFile(file, []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ev := w.next(t); ev.Key != "weight" || ev.Weight != 0 || ev.Turned {
		t.Errorf("status 2: %+v, want weight 0 and no turn", ev)
	}
}

func TestTrackFileAndBFD(t *testing.T) {
	t.Parallel()
	w := newWorld(t, check("file", healthcheck.File{Name: "f", Weight: 2}, ""), check("bfd", healthcheck.BFD{Session: "s"}, ""))
	w.TrackFile("f", 5)
	if ev := w.next(t); ev.Key != "file" || ev.Weight != 10 {
		t.Errorf("track file: %+v", ev)
	}
	w.Session("s", false)
	if ev := w.next(t); ev.Key != "bfd" || ev.Up {
		t.Errorf("session: %+v", ev)
	}
	// A check that comes later learns what is known.
	w.Set([]healthcheck.Spec{check("later", healthcheck.File{Name: "f", Weight: -1}, "")})
	if ev := w.next(t); ev.Key != "later" || ev.Weight != -5 {
		t.Errorf("later check: %+v", ev)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	target := serve(t, hang)
	a, b := check("a", healthcheck.TCP{}, target), check("b", healthcheck.TCP{}, target)
	w := newWorld(t, a, b)
	w.next(t)
	w.next(t)
	status := func() map[string]healthcheck.Status {
		all, err := w.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]healthcheck.Status{}
		for _, s := range all {
			m[s.Keys[0]] = s
		}
		return m
	}
	before := status()
	w.Set([]healthcheck.Spec{check("c", healthcheck.TCP{}, target), b}) // reordered, one gone, one new
	after := status()
	if len(after) != 2 || after["b"].Runs < before["b"].Runs || !after["b"].Known {
		t.Errorf("b lost its state: %+v, before %+v", after["b"], before["b"])
	}
	if after["c"].Known || after["c"].Runs != 0 {
		t.Errorf("c inherited a state: %+v", after["c"])
	}
	if ev := w.next(t); ev.Key != "c" || !ev.First {
		t.Errorf("got %+v, want the first verdict of c", ev)
	}
}

func TestSharedCheckIsMadeOnce(t *testing.T) {
	t.Parallel()
	connections := make(chan struct{}, 1000)
	target := serve(t, func(net.Conn) { connections <- struct{}{} })
	a, b := check("a", healthcheck.TCP{}, target), check("b", healthcheck.TCP{}, target)
	a.DelayLoop, b.DelayLoop = time.Hour, time.Hour
	w := newWorldOf(t, false, a, b)
	if x, y := w.next(t), w.next(t); x.Key+y.Key != "ab" || !x.Up || !y.Up {
		t.Errorf("events %+v and %+v, want one for each", x, y)
	}
	<-connections
	if n := len(connections); n != 0 {
		t.Errorf("%d more connections, want one in all", n)
	}
	w.Set([]healthcheck.Spec{a, b, check("c", healthcheck.TCP{}, target)}) // another period: another check
	if all, _ := w.Snapshot(t.Context()); len(all) != 2 || len(all[0].Keys)+len(all[1].Keys) != 3 {
		t.Errorf("checks: %+v", all)
	}
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	target := closedPort(t)
	w := newWorld(t, check("rs", healthcheck.TCP{}, target))
	if ev := w.next(t); ev.Up {
		t.Fatalf("nobody listens: %+v", ev)
	}
	w.Suspend("rs", true)
	if all, _ := w.Snapshot(t.Context()); !all[0].Suspended || !all[0].Next.IsZero() || all[0].Up {
		t.Errorf("suspended: %+v, want no next attempt and the old verdict", all[0])
	}
	l, err := net.Listen("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.Suspend("rs", false)
	if ev := w.next(t); !ev.Up {
		t.Errorf("made again: %+v", ev)
	}
	later := check("later", healthcheck.TCP{}, target)
	later.Suspended = true
	w.Set([]healthcheck.Spec{later})
	if all, _ := w.Snapshot(t.Context()); len(all) != 1 || !all[0].Suspended || !all[0].Next.IsZero() {
		t.Errorf("suspended from the start: %+v", all)
	}
}

func TestStoppingIsNoFailure(t *testing.T) {
	t.Parallel()
	ask := get(healthcheck.URL{})
	secure := ask
	secure.TLS = &healthcheck.TLS{}
	silent := serve(t, hang)
	misc := healthcheck.Misc{
		Command: []string{"/bin/sleep", "20"}, Timeout: time.Minute,
		UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()),
	}
	w := newWorld(t, check("http", ask, silent), check("tls", secure, silent), check("misc", misc, ""))
	w.Set(nil) // and Run ends in the clean-up, while goleak watches
	select {
	case ev := <-w.events:
		t.Errorf("stopped check said %+v", ev)
	case <-time.After(1200 * time.Millisecond):
	}
}

func TestUnfitCheckIsRescheduled(t *testing.T) {
	t.Parallel()
	ask := get(healthcheck.URL{Regex: &healthcheck.Regex{Pattern: "("}})
	w := newWorld(t, check("rs", ask, "127.0.0.1:1"))
	for {
		all, err := w.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s := all[0]; s.Runs > 1 {
			if s.Known || !s.Up || s.Last.Fault != healthcheck.FaultLocal || !strings.Contains(s.Last.Reason, "regex") {
				t.Errorf("got %+v, want nothing known and the reason", s)
			}
			return
		}
	}
}
