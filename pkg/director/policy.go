package director

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// checksOf returns the checks of one real server. Their keys are unique in a
// configuration and equal in two when the checks are the same.
type checksOf func(*config.VirtualServer, *config.RealServer) []healthcheck.Spec

// policy says which IPVS table there should be. It reads no clock and talks to
// nobody: every method takes what happened and returns what is to be done.
type policy struct {
	teller
	initNotifies bool
	recalled     orders // of an earlier process, for virtual servers that begin

	pools  []*pool // in the order of the configuration
	byID   map[identity]*pool
	checks map[string]place        // by key
	users  map[ipvs.Key][]*pool    // of each IPVS service, in the order of the configuration
	keys   []ipvs.Key              // of users, in the order of the configuration
	marks  map[marked]uint32       // given to groups by nftables_ipvs
	moving map[ipvs.Key]bool       // those with expire_connections; never changed, only replaced
	paths  map[ipvs.Key]ipvs.Entry // services for checks that take IPVS's way
	steps  map[*pool]time.Time     // when those that have something to do by themselves do it
}

// place is where a check belongs.
type place struct {
	pool   *pool
	server *server
	check  *check
}

// load takes a new configuration, the first one too, and carries over what is
// known of servers and checks that are in it again. found is what the kernel
// holds when a role starts; it matters only for the first configuration, of which
// begin tells.
func (p *policy) load(cfg *config.Config, checks checksOf, found ipvs.Table, now time.Time) effects {
	before, old := p.pools, p.byID
	first := old == nil
	p.teller, p.initNotifies = teller{&cfg.Global}, cfg.Global.RSInitNotifies
	p.pools = make([]*pool, 0, len(cfg.VirtualServers))
	p.keys = make([]ipvs.Key, 0, len(cfg.VirtualServers))
	p.byID = make(map[identity]*pool, len(cfg.VirtualServers))
	p.checks = make(map[string]place)
	p.users = make(map[ipvs.Key][]*pool, len(cfg.VirtualServers))
	p.moving = make(map[ipvs.Key]bool)
	p.steps = make(map[*pool]time.Time)
	groups := make(map[string]*config.ServerGroup, len(cfg.ServerGroups))
	for _, g := range cfg.ServerGroups {
		groups[g.Name] = g
	}
	here := newFindings(found)

	var e effects
	for _, vs := range cfg.VirtualServers {
		id := identify(vs)
		keys := keysOf(vs, groups)
		if len(vs.RealServers) == 0 || len(keys) == 0 {
			continue // both are reported with the configuration
		}
		for p.byID[id] != nil {
			id.again++
		}
		pl := &pool{id: id, name: id.name, cfg: vs, keys: keys}
		if vs.Group != "" && cfg.Global.Firewall.NFIPVS {
			pl.keys, pl.marking = throughMarks(keys, p.mark(vs, cfg))
		}
		if was := old[id]; was != nil {
			p.inherit(&e, pl, was, checks, now)
		} else if p.create(pl, checks, here, now); !first {
			p.introduce(&e, pl)
		}
		p.enter(&e, pl)
		p.schedule(pl, now)
	}
	for _, pl := range before {
		if p.byID[pl.id] == nil {
			p.remove(&e, pl)
		}
	}
	p.paths = pathEntries(cfg)
	p.keys = append(p.keys, slices.SortedFunc(maps.Keys(p.paths), ipvs.Key.Compare)...)
	return e
}

// enter adds a pool to the policy's indexes.
func (p *policy) enter(e *effects, pl *pool) {
	pl.mayCollide = collides(pl)
	p.pools = append(p.pools, pl)
	p.byID[pl.id] = pl
	for _, s := range pl.servers {
		for i := range s.checks {
			p.checks[s.checks[i].spec.Key] = place{pl, s, &s.checks[i]}
		}
	}
	for _, k := range pl.keys {
		users := p.users[k]
		if len(users) == 0 {
			p.keys = append(p.keys, k)
		} else if len(users) == 1 {
			e.warn(pl, nil, "VS %s and VS %s both use the IPVS service %v: it has the servers of both and the settings of the first",
				users[0].name, pl.name, k)
		}
		p.users[k] = append(users, pl)
		if pl.cfg.ExpireConns == config.True {
			p.moving[k] = true
		}
	}
}

