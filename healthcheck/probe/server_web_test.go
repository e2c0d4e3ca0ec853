package probe

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

func TestNginx(t *testing.T) {
	t.Parallel()
	nginx, dir := program(t, "nginx", "nginx-light"), workDir(t, nil)
	cert, key := selfSigned(t, dir)
	write(t, dir, "index.html", "hello")
	write(t, dir, "health", `{"status": "ok"}`)
	conf := func(port, extra string) string {
		return fmt.Sprintf("daemon off;\npid %[1]s/pid%[2]s;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\nroot %[1]s;\nserver {\nlisten 127.0.0.1:%[2]s %[3]s;\nadd_header X-Test yes;\n"+
			"ssl_certificate %[4]s;\nssl_certificate_key %[5]s;\nlocation /gone {\nreturn 503;\n}\nlocation /away {\nreturn 302 /;\n}\n}\n}\n", dir, port, extra, cert, key)
	}
	t.Run("plain", func(t *testing.T) {
		at := closedPort(t)
		_, port, _ := net.SplitHostPort(at)
		d := start(t, nil, at, nginx, "-e", "stderr", "-c", write(t, dir, "plain.conf", conf(port, "")))
		story(t, d, service{at: at, good: asks{
			"digest": get(healthcheck.URL{Path: "/", Digest: md5sum("hello")}),
			"1.1":    healthcheck.HTTP{Protocol: healthcheck.HTTP11, URLs: []healthcheck.URL{{Path: "/"}}},
			"302":    get(healthcheck.URL{Path: "/away", Status: []healthcheck.StatusRange{{Low: 302, High: 302}}}),
			"json": healthcheck.HTTPRequest{
				Path: "/health", JSON: []healthcheck.JSONValue{{Path: "status", Value: "ok"}},
				Expect: []healthcheck.Header{{Name: "X-Test", Value: "^yes$"}},
			},
		}, bad: fail{
			"503":       {get(healthcheck.URL{Path: "/gone"}), "status 503, wanted 200-299"},
			"404":       {get(healthcheck.URL{Path: "/nowhere"}), "status 404"},
			"header":    {healthcheck.HTTPRequest{Expect: []healthcheck.Header{{Name: "X-Test", Value: "no"}}}, "no header x-test"},
			"tls":       {healthcheck.HTTP{TLS: &healthcheck.TLS{}, URLs: []healthcheck.URL{{Path: "/"}}}, "TLS"},
			"websocket": {healthcheck.WebSocket{}, "server said"},
		}})
	})
	t.Run("TLS", func(t *testing.T) {
		at := closedPort(t)
		_, port, _ := net.SplitHostPort(at)
		d := start(t, nil, at, nginx, "-e", "stderr", "-c", write(t, dir, "tls.conf", conf(port, "ssl http2")))
		verified := verified(cert)
		story(t, d, service{at: at, secure: asks{
			"digest":   healthcheck.HTTP{TLS: &healthcheck.TLS{}, URLs: []healthcheck.URL{{Path: "/", Digest: md5sum("hello")}}},
			"HTTP/2":   healthcheck.HTTPRequest{TLS: verified, HTTP2: true, Path: "/health", JSON: []healthcheck.JSONValue{{Path: "status", Value: "ok"}}},
			"verified": healthcheck.HTTPRequest{TLS: verified},
		}, bad: fail{
			"other name":    {healthcheck.HTTPRequest{TLS: &healthcheck.TLS{Verify: true, CA: cert, Name: "www.example.com"}}, "www.example.com"},
			"unknown to us": {healthcheck.HTTPRequest{TLS: &healthcheck.TLS{Verify: true, Name: "www.example.org"}}, "unknown authority"},
			"no file":       {healthcheck.HTTPRequest{TLS: &healthcheck.TLS{}, HTTP2: true, Path: "/nowhere"}, "status 404"},
		}})
	})
	t.Run("client certificates", func(t *testing.T) {
		at := closedPort(t)
		_, port, _ := net.SplitHostPort(at)
		clientCert, clientKey := selfSigned(t, workDir(t, nil))
		otherCert, otherKey := selfSigned(t, workDir(t, nil))
		d := start(t, nil, at, nginx, "-e", "stderr", "-c", write(t, dir, "client.conf", conf(port, "ssl http2;\nssl_verify_client on;\nssl_client_certificate "+clientCert)))
		as := func(mine, key string) *healthcheck.TLS {
			return &healthcheck.TLS{Verify: true, CA: cert, Name: "www.example.org", Certificate: mine, Key: key}
		}
		page := func(tls *healthcheck.TLS) healthcheck.HTTP {
			return healthcheck.HTTP{TLS: tls, URLs: []healthcheck.URL{{Path: "/", Digest: md5sum("hello")}}}
		}
		story(t, d, service{at: at, secure: asks{
			"HTTP_CHECK": healthcheck.HTTPRequest{TLS: as(clientCert, clientKey)},
			"HTTP/2":     healthcheck.HTTPRequest{TLS: as(clientCert, clientKey), HTTP2: true},
			"SSL_GET":    page(&healthcheck.TLS{Certificate: clientCert, Key: clientKey}),
		}, bad: fail{
			"HTTP_CHECK without":          {healthcheck.HTTPRequest{TLS: as("", "")}, "status 400, wanted 200-299"},
			"HTTP_CHECK of somebody else": {healthcheck.HTTPRequest{TLS: as(otherCert, otherKey)}, "status 400, wanted 200-299"},
			"HTTP_CHECK, server unknown":  {healthcheck.HTTPRequest{TLS: &healthcheck.TLS{Verify: true, CA: otherCert, Name: "www.example.org", Certificate: clientCert, Key: clientKey}}, "TLS: "},
			"SSL_GET without":             {page(&healthcheck.TLS{}), "status 400, wanted 200-299"},
			"SSL_GET of somebody else":    {page(&healthcheck.TLS{Certificate: otherCert, Key: otherKey}), "status 400, wanted 200-299"},
		}})
	})
}

