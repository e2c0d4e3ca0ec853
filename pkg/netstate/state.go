// Package netstate describes the part of a network namespace that a virtual
// router works with: links, addresses, routes and policy rules, as plain
// values. It decides what has to change ([Plan]) and keeps a copy of what the
// kernel reported ([Mirror]); it does neither read nor write the kernel, which
// is the business of netstate/kernel.
//
// Interfaces are named by their index, as in the kernel: an index survives a
// rename and never means two interfaces. Whoever holds names from a
// configuration resolves them with [Mirror.LinkByName] each time links change.
package netstate

import "net/netip"

// Protocol marks addresses, routes and rules as put there by keepalived or by
// us (number 18 of rt_protos), so that a successor recognises leftovers and an
// administrator's own address is told apart.
const Protocol = 18

// Family is an address family.
type Family uint8

// The two families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// FamilyOf is the family of a; IPv4-mapped addresses count as IPv6.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

func (f Family) String() string {
	switch f {
	case IPv4:
		return "inet"
	case IPv6:
		return "inet6"
	}
	return "unspec"
}

// Scope says how far an address or route is valid; the numbers are the
// kernel's.
type Scope uint8

// The scopes that have a name.
const (
	ScopeGlobal  Scope = 0
	ScopeSite    Scope = 200
	ScopeLink    Scope = 253
	ScopeHost    Scope = 254
	ScopeNowhere Scope = 255
)

// State is everything of interest in one namespace.
type State struct {
	Links     []Link
	Addresses []Address
	Routes    []Route
	Rules     []Rule
}

// Opt is a value that may be absent where its zero value means something.
type Opt[T comparable] struct {
	Value T
	Set   bool
}

// Some is a present value.
func Some[T comparable](v T) Opt[T] { return Opt[T]{Value: v, Set: true} }
