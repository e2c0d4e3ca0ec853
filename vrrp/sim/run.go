package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/vrrp"
)

// Run plays the schedule of one seed. The error names the broken promise.
func Run(seed uint64) error {
	l := play(seed, false)
	if l.judge.broken == "" {
		return nil
	}
	return fmt.Errorf("seed %d: %s", seed, l.judge.broken)
}

// Trace plays the schedule of one seed and returns all that happened.
func Trace(seed uint64) string {
	l := play(seed, true)
	return strings.Join(l.trace, "\n") + "\n" + l.judge.broken
}

func play(seed uint64, tell bool) *lan {
	rng := rand.New(rand.NewPCG(seed, 0x68f))
	l := &lan{rng: rng, plan: newPlan(rng), tell: tell}
	l.judge.l, l.judge.believed = l, make([]*node, l.plan.lans)
	n := len(l.plan.nodes)
	for range l.plan.lans {
		paths := make([][]path, n)
		for i := range paths {
			paths[i] = make([]path, n)
		}
		l.paths = append(l.paths, paths)
	}
	for i, c := range l.plan.nodes {
		if tell {
			l.say("r%d: %+v", i, c)
		}
		l.nodes = append(l.nodes, &node{id: i, l: l, cfg: c})
	}
	for _, nd := range l.nodes {
		nd.start()
	}
	for i, d := range l.plan.trouble {
		l.push(event{at: d.at, what: act, arg: i})
	}
	l.until(l.plan.quiet)
	l.heal()
	l.until(l.now + l.plan.patience())
	l.judge.electedRightly()
	l.judge.settled = true
	for range 2 {
		if l.judge.broken != "" {
			break
		}
		l.takeMasterAway()
	}
	return l
}

// until plays everything up to an instant.
func (l *lan) until(end time.Duration) {
	for l.judge.broken == "" {
		if next := l.queue.next(); next == nil || next.at > end {
			break
		}
		e := l.queue.pop()
		l.now = e.at
		switch e.what {
		case wake:
			l.nodes[e.node].wake(e.arg)
		case deliver:
			l.nodes[e.node].receive(e.msg)
		case act:
			l.apply(l.plan.trouble[e.arg])
		}
	}
	l.now = max(l.now, end)
}

// takeMasterAway checks that exactly one other router follows, as soon as the
// protocol says, and that the master comes back to the order of before.
func (l *lan) takeMasterAway() {
	old, _ := l.judge.masterNow()
	graceful := l.rng.IntN(2) == 0
	l.judge.masters = 0
	wait := l.plan.down()
	if graceful {
		wait = l.plan.skew()
		old.handle(vrrp.Stop{})
	}
	l.say("r%d goes away, gracefully: %v", old.id, graceful)
	old.crash()
	l.until(l.now + wait + 4*l.plan.delay + 2*l.plan.jitter)
	switch m, why := l.judge.masterNow(); {
	case m == nil:
		l.judge.fail("%s, %v after r%d went away (gracefully: %v)", why, wait, old.id, graceful)
	case l.judge.masters != 1 && l.distinct():
		l.judge.fail("%d routers became master after r%d went away", l.judge.masters, old.id)
	}
	old.start()
	l.until(l.now + l.plan.patience())
	l.judge.electedRightly()
}

// distinct reports whether no two routers have the same priority, so that the
// skew alone decides who is first.
func (l *lan) distinct() bool {
	seen := map[uint8]bool{}
	for _, n := range l.nodes {
		if seen[n.cfg.Priority] {
			return false
		}
		seen[n.cfg.Priority] = true
	}
	return true
}
