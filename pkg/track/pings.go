package track

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Witness is a set of addresses that a router must reach to be of use.
type Witness struct {
	Name     string
	Targets  []netip.Addr
	All      bool // all targets must answer; else one is enough
	Interval time.Duration
	Timeout  time.Duration
	Rise     int
	Fall     int
}

func (w Witness) equal(o Witness) bool {
	targets := slices.Equal(w.Targets, o.Targets)
	w.Targets, o.Targets = nil, nil
	return targets && fmt.Sprint(w) == fmt.Sprint(o)
}

// verdict is what the targets' states mean together. It is known when no
// further answer could change it.
func (w Witness) verdict(targets []State) State {
	decisive, otherwise := Up, Down
	if w.All {
		decisive, otherwise = Down, Up
	}
	switch {
	case slices.Contains(targets, decisive):
		return decisive
	case slices.Contains(targets, Unknown):
		return Unknown
	default:
		return otherwise
	}
}

// Pings asks witnesses, each in a goroutine of its own. Its methods belong to
// one goroutine.
type Pings struct {
	report func(Event)
	run    map[string]*pinging
}

type pinging struct {
	what   Witness
	cancel context.CancelFunc
	done   chan struct{}
}

// NewPings returns a watcher of no witnesses. report is called from several
// goroutines.
func NewPings(report func(Event)) *Pings {
	return &Pings{report: report, run: map[string]*pinging{}}
}

// Set makes the witnesses that are asked those that are wanted. The verdict on
// each new one is reported as soon as there is one.
func (p *Pings) Set(want []Witness) {
	wanted := map[string]bool{}
	for _, w := range want {
		wanted[w.Name] = true
		if old := p.run[w.Name]; old != nil {
			if old.what.equal(w) {
				continue
			}
			old.cancel()
		}
		ctx, cancel := context.WithCancel(context.Background())
		n := &pinging{what: w, cancel: cancel, done: make(chan struct{})}
		p.run[w.Name] = n
		go func() {
			defer close(n.done)
			n.loop(ctx, p.report)
		}()
	}
	for name, n := range p.run {
		if !wanted[name] {
			n.cancel()
			delete(p.run, name)
		}
	}
}

// Close ends all asking and waits.
func (p *Pings) Close() {
	for _, n := range p.run {
		n.cancel()
	}
	for name, n := range p.run {
		<-n.done
		delete(p.run, name)
	}
}

func (n *pinging) loop(ctx context.Context, report func(Event)) {
	gates := make([]Gate, len(n.what.Targets))
	for i := range gates {
		gates[i] = Gate{Rise: n.what.Rise, Fall: n.what.Fall}
	}
	tick := time.NewTicker(n.what.Interval)
	defer tick.Stop()
	known := Unknown
	for seq := uint16(1); ; seq++ {
		answered := n.ask(ctx, seq)
		if ctx.Err() != nil {
			return
		}
		states := make([]State, len(gates))
		for i := range gates {
			gates[i].Observe(answered[i])
			states[i] = gates[i].State()
		}
		if s := n.what.verdict(states); s != known && s != Unknown {
			known = s
			report(Event{
				Kind: KindPing, Name: n.what.Name, Changed: true, State: s, At: time.Now(),
				Log: []string{fmt.Sprintf("(%s) witness is %s", n.what.Name, s)},
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask sends one echo request to each target and waits for the answers.
func (n *pinging) ask(ctx context.Context, seq uint16) []bool {
	answered := make([]bool, len(n.what.Targets))
	var wait sync.WaitGroup
	for i, target := range n.what.Targets {
		wait.Go(func() { answered[i] = echo(ctx, target, seq, n.what.Timeout) })
	}
	wait.Wait()
	return answered
}

// echo reports whether a target answers in time. The socket is opened for this
// one question, so that it is always in step with the routes of the moment.
func echo(ctx context.Context, target netip.Addr, seq uint16, timeout time.Duration) bool {
	network, any, kind, protocol := "ip4:icmp", "0.0.0.0", icmp.Type(ipv4.ICMPTypeEcho), 1
	if target.Is6() {
		network, any, kind, protocol = "ip6:ipv6-icmp", "::", ipv6.ICMPTypeEchoRequest, 58
	}
	conn, err := icmp.ListenPacket(network, any)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	request := icmp.Message{Type: kind, Body: &icmp.Echo{ID: os.Getpid() & 0xffff, Seq: int(seq), Data: []byte("holdfast")}}
	b, err := request.Marshal(nil)
	if err != nil {
		return false
	}
	if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return false
	}
	if _, err := conn.WriteTo(b, &net.IPAddr{IP: target.AsSlice(), Zone: target.Zone()}); err != nil {
		return false
	}
	buf := make([]byte, 1500)
	for {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			return false
		}
		if answers(buf[:size], from, target, protocol, seq) {
			return true
		}
	}
}

// answers reports whether a packet is the target's answer to us.
func answers(b []byte, from net.Addr, target netip.Addr, protocol int, seq uint16) bool {
	peer, ok := from.(*net.IPAddr)
	if !ok {
		return false
	}
	addr, ok := netip.AddrFromSlice(peer.IP)
	if !ok || addr.Unmap() != target.WithZone("") {
		return false
	}
	m, err := icmp.ParseMessage(protocol, b)
	if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
		return false
	}
	e, ok := m.Body.(*icmp.Echo)
	return ok && e.ID == os.Getpid()&0xffff && e.Seq == int(seq)
}