// newServers makes the servers of a pool as if none was known before. They are
// allocated together, for there are tens of thousands of them.
func newServers(pl *pool, checks checksOf, now time.Time) []*server {
	vs := pl.cfg
	all, list := make([]server, len(vs.RealServers)), make([]*server, len(vs.RealServers))
	for i, rs := range vs.RealServers {
		s := &all[i]
		*s = server{vs: vs, cfg: rs, since: now}
		if specs := checks(vs, rs); len(specs) > 0 {
			s.checks = make([]check, len(specs))
			for j := range specs {
				s.checks[j].spec = specs[j]
				s.checks[j].up, s.checks[j].weight = specs[j].Opening()
				if specs[j].Number != nil && !s.checks[j].up {
					s.told = true // it is where it belongs, which is no news
				}
				if pl.id.ipv6 { // or it would be a check of the same mark for IPv4
					s.checks[j].spec.Key += " for IPv6"
				}
				if pl.id.again > 0 { // or it would be a check of the first
					s.checks[j].spec.Key += fmt.Sprintf(" again %d", pl.id.again)
				}
			}
		}
		s.up, s.weight = s.healthy(), s.total()
		list[i] = s
	}
	return list
}

// create starts a virtual server.
func (p *policy) create(pl *pool, checks checksOf, here findings, now time.Time) {
	pl.servers = newServers(pl, checks, now)
	for _, s := range pl.servers {
		if s.up && len(s.checks) > 0 && here.lacks(pl.keys, s.cfg) {
			s.assumeDown()
		}
		p.recalled.obey(pl, s)
	}
	pl.quorum = pl.gains(pl.sum())
	pl.panics = pl.panicking()
	pl.update(now)
}

// introduce tells how a virtual server begins.
func (p *policy) introduce(e *effects, pl *pool) {
	if p.initNotifies {
		for _, s := range pl.servers {
			if s.up {
				p.server(e, pl, s, true, "Initial state is UP")
			}
		}
	}
	p.announceFirst(e, pl)
}

// begin tells how the first configuration begins.
func (p *policy) begin(tell func(effects)) { p.eachPool(tell, p.introduce) }

// eachPool tells of one virtual server at a time: there may be tens of thousands
// of lines.
func (p *policy) eachPool(tell func(effects), of func(*effects, *pool)) {
	var e effects
	for _, pl := range p.pools {
		e.lines, e.notes = e.lines[:0], e.notes[:0]
		of(&e, pl)
		tell(e)
	}
}

// assumeDown takes the kernel's word for it: an earlier process of ours has
// removed the server. Its checks will tell.
func (s *server) assumeDown() {
	for i := range s.checks {
		s.checks[i].up = false
		s.checks[i].spec.Warmup = 0 // so that it is not out for longer than needed
	}
	s.up, s.told = false, true
	s.reason = "was not in the IPVS table at the start"
}

// health takes the answer of a check.
func (p *policy) health(ev healthcheck.Event, now time.Time) effects {
	var e effects
	at, ok := p.checks[ev.Key]
	if !ok {
		return e // of a configuration that is gone
	}
	c, s, pl := at.check, at.server, at.pool
	failing := c.up && !ev.Up
	c.up, c.weight, c.result = ev.Up, ev.Weight, ev.Result

	old := s.weight
	s.weight = s.total()
	up := s.healthy()
	if _, file := c.spec.Ask.(healthcheck.File); !failing && !(file && up != s.up) {
		p.reweigh(&e, pl, s, old) // before it comes up; what a failing check takes away is not told
	}
	switch {
	case up != s.up:
		s.up, s.since = up, now
		s.reason = ""
		if !up {
			s.reason = c.spec.Ask.Keyword() + ": " + ev.Result.Reason
		}
		p.turned(&e, pl, s, c, now)
	case !up && !s.told: // it started as down, and that is confirmed now
		s.reason = c.spec.Ask.Keyword() + ": " + ev.Result.Reason
		p.server(&e, pl, s, false, verdictText(c, false))
	}
	p.settle(&e, pl, now)
	return e
}

