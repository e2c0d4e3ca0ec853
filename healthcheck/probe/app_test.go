package probe

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
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

// health answers grpc.health.v1.Health/Check: the services that it knows are
// SERVING, NOT_SERVING, or an error.
func health(w http.ResponseWriter, r *http.Request) {
	request, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("Te") != "trailers" || len(request) < 5 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	var service string
	if len(request) > 7 {
		service = string(request[7:])
	}
	status := map[string]byte{"": 1, "good": 1, "bad": 2}
	if s, ok := status[service]; ok {
		_, _ = w.Write([]byte{0, 0, 0, 0, 2, 8, s})
		w.Header().Set("Grpc-Status", "0")
		return
	}
	w.Header().Set("Grpc-Status", "5")
	w.Header().Set("Grpc-Message", "unknown service")
}

// pages are for HTTP_CHECK and WEBSOCKET_CHECK.
func pages(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/json":
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		w.Header().Set("X-Proto", r.Proto)
		fmt.Fprintf(w, `{"method": %q, "host": %q, "probe": %q, "body": %q, "login": %q, "pad": %q}`,
			r.Method, r.Host, r.Header.Get("X-Probe"), body, user+":"+password, strings.Repeat("x", 50_000))
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	case "/away":
		http.Redirect(w, r, "/json", http.StatusTemporaryRedirect)
	case "/other":
		http.Redirect(w, r, "gopher://www.example.org/", http.StatusFound)
	case "/ws":
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
	case "/notws":
		w.Header().Set("Sec-WebSocket-Accept", "nonsense")
		w.WriteHeader(http.StatusSwitchingProtocols)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func TestHTTPServersOfGo(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/grpc.health.v1.Health/", health)
	mux.HandleFunc("/", pages)
	plain := httptest.NewUnstartedServer(mux)
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetHTTP1(true)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Start()
	defer plain.Close()
	secure := httptest.NewUnstartedServer(mux)
	secure.EnableHTTP2 = true
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()

	jsonAsk := func(f func(*healthcheck.HTTPRequest)) healthcheck.HTTPRequest {
		q := healthcheck.HTTPRequest{
			Method: "POST", Path: "/json", Host: "www.example.org", Body: "hello", Username: "u", Password: "p",
			Headers: []healthcheck.Header{{Name: "X-Probe", Value: "a b"}},
			JSON: []healthcheck.JSONValue{
				{Path: "method", Value: "POST"},
				{Path: "host", Value: "www.example.org"},
				{Path: "probe", Value: "a b"},
				{Path: "body", Value: "hello"},
				{Path: "login", Value: "u:p"},
			},
			Expect: []healthcheck.Header{{Name: "x-proto", Value: "^HTTP/1.1$"}},
			Regex:  &healthcheck.Regex{Pattern: "x{100}"},
		}
		f(&q)
		return q
	}
	h2 := []healthcheck.Header{{Name: "X-Proto", Value: "HTTP/2.0"}}
	tls := &healthcheck.TLS{}
	at, atTLS := plain.Listener.Addr().String(), secure.Listener.Addr().String()
	tests := []struct {
		name   string
		ask    healthcheck.Question
		target string
		reason string // "" for good
	}{
		{"http", jsonAsk(func(*healthcheck.HTTPRequest) {}), at, ""},
		{"http over TLS", jsonAsk(func(q *healthcheck.HTTPRequest) { q.TLS = tls }), atTLS, ""},
		{"http/2", jsonAsk(func(q *healthcheck.HTTPRequest) { q.HTTP2, q.Expect = true, h2 }), at, ""},
		{"http/2 over TLS", jsonAsk(func(q *healthcheck.HTTPRequest) { q.TLS, q.HTTP2, q.Expect = tls, true, h2 }), atTLS, ""},
		{"other value", jsonAsk(func(q *healthcheck.HTTPRequest) { q.JSON[3].Value = "x" }), at, `JSON body is "hello", wanted "x"`},
		{"not JSON", jsonAsk(func(q *healthcheck.HTTPRequest) {
			q.Path, q.Expect, q.Status = "/", nil, []healthcheck.StatusRange{{Low: 404, High: 404}}
		}), at, "body is not JSON"},
		{"head", healthcheck.HTTPRequest{Method: "HEAD", Path: "/json"}, at, ""},
		{"redirect", jsonAsk(func(q *healthcheck.HTTPRequest) { q.Path, q.Redirects = "/away", 1 }), at, ""},
		{"redirect over TLS", jsonAsk(func(q *healthcheck.HTTPRequest) { q.Path, q.Redirects, q.TLS = "/away", 1, tls }), atTLS, ""},
		{"redirect with http/2", jsonAsk(func(q *healthcheck.HTTPRequest) { q.Path, q.Redirects, q.HTTP2, q.Expect = "/away", 1, true, h2 }), at, ""},
		{"redirect not followed", jsonAsk(func(q *healthcheck.HTTPRequest) { q.Path = "/away" }), at, "status 307"},
		{"redirect without end", healthcheck.HTTPRequest{Path: "/loop", Redirects: 5}, at, "status 302"},
		{"redirect elsewhere", healthcheck.HTTPRequest{Path: "/other", Redirects: 5}, at, "status 302"},
		{"grpc", healthcheck.GRPC{}, at, ""},
		{"grpc service", healthcheck.GRPC{Service: "good"}, at, ""},
		{"grpc over TLS", healthcheck.GRPC{Service: "good", TLS: tls}, atTLS, ""},
		{"grpc not serving", healthcheck.GRPC{Service: "bad"}, at, "health is NOT_SERVING"},
		{"grpc unknown", healthcheck.GRPC{Service: "what"}, at, `gRPC status "5": "unknown service"`},
		{"websocket", healthcheck.WebSocket{Path: "/ws"}, at, ""},
		{"websocket over TLS", healthcheck.WebSocket{Path: "/ws", TLS: tls}, atTLS, ""},
		{"no websocket", healthcheck.WebSocket{Path: "/"}, at, "HTTP/1.1 404"},
		{"false websocket", healthcheck.WebSocket{Path: "/notws"}, at, "HTTP/1.1 101"},
	}
	var specs []healthcheck.Spec
	for _, tt := range tests {
		s := check(tt.name, tt.ask, tt.target)
		s.ConnectTimeout = 5 * time.Second
		specs = append(specs, s)
	}
	first := newWorld(t, specs...).verdicts(t)
	for _, tt := range tests {
		if ev := first[tt.name]; ev.Up != (tt.reason == "") || !strings.Contains(ev.Result.Reason, tt.reason) {
			t.Errorf("%s: %+v, want %q", tt.name, ev, tt.reason)
		}
	}
}

func TestSIP(t *testing.T) {
	t.Parallel()
	answer := func(request string) string {
		if !strings.HasPrefix(request, "OPTIONS sip:") {
			return ""
		}
		return "SIP/2.0 100 Trying\r\n\r\nSIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
	}
	at := serveDatagrams(t, func(in []byte, say func([]byte)) { say([]byte(answer(string(in)))) })
	stream := serve(t, func(c net.Conn) {
		line, _ := bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, answer(line))
	})
	first := newWorld(t,
		check("udp", healthcheck.SIP{}, at),
		check("tcp", healthcheck.SIP{TCP: true}, stream),
		check("status", healthcheck.SIP{TCP: true, Status: []healthcheck.StatusRange{{Low: 404, High: 404}}}, stream),
	).verdicts(t)
	if !first["udp"].Up || !first["tcp"].Up || first["status"].Up || first["status"].Result.Reason != "status 200, wanted 404" {
		t.Errorf("got %+v", first)
	}
}
