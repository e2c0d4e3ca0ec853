package director

import (
	"net/netip"
	"slices"
	"time"
)

// inherit makes pl the successor of was.
func (p *policy) inherit(e *effects, pl, was *pool, checks checksOf, now time.Time) {
	pl.quorum, pl.panics, pl.members, pl.suspended = was.quorum, was.panics, was.members, was.suspended
	before := make(map[netip.AddrPort]*server, len(was.servers))
	for _, s := range was.servers {
		before[s.cfg.Addr] = s
	}
	pl.servers = newServers(pl, checks, now)
	for _, s := range pl.servers {
		if o := before[s.cfg.Addr]; o != nil {
			delete(before, s.cfg.Addr)
			s.inherit(o)
			if s.up != o.up { // a failing check is gone
				p.turned(e, pl, s, nil, now)
			}
			for i := range s.checks {
				s.checks[i].spec.Suspended = pl.muted(s)
			}
			p.reweigh(e, pl, s, o.weight)
		} else if p.initNotifies && s.up {
			p.server(e, pl, s, true, "Initial state is UP")
		}
	}
	for _, s := range was.servers {
		if before[s.cfg.Addr] != nil {
			p.removeServer(e, was, s)
		}
	}
	if was.cfg.Sorry != nil && (pl.cfg.Sorry == nil || pl.cfg.Sorry.Addr != was.cfg.Sorry.Addr) && (was.sorry() || was.cfg.SorryInhibit) {
		e.say(pl, nil, "Removing sorry server %s from VS %s", serverName(was.cfg, was.cfg.Sorry.Addr), pl.name)
		if pl.sorry() {
			e.say(pl, nil, "Adding sorry server %s to VS %s", serverName(pl.cfg, pl.cfg.Sorry.Addr), pl.name)
		}
	}
	p.judge(e, pl)
	pl.update(now)
}

// inherit takes over what is known of a server. A check that was not there
// before agrees with the server until it has its own answer, so that it neither
// kills nor revives; it has it soon where the server is down.
func (s *server) inherit(o *server) {
	for i := range s.checks {
		c := &s.checks[i]
		at := slices.IndexFunc(o.checks, func(k check) bool { return k.spec.Key == c.spec.Key })
		if at >= 0 {
			c.up, c.weight, c.result = o.checks[at].up, o.checks[at].weight, o.checks[at].result
			continue
		}
		if c.up = o.up; !c.up {
			c.spec.Warmup = 0
		}
	}
	s.told, s.since, s.reason, s.in = o.told, o.since, o.reason, o.in
	s.admin, s.deadline, s.ramp = o.admin, o.deadline, o.ramp
	s.weight = s.total()
	if s.up = s.healthy(); s.up != o.up {
		s.reason = ""
	}
}

// remove ends a virtual server that is in the configuration no more. Those who are to
// be told are, with omega and without.
func (p *policy) remove(e *effects, pl *pool) {
	if pl.cfg.Group != "" {
		e.say(pl, nil, "Removing Virtual Server Group [%s]", pl.cfg.Group)
	} else {
		e.say(pl, nil, "Removing Virtual Server %s", pl.name)
	}
	for _, s := range pl.servers {
		if s.up {
			e.say(pl, s, "Removing service %s from VS %s", s.name(), pl.name)
			p.server(e, pl, s, false, "Removing")
		}
	}
	if pl.quorum {
		p.service(e, pl, false, "Shutting down")
	}
}

// removeServer ends a real server of a virtual server that stays.
func (p *policy) removeServer(e *effects, pl *pool, s *server) {
	e.say(pl, s, "service %s no longer exist", s.name())
	switch {
	case s.up:
		e.say(pl, s, "Removing service %s from VS %s", s.name(), pl.name)
		p.server(e, pl, s, false, "Removing")
	case s.cfg.Inhibit:
		e.say(pl, s, "Removing (inhibited) service %s from VS %s", s.name(), pl.name)
	}
}
