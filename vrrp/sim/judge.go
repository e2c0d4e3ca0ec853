package sim

import (
	"fmt"
	"time"

	"github.com/holdfast-lb/holdfast/vrrp"
)

// judge watches everything and keeps the first broken promise.
type judge struct {
	l       *lan
	broken  string
	settled bool // the first election after all trouble is over
	masters int  // how many became master since the last probe

	// believed is, for each LAN, where hosts take the addresses to be: they hear all
	// announcements, also those that other routers do not.
	believed []*node
}

func (j *judge) fail(format string, args ...any) {
	if j.broken == "" {
		j.broken = fmt.Sprintf("at %v: ", j.l.now) + fmt.Sprintf(format, args...)
	}
}

// action checks that only a master speaks, announces and is late for nothing.
func (j *judge) action(n *node, before, after vrrp.State, a vrrp.Action) {
	switch a := a.(type) {
	case vrrp.Send:
		master := before == vrrp.Master || after == vrrp.Master
		switch {
		case !master:
			j.fail("r%d sends an advert as %v", n.id, before)
		case a.Priority == 0 && after == vrrp.Master:
			j.fail("r%d says good-bye and stays", n.id)
		}
		j.rate(n, a)
	case vrrp.Announce:
		if after != vrrp.Master {
			j.fail("r%d announces addresses as %v", n.id, after)
		}
		j.believed[a.Router] = n
	case vrrp.Become:
		if a.To != after {
			j.fail("r%d tells of becoming %v, but is %v", n.id, a.To, after)
		}
	}
}

// rate checks that no neighbour provokes a flood: within an interval there is
// one regular advert and one answer, and what the operator caused.
func (j *judge) rate(n *node, a vrrp.Send) {
	if a.Router != 0 {
		return
	}
	if j.l.now-n.window >= j.l.plan.interval {
		n.window, n.adverts = j.l.now, 0
	}
	if n.adverts++; n.adverts > 12 {
		j.fail("r%d sends %d adverts in one interval", n.id, n.adverts)
	}
}

// changed checks what becoming master means for others.
func (j *judge) changed(n *node, before, after vrrp.State) {
	if j.l.tell {
		j.l.say("r%d is %v", n.id, after)
	}
	if before == vrrp.Master {
		n.owes = n.warned && j.l.clean // else what it says may be lost
	}
	if after != vrrp.Master {
		return
	}
	j.masters++
	if !j.l.clean {
		return
	}
	if !n.cfg.Preempt && before == vrrp.Backup && j.heardMaster(n) {
		j.fail("r%d took over from a living master although it is told not to preempt", n.id)
	}
	if j.settled {
		j.noneBetter(n)
	}
}

// heardMaster reports whether n heard a living master so lately that it can
// have no reason to replace it.
func (j *judge) heardMaster(n *node) bool {
	return n.heard > 0 && j.l.now-n.heard < 2*j.l.plan.interval
}

// noneBetter checks that the skew let the best backup be first.
func (j *judge) noneBetter(n *node) {
	for _, other := range j.l.nodes {
		long := j.l.now-other.started > j.l.plan.patience()
		if other != n && other.state() == vrrp.Backup && long && other.cfg.Priority > n.cfg.Priority {
			j.fail("r%d (%d) became master before r%d (%d)", n.id, n.cfg.Priority, other.id, other.cfg.Priority)
		}
	}
}

// masterNow returns the one master, or says why there is not exactly one.
func (j *judge) masterNow() (*node, string) {
	var found *node
	for _, n := range j.l.nodes {
		if n.state() != vrrp.Master {
			continue
		}
		if found != nil {
			return nil, fmt.Sprintf("r%d and r%d are both master", found.id, n.id)
		}
		found = n
	}
	if found == nil {
		return nil, "nobody is master"
	}
	return found, ""
}

// calm is the time in which neighbours can make a master announce once (decision 0204).
const calm = time.Second

// misled is a router that hosts take for master m and that should have told m so.
func (j *judge) misled(m *node) *node {
	for _, b := range j.believed {
		if b != m && b.owes {
			return b
		}
	}
	return nil
}

// electedRightly checks that the one master is the one there should be: the
// best of all that preempt, unless it may keep what it has.
func (j *judge) electedRightly() {
	m, why := j.masterNow()
	if m == nil {
		j.fail("%s, %v after all trouble ended", why, j.l.plan.patience())
		return
	}
	if j.misled(m) != nil {
		j.l.until(j.l.now + calm + j.l.plan.interval)
	}
	if b := j.misled(m); b != nil {
		j.fail("r%d is master, but hosts were told of r%d last", m.id, b.id)
	}
	for _, n := range j.l.nodes {
		if n.state() != vrrp.Master && n.state() != vrrp.Backup {
			continue
		}
		better := n.cfg.Priority > m.cfg.Priority
		if n != m && better && n.cfg.Preempt {
			j.fail("r%d (%d) is master beside r%d (%d), which preempts", m.id, m.cfg.Priority, n.id, n.cfg.Priority)
		}
	}
}
