package netstate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// TableMain is the routing table used when none is named.
const TableMain = 254

// RouteType is what a route does with packets; the numbers are the kernel's
// (RTN_*).
type RouteType uint8

// The route types.
const (
	TypeUnicast     RouteType = 1
	TypeLocal       RouteType = 2
	TypeBroadcast   RouteType = 3
	TypeAnycast     RouteType = 4
	TypeMulticast   RouteType = 5
	TypeBlackhole   RouteType = 6
	TypeUnreachable RouteType = 7
	TypeProhibit    RouteType = 8
	TypeThrow       RouteType = 9
	TypeNAT         RouteType = 10
)

// Insert says where a route goes when equal ones exist.
type Insert uint8

// The three ways to insert.
const (
	Prepend   Insert = iota // before its equals
	Append                  // after its equals
	Exclusive               // only if there is none
)

// Route is one route. Build it with [NewRoute]: the zero value has no type.
type Route struct {
	Family Family
	Dst    netip.Prefix // the default route is 0.0.0.0/0 or ::/0
	From   netip.Prefix // IPv6 source prefix; zero: any
	Type   RouteType
	Table  uint32
	Scope  Opt[Scope] // unset: by type
	TOS    uint8
	Metric uint32 // 0: the kernel's default

	Hop  Hop   // the next hop of a route with one
	Hops []Hop // the next hops of a multipath route; Hop is then zero

	Source     netip.Addr // preferred source; zero: none
	Protocol   uint8
	Expires    time.Duration // IPv6: the route vanishes after that; 0: never
	Preference Opt[uint8]    // IPv6 router preference: 0 medium, 1 high, 3 low
	// TTLPropagate says whether MPLS copies the TTL.
	TTLPropagate Opt[bool]
	Metrics      Metrics
	Insert       Insert
}

// Hop is one way to the destination.
type Hop struct {
	Link   int        // output interface; 0: found through Via
	Via    netip.Addr // gateway, possibly of the other family; zero: directly connected
	Weight int        // 1 to 256, of a multipath route; 0 counts as 1
	OnLink bool       // Via is reachable although no prefix covers it
	Realm  uint32     // source realm << 16 | destination realm; 0: none
	Encap  Encap
}

// EncapKind is the kind of a lightweight tunnel.
type EncapKind uint16

// The tunnel kinds; the numbers are the kernel's (LWTUNNEL_ENCAP_*).
const (
	EncapNone EncapKind = 0
	EncapMPLS EncapKind = 1
	EncapIP   EncapKind = 2
	EncapILA  EncapKind = 3
	EncapIP6  EncapKind = 4
)

// Encap is the tunnel that packets of a route are put into.
type Encap struct {
	Kind   EncapKind
	Labels []uint32 // MPLS, outermost first
	TTL    uint8    // MPLS, IP: time to live; IP6: hop limit; 0: default
	TOS    uint8    // IP: type of service; IP6: traffic class
	ID     uint64   // IP, IP6: tunnel key
	Dst    netip.Addr
	Src    netip.Addr
	Flags  uint16 // IP, IP6: TUNNEL_* bits in host order

	Locator      uint64 // ILA
	ChecksumMode Opt[uint8]
	IdentType    Opt[uint8]
	HookType     Opt[uint8]
}

// Metrics are the attributes of a route that the transport protocols use.
// Zero means unset but where noted.
type Metrics struct {
	MTU              uint32
	HopLimit         uint32
	AdvMSS           uint32
	RTT              time.Duration
	RTTVar           time.Duration
	RTOMin           time.Duration
	Reordering       uint32
	Window           uint32
	CWND             uint32
	SSThresh         uint32
	InitCWND         uint32
	InitRWND         uint32
	Features         uint32 // bit 0: ECN
	QuickACK         Opt[bool]
	FastOpenNoCookie Opt[bool]
	CongCtl          string
	Lock             Lock
}

// Lock is the set of metrics that path discovery must not change; bit n is
// the kernel's metric n (RTAX_*).
type Lock uint32

// The metrics that may be locked.
const (
	LockMTU        Lock = 1 << 2
	LockRTT        Lock = 1 << 4
	LockRTTVar     Lock = 1 << 5
	LockSSThresh   Lock = 1 << 6
	LockCWND       Lock = 1 << 7
	LockAdvMSS     Lock = 1 << 8
	LockReordering Lock = 1 << 9
	LockRTOMin     Lock = 1 << 13
	LockCongCtl    Lock = 1 << 16
)

// NewRoute is a unicast route to dst in the main table with protocol 18.
func NewRoute(dst netip.Prefix) Route {
	return Route{Family: FamilyOf(dst.Addr()), Dst: dst.Masked(), Type: TypeUnicast, Table: TableMain, Protocol: Protocol}
}

