package director

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// vs is a virtual server at 10.9.0.100:80 with the given real servers.
func vs(servers ...*config.RealServer) *config.VirtualServer {
	return &config.VirtualServer{
		Addr: addr("10.9.0.100:80"), Protocol: config.TCP, Scheduler: "rr", Quorum: 1, RealServers: servers,
	}
}

// rs is a real server with a check, which the test drives.
func rs(at string, weight int) *config.RealServer {
	return &config.RealServer{Addr: addr(at), Weight: weight, Checkers: []*config.Checker{{}}}
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func edit[T any](v *T, f func(*T)) *T { f(v); return v }

func cfgOf(servers ...*config.VirtualServer) *config.Config {
	return &config.Config{VirtualServers: servers}
}

// testChecks gives each checker of a real server a key such as "10.9.0.11:80/0".
func testChecks(vs *config.VirtualServer, rs *config.RealServer) []healthcheck.Spec {
	var specs []healthcheck.Spec
	for i, c := range rs.Checkers {
		key := rs.Addr.String() + "/" + string(rune('0'+i))
		if c.DelayLoop != 0 { // the test wants another definition
			key += "/" + c.DelayLoop.String()
		}
		if vs.FwMark != 0 || vs.Group != "" {
			key = serviceName(vs) + " " + key
		}
		specs = append(specs, healthcheck.Spec{Key: key, Ask: healthcheck.TCP{}, Alpha: c.Alpha || rs.Alpha || vs.Alpha})
	}
	return specs
}

// stage is a policy with what it said last.
type stage struct {
	*testing.T
	p policy
	e effects
}

func begin(t *testing.T, cfg *config.Config, found ...ipvs.Entry) *stage {
	s := &stage{T: t}
	s.e = s.p.load(cfg, testChecks, found, epoch)
	return s
}

func (s *stage) reload(cfg *config.Config) { s.e = s.p.load(cfg, testChecks, nil, epoch) }

func (s *stage) check(at string, up bool) {
	s.Helper()
	key := at + "/0"
	if _, ok := s.p.checks[key]; !ok {
		s.Fatalf("there is no check %s", key)
	}
	s.e = s.p.health(healthcheck.Event{Key: key, Up: up, First: true, Turned: true, Result: healthcheck.Result{OK: up, Reason: "connection refused"}}, epoch)
}

// said compares the last lines of the log.
func (s *stage) said(want ...string) {
	s.Helper()
	var got []string
	for _, l := range s.e.lines {
		got = append(got, l.text)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("log (-want +got):\n%s", diff)
	}
}

// told compares the last notifications, as lines of a FIFO.
func (s *stage) told(want ...string) {
	s.Helper()
	var got []string
	for _, n := range s.e.notes {
		got = append(got, n.Line())
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("notifications (-want +got):\n%s", diff)
	}
}

// tables compares the table with one line for each service and destination, as in
// "10.9.0.100:80/tcp rr" and "  10.9.0.11:80 NAT 1".
func (s *stage) tables(want string) {
	s.Helper()
	var b strings.Builder
	for _, e := range s.p.table() {
		b.WriteString(e.Key.String() + " " + e.Scheduler + "\n")
		for _, d := range e.Destinations {
			b.WriteString("  " + d.AddrPort().String() + " " + d.Method.String() + " " + strconv.Itoa(int(d.Weight)) + "\n")
		}
	}
	want = strings.TrimPrefix(strings.ReplaceAll(want, "\t", ""), "\n")
	if diff := cmp.Diff(want, b.String()); diff != "" {
		s.Errorf("table (-want +got):\n%s", diff)
	}
}

// The expected lines, notifications and tables below are keepalived's for the same
// configurations and events, except where a test says otherwise.

func TestSorryServer(t *testing.T) {
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) {
		v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:8080")}
	})))
	s.said("Gained quorum 1+0=1 <= 2 for VS [10.9.0.100]:tcp:80")
	s.told("VS [10.9.0.100]:tcp:80 UP")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.12:80 NAT 1
		`)
	s.check("10.9.0.12:80", false)
	s.said("Removing service [10.9.0.12]:tcp:80 from VS [10.9.0.100]:tcp:80")
	s.told("RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 DOWN")
	s.check("10.9.0.11:80", false)
	s.said(
		"Removing service [10.9.0.11]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Lost quorum 1-0=1 > 0 for VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.18]:tcp:8080 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.told("RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 DOWN", "VS [10.9.0.100]:tcp:80 DOWN")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.18:8080 NAT 1
		`)
	s.check("10.9.0.11:80", true)
	s.said(
		"Adding service [10.9.0.11]:tcp:80 to VS [10.9.0.100]:tcp:80",
		"Gained quorum 1+0=1 <= 1 for VS [10.9.0.100]:tcp:80",
		"Removing sorry server [10.9.0.18]:tcp:8080 from VS [10.9.0.100]:tcp:80",
		"Adding alive servers to the pool for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		`)
}

