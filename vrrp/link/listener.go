package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxPacket is more than the longest advert: 255 IPv6 addresses, an
// authentication trailer and headers take 4,2 kB.
const maxPacket = 8192

// burst bounds how many packets are read before the goroutine looks whether the
// socket was closed.
const burst = 64

// listener is one open endpoint and the goroutine that reads it.
type listener struct {
	endpoint Endpoint
	file     *os.File
	conn     syscall.RawConn
	done     chan struct{} // closed when the goroutine has ended
	failed   atomic.Bool   // set before that is told

	groups []netip.Addr
	vrids  []uint8
	buffer int
}

// listen opens an endpoint and starts to read it.
func listen(w Listen, deliver func(Packet), lost func(Endpoint, error)) (*listener, error) {
	fd, err := openRaw(w)
	if err != nil {
		return nil, err
	}
	l := &listener{endpoint: w.Endpoint, file: os.NewFile(uintptr(fd), w.Endpoint.String()), done: make(chan struct{})}
	if l.conn, err = l.file.SyscallConn(); err == nil {
		err = errors.Join(l.setFilter(w), l.adjust(w))
	}
	if err != nil {
		l.file.Close()
		return nil, err
	}
	go func() {
		defer close(l.done)
		if err := l.read(deliver); err != nil {
			l.failed.Store(true)
			lost(l.endpoint, err)
		}
	}()
	return l, nil
}

func (l *listener) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// openRaw makes the socket with everything that never changes. It lets nothing
// in yet, and what came before it was bound to its interface is thrown away.
func openRaw(w Listen) (int, error) {
	family := unix.AF_INET
	if w.IPv6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, w.Protocol)
	if err != nil {
		return -1, fmt.Errorf("open raw socket: %w", err)
	}
	if err := setOptions(fd, w); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func setOptions(fd int, w Listen) error {
	if err := attachFilter(fd, dropAll); err != nil {
		return fmt.Errorf("attach filter: %w", err)
	}
	if w.Interface != "" {
		if err := unix.BindToDevice(fd, w.Interface); err != nil {
			return fmt.Errorf("bind to device: %w", err)
		}
	}
	type option struct{ level, name, value int }
	options := []option{{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1}}
	if w.IPv6 {
		options = append(options,
			option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
			option{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
			option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0})
	} else {
		options = append(options,
			option{unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
			option{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0})
	}
	for _, o := range options {
		err := unix.SetsockoptInt(fd, o.level, o.name, o.value)
		if err != nil && o.name != unix.IPV6_MULTICAST_ALL { // since Linux 4.20
			return fmt.Errorf("set socket option %d/%d: %w", o.level, o.name, err)
		}
	}
	var scrap [1]byte
	for {
		if _, _, err := unix.Recvfrom(fd, scrap[:], unix.MSG_DONTWAIT); err != nil && !errors.Is(err, unix.EINTR) {
			return nil
		}
	}
}

// adjust makes an open socket what is wanted.
func (l *listener) adjust(w Listen) error {
	if w.Buffer > 0 && w.Buffer != l.buffer {
		if err := l.setBuffer(w.Buffer); err != nil {
			return err
		}
	}
	if !slices.Equal(w.VRIDs, l.vrids) || (w.VRIDs == nil) != (l.vrids == nil) { // nil is all
		if err := l.setFilter(w); err != nil {
			return err
		}
	}
	l.leave(missing(w.Groups, l.groups))
	return l.join(missing(l.groups, w.Groups))
}

func (l *listener) setBuffer(size int) error {
	l.buffer = size
	return l.control(func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) == nil {
			return nil
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}, "set receive buffer")
}

func (l *listener) setFilter(w Listen) error {
	l.vrids = slices.Clone(w.VRIDs)
	if w.VRIDs == nil {
		return l.control(func(fd int) error {
			err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
			if errors.Is(err, unix.ENOENT) {
				return nil
			}
			return err
		}, "detach filter")
	}
	prog, err := vridFilter(w.Endpoint, w.VRIDs)
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	return l.control(func(fd int) error { return attachFilter(fd, prog) }, "attach filter")
}

func attachFilter(fd int, prog []bpf.RawInstruction) error {
	f := make([]unix.SockFilter, len(prog))
	for i, ins := range prog {
		f[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]})
}

// join makes the socket a member of the groups. Being one already is fine.
func (l *listener) join(groups []netip.Addr) error {
	for _, g := range groups {
		err := l.membership(g, true)
		if err != nil && !errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("join %s: %w", g, err)
		}
		l.groups = append(l.groups, g)
	}
	return nil
}

// leave ends memberships. One that the kernel has dropped by itself, because
// the interface lost its addresses, is no error.
func (l *listener) leave(groups []netip.Addr) {
	for _, g := range groups {
		_ = l.membership(g, false)
		l.groups = slices.DeleteFunc(l.groups, func(o netip.Addr) bool { return o == g })
	}
}

