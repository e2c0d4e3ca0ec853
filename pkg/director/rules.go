package director

import (
	"net/netip"
	"slices"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
)

// packetRules keep packet filter rules, see [firewall.Services].
type packetRules interface {
	Apply(firewall.ServicePolicy) error
	Whole() (bool, error)
	Close() error
	Release() error
}

// sysctls set kernel parameters and can put them back.
type sysctls interface {
	Set(value string, name ...string) error
	AcceptLocal(towards netip.Addr) error
	Restore() error
}

// marked is a group of addresses that nftables_ipvs makes one IPVS service.
type marked struct {
	group    string
	protocol config.Protocol
}

// mark returns the firewall mark of a group with a protocol. Over a reload it
// stays the same, and with it the services; marks of the configuration are left
// out.
func (p *policy) mark(vs *config.VirtualServer, cfg *config.Config) uint32 {
	g := marked{vs.Group, vs.Protocol}
	if m, ok := p.marks[g]; ok {
		return m
	}
	taken := make(map[uint32]bool)
	for _, m := range p.marks {
		taken[m] = true
	}
	for _, v := range cfg.VirtualServers {
		taken[v.FwMark] = true
	}
	for _, g := range cfg.ServerGroups {
		for _, m := range g.Marks {
			taken[m.Mark] = true
		}
	}
	m := max(cfg.Global.Firewall.NFIPVSStartFwmark, 1)
	for taken[m] {
		m++
	}
	if p.marks == nil {
		p.marks = make(map[marked]uint32)
	}
	p.marks[g] = m
	return m
}

// throughMarks replaces the addresses among the services of a group by one
// firewall mark for each family, and returns the rules that set it.
func throughMarks(keys []ipvs.Key, mark uint32) ([]ipvs.Key, []firewall.Mark) {
	var out []ipvs.Key
	var rules []firewall.Mark
	for _, k := range keys {
		if k.FWMark != 0 {
			out = append(out, k)
			continue
		}
		rules = append(rules, firewall.Mark{Addr: k.Addr, Protocol: uint8(k.Protocol), Port: k.Port, FWMark: mark})
		if all := ipvs.MarkKey(k.Family, mark); !slices.Contains(out, all) {
			out = append(out, all)
		}
	}
	return out, rules
}

// rules are the packet filter rules that the virtual servers need.
func (p *policy) rules() firewall.ServicePolicy {
	var want firewall.ServicePolicy
	for _, pl := range p.pools {
		want.Marks = append(want.Marks, pl.marking...)
		if pl.cfg.Method.FullNAT && pl.cfg.SNAT.IsValid() {
			for _, k := range pl.keys {
				if k.FWMark == 0 {
					want.SNAT = append(want.SNAT, firewall.SNAT{
						Addr: k.Addr, Protocol: uint8(k.Protocol), Port: k.Port, Source: pl.cfg.SNAT,
					})
				}
			}
		}
	}
	return want
}

// parameters are the kernel parameters below net.ipv4.vs that the virtual servers
// need, which hold for all of them.
func (p *policy) parameters() map[string]string {
	want := make(map[string]string)
	for _, pl := range p.pools {
		if pl.cfg.Method.FullNAT {
			want["conntrack"] = "1"
		}
	}
	return want
}

// expireFlows makes the kernel expire the connections of servers that are removed
// from now on, until undo is called. The worker's.
//
// The switch is one for the network namespace, so it is only on while a server
// leaves a virtual server that wants it: those of others keep their connections,
// in case they come back. Linux has looked at it at the removal since 5.9.
func (r *role) expireFlows() (undo func()) {
	if err := r.flows.Set("1", "net", "ipv4", "vs", "expire_nodest_conn"); err != nil {
		r.log.Error("expire_connections", zap.Error(err))
	}
	return func() {
		if err := r.flows.Restore(); err != nil {
			r.log.Error("expire_connections", zap.Error(err))
		}
	}
}

// firewallOptions are the settings of nftables_ipvs.
func firewallOptions(cfg *config.Config) firewall.Options {
	f := &cfg.Global.Firewall
	o := firewall.Options{Table: f.NFIPVSTable, Priority: int32(f.NFIPVSPriority), Counters: f.NFCounters}
	if o.Table == "" {
		o.Table = "keepalived_ipvs"
	}
	return o
}