func TestQuorumWithHysteresis(t *testing.T) {
	cfg := cfgOf(edit(vs(rs("10.9.0.11:80", 2), rs("10.9.0.12:80", 1), edit(rs("10.9.0.13:80", 1), func(r *config.RealServer) { r.Alpha = true })),
		func(v *config.VirtualServer) {
			v.Quorum, v.Hysteresis = 3, 1
			v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:80")}
		}))
	s := begin(t, cfg)
	s.said(
		"Starting with quorum down 3+1=4 > 3 for VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.18]:tcp:80 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.told("VS [10.9.0.100]:tcp:80 DOWN")
	s.check("10.9.0.13:80", true)
	s.told("RS [10.9.0.13]:tcp:80 [10.9.0.100]:tcp:80 UP", "VS [10.9.0.100]:tcp:80 UP")
	s.check("10.9.0.13:80", false)
	s.said("Removing service [10.9.0.13]:tcp:80 from VS [10.9.0.100]:tcp:80")
	s.check("10.9.0.12:80", false) // 2 is not below 3-1
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 2
		`)
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.12:80", true)
	s.check("10.9.0.11:80", true) // 3 is below 3+1
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.18:80 NAT 1
		`)
}

// A quorum of 0 is what the configuration's checks make of weights that are all 0.
func TestNoWeightIsNoQuorum(t *testing.T) {
	withoutWeight := func(v *config.VirtualServer) {
		v.Quorum, v.Sorry = 0, &config.SorryServer{Addr: addr("10.9.0.18:80")}
	}
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 0), rs("10.9.0.12:80", 0)), withoutWeight)))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.18:80 NAT 1
		`)
	s.told("VS [10.9.0.100]:tcp:80 DOWN")
	s.reload(cfgOf(edit(vs(rs("10.9.0.11:80", 3), rs("10.9.0.12:80", 0)), func(v *config.VirtualServer) { withoutWeight(v); v.Quorum = 1 })))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 3
		  10.9.0.12:80 NAT 0
		`)
	s.told("VS [10.9.0.100]:tcp:80 UP")
}

func TestInhibit(t *testing.T) {
	inhibited := func(r *config.RealServer) { r.Inhibit = true }
	s := begin(t, cfgOf(edit(vs(edit(rs("10.9.0.11:80", 5), inhibited), edit(rs("10.9.0.12:80", 5), inhibited)), func(v *config.VirtualServer) {
		v.Quorum = 10
		v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:8080")}
		v.SorryInhibit = true
	})))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 5
		  10.9.0.12:80 NAT 5
		  10.9.0.18:8080 NAT 0
		`)
	s.check("10.9.0.12:80", false)
	s.said(
		"Disabling service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Lost quorum 10-0=10 > 5 for VS [10.9.0.100]:tcp:80",
		"Enabling sorry server [10.9.0.18]:tcp:8080 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.12:80 NAT 0
		  10.9.0.18:8080 NAT 1
		`)
	s.check("10.9.0.12:80", true)
	s.said(
		"Enabling service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Gained quorum 10+0=10 <= 10 for VS [10.9.0.100]:tcp:80",
		"Disabling sorry server [10.9.0.18]:tcp:8080 from VS [10.9.0.100]:tcp:80",
		"Adding alive servers to the pool for VS [10.9.0.100]:tcp:80",
	)
}

