package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// arpWait is how long a server has to claim an address. Silence is what we hope
// for, so every good attempt takes this much longer.
const arpWait = 200 * time.Millisecond

// claims asks a server who has the virtual address, by its own MAC address so
// that nobody else hears it. A server that says "I" would take the clients of
// that network to itself, past IPVS. Only where it could is it asked: next to us
// on the virtual address's own network.
func claims(server, vip netip.Addr) healthcheck.Result {
	good := healthcheck.Result{OK: true}
	if !server.Is4() || !vip.Is4() {
		return good
	}
	routes, err := netlink.RouteGet(server.AsSlice())
	if err != nil || len(routes) == 0 || routes[0].Gw != nil {
		return good
	}
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil || !onLink(link, vip) {
		return good
	}
	mac := neighbour(link, server)
	if mac == nil {
		return good
	}
	claimed, err := askARP(link, mac, routes[0].Src, vip)
	switch {
	case err != nil:
		return healthcheck.Result{Fault: healthcheck.FaultLocal, Reason: fmt.Sprintf("ARP: %v", err)}
	case claimed:
		return healthcheck.Result{Fault: healthcheck.FaultReply, Reason: fmt.Sprintf("server answers ARP for %s (set arp_ignore there)", vip)}
	}
	return good
}

// onLink reports whether an address is in one of a link's networks.
func onLink(link netlink.Link, a netip.Addr) bool {
	addrs, err := netlink.AddrList(link, netlink.FAMILY_V4)
	return err == nil && slices.ContainsFunc(addrs, func(n netlink.Addr) bool {
		ones, _ := n.Mask.Size()
		return ones < 32 && n.Contains(a.AsSlice())
	})
}

// neighbour is the MAC address of a host that was spoken with just now.
func neighbour(link netlink.Link, host netip.Addr) net.HardwareAddr {
	list, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_V4)
	if err != nil {
		return nil
	}
	for _, n := range list {
		if n.IP.Equal(host.AsSlice()) && len(n.HardwareAddr) == 6 && n.State&netlink.NUD_FAILED == 0 {
			return n.HardwareAddr
		}
	}
	return nil
}

// askARP sends a request to one host and waits for its answer (RFC 826).
func askARP(link netlink.Link, mac net.HardwareAddr, src net.IP, vip netip.Addr) (claimed bool, err error) {
	const protocol = unix.ETH_P_ARP>>8 | unix.ETH_P_ARP&0xff<<8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Attrs().Index}); err != nil {
		return false, err
	}
	to := &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Attrs().Index, Halen: 6}
	copy(to.Addr[:], mac)
	if err := unix.Sendto(fd, arpRequest(link.Attrs().HardwareAddr, src, vip), 0, to); err != nil {
		return false, err
	}
	buf := make([]byte, 128)
	for end := time.Now().Add(arpWait); ; {
		left := time.Until(end)
		if left <= 0 {
			return false, nil
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1); err != nil && err != unix.EINTR {
			return false, err
		}
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err == nil && isClaim(buf[:n], mac, vip) {
			return true, nil
		}
	}
}

func arpRequest(mac net.HardwareAddr, src net.IP, target netip.Addr) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1} // Ethernet, IPv4, request
	b = append(b, mac...)
	b = append(b, src.To4()...)
	b = append(b, make([]byte, 6)...)
	return append(b, target.AsSlice()...)
}

// isClaim reports whether a packet is the reply of a host that it has an address.
func isClaim(b []byte, mac net.HardwareAddr, a netip.Addr) bool {
	const reply = 2
	return len(b) >= 28 && binary.BigEndian.Uint16(b[6:]) == reply && bytes.Equal(b[8:14], mac) && bytes.Equal(b[14:18], a.AsSlice())
}