func (l *listener) membership(group netip.Addr, member bool) error {
	if l.endpoint.IPv6 {
		name := unix.IPV6_JOIN_GROUP
		if !member {
			name = unix.IPV6_LEAVE_GROUP
		}
		mreq := &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(l.endpoint.Index)}
		return l.control(func(fd int) error { return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, name, mreq) }, "")
	}
	name := unix.IP_ADD_MEMBERSHIP
	if !member {
		name = unix.IP_DROP_MEMBERSHIP
	}
	mreq := &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(l.endpoint.Index)}
	return l.control(func(fd int) error { return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, name, mreq) }, "")
}

func (l *listener) control(f func(fd int) error, what string) error {
	var err error
	if cerr := l.conn.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return cerr
	}
	if err != nil && what != "" {
		return fmt.Errorf("%s: %w", what, err)
	}
	return err
}

// read delivers packets until the socket is closed, which is no error, or fails.
func (l *listener) read(deliver func(Packet)) error {
	data, control := make([]byte, maxPacket), make([]byte, 256)
	for {
		var failure error
		err := l.conn.Read(func(fd uintptr) bool {
			for range burst {
				n, cn, _, from, err := unix.Recvmsg(int(fd), data, control, 0)
				switch {
				case errors.Is(err, unix.EAGAIN):
					return false
				case errors.Is(err, unix.EINTR):
					continue
				case err != nil:
					failure = err
					return true
				}
				if p, ok := l.packet(data[:n], control[:cn], from); ok {
					deliver(p)
				}
			}
			return true
		})
		switch {
		case err != nil:
			return nil
		case failure != nil && !passing(failure):
			return fmt.Errorf("read raw socket: %w", failure)
		}
	}
}

// passing reports an error that says something about the network rather than
// about the socket, which goes on working.
func passing(err error) bool {
	return errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENETUNREACH) ||
		errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ECONNREFUSED) ||
		errors.Is(err, unix.EHOSTDOWN) || errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EMSGSIZE)
}

// packet puts together what the kernel said about one packet.
func (l *listener) packet(data, control []byte, from unix.Sockaddr) (Packet, bool) {
	now := time.Now()
	p := Packet{Data: data, Endpoint: l.endpoint, Index: l.endpoint.Index, At: now}
	if l.endpoint.IPv6 {
		sa, ok := from.(*unix.SockaddrInet6)
		if !ok {
			return Packet{}, false
		}
		p.Src = netip.AddrFrom16(sa.Addr)
	} else {
		if len(data) < 20 {
			return Packet{}, false
		}
		p.Src, p.Dst = netip.AddrFrom4([4]byte(data[12:16])), netip.AddrFrom4([4]byte(data[16:20]))
		p.HopLimit = int(data[8])
	}
	for len(control) >= unix.CmsgLen(0) {
		hdr, body, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		p.note(hdr, body, now)
		control = rest
	}
	return p, true
}

// note reads one control message.
func (p *Packet) note(hdr unix.Cmsghdr, body []byte, now time.Time) {
	switch {
	case hdr.Level == unix.SOL_SOCKET && hdr.Type == unix.SCM_TIMESTAMPNS:
		p.At = now.Add(-age(body, now))
	case hdr.Level == unix.IPPROTO_IP && hdr.Type == unix.IP_PKTINFO && len(body) >= 12:
		p.Index = int(int32(binary.NativeEndian.Uint32(body)))
	case hdr.Level == unix.IPPROTO_IPV6 && hdr.Type == unix.IPV6_PKTINFO && len(body) >= 20:
		p.Dst = netip.AddrFrom16([16]byte(body[:16]))
		p.Index = int(binary.NativeEndian.Uint32(body[16:]))
	case hdr.Level == unix.IPPROTO_IPV6 && hdr.Type == unix.IPV6_HOPLIMIT && len(body) >= 4:
		p.HopLimit = int(int32(binary.NativeEndian.Uint32(body)))
	}
}

// maxAge bounds the age that a packet is believed to have. The kernel's stamp is
// of the wall clock; if that was stepped while the packet waited, the difference
// is nonsense.
const maxAge = time.Minute

// age is how long ago the kernel received a packet that carries that stamp.
func age(stamp []byte, now time.Time) time.Duration {
	var sec, nsec int64
	switch len(stamp) {
	case 16: // two 64-bit numbers
		sec, nsec = int64(binary.NativeEndian.Uint64(stamp)), int64(binary.NativeEndian.Uint64(stamp[8:]))
	case 8: // two 32-bit numbers
		sec, nsec = int64(int32(binary.NativeEndian.Uint32(stamp))), int64(int32(binary.NativeEndian.Uint32(stamp[4:])))
	default:
		return 0
	}
	d := now.Round(0).Sub(time.Unix(sec, nsec)) // Round drops the monotonic clock
	if d < 0 || d > maxAge {
		return 0
	}
	return d
}
