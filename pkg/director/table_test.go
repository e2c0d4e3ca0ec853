package director

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

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
	s.said(both, "Gained quorum 1+0=1 <= 2 for VS [g1]:0", "Gained quorum 1+0=1 <= 8 for VS [g2]:0")
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
		{"an engine has nothing to do without persistence", func(v *config.VirtualServer) { v.Engine = "sip" }, base},
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