// An etcd is a gRPC server with grpc.health.v1, and one of HTTP and WebSocket beside it.
func TestEtcd(t *testing.T) {
	t.Parallel()
	etcd, dir := program(t, "etcd", "etcd-server"), workDir(t, nil)
	cert, key := selfSigned(t, dir)
	plain, secure, peer := closedPort(t), closedPort(t), closedPort(t)
	d := start(t, nil, plain, etcd, "--data-dir", filepath.Join(dir, "data"), "--initial-cluster", "default=http://"+peer,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer,
		"--listen-client-urls", "http://"+plain+",https://"+secure, "--advertise-client-urls", "http://"+plain,
		"--cert-file", cert, "--key-file", key)
	waitFor(t, healthcheck.GRPC{}, plain) // it listens before it is ready
	verified := verified(cert)
	story(t, d, service{at: plain, good: asks{
		"gRPC":      healthcheck.GRPC{},
		"HTTP":      healthcheck.HTTPRequest{Path: "/health", JSON: []healthcheck.JSONValue{{Path: "health", Value: "true"}}},
		"WebSocket": healthcheck.WebSocket{Path: "/v3/watch"},
	}, bad: fail{
		"known":       {healthcheck.GRPC{Service: "what"}, `gRPC status "5": "unknown service"`},
		"TLS":         {healthcheck.GRPC{TLS: &healthcheck.TLS{}}, "TLS: "},
		"a websocket": {healthcheck.WebSocket{Path: "/"}, "server said"},
	}}, service{at: secure, secure: asks{
		"gRPC":      healthcheck.GRPC{TLS: verified},
		"HTTP":      healthcheck.HTTPRequest{TLS: verified, Path: "/health"},
		"WebSocket": healthcheck.WebSocket{TLS: verified, Path: "/v3/watch"},
	}, bad: fail{
		"known to strangers":     {healthcheck.GRPC{TLS: stranger}, "unknown authority"},
		"a stranger's WebSocket": {healthcheck.WebSocket{TLS: stranger, Path: "/v3/watch"}, "unknown authority"},
		"plain":                  {healthcheck.GRPC{}, ""}, // reset, closed, or an alert
	}})
}
