package netstate

import (
	"fmt"
	"net/netip"
	"strings"
)

// RuleAction is what a policy rule does; the numbers are the kernel's
// (FR_ACT_*).
type RuleAction uint8

// The rule actions.
const (
	RuleLookup      RuleAction = 1 // look into Table
	RuleGoto        RuleAction = 2 // go on at priority Goto
	RuleNop         RuleAction = 3
	RuleBlackhole   RuleAction = 6
	RuleUnreachable RuleAction = 7
	RuleProhibit    RuleAction = 8
)

// Range is an inclusive range of numbers.
type Range[T ~uint16 | ~uint32] struct{ First, Last T }

// Rule is one policy routing rule. Build it with [NewRule].
type Rule struct {
	Family   Family
	Priority uint32
	Action   RuleAction
	Table    uint32 // of RuleLookup
	Goto     uint32 // of RuleGoto

	Not      bool
	From, To netip.Prefix // zero: all
	TOS      uint8
	Mark     Opt[uint32]
	Mask     uint32 // of Mark; 0 counts as all ones
	Realms   uint32 // source realm << 16 | destination realm; 0: none
	In, Out  string // interface names; empty: any

	SuppressPrefixLen Opt[uint32]
	SuppressIfGroup   Opt[uint32]
	TunnelID          uint64
	L3MDev            bool // the table is that of the VRF the packet belongs to
	UIDs              Opt[Range[uint32]]
	IPProto           uint8
	SrcPorts          Opt[Range[uint16]]
	DstPorts          Opt[Range[uint16]]

	Protocol uint8
}

// NewRule is a rule that matches everything and looks into the main table,
// with protocol 18.
func NewRule(f Family, priority uint32) Rule {
	return Rule{Family: f, Priority: priority, Action: RuleLookup, Table: TableMain, Protocol: Protocol}
}

// Normal is r in the one form in which equal rules are equal values.
func (r Rule) Normal() Rule {
	norm := func(p netip.Prefix) netip.Prefix {
		if !p.IsValid() || p.Bits() == 0 {
			return netip.Prefix{}
		}
		return p.Masked()
	}
	r.From, r.To = norm(r.From), norm(r.To)
	if r.Mark.Set && r.Mask == 0 {
		r.Mask = ^uint32(0)
	}
	if !r.Mark.Set {
		r.Mask = 0
	}
	if r.Action != RuleLookup || r.L3MDev {
		r.Table = 0
	}
	if r.Action != RuleGoto {
		r.Goto = 0
	}
	return r
}

func (r Rule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:", r.Priority)
	if r.Not {
		b.WriteString(" not")
	}
	all := func(p netip.Prefix) string {
		if !p.IsValid() || p.Bits() == 0 {
			return "all"
		}
		return p.String()
	}
	fmt.Fprintf(&b, " from %s", all(r.From))
	if r.To.IsValid() {
		fmt.Fprintf(&b, " to %s", all(r.To))
	}
	if r.In != "" {
		fmt.Fprintf(&b, " iif %s", r.In)
	}
	if r.Out != "" {
		fmt.Fprintf(&b, " oif %s", r.Out)
	}
	if r.Mark.Set {
		fmt.Fprintf(&b, " fwmark %#x/%#x", r.Mark.Value, r.Normal().Mask)
	}
	switch r.Action {
	case RuleLookup:
		fmt.Fprintf(&b, " lookup %d", r.Table)
	case RuleGoto:
		fmt.Fprintf(&b, " goto %d", r.Goto)
	default:
		fmt.Fprintf(&b, " action %d", uint8(r.Action))
	}
	return b.String()
}
