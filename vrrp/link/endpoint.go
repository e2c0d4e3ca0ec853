package link

import (
	"fmt"
	"net/netip"
	"time"
)

// The protocols that carry adverts.
const (
	ProtocolVRRP = 112
	ProtocolAH   = 51 // IPv4 only: VRRP version 2 with auth_type AH
)

// Endpoint is one receiving socket. Instances that share interface, family and
// protocol share the endpoint; packets are told apart by VRID.
//
// Index belongs to the identity: an interface that was removed and made again
// is another endpoint.
type Endpoint struct {
	Interface string // empty: any interface (unicast without interface)
	Index     int    // 0 when Interface is empty
	IPv6      bool
	Protocol  int // [ProtocolVRRP] or [ProtocolAH]
}

func (e Endpoint) String() string {
	family, name := "ipv4", e.Interface
	if e.IPv6 {
		family = "ipv6"
	}
	if name == "" {
		name = "any interface"
	}
	return fmt.Sprintf("%s protocol %d on %s", family, e.Protocol, name)
}

// Listen says what to receive at an endpoint.
type Listen struct {
	Endpoint
	Groups []netip.Addr // multicast groups to be a member of; none for unicast only
	// VRIDs lists the virtual routers of interest; packets for others are
	// dropped in the kernel. Nil receives all.
	VRIDs []uint8
	// Buffer is the size of the socket's receive buffer in bytes, beyond the
	// system's limit if need be. 0 leaves the kernel's default.
	Buffer int
}

// Packet is one received packet.
type Packet struct {
	// Data is the whole IPv4 packet with its header, or the IPv6 payload. It is
	// valid only until the function that was given it returns.
	Data     []byte
	Endpoint Endpoint
	Index    int        // interface that the packet came in by
	Src, Dst netip.Addr // without zone
	HopLimit int        // TTL or hop limit
	// At is when the kernel received the packet, on the monotonic clock, so that
	// packets that waited while the process did not run are seen as old.
	At time.Time
}

// Outgoing is one packet to send.
type Outgoing struct {
	Index    int        // interface to send through; 0: by routing
	Src, Dst netip.Addr // Src of IPv4 is in Data
	// Data is a complete IPv4 packet, or an IPv6 payload with its checksum.
	Data     []byte
	HopLimit int // IPv6 only; -1 is the kernel's
	Protocol int // IPv6 only; 0 is [ProtocolVRRP]
}