func TestSorryServerThatIsARealServer(t *testing.T) {
	for _, inhibit := range []bool{false, true} {
		with := func(r *config.RealServer) { r.Inhibit = inhibit }
		s := begin(t, cfgOf(edit(vs(edit(rs("10.9.0.11:80", 5), with), edit(rs("10.9.0.12:80", 3), with)), func(v *config.VirtualServer) {
			v.Sorry = &config.SorryServer{Addr: addr("10.9.0.11:80")}
		})))
		s.check("10.9.0.11:80", false)
		s.check("10.9.0.12:80", false)
		want := `
			10.9.0.100:80/tcp rr
			  10.9.0.11:80 NAT 1
			`
		if inhibit {
			want = `
			10.9.0.100:80/tcp rr
			  10.9.0.12:80 NAT 0
			  10.9.0.11:80 NAT 1
			`
		}
		s.tables(want)
		s.check("10.9.0.11:80", true)
		s.check("10.9.0.12:80", true)
		s.tables(`
			10.9.0.100:80/tcp rr
			  10.9.0.11:80 NAT 5
			  10.9.0.12:80 NAT 3
			`)
	}
}

func TestAlpha(t *testing.T) {
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) { v.Alpha = true })))
	s.said()
	s.told()
	s.tables("\n10.9.0.100:80/tcp rr\n")
	s.check("10.9.0.11:80", true)
	s.said("Adding service [10.9.0.11]:tcp:80 to VS [10.9.0.100]:tcp:80", "Gained quorum 1+0=1 <= 1 for VS [10.9.0.100]:tcp:80")
	s.check("10.9.0.12:80", false)
	s.said()
	s.told("RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 DOWN")
	s.check("10.9.0.12:80", false)
	s.told()
}

func TestOmega(t *testing.T) {
	s := begin(t, &config.Config{
		Global: config.Global{RSInitNotifies: true},
		VirtualServers: []*config.VirtualServer{edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)),
			func(v *config.VirtualServer) { v.Omega = true })},
	})
	s.told(
		"RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 UP",
		"RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 UP",
		"VS [10.9.0.100]:tcp:80 UP",
	)
	s.check("10.9.0.12:80", false)
	s.e = s.p.stop()
	s.said(
		"Shutting down service [10.9.0.11]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Shutting down service [10.9.0.12]:tcp:80 from VS [10.9.0.100]:tcp:80",
	)
	s.told("RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 DOWN", "VS [10.9.0.100]:tcp:80 DOWN")
}

