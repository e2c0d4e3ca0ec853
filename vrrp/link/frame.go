package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ndp"
)

// The Ethernet types of the frames that are built here.
const (
	etherTypeARP  = 0x0806
	etherTypeIPv6 = 0x86dd
)

var (
	etherBroadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	allNodes       = netip.MustParseAddr("ff02::1")
	allNodesMAC    = net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}
)

// ErrNotEthernet reports a link layer address that is neither Ethernet's nor
// InfiniBand's.
var ErrNotEthernet = errors.New("announcements need an Ethernet or InfiniBand address")

// Frame is the announcement as an Ethernet frame: a gratuitous ARP request for
// IPv4, an unsolicited neighbour advertisement for IPv6.
func (a Announcement) Frame() ([]byte, error) {
	if len(a.MAC) != 6 {
		return nil, fmt.Errorf("announce %s: %w", a.Addr, ErrNotEthernet)
	}
	if a.Addr.Is4() {
		return gratuitousARP(a.MAC, a.Addr)
	}
	return unsolicitedNA(a.MAC, a.Addr, a.Router)
}

// gratuitousARP is an ARP announcement (RFC 5227 section 2.3): a request whose
// sender and target are the address itself.
func gratuitousARP(mac net.HardwareAddr, addr netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(arp.OperationRequest, mac, addr, etherBroadcast, addr)
	if err != nil {
		return nil, fmt.Errorf("gratuitous ARP for %s: %w", addr, err)
	}
	body, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("gratuitous ARP for %s: %w", addr, err)
	}
	return append(ethernet(etherBroadcast, mac, etherTypeARP), body...), nil
}

// unsolicitedNA is a neighbour advertisement (RFC 4861 section 7.2.6) from the
// address to all nodes that overrides what they remember.
func unsolicitedNA(mac net.HardwareAddr, addr netip.Addr, router bool) ([]byte, error) {
	na := &ndp.NeighborAdvertisement{
		Router: router, Override: true, TargetAddress: addr,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}
	body, err := ndp.MarshalMessageChecksum(na, addr, allNodes)
	if err != nil {
		return nil, fmt.Errorf("neighbour advertisement for %s: %w", addr, err)
	}
	frame := append(ethernet(allNodesMAC, mac, etherTypeIPv6), ipv6Header(addr, allNodes, len(body))...)
	return append(frame, body...), nil
}

func ethernet(dst, src net.HardwareAddr, etherType uint16) []byte {
	b := make([]byte, 0, 14+40+32)
	b = append(append(b, dst...), src...)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// ipv6Header is that of an ICMPv6 message with hop limit 255, as neighbour
// discovery demands.
func ipv6Header(src, dst netip.Addr, payload int) []byte {
	h := make([]byte, 8, 40)
	h[0] = 6 << 4
	binary.BigEndian.PutUint16(h[4:], uint16(payload))
	h[6], h[7] = 58, 255
	return append(append(h, src.AsSlice()...), dst.AsSlice()...)
}
