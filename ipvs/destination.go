package ipvs

import (
	"fmt"
	"net/netip"
)

// Method is how packets reach a destination.
type Method uint8

// The forwarding methods, numbered as the kernel numbers them.
const (
	NAT         Method = 0 // masquerading
	Local       Method = 1 // the director itself
	Tunnel      Method = 2 // encapsulated, see Encap
	DirectRoute Method = 3 // the destination's MAC address
	Bypass      Method = 4 // used by the kernel for cache_bypass
)

func (m Method) String() string {
	switch m {
	case NAT:
		return "NAT"
	case Local:
		return "local"
	case Tunnel:
		return "TUN"
	case DirectRoute:
		return "DR"
	case Bypass:
		return "bypass"
	}
	return fmt.Sprintf("method %d", uint8(m))
}

// TunnelType is the encapsulation of a tunnelled destination.
type TunnelType uint8

// The tunnel types, numbered as the kernel numbers them.
const (
	IPIP TunnelType = 0
	GUE  TunnelType = 1
	GRE  TunnelType = 2
)

func (t TunnelType) String() string {
	switch t {
	case IPIP:
		return "ipip"
	case GUE:
		return "gue"
	case GRE:
		return "gre"
	}
	return fmt.Sprintf("tunnel type %d", uint8(t))
}

// TunnelFlags say how a GUE or GRE tunnel protects its packets.
type TunnelFlags uint16

// The tunnel flags, numbered as the kernel numbers them; 0 is no checksum.
const (
	TunnelChecksum       TunnelFlags = 1
	TunnelRemoteChecksum TunnelFlags = 2 // GUE only
)

// Encap describes the tunnel to a destination whose method is [Tunnel].
type Encap struct {
	Type  TunnelType
	Port  uint16 // UDP port, GUE only
	Flags TunnelFlags
}

// Destination is one real server of one service. Address and port identify it;
// everything else can be edited while it serves.
type Destination struct {
	Addr   netip.Addr // without zone, not IPv4-mapped
	Port   uint16
	Method Method
	Encap  Encap // means nothing unless Method is Tunnel
	Weight int32 // 0 takes no new connections; never negative

	// Upper is the number of connections at which the destination takes no more,
	// Lower the number below which it takes them again; 0 is no limit.
	Upper, Lower uint32
}

// AddrPort is the part of d that identifies it.
func (d Destination) AddrPort() netip.AddrPort { return netip.AddrPortFrom(d.Addr, d.Port) }

// Family is the address family of d, which may differ from its service's when
// the method is Tunnel.
func (d Destination) Family() Family { return FamilyOf(d.Addr) }

// normal returns d without what means nothing.
func (d Destination) normal() Destination {
	if d.Method != Tunnel {
		d.Encap = Encap{}
	}
	return d
}
