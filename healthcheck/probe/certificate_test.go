package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
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
