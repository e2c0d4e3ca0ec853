package packet

import (
	"encoding/binary"
	"net/netip"
)

// vrrpMulticast4 stands in for the real destination in the checksum of
// old_unicast_checksum.
var vrrpMulticast4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})

// sum adds b to a one's complement sum (RFC 1071).
func sum(acc uint32, b []byte) uint32 {
	for len(b) >= 2 {
		acc += uint32(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint32(b[0]) << 8
	}
	return acc
}

// fold ends a sum: the Internet checksum of what was added. Over data that
// holds its own correct checksum it is zero.
func fold(acc uint32) uint16 {
	for acc > 0xffff {
		acc = acc>>16 + acc&0xffff
	}
	return ^uint16(acc)
}

// plainChecksum is that of version 2, and of version 3 over IPv4 read the way
// RFC 3768 did: the message alone.
func plainChecksum(msg []byte) uint16 { return fold(sum(0, msg)) }

// pseudoChecksum is that of version 3: the message and a pseudo header
// (RFC 9568 section 5.2.8; for IPv4 the convention that keepalived and most
// routers settled on, which is the pseudo header of TCP and UDP).
func pseudoChecksum(src, dst netip.Addr, msg []byte) uint16 {
	acc := sum(sum(0, src.AsSlice()), dst.AsSlice())
	return fold(sum(acc+protoVRRP+uint32(len(msg)), msg))
}

// checksumRule is which of the conventions of version 3 over IPv4 is spoken.
type checksumRule uint8

const (
	withPseudo    checksumRule = iota // pseudo header with the real destination
	withOldPseudo                     // pseudo header with 224.0.0.18 in any case
	withoutPseudo                     // as version 2
)

// checksum computes the checksum of msg, whose own checksum field is zero or,
// for verification, filled in.
func checksum(rule checksumRule, src, dst netip.Addr, msg []byte) uint16 {
	switch {
	case msg[0]>>4 == 2 || rule == withoutPseudo:
		return plainChecksum(msg)
	case rule == withOldPseudo:
		return pseudoChecksum(src, vrrpMulticast4, msg)
	default:
		return pseudoChecksum(src, dst, msg)
	}
}
