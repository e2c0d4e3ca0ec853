package director

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
)

func TestFullNAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) {
			v.Method.FullNAT, v.SNAT = true, netip.MustParseAddr("10.9.0.1")
		})
		g := launch(t, ipvstest.New(), cfgOf(server))
		want := firewall.ServicePolicy{SNAT: []firewall.SNAT{{
			Addr: webKey.Addr, Protocol: 6, Port: 80, Source: netip.MustParseAddr("10.9.0.1"),
		}}}
		if diff := cmp.Diff(want, g.rules.policy, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
		parameters := fakeSysctls{"net.ipv4.vs.conntrack": "1"}
		if diff := cmp.Diff(parameters, g.set); diff != "" {
			t.Errorf("kernel parameters (-want +got):\n%s", diff)
		}
		g.reload <- cfgOf(vs(rs("10.9.0.11:80", 1)))
		synctest.Wait()
		if len(g.rules.policy.SNAT) != 0 {
			t.Errorf("rules of a service that needs none any more: %+v", g.rules.policy)
		}
		g.end()
		if !g.rules.closed || len(g.set) != 0 {
			t.Errorf("after the end: rules closed %v, parameters %v", g.rules.closed, g.set)
		}
	})
}

// Rules that another program has taken away are put back in the next period, which is
// said and counted once.
func TestRulesArePutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) {
			v.Method.FullNAT, v.SNAT = true, netip.MustParseAddr("10.9.0.1")
		})
		g := launch(t, ipvstest.New(), every(5*time.Second, cfgOf(server)))
		g.rules.mu.Lock()
		g.rules.policy, g.rules.lost = firewall.ServicePolicy{}, true
		g.rules.mu.Unlock()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if len(g.rules.policy.SNAT) != 1 {
			t.Errorf("rules after a period: %+v", g.rules.policy)
		}
		if !g.logged("packet filter rules were changed by another program") {
			t.Error("nothing is said")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if g.logged("packet filter rules") || g.role.counts.Drift != 1 {
			t.Errorf("said again, or counted %d times", g.role.counts.Drift)
		}
		g.end()
	})
}

// The kernel lets go of connections while a server leaves a virtual server that
// wants it, and at no other time.
func TestFlowsOfAServerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(address string, expire config.Tri) *config.VirtualServer {
			return edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) {
				v.Addr, v.ExpireConns = addr(address), expire
			})
		}
		k := ipvstest.New()
		cfg := cfgOf(at("10.9.0.100:80", config.True), at("10.9.0.101:80", config.False))
		g := launch(t, k, cfg)
		set := map[string]bool{} // by request: what was in force
		k.FailWith(func(op ipvs.Op) error {
			set[op.String()] = g.flows["net.ipv4.vs.expire_nodest_conn"] == "1"
			return nil
		})
		for _, v := range cfg.VirtualServers {
			without := *v
			without.RealServers = v.RealServers[:1]
			next := cfgOf(cfg.VirtualServers...)
			next.VirtualServers = slices.Clone(next.VirtualServers)
			next.VirtualServers[slices.Index(cfg.VirtualServers, v)] = &without
			g.reload <- next
			synctest.Wait()
			g.reload <- cfg
			synctest.Wait()
		}
		k.FailWith(nil)
		want := map[string]bool{
			"delete 10.9.0.12:80 from 10.9.0.100:80/tcp": true, "add 10.9.0.12:80 to 10.9.0.100:80/tcp": false,
			"delete 10.9.0.12:80 from 10.9.0.101:80/tcp": false, "add 10.9.0.12:80 to 10.9.0.101:80/tcp": false,
		}
		if diff := cmp.Diff(want, set); diff != "" {
			t.Errorf("expire_nodest_conn (-want +got):\n%s", diff)
		}
		g.end()
	})
}

// With nftables_ipvs a group is one service for each family.
func TestMarkedGroup(t *testing.T) {
	one := func(group string) *config.VirtualServer {
		return edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) { v.Addr, v.Group = netip.AddrPort{}, group })
	}
	cfg := cfgOf(one("a"), one("b"))
	cfg.Global.Firewall = config.FirewallGlobal{NFIPVS: true, NFIPVSStartFwmark: 1000}
	cfg.ServerGroups = []*config.ServerGroup{
		{Name: "a", Ranges: []config.GroupRange{
			{First: netip.MustParseAddr("10.9.0.100"), Count: 2, Port: 80},
			{First: netip.MustParseAddr("fd09::100"), Count: 1, Port: 80},
		}, Marks: []config.GroupMark{{Mark: 1001}}},
		{Name: "b", Ranges: []config.GroupRange{{First: netip.MustParseAddr("10.9.0.110"), Count: 1, Port: 81}}},
	}
	s := begin(t, cfg)
	table := `
		fwmark 1000/IPv4 rr
		  10.9.0.11:80 NAT 1
		fwmark 1000/IPv6 rr
		  10.9.0.11:80 NAT 1
		fwmark 1001/IPv4 rr
		  10.9.0.11:80 NAT 1
		fwmark 1002/IPv4 rr
		  10.9.0.11:80 NAT 1
		`
	s.tables(table)
	var marks []string
	for _, m := range s.p.rules().Marks {
		marks = append(marks, fmt.Sprintf("%v/%d:%d %d", m.Addr, m.Protocol, m.Port, m.FWMark))
	}
	want := []string{"10.9.0.100/6:80 1000", "10.9.0.101/6:80 1000", "fd09::100/6:80 1000", "10.9.0.110/6:81 1002"}
	if diff := cmp.Diff(want, marks); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	cfg.VirtualServers = cfg.VirtualServers[1:]
	s.reload(cfg)
	s.tables(`
		fwmark 1002/IPv4 rr
		  10.9.0.11:80 NAT 1
		`)
}
