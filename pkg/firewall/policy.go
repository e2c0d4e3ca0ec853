// Package firewall keeps the packet filter rules that virtual routers and
// servers need, in tables of our own: silence of addresses that a master does
// not accept packets for, membership reports of virtual MAC interfaces, silence
// of virtual MACs of which another router is master, firewall marks for groups
// of virtual services, and source NAT.
//
// What should be is a value ([Policy], [ServicePolicy]). [NFTables] makes it so
// in one transaction: the table is replaced as a whole, so at every instant
// either the old rules or the new ones apply. [IPTables] does the same with the
// older tools.
package firewall

import (
	"cmp"
	"net/netip"
	"slices"
)

// Policy is what the vrrp role wants.
type Policy struct {
	// Silent are addresses that nobody may talk to: those of masters that are
	// not the owner and have no_accept. Neighbour discovery goes on.
	Silent []Silent
	// Virtual are the virtual MAC interfaces.
	Virtual []Virtual
}

// Silent is one address; Index is the interface it is on, which tells
// link-local addresses apart.
type Silent struct {
	Addr  netip.Addr
	Index int
}

// Virtual is one virtual MAC interface.
type Virtual struct {
	Index  int
	Parent int
	Name   string // used by [IPTables] only
	// Idle says that another router is master: frames to the virtual MAC, which
	// a switch may flood here, are not for us.
	Idle bool
}

// normal is p in the one form in which equal policies have equal fields.
func (p Policy) normal() Policy {
	silent := slices.Clone(p.Silent)
	for i, s := range silent {
		silent[i].Addr = s.Addr.WithZone("")
		if !linkLocal(s.Addr) {
			silent[i].Index = 0
		}
	}
	slices.SortFunc(silent, func(a, b Silent) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Index, b.Index))
	})
	virtual := slices.Clone(p.Virtual)
	slices.SortFunc(virtual, func(a, b Virtual) int { return cmp.Compare(a.Index, b.Index) })
	return Policy{
		Silent:  slices.Compact(silent),
		Virtual: slices.CompactFunc(virtual, func(a, b Virtual) bool { return a.Index == b.Index }),
	}
}

// of is the part of p for one family.
func (p Policy) of(six bool) Policy {
	q := p.normal()
	q.Silent = slices.DeleteFunc(q.Silent, func(s Silent) bool { return s.Addr.Is4() == six })
	return q
}

func (p Policy) empty() bool { return len(p.Silent) == 0 && len(p.Virtual) == 0 }

func linkLocal(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

// ServicePolicy is what the checkers role wants.
type ServicePolicy struct {
	Marks []Mark
	SNAT  []SNAT
}

// Mark gives packets for an address and port a firewall mark, so that IPVS takes
// a whole group for one service.
type Mark struct {
	Addr     netip.Addr
	Protocol uint8  // IP protocol
	Port     uint16 // 0: all ports
	FWMark   uint32
}

// SNAT makes the connections of a virtual service come from an address of ours,
// so that real servers anywhere answer through us. IPVS must track connections
// (net.ipv4.vs.conntrack).
type SNAT struct {
	Addr     netip.Addr // of the virtual service
	Protocol uint8
	Port     uint16
	Source   netip.Addr
}

func (p ServicePolicy) of(six bool) ServicePolicy {
	return ServicePolicy{
		Marks: slices.DeleteFunc(slices.Clone(p.Marks), func(m Mark) bool { return m.Addr.Is4() == six }),
		SNAT: slices.DeleteFunc(slices.Clone(p.SNAT), func(s SNAT) bool {
			return s.Addr.Is4() == six || s.Addr.Is4() != s.Source.Is4()
		}),
	}
}

func (p ServicePolicy) empty() bool { return len(p.Marks) == 0 && len(p.SNAT) == 0 }
