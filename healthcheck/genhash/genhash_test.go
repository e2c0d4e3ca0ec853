package genhash

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func run(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(t.Context(), args, &out, &errs)
	return status, out.String(), errs.String()
}

const hello = "0f723ae7f9bf07744445e93ac5595156" // of "hello\nworld\n"

func TestDigest(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/x" || r.Host == "no.such.host" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if r.TLS != nil && r.TLS.ServerName != "" && r.TLS.ServerName != r.Host {
			t.Errorf("SNI %q for host %q", r.TLS.ServerName, r.Host)
		}
		_, _ = io.WriteString(w, "hello\nworld\n")
	})
	plain, secure := httptest.NewServer(page), httptest.NewTLSServer(page)
	defer plain.Close()
	defer secure.Close()
	at := func(s *httptest.Server) []string {
		host, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		return []string{"-s", host, "-p", port, "-u", "/x"}
	}
	tests := []struct {
		name string
		args []string
	}{
		{"plain", at(plain)},
		{"every version", append(at(plain), "-P1.0c")},
		{"long options", append(at(plain), "--protocol=1.1", "--use-virt", "example.org", "--timeout", "3")},
		{"TLS", append(at(secure), "-S")},
		{"TLS with a name", append(at(secure), "-SI", "-V", "example.org")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := run(t, tt.args...)
			if status != 0 || out != hello+"\n" || errs != "" {
				t.Errorf("status %d, stdout %q, stderr %q", status, out, errs)
			}
		})
	}
}

func TestVerboseShowsTheAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 1000))
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\nworld\n")
		c.Close()
	}()
	defer func() { l.Close(); <-ended }()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	_, out, _ := run(t, "-v", "-s", host, "-p", port, "-u", "/x")
	out = regexp.MustCompile(`= \d+ usecs`).ReplaceAllString(out, "= N usecs")
	const want = `-----------------------[    HTTP Header Buffer    ]-----------------------
0000  48 54 54 50 2f 31 2e 30 - 20 32 30 30 20 4f 4b 0d   HTTP/1.0 200 OK.
0016  0a 43 6f 6e 74 65 6e 74 - 2d 54 79 70 65 3a 20 74   .Content-Type: t
0032  65 78 74 2f 70 6c 61 69 - 6e 0d 0a 0d 0a            ext/plain....   
-----------------------[ HTTP Header Ascii Buffer ]-----------------------
HTTP/1.0 200 OK
Content-Type: text/plain


-----------------------[        HTML Buffer        ]-----------------------
0000  68 65 6c 6c 6f 0a 77 6f - 72 6c 64 0a               hello.world.    

-----------------------[    HTML hash resulting    ]-----------------------
0000  0f 72 3a e7 f9 bf 07 74 - 44 45 e9 3a c5 59 51 56   .r:....tDE.:.YQV
-----------------------[ HTML hash final resulting ]-----------------------
0f723ae7f9bf07744445e93ac5595156

Global response time for [/x] = N usecs
`
	if got := strings.ReplaceAll(out, "\r", ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		args   string
		status int
		stderr string
	}{
		{"nothing", "", 1, "Usage"},
		{"help", "-h", 0, "Usage"},
		{"no path", "-s 127.0.0.1 -p 80", 1, "Usage"},
		{"a name for an address", "-s foo -p 80 -u /", 1, "server should be an IP, not foo"},
		{"port 0", "-s 127.0.0.1 -p 0 -u /", 1, "invalid port number '0'"},
		{"version 3", "-P 3 -s 127.0.0.1 -p 80 -u /", 1, "invalid HTTP protocol version '3'"},
		{"unknown letter", "-Z", 1, "invalid option -- 'Z'"},
		{"unknown word", "--zzz", 1, "unrecognized option '--zzz'"},
		{"ambiguous word", "--use=1", 1, "ambiguous"},
		{"value missing", "-s", 1, "requires an argument"},
		{"not an option", "foo", 1, "Usage"},
		{"bad mark", "-m x", 1, "invalid fwmark 'x'"},
		{"bad timeout", "-t -1", 1, "invalid timeout '-1'"},
		{"nobody there", "-s 127.0.0.1 -p 1 -u /", 1, "Connection failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := run(t, strings.Fields(tt.args)...)
			if status != tt.status || !strings.Contains(errs, tt.stderr) || out != "" {
				t.Errorf("status %d, stdout %q, stderr %q; want %d and %q", status, out, errs, tt.status, tt.stderr)
			}
		})
	}
}
