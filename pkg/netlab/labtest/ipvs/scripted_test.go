package ipvs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// stream is a TCP server whose port can be closed and opened, and that says what its
// test wants. A connection is closed when handle returns.
type stream struct {
	ns     *netlab.Namespace
	addr   string
	handle func(net.Conn)

	mu   sync.Mutex
	stop func()
}

// serveStream starts a server.
func serveStream(t *testing.T, ns *netlab.Namespace, addr string, handle func(net.Conn)) *stream {
	t.Helper()
	s := &stream{ns: ns, addr: addr, handle: handle}
	s.open()
	t.Cleanup(s.close)
	return s
}

func (s *stream) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return
	}
	l := s.ns.Listen(s.addr)
	s.stop = func() { l.Close() }
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(30 * time.Second))
				s.handle(c)
			}()
		}
	}()
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// datagrams is a UDP server that can be closed and opened. It answers with what handle
// returns; nothing when that is nil.
type datagrams struct {
	ns     *netlab.Namespace
	addr   string
	handle func([]byte) []byte

	mu   sync.Mutex
	conn net.PacketConn
}

func serveDatagrams(t *testing.T, ns *netlab.Namespace, addr string, handle func([]byte) []byte) *datagrams {
	t.Helper()
	s := &datagrams{ns: ns, addr: addr, handle: handle}
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func (s *datagrams) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return nil
	}
	err := s.ns.Do(func() (err error) {
		s.conn, err = net.ListenPacket("udp", s.addr)
		return err
	})
	if err != nil {
		return err
	}
	go func(conn net.PacketConn) {
		buf := make([]byte, 2048)
		for {
			n, peer, err := conn.ReadFrom(buf)
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				continue
			}
			if out := s.handle(buf[:n]); out != nil {
				conn.WriteTo(out, peer)
			}
		}
	}(s.conn)
	return nil
}

func (s *datagrams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// certificate makes a certificate for a TLS server.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"www.example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
