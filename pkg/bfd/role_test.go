package bfd

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func TestMain(m *testing.M) { netlab.MainNative(m) }

// session has a detection time of two seconds at the other end: a machine may stand still.
func session(local, neighbor string) *config.BFDInstance {
	return &config.BFDInstance{
		Name: "peer", Source: netip.MustParseAddr(local), Neighbor: netip.MustParseAddr(neighbor),
		MinRx: 50 * time.Millisecond, MinTx: 50 * time.Millisecond, IdleTx: time.Second,
		Multiplier: 40, TTL: 255, VRRP: true,
	}
}

// running is a role in a namespace.
type running struct {
	reload chan *config.Config
	log    *observer.ObservedLogs
	socket string
	stop   func()
}

func run(t *testing.T, l *netlab.Lab, n *netlab.Namespace, sessions ...*config.BFDInstance) *running {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{reload: make(chan *config.Config), log: logs, socket: filepath.Join(l.Dir, n.Name+".sock")}
	server, err := control.Listen(r.socket, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	ready := make(chan struct{})
	wait.Go(func() {
		err := n.Do(func() error {
			return Run(ctx, Options{
				Config: &config.Config{BFD: sessions}, Reload: r.reload,
				Log: zap.New(core), Control: server, Ready: func() { close(ready) },
			})
		})
		if err != nil {
			t.Errorf("role in %s: %v", n.Name, err)
		}
	})
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Fatal("the role was not ready within 30 s")
	}
	wait.Go(func() {
		if err := server.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	r.stop = sync.OnceFunc(func() { cancel(); wait.Wait() })
	t.Cleanup(r.stop)
	return r
}

func (r *running) logged(text string) bool {
	return slices.ContainsFunc(r.log.All(), func(e observer.LoggedEntry) bool { return strings.Contains(e.Message, text) })
}

// A neighbour that refuses our packets is sent all of them nevertheless.
func TestNeighborRefuses(t *testing.T) {
	e := &endpoint{cfg: session("127.0.0.1", "127.0.0.77")}
	for n := range 5 {
		if err := e.write(Packet{DetectMult: 3, MyDisc: 1}); err != nil {
			t.Errorf("packet %d: %v", n, err)
		}
	}
	if err := e.conn.Close(); err != nil {
		t.Error(err)
	}
}

// However many packets come in, ours go out.
func TestFloodDoesNotSilenceUs(t *testing.T) {
	r := &role{inbox: make(chan received, 64)}
	stop := make(chan struct{})
	defer close(stop)
	for range 4 {
		go func() {
			for {
				select {
				case r.inbox <- received{packet: Packet{YourDisc: 1}}:
				case <-stop:
					return
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.tick()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("only packets are looked at")
	}
}

func twoHosts(t *testing.T) (l *netlab.Lab, a, b *netlab.Namespace, cable *netlab.Port) {
	netlab.Require(t)
	l = netlab.New(t)
	sw := l.Switch("lan")
	a, b = l.Namespace("a"), l.Namespace("b")
	cable = sw.Connect(a, "eth0", "192.0.2.1/24", "2001:db8::1/64")
	sw.Connect(b, "eth0", "192.0.2.2/24", "2001:db8::2/64")
	return l, a, b, cable
}

// TestWithKeepalived has Debian's keepalived as the neighbour, which comes up,
// is lost when the cable is cut, and is told when we leave.
func TestWithKeepalived(t *testing.T) {
	for _, family := range []struct{ name, local, remote string }{
		{"IPv4", "192.0.2.1", "192.0.2.2"},
		{"IPv6", "2001:db8::1", "2001:db8::2"},
	} {
		t.Run(family.name, func(t *testing.T) {
			l, a, b, cable := twoHosts(t)
			peer := b.Daemon(netlab.Keepalived, `
bfd_instance us {
	neighbor_ip `+family.local+`
	source_ip `+family.remote+`
	min_rx 50
	min_tx 50
	multiplier 20
	ttl 255
}
vrrp_instance V {
	interface eth0
	virtual_router_id 9
	virtual_ipaddress {
		192.0.2.9
	}
	track_bfd {
		us
	}
}`)
			us := run(t, l, a, session(family.local, family.remote))
			l.Eventually(10*time.Second, "up on our side", func() bool { return us.logged("(peer) Entering Up state") })
			peer.WaitLog(5*time.Second, `\(us\) Entering Up state`)

			cable.Block(true)
			// Twenty seconds as long as the peer has not yet announced its faster pace.
			l.Eventually(10*time.Second, "down without packets", func() bool {
				return us.logged("(peer) Expired after ") &&
					us.logged("(peer) Entering Down state (Local diagnostic - Control Detection Time Expired")
			})
			cable.Block(false)
			us.log.TakeAll()
			l.Eventually(10*time.Second, "up again", func() bool { return us.logged("(peer) Entering Up state") })
			us.stop()
			peer.WaitLog(2*time.Second, `\(us\) Entering Down state`)
		})
	}
}

func TestWatchAndReload(t *testing.T) {
	l, a, b, _ := twoHosts(t)
	us := run(t, l, a, session("192.0.2.1", "192.0.2.2"))
	run(t, l, b, session("192.0.2.2", "192.0.2.1"))

	var mu sync.Mutex
	var seen []Status
	ctx, cancel := context.WithCancel(t.Context())
	var watcher sync.WaitGroup
	watcher.Go(func() {
		Watch(ctx, us.socket, func(all []Status) {
			mu.Lock()
			defer mu.Unlock()
			seen = all
		})
	})
	defer watcher.Wait()
	defer cancel()
	status := func() (string, int) {
		mu.Lock()
		defer mu.Unlock()
		if len(seen) == 0 {
			return "", 0
		}
		return seen[0].State, len(seen)
	}
	l.Eventually(10*time.Second, "the watcher sees Up", func() bool { state, _ := status(); return state == "Up" })

	us.log.TakeAll()
	other := session("192.0.2.1", "192.0.2.77")
	other.Name = "zzz"
	slower := session("192.0.2.1", "192.0.2.2")
	slower.MinTx = 80 * time.Millisecond
	us.reload <- &config.Config{BFD: []*config.BFDInstance{slower, other}}
	l.Eventually(3*time.Second, "the watcher sees the new session", func() bool { _, n := status(); return n == 2 })
	if us.logged("Entering") {
		t.Errorf("a reload that changes a timer took the session down: %v", us.log.All())
	}
	if state, _ := status(); state != "Up" {
		t.Errorf("state %s after the reload, want Up", state)
	}
}

// TestHeldUp has a packet wait beyond the detection time: it counts.
func TestHeldUp(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	now := time.Now()
	cfg := session("192.0.2.1", "192.0.2.2")
	e := &endpoint{cfg: cfg, disc: 1, session: NewSession(params(cfg), 1, func() float64 { return 0 }, now.Add(-time.Minute))}
	hello := Packet{State: Init, DetectMult: 3, MyDisc: 9, YourDisc: 1, DesiredMinTx: time.Second, RequiredMinRx: time.Minute}
	e.session.Receive(hello, now.Add(-10*time.Second))
	r := &role{log: zap.New(core), sessions: map[string]*endpoint{"peer": e}, byDisc: map[uint32]*endpoint{1: e}, inbox: make(chan received, 1)}
	hello.State = Up
	r.inbox <- received{packet: hello, from: cfg.Neighbor, ttl: 255}
	r.tick()
	if e.session.State() != Up || logs.FilterMessageSnippet("Expired").Len() > 0 {
		t.Errorf("state %v, log %v; want Up and no expiry", e.session.State(), logs.All())
	}
}