// turned reports that a server has come up or gone down.
func (p *policy) turned(e *effects, pl *pool, s *server, c *check, now time.Time) {
	s.ramp = time.Time{}
	if s.up && pl.cfg.SlowStart > 0 {
		s.ramp = now
	}
	switch {
	case s.up && pl.inhibits(s):
		e.say(pl, s, "Enabling service %s of VS %s", s.name(), pl.name)
	case s.up:
		e.say(pl, s, "Adding service %s to VS %s", s.name(), pl.name)
	case pl.inhibits(s):
		e.say(pl, s, "Disabling service %s of VS %s", s.name(), pl.name)
	default:
		e.say(pl, s, "Removing service %s from VS %s", s.name(), pl.name)
	}
	p.server(e, pl, s, s.up, verdictText(c, s.up))
}

func (p *policy) reweigh(e *effects, pl *pool, s *server, old int32) {
	if s.weight == old {
		return
	}
	state := "inactive"
	if s.up {
		state = "active"
	}
	e.say(pl, s, "Changing weight from %d to %d for %s service %s of VS %s", old, s.weight, state, s.name(), pl.name)
}

// stop says good-bye.
func (p *policy) stop(tell func(effects)) {
	p.eachPool(tell, func(e *effects, pl *pool) {
		for _, s := range pl.servers {
			e.say(pl, s, "Shutting down service %s from VS %s", s.name(), pl.name)
			if pl.cfg.Omega && s.up {
				p.server(e, pl, s, false, "Shutting down")
			}
		}
		if pl.cfg.Omega && pl.quorum {
			p.service(e, pl, false, "Shutting down")
		}
	})
}

// table is the whole table that should be.
func (p *policy) table() ipvs.Table {
	t := make(ipvs.Table, len(p.keys))
	for i, k := range p.keys {
		t[i], _ = p.entry(k)
	}
	return t
}

// part is the table that should be, of some services only.
func (p *policy) part(keys []ipvs.Key) ipvs.Table {
	t := make(ipvs.Table, 0, len(keys))
	for _, k := range keys {
		if e, ok := p.entry(k); ok {
			t = append(t, e)
		}
	}
	return t
}

// entry is the service that there should be, if there should be one.
func (p *policy) entry(k ipvs.Key) (e ipvs.Entry, ok bool) {
	if users := p.users[k]; len(users) > 0 {
		return entry(k, users), true
	}
	e, ok = p.paths[k]
	return e, ok
}

// has reports whether there should be this service.
func (p *policy) has(k ipvs.Key) bool {
	_, path := p.paths[k]
	return path || len(p.users[k]) > 0
}

// servers is how many servers a service may have.
func (p *policy) servers(k ipvs.Key) (n int) {
	for _, pl := range p.users[k] {
		n += len(pl.servers)
	}
	return n
}

// specs are all checks, in the order of the configuration.
func (p *policy) specs() []healthcheck.Spec {
	specs := make([]healthcheck.Spec, 0, len(p.checks))
	for _, pl := range p.pools {
		for _, s := range pl.servers {
			for i := range s.checks {
				specs = append(specs, s.checks[i].spec)
			}
		}
	}
	return specs
}

// schedule notes when a pool has something to do by itself. What was due sooner
// stays so: it is not put off by what happens meanwhile.
func (p *policy) schedule(pl *pool, now time.Time) {
	next := pl.nextStep(now)
	switch was, ok := p.steps[pl]; {
	case next.IsZero():
		delete(p.steps, pl)
	case !ok || next.Before(was):
		p.steps[pl] = next
	}
}

// deadline is when tick is due; zero is never.
func (p *policy) deadline() time.Time {
	var next time.Time
	for _, t := range p.steps {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	return next
}
