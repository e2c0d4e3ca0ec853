package director

import (
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// A drain that gets its deadline later ends with it.
func TestDrainGetsADeadlineLater(t *testing.T) {
	s := begin(t, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1))))
	pl, server, err := s.p.find("10.9.0.100:80", "10.9.0.11:80")
	if err != nil {
		t.Fatal(err)
	}
	s.p.administer(pl, server, Drain, 0, epoch)
	s.p.administer(pl, server, Drain, time.Minute, epoch)
	if s.p.deadline().IsZero() {
		t.Fatal("nobody looks at the drain any more")
	}
	s.p.tick(epoch.Add(time.Minute))
	if server.admin != Maint {
		t.Errorf("after the deadline the server is %v, want %v", server.admin, Maint)
	}
}

// The connections of a draining server are counted by the worker; a reload may
// come before it has an answer.
func TestDrainIsOverAfterAReload(t *testing.T) {
	cfg := func() *config.Config { return cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1))) }
	s := begin(t, cfg())
	pl := s.p.pools[0]
	for _, server := range pl.servers {
		s.p.administer(pl, server, Drain, time.Hour, epoch)
	}
	s.reload(cfg())
	if s.e = s.p.drained(pl, pl.servers[0], epoch); len(s.e.lines)+len(s.e.switched)+len(s.e.dirty) > 0 {
		t.Errorf("a server of the old configuration does something: %+v", s.e)
	}
	for known := range s.p.steps {
		if known != s.p.pools[0] {
			t.Errorf("a virtual server of the old configuration is waited for")
		}
	}
}

// The two families of a firewall mark are two virtual servers, whose checks have
// nothing to do with each other.
func TestChecksOfBothFamiliesOfAMark(t *testing.T) {
	of := func(ipv6 bool) *config.VirtualServer {
		return edit(vs(rs("[2001:db8::1]:80", 1)), func(v *config.VirtualServer) { v.FwMark, v.IPv6 = 3, ipv6 })
	}
	cfg := cfgOf(of(false), of(true))
	var p policy
	p.load(cfg, checksFor(cfg, nil), nil, epoch)
	if len(p.checks) != 2 {
		t.Errorf("%d checks, want 2: %v", len(p.checks), p.specs())
	}
}
