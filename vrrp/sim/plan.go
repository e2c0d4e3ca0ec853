package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-lb/holdfast/vrrp"
)

// plan is one schedule: who is there, how bad the network is, and what happens
// when. All of it follows from the seed.
type plan struct {
	version   uint8
	interval  time.Duration
	lans      int
	nodes     []vrrp.Config
	delay     time.Duration // least delay of a packet; the most is twice that
	jitter    time.Duration // most time that waking up takes
	duplicate float64
	trouble   []disturbance
	quiet     time.Duration // when the trouble is over
}

// disturbance is one thing that goes wrong, or that an operator does.
type disturbance struct {
	at       time.Duration
	node     int
	what     trouble
	to       int // partition: the other end
	lan      int
	duration time.Duration
	value    float64
}

type trouble uint8

const (
	cutPath   trouble = iota // one direction
	cutBoth                  // both directions
	lossy                    // value is the probability
	stall                    // the process is not scheduled
	crash                    // kill -9, started again after duration
	leave                    // stop, started again after duration
	fault                    // a cable, restored after duration
	reload                   // the same configuration again
	priority                 // a tracker changes the priority, and back
	standby                  // and back
	taken                    // somebody removes the addresses
	strangers                // a flood of adverts with a low priority
	troubles
)

func (t trouble) String() string {
	return [...]string{"cut", "cut both", "loss", "stall", "crash", "leave", "fault", "reload", "priority", "standby", "taken", "flood"}[t]
}

func (d disturbance) String() string {
	return fmt.Sprintf("%v r%d to r%d lan %d for %v (%.2f)", d.what, d.node, d.to, d.lan, d.duration, d.value)
}

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func newPlan(rng *rand.Rand) plan {
	p := plan{
		version:  pick[uint8](rng, 2, 3, 3),
		interval: time.Second,
		lans:     pick(rng, 1, 1, 2),
	}
	if p.version == 3 {
		p.interval = pick(rng, time.Second, 100*time.Millisecond, 10*time.Millisecond)
	}
	p.delay = p.interval / 1000
	p.jitter = p.interval / 1000
	if rng.IntN(3) == 0 {
		p.duplicate = 0.2
	}
	p.addNodes(rng)
	n := len(p.nodes)
	span := 12 * p.interval
	start := p.down() + 2*p.interval
	for range rng.IntN(6) {
		d := disturbance{
			at:       time.Duration(rng.Int64N(int64(start + span))),
			node:     rng.IntN(n),
			what:     trouble(rng.IntN(int(troubles))),
			lan:      rng.IntN(p.lans),
			duration: time.Duration(rng.Int64N(int64(8 * p.interval))),
			value:    rng.Float64(),
		}
		d.to = (d.node + 1 + rng.IntN(n-1)) % n
		p.trouble = append(p.trouble, d)
		p.quiet = max(p.quiet, d.at+d.duration)
	}
	return p
}

// addNodes makes two to four routers. Priorities are apart by enough for the
// skew to tell them apart within the delays, or equal.
func (p *plan) addNodes(rng *rand.Rand) {
	n := 2 + rng.IntN(3)
	order := rng.Perm(n)
	equal := rng.IntN(8) == 0
	nopreempt := rng.IntN(4) == 0
	for i := range n {
		c := vrrp.Config{
			Version: p.version, Priority: uint8(60 + 40*order[i]), Self: address(i), Interval: p.interval,
			DownAdverts: 3, Preempt: !nopreempt || rng.IntN(2) == 0,
			Announce: vrrp.Announcements{Repeat: 1, Delay: 5 * p.interval, LowerRepeat: 1, LowerDelay: 5 * p.interval},
		}
		if equal {
			c.Priority = 100
		}
		if c.Preempt && rng.IntN(6) == 0 {
			c.PreemptDelay = 3 * p.interval
		}
		c.NoLowerAdvert = rng.IntN(8) == 0
		c.HigherSendAdvert = rng.IntN(8) == 0
		if rng.IntN(8) == 0 {
			c.ExpiredBackup = 200
		}
		p.nodes = append(p.nodes, c)
	}
	if !equal && !nopreempt && rng.IntN(8) == 0 { // the best one owns the addresses
		for i := range p.nodes {
			if order[i] == n-1 {
				p.nodes[i].Priority, p.nodes[i].PreemptDelay = vrrp.Owner, 0
			}
		}
	}
}

// skew is the most that a router waits beyond its missed adverts.
func (p *plan) skew() time.Duration {
	if p.version == 2 {
		return time.Second
	}
	return p.interval
}

// down is the most that a backup waits for a silent master.
func (p *plan) down() time.Duration { return 3*p.interval + p.skew() }

// patience is how long after the trouble the election may take: a delayed
// preemption, and two whole waits with an interval of listening each.
func (p *plan) patience() time.Duration { return 2*(p.down()+p.interval) + 3*p.interval + 2*p.interval }

// apply does what goes wrong now, and arranges for its end.
func (l *lan) apply(d disturbance) {
	n := l.nodes[d.node]
	if l.tell {
		l.say("%v", d)
	}
	switch d.what {
	case cutPath, cutBoth:
		l.paths[d.lan][d.node][d.to].cut = true
		l.paths[d.lan][d.to][d.node].cut = l.paths[d.lan][d.to][d.node].cut || d.what == cutBoth
	case lossy:
		l.paths[d.lan][d.node][d.to].loss = d.value
	case stall:
		n.stalled = l.now + d.duration
	case crash:
		n.crash()
	case leave:
		n.handle(vrrp.Stop{})
		n.crash()
	case fault:
		n.fault = true
		n.handle(vrrp.Faults{Reasons: []string{"cable"}})
	case reload:
		n.handle(vrrp.Configure{Config: n.cfg})
	case priority:
		n.handle(vrrp.Priority{Value: vrrp.Effective(n.cfg.Priority, -50)})
	case standby:
		n.standby = true
		n.handle(vrrp.Standby{On: true})
	case taken:
		n.handle(vrrp.Taken{})
	case strangers:
		for i := range 50 {
			l.push(event{
				at: l.now + time.Duration(i)*l.plan.interval/100, node: d.node, what: deliver,
				msg: vrrp.Advert{Router: d.lan, From: address(200), Priority: 1, Interval: l.plan.interval},
			})
		}
	}
}

// heal ends all trouble.
func (l *lan) heal() {
	l.say("everything is whole again")
	l.clean = true
	for _, paths := range l.paths {
		for _, row := range paths {
			for i := range row {
				row[i].cut, row[i].loss = false, 0
			}
		}
	}
	for _, n := range l.nodes {
		n.fault, n.standby = false, false
		if n.machine == nil || n.state() >= vrrp.Deleted {
			n.start()
			continue
		}
		n.stalled = min(n.stalled, l.now)
		n.drain()
		n.started = l.now
		n.handle(vrrp.Faults{})
		n.handle(vrrp.Standby{})
		for i := range l.plan.lans {
			n.handle(vrrp.Priority{Router: i, Value: n.cfg.Priority})
		}
	}
}
