package director

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// drawService draws a virtual server with up to five real servers.
func drawService(t *rapid.T) *config.VirtualServer {
	var servers []*config.RealServer
	total := 0
	for i := range rapid.IntRange(1, 5).Draw(t, "servers") {
		r := rs(fmt.Sprintf("10.9.0.%d:80", i+1), rapid.IntRange(0, 3).Draw(t, "weight"))
		r.Inhibit, r.Alpha = rapid.Bool().Draw(t, "inhibit"), rapid.Bool().Draw(t, "alpha")
		total += int(r.Weight)
		servers = append(servers, r)
	}
	v := vs(servers...)
	v.Quorum = uint32(rapid.IntRange(min(1, total), total).Draw(t, "quorum")) // as the configuration's checks leave it
	if v.Quorum > 0 {
		v.Hysteresis = uint32(rapid.IntRange(0, int(v.Quorum)-1).Draw(t, "hysteresis"))
	}
	if rapid.Bool().Draw(t, "sorry") {
		last := rapid.IntRange(1, 9).Draw(t, "sorry server") // perhaps a real server
		v.Sorry = &config.SorryServer{Addr: addr(fmt.Sprintf("10.9.0.%d:80", last))}
		v.SorryInhibit = rapid.Bool().Draw(t, "sorry inhibit")
	}
	return v
}

func verdict(r *config.RealServer, up bool) healthcheck.Event {
	return healthcheck.Event{Key: r.Addr.String() + "/0", Up: up}
}

func TestPolicyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawService(t)
		var p policy
		p.load(cfgOf(v), testChecks, nil, epoch)
		pl := p.pools[0]
		holds(t, pl, p.table())
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			r := rapid.SampledFrom(v.RealServers).Draw(t, "server")
			before := pl.quorum
			e := p.health(verdict(r, rapid.Bool().Draw(t, "up")), epoch)
			holds(t, pl, p.table())
			if sum := pl.sum(); before != pl.quorum && pl.quorum != pl.gains(sum) {
				t.Fatalf("the quorum went from %v to %v at %d", before, pl.quorum, sum)
			}
			if again := p.health(verdict(r, healthOf(pl, r)), epoch); len(again.lines)+len(again.notes)+len(again.dirty) != 0 {
				t.Fatalf("the same answer once more does something: %+v after %+v", again, e)
			}
		}
	})
}

func healthOf(pl *pool, r *config.RealServer) bool {
	for _, s := range pl.servers {
		if s.cfg == r {
			return s.up
		}
	}
	return false
}

// holds checks what is true of a virtual server at any time.
func holds(t *rapid.T, pl *pool, table ipvs.Table) {
	in := make(map[netip.AddrPort]int32)
	for _, d := range table[0].Destinations {
		if _, twice := in[d.AddrPort()]; twice {
			t.Fatalf("%v is in the table twice", d.AddrPort())
		}
		in[d.AddrPort()] = d.Weight
	}
	sorry := pl.cfg.Sorry != nil && !pl.quorum
	if sum := pl.sum(); pl.quorum && pl.loses(sum) || !pl.quorum && pl.gains(sum) {
		t.Fatalf("quorum %v with a weight of %d, wanted %d±%d", pl.quorum, sum, pl.cfg.Quorum, pl.cfg.Hysteresis)
	}
	if pl.cfg.Sorry != nil {
		weight, there := in[pl.cfg.Sorry.Addr]
		switch twin := pl.sorryIsReal(); {
		case sorry && (!there || weight != 1):
			t.Fatalf("the quorum is lost and the sorry server has not taken over: %v", in)
		case !sorry && twin == nil && there != pl.cfg.SorryInhibit:
			t.Fatalf("the sorry server is there: %v, inhibited: %v", there, pl.cfg.SorryInhibit)
		case !sorry && twin == nil && weight != 0:
			t.Fatalf("the sorry server serves while there is a quorum: %v", in)
		}
	}
	for _, s := range pl.servers {
		if sorry && s == pl.sorryIsReal() {
			continue
		}
		weight, there := in[s.cfg.Addr]
		serves := s.up && !sorry
		if serves && (!there || weight != int32(s.cfg.Weight)) {
			t.Fatalf("%s is up and in the table %v with weight %d", s.name(), there, weight)
		}
		if !serves && (there != s.cfg.Inhibit || weight != 0) {
			t.Fatalf("%s must not serve; it is in the table %v with weight %d", s.name(), there, weight)
		}
	}
}

// Without hysteresis the past does not matter: however the verdicts came, the
// same verdicts give the same table. Neither does it matter in which order the
// members of the table were put there, for it is that of the configuration.
func TestOrderOfEventsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawService(t)
		v.Hysteresis = 0
		final := make(map[*config.RealServer]bool)
		for _, r := range v.RealServers {
			final[r] = rapid.Bool().Draw(t, "final")
		}
		reach := func(label string) ipvs.Table {
			var p policy
			p.load(cfgOf(v), testChecks, nil, epoch)
			for range rapid.IntRange(0, 10).Draw(t, "noise "+label) {
				p.health(verdict(rapid.SampledFrom(v.RealServers).Draw(t, "server"), rapid.Bool().Draw(t, "up")), epoch)
			}
			for _, r := range rapid.Permutation(v.RealServers).Draw(t, "order "+label) {
				p.health(verdict(r, final[r]), epoch)
			}
			return p.table()
		}
		one, other := reach("one"), reach("other")
		if fmt.Sprint(one) != fmt.Sprint(other) {
			t.Fatalf("two ways to the same verdicts %v end differently:\n%v\n%v", final, one, other)
		}
	})
}

// A reload of the same configuration does nothing, wherever it comes.
func TestReloadOfTheSameDoesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawService(t)
		var p policy
		p.load(cfgOf(v), testChecks, nil, epoch)
		for range rapid.IntRange(0, 10).Draw(t, "events") {
			p.health(verdict(rapid.SampledFrom(v.RealServers).Draw(t, "server"), rapid.Bool().Draw(t, "up")), epoch)
		}
		before := p.table()
		e := p.load(cfgOf(v), testChecks, nil, epoch)
		if len(e.lines)+len(e.notes) != 0 {
			t.Fatalf("the reload says %+v", e)
		}
		if plan := ipvs.Plan(before, p.table()); len(plan) != 0 {
			t.Fatalf("the reload changes %v", plan)
		}
	})
}
