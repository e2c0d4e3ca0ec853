package link

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"unsafe"

	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

// infiniBandLength is the length of a hardware address of IP over InfiniBand:
// flags, a queue pair, and a global identifier (RFC 4391 section 9.1.1).
const infiniBandLength = 20

// infiniBand is the announcement as a packet without link layer header, which
// the kernel makes, and the hardware address to send it to.
func (a Announcement) infiniBand() (to net.HardwareAddr, etherType uint16, body []byte, err error) {
	if len(a.MAC) != infiniBandLength || len(a.Broadcast) != infiniBandLength {
		return nil, 0, nil, fmt.Errorf("announce %s: %w", a.Addr, ErrNotEthernet)
	}
	if a.Addr.Is4() {
		return a.Broadcast, etherTypeARP, infiniBandARP(a.MAC, a.Broadcast, a.Addr), nil
	}
	na := &ndp.NeighborAdvertisement{
		Router: a.Router, Override: true, TargetAddress: a.Addr,
		// RFC 4391 section 9.3: two bytes of nothing before the address.
		Options: []ndp.Option{&ndp.RawOption{Type: 2, Length: 3, Value: append([]byte{0, 0}, a.MAC...)}},
	}
	message, err := ndp.MarshalMessageChecksum(na, a.Addr, allNodes)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("neighbour advertisement for %s: %w", a.Addr, err)
	}
	return infiniBandGroup(allNodes, a.Broadcast), etherTypeIPv6, append(ipv6Header(a.Addr, allNodes, len(message)), message...), nil
}

// infiniBandARP is a gratuitous ARP request with hardware type 32 (RFC 4391
// section 9.2).
func infiniBandARP(mac, broadcast net.HardwareAddr, addr netip.Addr) []byte {
	b := []byte{0, 32, etherTypeIPv4 >> 8, etherTypeIPv4 & 0xff, infiniBandLength, 4, 0, 1}
	b = append(append(b, mac...), addr.AsSlice()...)
	return append(append(b, broadcast...), addr.AsSlice()...)
}

// etherTypeIPv4 is the protocol that ARP resolves.
const etherTypeIPv4 = 0x0800

// infiniBandGroup is the hardware address of an IPv6 multicast group on the link
// with that broadcast address, which has its scope and partition (RFC 4391
// section 4).
func infiniBandGroup(group netip.Addr, broadcast net.HardwareAddr) net.HardwareAddr {
	ip := group.As16()
	h := net.HardwareAddr{0, 0xff, 0xff, 0xff, 0xff, 0x10 | broadcast[5]&0xf, 0x60, 0x1b, broadcast[8], broadcast[9]}
	return append(h, ip[6:]...)
}

// sendCooked sends a packet to a hardware address of any length, which
// [unix.Sendto] cannot do.
func sendCooked(fd, index int, to net.HardwareAddr, etherType uint16, body []byte) error {
	const header = unix.SizeofSockaddrLinklayer - 8 // without the address
	sa := make([]byte, max(header+len(to), unix.SizeofSockaddrLinklayer))
	binary.NativeEndian.PutUint16(sa, unix.AF_PACKET)
	binary.BigEndian.PutUint16(sa[2:], etherType)
	binary.NativeEndian.PutUint32(sa[4:], uint32(index))
	sa[11] = byte(len(to))
	copy(sa[header:], to)
	_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&body[0])), uintptr(len(body)), 0,
		uintptr(unsafe.Pointer(&sa[0])), uintptr(len(sa)))
	if errno != 0 {
		return errno
	}
	return nil
}
