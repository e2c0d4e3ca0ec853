package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// selfSigned makes a certificate and its key.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "www.example.org"}, DNSNames: []string{"www.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
}

// certificateOf makes a certificate whose key only one account may read.
func certificateOf(t *testing.T, dir string, as *syscall.Credential) (cert, key string) {
	t.Helper()
	cert, key = selfSigned(t, dir)
	if err := os.Chown(key, int(as.Uid), int(as.Gid)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// verified knows the authority of a certificate, and a stranger does not.
func verified(ca string) *healthcheck.TLS {
	return &healthcheck.TLS{Verify: true, CA: ca, Name: "www.example.org"}
}

// later is the same for protocols that begin in the clear.
func later(ca string) *healthcheck.TLS {
	return &healthcheck.TLS{Later: true, Verify: true, CA: ca, Name: "www.example.org"}
}

var (
	stranger      = &healthcheck.TLS{Verify: true, Name: "www.example.org"}
	laterStranger = &healthcheck.TLS{Later: true, Verify: true, Name: "www.example.org"}
)

// A check whose files are missing begins to be made once they are there.
func TestCertificateComesLater(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, t.TempDir())
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	target := serve(t, func(c net.Conn) {
		server := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
		if err := server.Handshake(); err == nil {
			reply("HTTP/1.0 200 OK\r\n\r\n")(server)
		}
	})
	missing := filepath.Join(t.TempDir(), "ca.pem")
	w := newWorld(t, check("rs", healthcheck.HTTPRequest{TLS: verified(missing)}, target))
	for {
		all, err := w.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Runs > 0 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	content, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(missing), "new", string(content))
	if err := os.Rename(filepath.Join(filepath.Dir(missing), "new"), missing); err != nil {
		t.Fatal(err)
	}
	if ev := w.next(t); !ev.Up || !ev.First {
		t.Errorf("%+v, want up", ev)
	}
}