func TestReload(t *testing.T) {
	inhibited := func(r *config.RealServer) { r.Inhibit = true }
	s := begin(t, cfgOf(vs(
		rs("10.9.0.11:80", 5),
		edit(rs("10.9.0.14:80", 3), inhibited),
		edit(rs("10.9.0.15:80", 1), inhibited),
		rs("10.9.0.16:80", 1),
	)))
	s.check("10.9.0.14:80", false)
	s.check("10.9.0.15:80", false)
	s.reload(cfgOf(vs(
		rs("10.9.0.11:80", 6),
		edit(rs("10.9.0.14:80", 4), inhibited),
		edit(rs("10.9.0.12:80", 1), func(r *config.RealServer) { r.Alpha = true }),
		rs("10.9.0.13:80", 2),
	)))
	s.said(
		"Changing weight from 5 to 6 for active service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Changing weight from 3 to 4 for inactive service [10.9.0.14]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"service [10.9.0.15]:tcp:80 no longer exist",
		"Removing (inhibited) service [10.9.0.15]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"service [10.9.0.16]:tcp:80 no longer exist",
		"Removing service [10.9.0.16]:tcp:80 from VS [10.9.0.100]:tcp:80",
	)
	s.told("RS [10.9.0.16]:tcp:80 [10.9.0.100]:tcp:80 DOWN")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 6
		  10.9.0.14:80 NAT 0
		  10.9.0.13:80 NAT 2
		`)
	s.reload(cfgOf(edit(vs(rs("10.9.0.11:80", 6)), func(v *config.VirtualServer) { v.Addr = addr("10.9.0.101:80") })))
	s.said(
		"Gained quorum 1+0=1 <= 6 for VS [10.9.0.101]:tcp:80",
		"Removing Virtual Server [10.9.0.100]:tcp:80",
		"Removing service [10.9.0.11]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Removing service [10.9.0.13]:tcp:80 from VS [10.9.0.100]:tcp:80",
	)
}

func TestReloadKeepsWhatIsKnown(t *testing.T) {
	other := func(r *config.RealServer) { r.Checkers[0].DelayLoop = time.Minute }
	s := begin(t, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), rs("10.9.0.13:80", 1))))
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.12:80", false)
	s.reload(cfgOf(vs(edit(rs("10.9.0.12:80", 1), other), rs("10.9.0.13:80", 1), rs("10.9.0.11:80", 1))))
	s.said() // neither a new check nor another order revives a server
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.13:80 NAT 1
		`)
	s.reload(cfgOf(vs(rs("10.9.0.13:80", 1), edit(rs("10.9.0.11:80", 1), func(r *config.RealServer) { r.Checkers = nil }))))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.13:80 NAT 1
		  10.9.0.11:80 NAT 1
		`)
}

func TestReloadOfTheSorryServer(t *testing.T) {
	sorry := func(at string) *config.Config {
		return cfgOf(edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) {
			if at != "" {
				v.Sorry = &config.SorryServer{Addr: addr(at)}
			}
		}))
	}
	s := begin(t, sorry("10.9.0.18:80"))
	s.check("10.9.0.11:80", false)
	s.reload(sorry("10.9.0.17:80"))
	s.said(
		"Removing sorry server [10.9.0.18]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.17]:tcp:80 to VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.17:80 NAT 1
		`)
	s.reload(sorry(""))
	s.said("Removing sorry server [10.9.0.17]:tcp:80 from VS [10.9.0.100]:tcp:80")
	s.tables("\n10.9.0.100:80/tcp rr\n")
}

func TestGroup(t *testing.T) {
	group := &config.ServerGroup{
		Name:   "g",
		Ranges: []config.GroupRange{{First: netip.MustParseAddr("10.9.0.100"), Count: 2, Port: 80}, {First: netip.MustParseAddr("10.9.0.110"), Count: 1, Port: 8080}},
		Marks:  []config.GroupMark{{Mark: 5}, {Mark: 5, IPv6: true}},
	}
	of := func(kind config.Kind) *stage {
		servers := []*config.RealServer{rs("10.9.0.11:80", 1)}
		servers[0].Method.Kind = kind
		cfg := cfgOf(edit(vs(servers...), func(v *config.VirtualServer) { v.Addr, v.Group = netip.AddrPort{}, "g" }))
		cfg.ServerGroups = []*config.ServerGroup{group}
		return begin(t, cfg)
	}
	nat := of(config.NAT)
	nat.said("Gained quorum 1+0=1 <= 1 for VS [g]:0")
	nat.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		10.9.0.101:80/tcp rr
		  10.9.0.11:80 NAT 1
		10.9.0.110:8080/tcp rr
		  10.9.0.11:80 NAT 1
		fwmark 5/IPv4 rr
		  10.9.0.11:80 NAT 1
		fwmark 5/IPv6 rr
		  10.9.0.11:80 NAT 1
		`)
	of(config.DR).tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 DR 1
		10.9.0.101:80/tcp rr
		  10.9.0.11:80 DR 1
		10.9.0.110:8080/tcp rr
		  10.9.0.11:8080 DR 1
		fwmark 5/IPv4 rr
		  10.9.0.11:0 DR 1
		fwmark 5/IPv6 rr
		  10.9.0.11:0 DR 1
		`)
}

