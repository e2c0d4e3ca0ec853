package router

import (
	"context"
	"fmt"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// packetFilter is either of the kernel's two.
type packetFilter interface {
	Apply(firewall.Policy) error
	Close() error
	Release() error
}

// guard is the packet filter of the role. The filter itself is the worker's,
// and is opened when there is something to filter for the first time.
type guard struct {
	global config.FirewallGlobal
	open   func(*config.FirewallGlobal) (packetFilter, error)
	log    *zap.Logger
	told   string                          // the policy that was asked for last, as text
	next   atomic.Pointer[firewall.Policy] // what the next job is to apply; nil if there is none
	filter packetFilter
	worked bool // the filter has taken a policy
}

func newGuard(global config.FirewallGlobal, log *zap.Logger) *guard {
	return &guard{global: global, open: openFilter, log: log}
}

// guardNow has the packet filter follow the present states: addresses that are
// not to be talked to, and virtual MACs that are idle.
func (r *role) guardNow() {
	var p firewall.Policy
	for _, i := range r.instances {
		if i.held && !i.cfg.Accept && i.cfg.Priority != vrrp.Owner {
			for _, a := range i.want.Addresses {
				p.Silent = append(p.Silent, firewall.Silent{Addr: a.Prefix.Addr(), Index: a.Link})
			}
		}
		for _, v := range i.virtuals {
			parent, _ := r.mirror.LinkByName(v.parent)
			if v.index != 0 && v.kind == "macvlan" {
				p.Virtual = append(p.Virtual, firewall.Virtual{Index: v.index, Parent: parent.Index, Name: v.name, Idle: !i.held})
			}
		}
	}
	text := fmt.Sprint(p)
	if text == r.guard.told || r.guard.told == "" && len(p.Silent)+len(p.Virtual) == 0 {
		return
	}
	r.guard.told = text
	g := r.guard
	if g.next.Swap(&p) != nil {
		return // the job that waits applies this instead
	}
	r.worker.give(func(context.Context, network) func() {
		err := g.apply(*g.next.Swap(nil))
		if err == nil {
			return nil
		}
		return func() {
			r.log.Error("packet filter", zap.Error(err))
			r.guard.told = "failed" // the next change is a reason to try again, whatever it is
		}
	})
}

// apply belongs to the worker. Where iptables cannot be used, or does not have the
// chains, nftables takes its place, as with keepalived: addresses that are not to be
// talked to must not be open for want of a tool.
func (g *guard) apply(p firewall.Policy) error {
	if g.filter == nil {
		filter, err := g.open(&g.global)
		if err != nil {
			return err
		}
		g.filter = filter
	}
	err := g.filter.Apply(p)
	if err != nil && g.global.IPTables && !g.worked {
		g.log.Warn("iptables cannot be used, using nftables instead; use 'nftables' in place of 'vrrp_iptables' in global_defs", zap.Error(err))
		_ = g.filter.Close() // takes back what did work
		g.global.IPTables, g.filter = false, nil
		return g.apply(p)
	}
	g.worked = g.worked || err == nil
	return err
}

func openFilter(c *config.FirewallGlobal) (packetFilter, error) {
	if c.IPTables {
		return &firewall.IPTables{In: c.ChainIn, Out: c.ChainOut}, nil
	}
	return firewall.OpenNFTables(firewall.Options{Table: c.NFTable, Priority: int32(c.NFPriority), Counters: c.NFCounters})
}

// close takes all rules back; it belongs to the worker, too.
func (g *guard) close() error {
	if g.filter == nil {
		return nil
	}
	return g.filter.Close()
}
