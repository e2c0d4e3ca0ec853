package bfd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// Ports of RFC 5881 section 4 and RFC 5883 section 5.
const (
	portSingleHop = 3784
	portMultihop  = 4784
	firstSource   = 49152 // source ports are 49152 to 65535
)

// received is a packet that parsed, and where it came from.
type received struct {
	packet   Packet
	from     netip.Addr
	ttl      int // 0: unknown
	multihop bool
}

// listener is one receiving socket: a family and a port.
type listener struct {
	conn     *net.UDPConn
	ipv6     bool
	multihop bool
}

func listen(v6, multihop bool) (*listener, error) {
	network, port := "udp4", portSingleHop
	if v6 {
		network = "udp6"
	}
	if multihop {
		port = portMultihop
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{Port: port})
	if err != nil {
		return nil, fmt.Errorf("listen for BFD: %w", err)
	}
	l := &listener{conn: conn, ipv6: v6, multihop: multihop}
	if v6 {
		err = ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagHopLimit, true)
	} else {
		err = ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagTTL, true)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen for BFD: %w", err)
	}
	return l, nil
}

// run hands on every packet that passes [Parse] until the socket is closed.
func (l *listener) run(ctx context.Context, to chan<- received) error {
	buf := make([]byte, 512)
	oob := make([]byte, 128)
	for {
		n, oobn, _, from, err := l.conn.ReadMsgUDPAddrPort(buf, oob)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("receive BFD: %w", err)
		}
		p, err := Parse(buf[:n])
		if err != nil {
			continue
		}
		r := received{packet: p, from: from.Addr().Unmap().WithZone(""), ttl: l.ttl(oob[:oobn]), multihop: l.multihop}
		select {
		case to <- r:
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *listener) ttl(oob []byte) int {
	if l.ipv6 {
		var cm ipv6.ControlMessage
		if cm.Parse(oob) == nil {
			return cm.HopLimit
		}
		return 0
	}
	var cm ipv4.ControlMessage
	if cm.Parse(oob) == nil {
		return cm.TTL
	}
	return 0
}

// dial opens the sending socket of a session, on a random source port.
func dial(source, neighbor netip.Addr, ttl int, multihop bool) (*net.UDPConn, error) {
	port := uint16(portSingleHop)
	if multihop {
		port = portMultihop
	}
	level, option := unix.IPPROTO_IP, unix.IP_TTL
	if neighbor.Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
	}
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, ttl) }); cerr != nil {
			return cerr
		}
		return err
	}}
	var lastErr error
	for range 16 {
		d.LocalAddr = &net.UDPAddr{Port: firstSource + rand.IntN(1<<16-firstSource)}
		if source.IsValid() {
			d.LocalAddr.(*net.UDPAddr).IP = source.AsSlice()
			d.LocalAddr.(*net.UDPAddr).Zone = source.Zone()
		}
		conn, err := d.Dial("udp", netip.AddrPortFrom(neighbor, port).String())
		if err == nil {
			return conn.(*net.UDPConn), nil
		}
		if lastErr = err; !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("send BFD: %w", lastErr)
}