// keepalived gives the shared service to whoever comes first, and takes it away
// from both when one goes.
func TestTwoGroupsShareAService(t *testing.T) {
	one := func(v *config.VirtualServer) { v.Addr, v.Group = netip.AddrPort{}, "g1" }
	two := func(v *config.VirtualServer) { v.Addr, v.Group = netip.AddrPort{}, "g2" }
	groups := []*config.ServerGroup{
		{Name: "g1", Ranges: []config.GroupRange{{First: netip.MustParseAddr("10.9.0.100"), Count: 2, Port: 80}}},
		{Name: "g2", Ranges: []config.GroupRange{{First: netip.MustParseAddr("10.9.0.101"), Count: 1, Port: 80}}},
	}
	cfg := cfgOf(edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.14:80", 1)), one), edit(vs(rs("10.9.0.12:80", 1), rs("10.9.0.14:80", 7)), two))
	cfg.ServerGroups = groups
	s := begin(t, cfg)
	both := "VS [g1]:0 and VS [g2]:0 both use the IPVS service 10.9.0.101:80/tcp: it has the servers of both and the settings of the first"
	s.said("Gained quorum 1+0=1 <= 2 for VS [g1]:0", "Gained quorum 1+0=1 <= 8 for VS [g2]:0", both)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.14:80 NAT 1
		10.9.0.101:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.14:80 NAT 1
		  10.9.0.12:80 NAT 1
		`)
	cfg = cfgOf(cfg.VirtualServers[0])
	cfg.ServerGroups = groups
	s.reload(cfg)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.14:80 NAT 1
		10.9.0.101:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.14:80 NAT 1
		`)
}

