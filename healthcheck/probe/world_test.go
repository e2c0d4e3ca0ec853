package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// regexp2Clock stops by itself, a while after the last match.
var regexp2Clock = goleak.IgnoreAnyFunction("github.com/dlclark/regexp2.runClock")

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // most tests wait most of the time
	goleak.VerifyTestMain(m, regexp2Clock)
}

// world is an engine that runs for the length of a test.
type world struct {
	*Engine
	events chan healthcheck.Event
}

func newWorld(t testing.TB, specs ...healthcheck.Spec) world {
	t.Helper()
	return newWorldOf(t, true, specs...)
}

func newWorldOf(t testing.TB, alone bool, specs ...healthcheck.Spec) world {
	t.Helper()
	return newWorldWith(t, Options{Alone: alone}, specs...)
}

func newWorldWith(t testing.TB, opt Options, specs ...healthcheck.Spec) world {
	t.Helper()
	w := world{events: make(chan healthcheck.Event, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	opt.Event = func(ev healthcheck.Event) {
		select {
		case w.events <- ev:
		case <-ctx.Done(): // and nobody reads them any more
		}
	}
	opt.Random = func() float64 { return 0 }
	var err error
	if w.Engine, err = New(opt); err != nil {
		cancel()
		t.Fatal(err)
	}
	w.Set(specs)
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

// next waits for an event.
func (w world) next(t testing.TB) healthcheck.Event {
	t.Helper()
	select {
	case ev := <-w.events:
		return ev
	case <-time.After(time.Minute):
		t.Fatal("no event for a minute")
		panic("unreachable")
	}
}

// verdicts waits for the first verdict of every check.
func (w world) verdicts(t testing.TB) map[string]healthcheck.Event {
	t.Helper()
	all, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := make(map[string]healthcheck.Event)
	for len(first) < len(all) {
		if ev := w.next(t); ev.First {
			first[ev.Key] = ev
		}
	}
	return first
}

// check is a spec for a test: made often, and patient with a server on a busy machine.
func check(key string, ask healthcheck.Question, target string) healthcheck.Spec {
	s := healthcheck.Spec{
		Key: key, For: healthcheck.Name{Real: key, Virtual: "vs"}, Ask: ask,
		Timing: healthcheck.Timing{DelayLoop: 50 * time.Millisecond, ConnectTimeout: 5 * time.Second},
	}
	if target != "" {
		s.Target = netip.MustParseAddrPort(target)
	}
	return s
}

// serve answers every connection until the test ends.
func serve(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, handle)
	return l.Addr().String()
}

func serveOn(t testing.TB, l net.Listener, handle func(net.Conn)) {
	var (
		mu       sync.Mutex
		open     = make(map[net.Conn]bool)
		handlers sync.WaitGroup
	)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			handlers.Go(func() {
				defer func() {
					c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
				}()
				handle(c)
			})
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		handlers.Wait()
	})
}

// serveDatagrams hands over every datagram, and a way to answer it, until the test ends.
func serveDatagrams(t testing.TB, handle func(in []byte, answer func([]byte))) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 2000)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			handle(bytes.Clone(buf[:n]), func(b []byte) { _, _ = pc.WriteTo(b, from) })
		}
	}()
	t.Cleanup(func() { pc.Close(); <-ended })
	return pc.LocalAddr().String()
}

// closedPort is an address where nobody listens. No other test is given it, nor one of
// another run beside this; and as it is none of the ports that the kernel hands out, no
// server or connection that may have any port comes to have this one.
func closedPort(t testing.TB) string {
	t.Helper()
	first, n, _ := spared(t)
	for range 100 {
		at := fmt.Sprintf("127.0.0.1:%d", first+closedPorts.Add(1)%n)
		claim, err := net.Listen("unix", "@holdfast test "+at)
		if err != nil {
			continue
		}
		t.Cleanup(func() { claim.Close() })
		l, err := net.Listen("tcp", at)
		if err != nil {
			continue
		}
		l.Close()
		if pc, err := net.ListenPacket("udp", at); err == nil {
			pc.Close()
			return at
		}
	}
	t.Fatal("a hundred ports one after the other are in use")
	return ""
}

// spared are n ports that the kernel does not hand out to who may have any, or, where there
// are too few of them, any ports.
func spared(t testing.TB) (first, n uint32, ok bool) {
	t.Helper()
	var low, high uint32
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if _, scanErr := fmt.Sscan(string(b), &low, &high); err != nil || scanErr != nil {
		t.Fatalf("the ports that the kernel hands out: %v, %v: %q", err, scanErr, b)
	}
	const lowest, enough = 10000, 3000
	switch {
	case low >= lowest+enough:
		return lowest, low - lowest, true
	case high+enough < 1<<16:
		return high + 1, 1<<16 - 1 - high, true
	}
	return lowest, 1<<16 - lowest, false
}

// closedPorts counts the ports that closedPort has tried.
var closedPorts atomic.Uint32

func init() { closedPorts.Store(rand.Uint32N(1 << 15)) } // beside another run of these tests

// hang accepts and says nothing until the other side goes.
func hang(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func reply(s string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, s)
		}
	}
}

func mail(banner, helo string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		_, _ = io.WriteString(c, banner)
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, helo)
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, "221 bye\r\n")
	}
}

func get(u healthcheck.URL) healthcheck.HTTP {
	if u.Path == "" {
		u.Path = "/x"
	}
	return healthcheck.HTTP{URLs: []healthcheck.URL{u}}
}

func md5sum(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
