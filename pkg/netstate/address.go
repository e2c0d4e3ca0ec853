package netstate

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// Lifetime is a number of seconds that an address stays preferred.
type Lifetime uint32

// Forever is a lifetime that never ends.
const Forever Lifetime = math.MaxUint32

// Address is one address on one link. The zero value of every option is the
// kernel's default but Preferred, whose zero means "never chosen as source".
type Address struct {
	Link      int          // interface index
	Prefix    netip.Prefix // the address with its prefix length, not masked
	Peer      netip.Prefix // far end of a point-to-point address; zero: none
	Broadcast netip.Addr   // IPv4; zero: none
	Label     string       // IPv4; empty: the name of the link
	Scope     Scope
	Preferred Lifetime // IPv4 stores only zero or not

	Home          bool // IPv6 mobile home address
	NoDAD         bool // IPv6 without duplicate address detection
	ManageTemp    bool // IPv6: template of temporary addresses
	NoPrefixRoute bool
	AutoJoin      bool // join the multicast group of the address

	// Protocol says who added the address (IFA_PROTO). Kernels before 5.18 do
	// not store it; netstate/kernel then reports what it added itself.
	Protocol uint8

	// What the kernel reports and nobody sets.
	Tentative bool // duplicate address detection is running
	Duplicate bool // duplicate address detection failed: the address is not in use
}

// NewAddress is p on a link with keepalived's defaults for virtual addresses:
// global scope (link for IPv6 link-local), no broadcast, no duplicate address
// detection, an IPv6 /128 never preferred as a source, protocol 18.
func NewAddress(link int, p netip.Prefix) Address {
	a := Address{Link: link, Prefix: p, Preferred: Forever, Protocol: Protocol}
	if p.Addr().Is4() {
		return a
	}
	a.NoDAD = true
	if p.Addr().IsLinkLocalUnicast() {
		a.Scope = ScopeLink
	}
	if p.IsSingleIP() {
		a.Preferred = 0
	}
	return a
}

// Broadcasts returns the broadcast address of an IPv4 prefix: host bits all
// ones, or all zeros. ok is false for IPv6 and prefixes longer than /30, which
// have none.
func Broadcasts(p netip.Prefix) (ones, zeros netip.Addr, ok bool) {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}, netip.Addr{}, false
	}
	b := p.Masked().Addr().As4()
	zeros = netip.AddrFrom4(b)
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b), zeros, true
}

// AddressKey is what the kernel tells addresses apart by: for IPv6 the address
// alone, for IPv4 also its prefix length and peer.
type AddressKey struct {
	Link  int
	Local netip.Prefix
	Peer  netip.Prefix
}

// Normal is a as the kernel stores it: with a peer, the prefix length belongs
// to the peer and the address itself stands alone.
func (a Address) Normal() Address {
	if a.Peer.IsValid() {
		a.Prefix = netip.PrefixFrom(a.Prefix.Addr(), a.Prefix.Addr().BitLen())
	}
	return a
}

// Key is the identity of a in the kernel.
func (a Address) Key() AddressKey {
	a = a.Normal()
	if a.Prefix.Addr().Is4() {
		return AddressKey{a.Link, a.Prefix, a.Peer}
	}
	return AddressKey{Link: a.Link, Local: netip.PrefixFrom(a.Prefix.Addr(), 128)}
}

// Family of the address.
func (a Address) Family() Family { return FamilyOf(a.Prefix.Addr()) }

// Usable reports that the kernel accepts packets for the address.
func (a Address) Usable() bool { return !a.Tentative && !a.Duplicate }

// sameOptions reports whether the kernel's have already is what want asks for.
func (want Address) sameOptions(have Address) bool {
	want, have = want.Normal(), have.Normal()
	return !want.differsFixed(have) &&
		want.Prefix == have.Prefix && want.Peer == have.Peer &&
		want.Home == have.Home && want.ManageTemp == have.ManageTemp &&
		want.NoPrefixRoute == have.NoPrefixRoute &&
		want.sameLifetime(have)
}

// differsFixed reports a difference that an existing IPv4 address cannot be
// edited to have: it must be removed and added.
func (want Address) differsFixed(have Address) bool {
	if !want.Prefix.Addr().Is4() {
		return false
	}
	return want.Scope != have.Scope || want.Broadcast != have.Broadcast || want.AutoJoin != have.AutoJoin ||
		(want.Label != "" && want.Label != have.Label)
}

// sameLifetime compares what does not tick: a running lifetime is as wanted also
// when it has run out. IPv4 knows only whether an address is preferred.
func (want Address) sameLifetime(have Address) bool {
	switch {
	case want.Preferred == 0:
		return have.Preferred == 0
	case want.Preferred == Forever || want.Prefix.Addr().Is4():
		return have.Preferred == Forever
	}
	return have.Preferred != Forever
}

func (a Address) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s link %d", a.Prefix, a.Link)
	if a.Peer.IsValid() {
		fmt.Fprintf(&b, " peer %s", a.Peer)
	}
	if a.Label != "" {
		fmt.Fprintf(&b, " label %s", a.Label)
	}
	return b.String()
}