// defaultMetric6 is what the kernel makes of metric 0 in an IPv6 route.
const defaultMetric6 = 1024

// RouteKey is what groups routes that compete for the same packets; several
// routes may share one.
type RouteKey struct {
	Family Family
	Dst    netip.Prefix
	From   netip.Prefix
	Table  uint32
	TOS    uint8
	Metric uint32
}

// Key is the kernel's lookup key of r.
func (r Route) Key() RouteKey {
	k := RouteKey{Family: r.Family, Dst: r.Dst, Table: r.Table, TOS: r.TOS, Metric: r.Metric}
	if r.From.IsValid() && r.From.Bits() > 0 {
		k.From = r.From
	}
	if r.Family == IPv6 {
		k.TOS = 0
		if k.Metric == 0 {
			k.Metric = defaultMetric6
		}
	}
	return k
}

// EffectiveScope is the scope the kernel is told: the one that was set, or else global
// where the kernel takes that. Unlike ip(8), and like keepalived, that goes for a
// route without a gateway, too.
func (r Route) EffectiveScope() Scope {
	switch {
	case r.Scope.Set:
		return r.Scope.Value
	case r.Family == IPv6:
		return ScopeGlobal
	case r.Type == TypeLocal || r.Type == TypeNAT:
		return ScopeHost
	case r.Type == TypeBroadcast || r.Type == TypeAnycast:
		return ScopeLink
	}
	return ScopeGlobal
}

// satisfiedBy reports whether the kernel's have leads the packets of want the
// same way, whoever added it.
func (want Route) satisfiedBy(have Route) bool {
	if want.Key() != have.Key() || want.Type != have.Type {
		return false
	}
	if want.Source.IsValid() && want.Source != have.Source {
		return false
	}
	if want.mergedInto(have) {
		return true
	}
	if len(want.Hops) != len(have.Hops) {
		return false
	}
	for i := range want.Hops {
		if !want.Hops[i].satisfiedBy(have.Hops[i]) {
			return false
		}
	}
	if want.Type != TypeUnicast && !want.Hop.Via.IsValid() && want.Hop.Link == 0 {
		return true // IPv6 shows the loopback device for a blackhole
	}
	return want.Hop.satisfiedBy(have.Hop)
}

// SameWay reports whether r and o lead the same packets the same way, whatever else
// they say. Two that do not may exist side by side.
func (r Route) SameWay(o Route) bool {
	r.Source = netip.Addr{}
	return r.satisfiedBy(o)
}

// mergedInto reports that have holds want among others: the kernel joins IPv6
// routes that differ only in their next hop to one with several.
func (want Route) mergedInto(have Route) bool {
	return want.Family == IPv6 && len(want.Hops) == 0 && slices.ContainsFunc(have.Hops, want.Hop.satisfiedBy)
}

func (want Hop) satisfiedBy(have Hop) bool {
	return (want.Link == 0 || want.Link == have.Link) && want.Via == have.Via &&
		max(want.Weight, 1) == max(have.Weight, 1) && want.Encap.Kind == have.Encap.Kind
}

// sameOptions reports whether have, which satisfies want, also has its
// attributes.
func (want Route) sameOptions(have Route) bool {
	w, h := want.Metrics, have.Metrics
	if want.Family == IPv6 {
		h.HopLimit = w.HopLimit // the kernel fills these in by itself
	}
	return w == h && (want.Expires > 0) == (have.Expires > 0) &&
		(!want.Preference.Set || want.Preference == have.Preference) &&
		slices.Equal(want.Hop.Encap.Labels, have.Hop.Encap.Labels)
}

func (r Route) String() string {
	var b strings.Builder
	if r.Type != TypeUnicast {
		fmt.Fprintf(&b, "%s ", r.Type)
	}
	b.WriteString(r.Dst.String())
	if r.Hop.Via.IsValid() {
		fmt.Fprintf(&b, " via %s", r.Hop.Via)
	}
	if r.Hop.Link != 0 {
		fmt.Fprintf(&b, " link %d", r.Hop.Link)
	}
	for _, h := range r.Hops {
		fmt.Fprintf(&b, " nexthop via %s link %d weight %d", h.Via, h.Link, max(h.Weight, 1))
	}
	if r.Source.IsValid() {
		fmt.Fprintf(&b, " src %s", r.Source)
	}
	if r.Metric != 0 {
		fmt.Fprintf(&b, " metric %d", r.Metric)
	}
	if r.Table != TableMain {
		fmt.Fprintf(&b, " table %d", r.Table)
	}
	return b.String()
}

func (t RouteType) String() string {
	names := [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}
