package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/vrrp"
)

// event is something to be done at an instant; seq keeps the order of equals.
type event struct {
	at   time.Duration
	seq  uint64
	node int
	what kind
	arg  int
	msg  vrrp.Advert
}

type kind uint8

const (
	wake    kind = iota // the node's timer; arg is the generation it belongs to
	deliver             // msg
	act                 // the disturbance number arg
)

// path is one direction between two nodes on one LAN. Packets keep their order.
type path struct {
	cut  bool
	loss float64
	last time.Duration // when the latest one arrives
}

// lan is the network and everything on it.
type lan struct {
	rng   *rand.Rand
	now   time.Duration
	seq   uint64
	queue queue

	plan  plan
	nodes []*node
	paths [][][]path // by LAN, sender, receiver
	clean bool       // all trouble is over
	judge judge

	trace []string // only when asked for
	tell  bool
}

// epoch is what virtual time counts from.
var epoch = time.Unix(1_790_000_000, 0)

func (l *lan) at(d time.Duration) time.Time { return epoch.Add(d) }

func (l *lan) push(e event) {
	l.seq++
	e.seq = l.seq
	l.queue.push(e)
}

func (l *lan) say(format string, args ...any) {
	if l.tell {
		l.trace = append(l.trace, fmt.Sprintf("%9.4f ", l.now.Seconds())+fmt.Sprintf(format, args...))
	}
}

// broadcast carries an advert to everybody else on its LAN.
func (l *lan) broadcast(from *node, msg vrrp.Advert) {
	for _, to := range l.nodes {
		p := &l.paths[msg.Router][from.id][to.id]
		if to == from || p.cut || p.loss > 0 && l.rng.Float64() < p.loss {
			continue
		}
		copies := 1
		if !l.clean && l.rng.Float64() < l.plan.duplicate {
			copies = 2
		}
		for range copies {
			delay := l.plan.delay + time.Duration(l.rng.Int64N(int64(l.plan.delay)))
			p.last = max(p.last, l.now+delay)
			l.push(event{at: p.last, node: to.id, what: deliver, msg: msg})
		}
	}
}

// node is one host with one machine: a router on each LAN.
type node struct {
	id      int
	l       *lan
	cfg     vrrp.Config
	machine *vrrp.Machine // nil while it is down
	timer   int           // generation of the pending wake
	alarm   time.Time
	stalled time.Duration // until then it is not scheduled
	backlog []vrrp.Advert // received meanwhile
	fault   bool
	standby bool
	started time.Duration // last change that begins a wait: start, end of a fault
	heard   time.Duration // when it last heard a master that stays
	warned  bool          // as backup: a master it followed may come back without having left
	owes    bool          // it was such a master's rival, and that one must hear of it
	window  time.Duration // when the current interval of the count began
	adverts int           // in that interval
}

func address(id int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(id + 1)}) }

func (n *node) start() {
	routers := make([]vrrp.Config, n.l.plan.lans)
	for i := range routers {
		routers[i] = n.cfg
	}
	n.machine = vrrp.New(len(routers) > 1, routers...)
	n.backlog, n.stalled, n.started, n.warned = nil, 0, n.l.now, false
	if n.fault {
		n.handle(vrrp.Faults{Reasons: []string{"cable"}})
	}
	if n.standby {
		n.handle(vrrp.Standby{On: true})
	}
	n.handle(vrrp.Start{})
}

func (n *node) crash() {
	n.owes = false
	n.machine = nil
	n.timer++
	n.alarm = time.Time{}
}

// handle gives an event to the machine and does what it says.
func (n *node) handle(ev vrrp.Event) {
	if n.machine == nil {
		return
	}
	before, _ := n.machine.State()
	n.observe(ev, before)
	actions := n.machine.Handle(ev, n.l.at(n.l.now))
	after, _ := n.machine.State()
	if n.l.tell {
		n.l.say("r%d %-6v %T%+v", n.id, before, ev, ev)
	}
	for _, a := range actions {
		n.l.judge.action(n, before, after, a)
		if n.l.tell {
			n.l.say("r%d        -> %T%+v", n.id, a, a)
		}
		if s, ok := a.(vrrp.Send); ok {
			n.l.broadcast(n, vrrp.Advert{Router: s.Router, From: address(n.id), Priority: s.Priority, Interval: n.cfg.Interval})
		}
	}
	if before != after {
		n.l.judge.changed(n, before, after)
	}
	n.arm()
}

// observe follows whether a backup knows of a master that has not said good-bye.
func (n *node) observe(ev vrrp.Event, before vrrp.State) {
	if a, ok := ev.(vrrp.Advert); ok && before == vrrp.Backup {
		n.warned = a.Priority >= n.cfg.Priority || n.warned && a.Priority > 0
	}
}

// arm sets the alarm for the machine's deadline. Being woken takes a moment.
func (n *node) arm() {
	deadline := n.machine.Deadline()
	if deadline.Equal(n.alarm) {
		return
	}
	n.alarm = deadline
	n.timer++
	if deadline.IsZero() {
		return
	}
	late := time.Duration(n.l.rng.Int64N(int64(n.l.plan.jitter)))
	at := max(deadline.Sub(epoch), n.l.now) + late
	n.l.push(event{at: at, node: n.id, what: wake, arg: n.timer})
}

func (n *node) wake(gen int) {
	if gen != n.timer {
		return
	}
	if n.stalled > n.l.now {
		n.l.push(event{at: n.stalled, node: n.id, what: wake, arg: gen})
		return
	}
	// After a stall either the socket or the timer may be served first.
	if n.l.rng.IntN(2) == 0 {
		n.drain()
		if gen != n.timer {
			return
		}
	}
	n.alarm = time.Time{}
	n.handle(vrrp.Expired{})
	n.drain()
	if n.machine == nil {
		return
	}
	if d := n.machine.Deadline(); !d.IsZero() && !d.After(n.l.at(n.l.now)) {
		n.l.judge.fail("r%d asks for the deadline %v again", n.id, d.Sub(epoch))
	}
}

func (n *node) receive(msg vrrp.Advert) {
	if n.machine == nil {
		return
	}
	if n.stalled > n.l.now {
		n.backlog = append(n.backlog, msg)
		return
	}
	n.drain()
	n.deliver(msg)
}

func (n *node) drain() {
	for len(n.backlog) > 0 {
		msg := n.backlog[0]
		n.backlog = n.backlog[1:]
		n.deliver(msg)
	}
}

func (n *node) deliver(msg vrrp.Advert) {
	n.heard = n.l.now
	if msg.Priority == 0 { // a master leaves, so somebody may take over
		n.heard = 0
	}
	n.handle(msg)
}

func (n *node) state() vrrp.State {
	if n.machine == nil {
		return vrrp.Stopped
	}
	s, _ := n.machine.State()
	return s
}