// keepalived programs one service for both, too.
func TestTheSameServiceTwice(t *testing.T) {
	cfg := cfgOf(vs(rs("10.9.0.11:80", 1)), vs(rs("10.9.0.11:80", 5), rs("10.9.0.12:80", 2)))
	s := begin(t, cfg)
	both := `
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.12:80 NAT 2
		`
	s.tables(both)
	if n := len(s.p.specs()); n != 3 {
		t.Errorf("%d checks, want one for each time that the server is written", n)
	}
	s.reload(cfg)
	s.tables(both)
	s.reload(cfgOf(cfg.VirtualServers[0]))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		`)
}

func TestServiceSettings(t *testing.T) {
	base := ipvs.Service{Key: ipvs.AddressKey(ipvs.TCP, addr("10.9.0.100:80")), Scheduler: "rr", Netmask: 0xffffffff}
	v6 := ipvs.Service{Key: ipvs.AddressKey(ipvs.TCP, addr("[fd09::1]:80")), Scheduler: "rr", Netmask: 128}
	for _, tt := range []struct {
		name string
		vs   func(*config.VirtualServer)
		want ipvs.Service
	}{
		{"plain", func(*config.VirtualServer) {}, base},
		{"scheduler flags", func(v *config.VirtualServer) { v.SchedFlags = 0x18 }, *edit(&ipvs.Service{Key: base.Key, Scheduler: "rr", Netmask: base.Netmask}, func(s *ipvs.Service) { s.Flags = ipvs.SchedulerFlag1 | ipvs.SchedulerFlag2 })},
		{"one packet", func(v *config.VirtualServer) { v.OnePacket = true }, ipvs.Service{Key: base.Key, Scheduler: "rr", Netmask: base.Netmask, Flags: ipvs.OnePacket}},
		{"persistence", func(v *config.VirtualServer) {
			v.Persistence, v.Netmask, v.Engine = time.Minute, 0xffffff00, "sip"
		}, ipvs.Service{Key: base.Key, Scheduler: "rr", Netmask: 0xffffff00, Flags: ipvs.Persistent, Timeout: time.Minute, Engine: "sip"}},
		{"granularity without persistence", func(v *config.VirtualServer) { v.Netmask = 0xffffff00 }, base},
		{"a granularity with holes", func(v *config.VirtualServer) {
			v.Persistence, v.Netmask = time.Minute, 0xff00ff00
		}, ipvs.Service{Key: base.Key, Scheduler: "rr", Netmask: 0xff00ff00, Flags: ipvs.Persistent, Timeout: time.Minute}},
		{"everybody is one", func(v *config.VirtualServer) {
			v.Persistence, v.Netmask = time.Minute, 0
		}, ipvs.Service{Key: base.Key, Scheduler: "rr", Flags: ipvs.Persistent, Timeout: time.Minute}},
		{"IPv6", func(v *config.VirtualServer) { v.Addr = addr("[fd09::1]:80") }, v6},
		{"IPv6 granularity", func(v *config.VirtualServer) {
			v.Addr, v.IPv6, v.Persistence, v.Granularity = addr("[fd09::1]:80"), true, time.Minute, 64
		}, ipvs.Service{Key: v6.Key, Scheduler: "rr", Netmask: 64, Flags: ipvs.Persistent, Timeout: time.Minute}},
		{"firewall mark", func(v *config.VirtualServer) { v.Addr, v.FwMark, v.IPv6 = netip.AddrPort{}, 8, true }, ipvs.Service{Key: ipvs.MarkKey(ipvs.IPv6, 8), Scheduler: "rr", Netmask: 128}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 1)), tt.vs)))
			if got := s.p.table()[0].Service; got != tt.want {
				t.Errorf("service %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestWeightsFromChecks(t *testing.T) {
	s := begin(t, cfgOf(vs(rs("10.9.0.11:80", 10), rs("10.9.0.12:80", 0))))
	event := func(weight int) {
		s.e = s.p.health(healthcheck.Event{Key: "10.9.0.11:80/0", Up: true, Weight: weight}, epoch)
	}
	event(5)
	s.said("Changing weight from 10 to 15 for active service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80")
	event(5)
	s.said()
	event(-20)
	s.said(
		"Changing weight from 15 to 0 for active service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Lost quorum 1-0=1 > 0 for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.12:80 NAT 0
		`)
	event(1 << 40)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 2147483647
		  10.9.0.12:80 NAT 0
		`)
}

// A role that comes back must not put dead servers into the pool; keepalived does.
func TestAdoption(t *testing.T) {
	web := ipvs.Service{Key: ipvs.AddressKey(ipvs.TCP, addr("10.9.0.100:80")), Scheduler: "rr", Netmask: 0xffffffff}
	in := func(at string, weight int32) ipvs.Destination {
		return ipvs.Destination{Addr: addr(at).Addr(), Port: addr(at).Port(), Weight: weight}
	}
	inhibited := edit(rs("10.9.0.13:80", 3), func(r *config.RealServer) { r.Inhibit = true })
	unchecked := edit(rs("10.9.0.14:80", 1), func(r *config.RealServer) { r.Checkers = nil })
	cfg := cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), inhibited, unchecked))
	s := begin(t, cfg, ipvs.Entry{Service: web, Destinations: []ipvs.Destination{in("10.9.0.11:80", 1), in("10.9.0.13:80", 0)}})
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.13:80 NAT 0
		  10.9.0.14:80 NAT 1
		`)
	for _, spec := range s.p.specs() {
		if soon := spec.Warmup == 0; !soon {
			t.Errorf("the first check of %s is not made at once", spec.Key)
		}
	}
	s.check("10.9.0.12:80", true)
	s.check("10.9.0.13:80", true)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.12:80 NAT 1
		  10.9.0.13:80 NAT 3
		  10.9.0.14:80 NAT 1
		`)
}

func TestAdministration(t *testing.T) {
	cfg := cfgOf(edit(vs(rs("10.9.0.11:80", 3), rs("10.9.0.12:80", 2)), func(v *config.VirtualServer) {
		v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:80")}
	}))
	s := begin(t, cfg)
	admin := func(real string, to Admin, timeout time.Duration) {
		t.Helper()
		pl, rs, err := s.p.find("10.9.0.100:80", real)
		if err != nil {
			t.Fatal(err)
		}
		s.e = s.p.administer(pl, rs, to, timeout, epoch)
	}
	admin("10.9.0.11:80", Drain, 0)
	s.said("Draining service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80")
	drained := `
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.12:80 NAT 2
		`
	s.tables(drained)
	s.reload(cfg)
	s.tables(drained) // survives a reload
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.11:80", true)
	s.tables(drained) // and a failure
	admin("[10.9.0.12]:tcp:80", Maint, 0)
	s.said(
		"Service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80 is in maintenance",
		"Lost quorum 1-0=1 > 0 for VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.18]:tcp:80 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.18:80 NAT 1
		`)
	admin("10.9.0.11:80", Ready, 0)
	admin("10.9.0.12:80", Drain, time.Minute)
	if got := s.p.deadline(epoch); !got.Equal(epoch.Add(time.Second)) {
		t.Errorf("connections are counted next at %v, want after a second", got)
	}
	s.e = s.p.tick(epoch.Add(time.Minute))
	s.said("Time to drain service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80 is over")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 3
		`)
	for _, wrong := range [][2]string{{"10.9.0.1:80", "10.9.0.11:80"}, {"10.9.0.100:80", "10.9.0.1:80"}} {
		if _, _, err := s.p.find(wrong[0], wrong[1]); err == nil {
			t.Errorf("find(%q, %q) finds something", wrong[0], wrong[1])
		}
	}
}

func TestSlowStart(t *testing.T) {
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 100), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) { v.SlowStart = 20 * time.Second })))
	weight := func(after time.Duration, want int32) {
		t.Helper()
		s.p.tick(epoch.Add(after))
		if got := s.p.table()[0].Destinations[0].Weight; got != want {
			t.Errorf("%v after it came back the weight is %d, want %d", after, got, want)
		}
	}
	weight(0, 100) // not at the start
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.11:80", true)
	weight(0, 1)
	weight(5*time.Second, 25)
	if next := s.p.deadline(epoch.Add(5 * time.Second)); !next.Equal(epoch.Add(6 * time.Second)) {
		t.Errorf("the next step is at %v, want after a second", next)
	}
	weight(20*time.Second, 100)
	if next := s.p.deadline(epoch.Add(20 * time.Second)); !next.IsZero() {
		t.Errorf("there is another step at %v", next)
	}
}

func TestPanic(t *testing.T) {
	for _, tt := range []struct {
		action config.PanicAction
		want   string
	}{
		{config.PanicSorry, "  10.9.0.18:80 NAT 1\n"},
		{config.PanicKeepLast, "  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n"},
		{config.PanicAll, "  10.9.0.11:80 NAT 1\n  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n"},
	} {
		s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), rs("10.9.0.13:80", 1)), func(v *config.VirtualServer) {
			v.MinUp, v.OnPanic = 50, tt.action
			v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:80")}
		})))
		s.check("10.9.0.11:80", false)
		s.tables("10.9.0.100:80/tcp rr\n  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n")
		s.check("10.9.0.12:80", false)
		s.tables("10.9.0.100:80/tcp rr\n" + tt.want)
		s.check("10.9.0.12:80", true)
		s.tables("10.9.0.100:80/tcp rr\n  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n")
	}
}
