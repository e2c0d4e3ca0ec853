package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server with two methods until the test ends.
func serve(t *testing.T) (*Server, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "vrrp.sock")
	s, err := Listen(path, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	s.Handle("double", func(_ context.Context, params json.RawMessage) (any, error) {
		var n int
		if err := json.Unmarshal(params, &n); err != nil {
			return nil, err
		}
		return 2 * n, nil
	})
	s.Handle("refuse", func(context.Context, json.RawMessage) (any, error) {
		return nil, errors.New("not today")
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return s, path
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// That there are no descriptors for a moment does not end the service.
func TestServerWithoutDescriptors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vrrp.sock")
	s, err := Listen(path, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	failures := 1
	s.accept = func() (*net.UnixConn, error) {
		if failures--; failures >= 0 {
			return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		}
		return s.listener.AcceptUnix()
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var refused RemoteError
	if err := dial(t, path).Call(t.Context(), "x", nil, nil); !errors.As(err, &refused) {
		t.Errorf("got %v, want an answer", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestCall(t *testing.T) {
	_, path := serve(t)
	c := dial(t, path)
	for n := range 3 {
		var got int
		if err := c.Call(t.Context(), "double", n, &got); err != nil || got != 2*n {
			t.Errorf("double %d = %d, %v; want %d", n, got, err, 2*n)
		}
	}
	for method, want := range map[string]string{
		"refuse":  "not today",
		"nothing": `no method is called "nothing"`,
	} {
		var refused RemoteError
		if err := c.Call(t.Context(), method, nil, nil); !errors.As(err, &refused) || string(refused) != want {
			t.Errorf("%s: got %v, want %q", method, err, want)
		}
	}
}

func TestGarbageIsAnswered(t *testing.T) {
	_, path := serve(t)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	buf := make([]byte, 1000)
	n, _ := conn.Read(buf)
	if got := string(buf[:n]); !strings.Contains(got, "not a request") {
		t.Errorf("answer to garbage: %q", got)
	}
}

func TestEvents(t *testing.T) {
	s, path := serve(t)
	c := dial(t, path)
	// A Publish before the subscription has been answered is not owed to
	// the client, so publish until the first arrives.
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				s.Publish("transition", map[string]string{"instance": "VI_1"})
			}
		}
	})
	done := errors.New("seen enough")
	err := c.Events(t.Context(), func(e Event) error {
		if e.Kind != "transition" || string(e.Data) != `{"instance":"VI_1"}` || e.Time.IsZero() {
			t.Errorf("event %+v", e)
		}
		return done
	})
	close(stop)
	wg.Wait()
	if !errors.Is(err, done) {
		t.Errorf("Events: %v", err)
	}
}

func TestEventsEndWithTheContext(t *testing.T) {
	s, path := serve(t)
	c := dial(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() { ended <- c.Events(ctx, func(Event) error { cancel(); return nil }) }()
	for {
		s.Publish("transition", nil) // owed to the client only once it is known
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Events: %v", err)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// A client that never reads costs a bounded amount of memory and is dropped;
// the publisher does not wait for it.
func TestSlowClientIsDropped(t *testing.T) {
	s, path := serve(t)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, `{"id":1,"method":"events"}`)
	if _, err := conn.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 10_000)
	for range 100 * maxQueue {
		s.Publish("noise", big)
		s.mu.Lock()
		gone := len(s.clients) == 0
		s.mu.Unlock()
		if gone {
			return
		}
	}
	t.Error("the client is still connected")
}

func TestListen(t *testing.T) {
	t.Run("stale socket is replaced", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.sock")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		s, err := Listen(path, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		s.listener.Close()
	})
	t.Run("served socket is respected", func(t *testing.T) {
		_, path := serve(t)
		if _, err := Listen(path, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "served by another process") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("file is not removed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(path, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "not a socket") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("mode and removal", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.sock")
		s, err := Listen(path, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
}

func TestDialNobody(t *testing.T) {
	if _, err := Dial(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func TestSocketPath(t *testing.T) {
	for _, tt := range []struct{ pid, want string }{
		{"", "/run/holdfast/vrrp.sock"},
		{"/run/vrrp.pid", "/run/holdfast/vrrp.sock"},
		{"/var/run/vrrp.pid", "/run/holdfast/vrrp.sock"},
		{"/run/keepalived/vrrp_X.pid", "/run/keepalived/vrrp_X.sock"},
		{"/tmp/a/v", "/tmp/a/v.sock"},
	} {
		if got := SocketPath(tt.pid, VRRP); got != tt.want {
			t.Errorf("SocketPath(%q) = %q, want %q", tt.pid, got, tt.want)
		}
	}
}
