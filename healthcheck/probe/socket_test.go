package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// What we lack ourselves says nothing about the server, over TLS neither.
func TestWhoseFaultAFailureIs(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want healthcheck.Fault
	}{
		{unix.EADDRNOTAVAIL, healthcheck.FaultLocal},
		{unix.EAGAIN, healthcheck.FaultLocal},
		{unix.EMFILE, healthcheck.FaultLocal},
		{unix.ENOBUFS, healthcheck.FaultLocal},
		{unix.ECONNREFUSED, healthcheck.FaultConnect},
		{unix.EHOSTUNREACH, healthcheck.FaultUnreachable},
		{unix.ETIMEDOUT, healthcheck.FaultTimeout},
		{context.DeadlineExceeded, healthcheck.FaultTimeout},
	} {
		err := error(&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", tt.err)})
		if got := (&secure{}).undialled(err); got.Fault != tt.want {
			t.Errorf("%v: %+v, want fault %d", tt.err, got, tt.want)
		}
	}
}

// An interface may come after the check that wants it, and another one may have its
// name later.
func TestZoneIsThatOfTheMoment(t *testing.T) {
	netlab.Require(t)
	lab := netlab.New(t)
	ns, lan := lab.Namespace("host"), lab.Switch("lan")
	lan.Connect(ns, "eth0")
	lan.Connect(ns, "eth1")
	s := check("rs", healthcheck.TCP{}, "[fe80::1%wan]:80")
	d, err := newDialer(&s, dialogue.Stream)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(want string) {
		t.Helper()
		if err := ns.Do(func() error {
			fd, _, err := d.dial()
			if err == nil {
				closeSocket(fd)
			}
			var local *localError
			if want == "" {
				if !errors.As(err, &local) {
					t.Errorf("without the interface: %v, want an error of our own", err)
				}
				return nil
			}
			nif, err := net.InterfaceByName(want)
			if err != nil {
				return err
			}
			if got := binary.NativeEndian.Uint32(d.to.raw[24:]); got != uint32(nif.Index) {
				t.Errorf("interface %d, want %d", got, nif.Index)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	rename := func(from, to string) {
		ns.Run("ip", "link", "set", from, "down")
		ns.Run("ip", "link", "set", from, "name", to)
	}
	dial("")
	rename("eth0", "wan")
	dial("wan")
	rename("wan", "eth0")
	rename("eth1", "wan")
	dial("wan")
}

// talker says something whenever it is asked.
type talker struct {
	net.Conn
	asked int
}

func (t *talker) SetDeadline(time.Time) error { return nil } // as if another one were set after it

func (t *talker) Read(b []byte) (int, error) {
	if t.asked++; t.asked > 100 {
		return 0, errors.New("enough")
	}
	return copy(b, "x"), nil
}

// chatter goes on and on.
type chatter struct{ dialogue.Dialogue }

func (chatter) Open() dialogue.Turn       { return dialogue.Turn{} }
func (chatter) Hear([]byte) dialogue.Turn { return dialogue.Turn{} }

// An attempt that is given up ends also if that comes at the moment at which its next
// step gets its time.
func TestTalkOverTLSIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	server := &talker{}
	s := &stream{
		secure: &secure{talk: chatter{}, timeout: time.Second, end: time.Now().Add(time.Hour), overall: time.Hour},
		raw:    server, conn: server,
	}
	if s.converse(ctx); server.asked > 1 {
		t.Errorf("the server was listened to %d more times", server.asked)
	}
}
