package netlab

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Listen opens a listening socket in the namespace, open until the lab ends or it is
// closed. It is served from outside: only its making needs the namespace.
func (n *Namespace) Listen(addr string) net.Listener {
	n.lab.Helper()
	var l net.Listener
	err := n.Do(func() (err error) {
		l, err = net.Listen("tcp", addr)
		return err
	})
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	n.lab.Cleanup(func() { l.Close() }) // also keeps one that nobody holds from being collected
	return l
}

// Backend is a server of the lab that answers with its name. It can go down, which
// closes its port, and come up again.
type Backend struct {
	Name string
	ns   *Namespace
	addr string
	kind string

	mu     sync.Mutex
	stop   func()
	Status func(path string) int // HTTP status for a path; nil means 200
}

// Serve starts a backend. The kinds are "http"; "https", with a certificate of its own;
// "tcp", which sends its name and closes; "talk", which answers each line with its name,
// for [Namespace.Sessions]; "udp", which answers each packet with its
// name, from the address that was asked.
func (n *Namespace) Serve(kind, addr string) *Backend {
	n.lab.Helper()
	b := &Backend{Name: n.Name, ns: n, addr: addr, kind: kind}
	b.Up()
	n.lab.Cleanup(b.Down)
	return b
}

// Up opens the port.
func (b *Backend) Up() {
	b.ns.lab.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil {
		return
	}
	if b.kind == "udp" {
		b.stop = b.serveUDP()
		return
	}
	l := b.ns.Listen(b.addr)
	if b.kind == "https" {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{selfSigned()}})
	}
	if b.kind == "tcp" {
		b.stop = b.serveTCP(l)
		return
	}
	if b.kind == "talk" {
		b.stop = b.serveTalk(l)
		return
	}
	srv := &http.Server{Handler: http.HandlerFunc(b.serveHTTP), ReadHeaderTimeout: time.Minute} // a long connection says nothing for a while
	srv.SetKeepAlivesEnabled(false)
	go srv.Serve(l)
	b.stop = func() { srv.Close() }
}

// Down closes the port and all connections; a connection attempt is refused.
func (b *Backend) Down() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil {
		b.stop()
		b.stop = nil
	}
}

func (b *Backend) serveHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	if b.Status != nil {
		status = b.Status(r.URL.Path)
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	io.WriteString(w, b.Name+"\n")
}

func (b *Backend) serveTCP(l net.Listener) (stop func()) {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, b.Name+"\n")
			c.Close()
		}
	}()
	return func() { l.Close() }
}

func (b *Backend) serveUDP() (stop func()) {
	b.ns.lab.Helper()
	var conn *net.UDPConn
	err := b.ns.Do(func() error {
		pc, err := (&net.ListenConfig{Control: wantDestination}).ListenPacket(context.Background(), "udp", b.addr)
		if err == nil {
			conn = pc.(*net.UDPConn)
		}
		return err
	})
	if err != nil {
		b.ns.lab.Fatalf("%s: %v", b.ns.Name, err)
	}
	go func() {
		buf, oob := make([]byte, 2048), make([]byte, 256)
		for {
			_, n, _, peer, err := conn.ReadMsgUDPAddrPort(buf, oob)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				conn.WriteMsgUDPAddrPort([]byte(b.Name+"\n"), fromThere(oob[:n]), peer)
			}
		}
	}()
	return func() { conn.Close() }
}

// wantDestination makes the kernel tell which address a packet was sent to: a virtual
// one is never the first choice for the answer's source.
func wantDestination(network, _ string, c syscall.RawConn) error {
	var err error
	ctlErr := c.Control(func(fd uintptr) {
		if network == "udp4" {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		}
	})
	return errors.Join(err, ctlErr)
}

// fromThere turns the control message of a packet that came into the one of its answer:
// the same address, through any interface.
func fromThere(oob []byte) []byte {
	const header = unix.SizeofCmsghdr
	switch len(oob) {
	case unix.CmsgSpace(unix.SizeofInet4Pktinfo): // the interface comes first
		clear(oob[header : header+4])
	case unix.CmsgSpace(unix.SizeofInet6Pktinfo): // and here after the address
		clear(oob[header+16 : header+20])
	}
	return oob
}

// selfSigned makes a certificate that nobody trusts.
var selfSigned = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"backend.test"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

// Ask makes one request from the namespace and returns the name of the backend that
// answered.
func (n *Namespace) Ask(kind, addr string, timeout time.Duration) (name string, err error) {
	err = n.Do(func() error {
		name, err = ask(kind, addr, timeout)
		return err
	})
	return name, err
}

// askLimit is how long AskMany waits for an answer. What is lost on the way is asked for
// again after one second, and after two more.
const askLimit = 5 * time.Second

// AskMany makes n requests, one after the other, and counts the answers by name; failed
// ones count as "-".
func (n *Namespace) AskMany(kind, addr string, count int) map[string]int {
	got := map[string]int{}
	n.Do(func() error {
		for range count {
			name, err := ask(kind, addr, askLimit)
			if err != nil {
				name = "-"
			}
			got[name]++
		}
		return nil
	})
	return got
}

// ask must run on a thread inside a namespace. It makes its socket itself, as the dialer
// of package net may do so on another thread.
func ask(kind, addr string, timeout time.Duration) (string, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return "", err
	}
	family, sa := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(ap.Port()), Addr: as4(ap.Addr())})
	if ap.Addr().Is6() {
		family, sa = unix.AF_INET6, &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	}
	typ := unix.SOCK_STREAM
	if kind == "udp" {
		typ = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	// Blocking with a limit: connect, send and receive each end by themselves.
	tv := unix.NsecToTimeval(timeout.Nanoseconds())
	for _, opt := range []int{unix.SO_SNDTIMEO, unix.SO_RCVTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, opt, &tv); err != nil {
			return "", err
		}
	}
	if err := unix.Connect(fd, sa); err != nil {
		return "", fmt.Errorf("connect to %s from port %d: %w", addr, localPort(fd), err)
	}
	switch kind {
	case "http":
		_, err = unix.Write(fd, []byte("GET / HTTP/1.0\r\nHost: "+ap.Addr().String()+"\r\n\r\n"))
	case "udp":
		_, err = unix.Write(fd, []byte("who\n"))
	}
	if err != nil {
		return "", fmt.Errorf("send to %s: %w", addr, err)
	}
	var answer []byte
	for buf := make([]byte, 4096); ; {
		k, err := unix.Read(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("answer of %s: %w", addr, err)
		}
		answer = append(answer, buf[:k]...)
		if k == 0 || kind == "udp" {
			break
		}
	}
	name := tail(string(answer), 1) // the backend's name is the last line
	if name == "" {
		return "", fmt.Errorf("empty answer of %s", addr)
	}
	return name, nil
}

// localPort tells the port of a socket, to find its connection in a table or a capture.
func localPort(fd int) int {
	sa, _ := unix.Getsockname(fd)
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return sa.Port
	case *unix.SockaddrInet6:
		return sa.Port
	}
	return 0
}

func as4(a netip.Addr) (out [4]byte) {
	if a.Is4() {
		out = a.As4()
	}
	return out
}
