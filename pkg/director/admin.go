package director

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// find returns the real server of a virtual server by the names in the log, or
// by their addresses alone: "192.0.2.1:80", "fwmark 3".
func (p *policy) find(virtual, real string) (*pool, *server, error) {
	var found *pool
	for _, pl := range p.pools {
		if pl.answersTo(virtual) {
			if found != nil {
				return nil, nil, fmt.Errorf("%s names several virtual servers: use the name in the log, such as %s", virtual, found.name)
			}
			found = pl
		}
	}
	if found == nil {
		return nil, nil, fmt.Errorf("there is no virtual server %s", virtual)
	}
	for _, s := range found.servers {
		if s.name() == real || s.cfg.Addr.String() == real {
			return found, s, nil
		}
	}
	return nil, nil, fmt.Errorf("virtual server %s has no real server %s", found.name, real)
}

func (pl *pool) answersTo(name string) bool {
	switch {
	case name == pl.name:
		return true
	case pl.cfg.Group != "":
		return name == pl.cfg.Group || name == "group "+pl.cfg.Group
	case pl.cfg.FwMark != 0:
		return name == fmt.Sprintf("fwmark %d", pl.cfg.FwMark)
	}
	return name == pl.cfg.Addr.String() || name == ipvs.AddressKey(ipvs.Protocol(pl.cfg.Protocol), pl.cfg.Addr).String()
}

// administer sets the administrative state of a server. A drain with a timeout
// ends as Maint.
func (p *policy) administer(pl *pool, s *server, to Admin, timeout time.Duration, now time.Time) effects {
	e := effects{ordered: true}
	s.deadline = time.Time{}
	if to == Drain && timeout > 0 {
		s.deadline = now.Add(timeout)
	}
	if s.admin == to {
		p.schedule(pl, now)
		return e
	}
	if to == Ready && pl.cfg.SlowStart > 0 && s.up {
		s.ramp = now
	}
	s.admin = to
	switch to {
	case Ready:
		e.say(pl, s, "Service %s of VS %s is ready again", s.name(), pl.name)
	case Drain:
		e.say(pl, s, "Draining service %s of VS %s", s.name(), pl.name)
	case Maint:
		e.say(pl, s, "Service %s of VS %s is in maintenance", s.name(), pl.name)
	}
	p.settle(&e, pl, now)
	s.mute(&e, pl)
	return e
}

// muted says whether the checks of a server are not to be made: in maintenance,
// and while ha_suspend leaves them to another machine.
func (pl *pool) muted(s *server) bool { return pl.suspended || s.admin == Maint }

// mute notes which checks of a server are to be made no more, or again.
func (s *server) mute(e *effects, pl *pool) {
	off := pl.muted(s)
	for i := range s.checks {
		if c := &s.checks[i]; c.spec.Suspended != off {
			c.spec.Suspended = off
			e.switched = append(e.switched, c)
		}
	}
}

// locate takes the addresses of this machine, for ha_suspend, which does not know
// what to do with marks and groups.
func (p *policy) locate(here map[netip.Addr]bool) effects {
	var e effects
	for _, pl := range p.pools {
		pl.suspended = pl.cfg.HASuspend && pl.cfg.Group == "" && pl.cfg.FwMark == 0 && !here[pl.cfg.Addr.Addr()]
		for _, s := range pl.servers {
			s.mute(&e, pl)
		}
	}
	return e
}

// tick does what has become due: steps of slow_start, and drains that are over.
func (p *policy) tick(now time.Time) effects {
	var e effects
	for _, pl := range p.pools {
		if due, ok := p.steps[pl]; !ok || now.Before(due) {
			continue
		}
		delete(p.steps, pl)
		for _, s := range pl.servers {
			if s.admin == Drain && !s.deadline.IsZero() && !now.Before(s.deadline) {
				e.say(pl, s, "Time to drain service %s of VS %s is over", s.name(), pl.name)
				s.admin, s.deadline, e.ordered = Maint, time.Time{}, true
				s.mute(&e, pl)
			}
			if !s.ramp.IsZero() && !now.Before(s.ramp.Add(pl.cfg.SlowStart)) {
				s.ramp = time.Time{}
			}
		}
		if pl.update(now) {
			e.dirty = append(e.dirty, pl.keys...)
		}
		p.schedule(pl, now)
	}
	return e
}

// drained ends a drain with a timeout whose last connection has gone, unless a
// reload has replaced the server since they were counted.
func (p *policy) drained(pl *pool, s *server, now time.Time) effects {
	var e effects
	if p.byID[pl.id] != pl || s.admin != Drain || s.deadline.IsZero() {
		return e
	}
	e.say(pl, s, "Service %s of VS %s is drained", s.name(), pl.name)
	s.admin, s.deadline, e.ordered = Maint, time.Time{}, true
	p.settle(&e, pl, now)
	s.mute(&e, pl)
	return e
}

// watchDrains has the worker count the connections of servers that drain against
// a deadline, and ends the drains of those that have none left.
func (r *role) watchDrains() {
	for pl := range r.policy.steps {
		for i, s := range pl.servers {
			if s.admin != Drain || s.deadline.IsZero() {
				continue
			}
			v, left := viewOf(pl), uint64(0)
			var err error
			r.errands = append(r.errands, errand{
				run: func(ctx context.Context, k ipvs.Kernel) { left, err = v.active(ctx, k, i) },
				then: func() {
					if err != nil {
						r.log.Warn("connections of a draining server could not be counted", zap.Error(err))
					} else if left == 0 {
						r.carry(r.policy.drained(pl, s, time.Now()))
					}
				},
			})
		}
	}
}

// active counts the connections of one server that are established.
func (v view) active(ctx context.Context, k ipvs.Kernel, server int) (uint64, error) {
	wanted := make(map[ipvs.Key]bool, len(v.keys))
	for _, key := range v.keys {
		wanted[key] = true
	}
	status, err := k.Status(ctx, func(key ipvs.Key) bool { return wanted[key] })
	var sum uint64
	for _, e := range status {
		at := v.at(server, e.Key)
		for _, d := range e.Destinations {
			if d.AddrPort() == at {
				sum += uint64(d.Active)
			}
		}
	}
	return sum, err
}
