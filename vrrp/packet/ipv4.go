package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const ipv4HeaderLen = 20

// Datagram is one received IP datagram of protocol 112, or 51 with a VRRP
// message inside. It may alias a read buffer; nothing here keeps it.
type Datagram struct {
	Src, Dst netip.Addr
	TTL      uint8  // hop limit for IPv6
	Protocol uint8  // 112, or 51 behind which 112 is expected
	Header   []byte // the IPv4 header as received; nil for IPv6
	Payload  []byte // what follows the IP header
}

// ParseIPv4 takes the IPv4 header off what a raw socket received.
func ParseIPv4(b []byte) (Datagram, error) {
	if len(b) < ipv4HeaderLen || b[0]>>4 != 4 {
		return Datagram{}, fmt.Errorf("%w: not an IPv4 header", ErrLength)
	}
	n := int(b[0]&0xf) * 4
	if n < ipv4HeaderLen || n > len(b) {
		return Datagram{}, fmt.Errorf("%w: IPv4 header of %d bytes in %d", ErrLength, n, len(b))
	}
	return Datagram{
		Src:      netip.AddrFrom4([4]byte(b[12:16])),
		Dst:      netip.AddrFrom4([4]byte(b[16:20])),
		TTL:      b[8],
		Protocol: b[9],
		Header:   b[:n],
		Payload:  b[n:],
	}, nil
}

// ParseIPv6 makes a datagram of what an IPv6 raw socket delivers beside its
// control messages.
func ParseIPv6(src, dst netip.Addr, hopLimit uint8, payload []byte) Datagram {
	return Datagram{Src: src.WithZone(""), Dst: dst.WithZone(""), TTL: hopLimit, Protocol: protoVRRP, Payload: payload}
}

// VRID is the virtual router that the datagram speaks of, before anything
// about it has been checked.
func (d Datagram) VRID() (uint8, bool) {
	b := d.Payload
	if d.Protocol == protoAH {
		if len(b) < ahLen {
			return 0, false
		}
		b = b[ahLen:]
	}
	if len(b) < headerLen {
		return 0, false
	}
	return b[1], true
}

func (d Datagram) v6() bool { return d.Header == nil }

// appendIPv4Header appends a header without options for a payload of n bytes:
// internetwork control (TOS 0xc0), fragmentable, checksum filled in.
func appendIPv4Header(dst []byte, proto, ttl uint8, id uint16, src, to netip.Addr, n int) []byte {
	at := len(dst)
	dst = append(dst, 0x45, 0xc0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(ipv4HeaderLen+n))
	dst = binary.BigEndian.AppendUint16(dst, id)
	dst = append(dst, 0, 0, ttl, proto, 0, 0)
	dst = append(append(dst, src.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(dst[at+10:], fold(sum(0, dst[at:])))
	return dst
}
