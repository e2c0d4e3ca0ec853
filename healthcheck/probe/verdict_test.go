package probe

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

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
			}, healthcheck.FaultStopped, "body stopped after 5 bytes",
		},
		{
			"http all of a body and silence", get(healthcheck.URL{}), func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
				hang(c)
			}, healthcheck.FaultStopped, "connection still open after the body of 5 bytes",
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
		s := check(tt.name, tt.ask, target)
		if tt.fault == healthcheck.FaultReadTimeout || tt.fault == healthcheck.FaultStopped {
			s.ConnectTimeout = 500 * time.Millisecond
		}
		specs = append(specs, s)
	}
	w := newWorld(t, specs...)
	first := w.verdicts(t)
	for _, tt := range tests {
		ev := first[tt.name]
		if tt.fault == healthcheck.FaultReadTimeout || tt.fault == healthcheck.FaultStopped {
			// A server that stood still did not say in time what it had to say.
			w.until(t, tt.name, func(s healthcheck.Status) bool {
				return s.Keys[0] != tt.name || !s.Up && s.Last.Fault == tt.fault && strings.Contains(s.Last.Reason, tt.reason)
			})
			continue
		}
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
	w := newWorld(t, s)
	if ev := w.next(t); ev.Up {
		t.Errorf("%+v, want down", ev)
	}
	// Who stands still meanwhile finds that even the whole attempt has taken too long.
	limit := s.ConnectTimeout
	w.until(t, fmt.Sprintf("a timeout after %v", limit), func(s healthcheck.Status) bool {
		return !s.Up && s.Last.Fault == healthcheck.FaultTimeout && s.Last.Took >= limit && s.Last.Took < limit+slack
	})
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
			select {
			case got[i] <- string(buf[:n]):
			default: // enough of them wait to be read
			}
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
	unheard := check("silent", ask, silent)
	unheard.ConnectTimeout = 500 * time.Millisecond
	w := newWorld(t,
		check("tls", ask, srv.Listener.Addr().String()), check("plain", ask, plain),
		unheard, check("closed", ask, closedPort(t)))
	want := map[string]struct {
		fault  healthcheck.Fault
		reason string
	}{
		"tls":    {0, ""},
		"plain":  {healthcheck.FaultTLS, "first record does not look like a TLS handshake"},
		"silent": {healthcheck.FaultTimeout, "no handshake after 500ms"},
		"closed": {healthcheck.FaultConnect, "connection refused"},
	}
	w.until(t, "as wanted", func(s healthcheck.Status) bool {
		x := want[s.Keys[0]]
		return s.Known && s.Up == (x.fault == 0) && s.Last.Fault == x.fault && strings.Contains(s.Last.Reason, x.reason)
	})
	if n := <-names; n != "www.example.org" {
		t.Errorf("SNI %q", n)
	}
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	open := serveDatagrams(t, func(q []byte, say func([]byte)) {
		switch string(q) {
		case "ping":
			say([]byte("pong"))
		case "silence":
		default: // a name server that says NXDOMAIN, after an answer to somebody else
			q[0], q[2] = q[0]^0xff, q[2]|0x80
			say(q)
			q[0], q[3] = q[0]^0xff, q[3]|3
			say(q)
		}
	})
	closed := closedPort(t)
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
		if strings.HasPrefix(specs[i].Key, "silence") {
			specs[i].ConnectTimeout = 200 * time.Millisecond
		}
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
