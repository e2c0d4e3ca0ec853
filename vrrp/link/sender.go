package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sender sends adverts: one socket per family serves all interfaces. Its
// methods may be called from several goroutines and never wait: a packet that
// the interface has no room for is an error.
type Sender struct {
	fd4, fd6 int
}

// NewSender opens the sending sockets. A host without IPv6 gets an error only
// when an IPv6 packet is sent.
func NewSender() (*Sender, error) {
	fd4, err := openSender(unix.AF_INET, unix.IPPROTO_RAW, []sendOption{
		{unix.IPPROTO_IP, unix.IP_HDRINCL, 1},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0},
		{unix.IPPROTO_IP, unix.IP_FREEBIND, 1},
	})
	if err != nil {
		return nil, err
	}
	fd6, err := openSender(unix.AF_INET6, ProtocolVRRP, []sendOption{
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
		{unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, trafficClass},
	})
	if err != nil {
		fd6 = -1
	}
	return &Sender{fd4: fd4, fd6: fd6}, nil
}

// trafficClass is internetwork control (CS6), as routing protocols use.
const trafficClass = 0xc0

type sendOption struct{ level, name, value int }

func openSender(family, protocol int, options []sendOption) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return -1, fmt.Errorf("open sending socket: %w", err)
	}
	options = append(options, sendOption{unix.SOL_SOCKET, unix.SO_PRIORITY, 6}) // TC_PRIO_INTERACTIVE
	if err := setSenderOptions(fd, options); err != nil {
		unix.Close(fd)
		return -1, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer) // only beside stuck interfaces it matters
	return fd, nil
}

// sendBuffer is room for what waits for several interfaces on which nothing gets out
// any more, a thousand adverts each, in bytes: the others are served by the same socket.
const sendBuffer = 16 << 20

func setSenderOptions(fd int, options []sendOption) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("set option %d/%d of sending socket: %w", o.level, o.name, err)
		}
	}
	// A socket that only sends must not collect what others send.
	return attachFilter(fd, dropAll)
}

// Send sends one packet at once.
func (s *Sender) Send(p Outgoing) error {
	var err error
	if p.Dst.Is4() {
		err = s.send4(p)
	} else {
		err = s.send6(p)
	}
	if err != nil {
		return fmt.Errorf("send to %s: %w", p.Dst, err)
	}
	return nil
}

func (s *Sender) send4(p Outgoing) error {
	var room [controlRoom]byte
	var body [12]byte // struct in_pktinfo: interface, source, destination
	binary.NativeEndian.PutUint32(body[:], uint32(p.Index))
	if p.Index == 0 && p.Src.Is4() && !p.Dst.IsMulticast() {
		copy(body[4:], p.Src.AsSlice()) // so that rules by source address apply
	}
	control := appendControl(room[:0], unix.IPPROTO_IP, unix.IP_PKTINFO, body[:])
	to := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: p.Dst.As4()}
	return sendmsg(s.fd4, p.Data, control, unsafe.Pointer(&to), unix.SizeofSockaddrInet4)
}

func (s *Sender) send6(p Outgoing) error {
	if s.fd6 < 0 {
		return unix.EAFNOSUPPORT
	}
	var room [controlRoom]byte
	var info [20]byte // struct in6_pktinfo: source, interface
	if p.Src.Is6() {
		src := p.Src.As16()
		copy(info[:], src[:])
	}
	binary.NativeEndian.PutUint32(info[16:], uint32(p.Index))
	var hops [4]byte
	binary.NativeEndian.PutUint32(hops[:], uint32(p.HopLimit))
	control := appendControl(room[:0], unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, info[:])
	control = appendControl(control, unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, hops[:])
	to := unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: p.Dst.As16()}
	if scoped(p.Dst) {
		to.Scope_id = uint32(p.Index)
	}
	return sendmsg(s.fd6, p.Data, control, unsafe.Pointer(&to), unix.SizeofSockaddrInet6)
}

// controlRoom is enough for the control messages of any packet.
const controlRoom = 64

// scoped reports an address that means something only on one link.
func scoped(a netip.Addr) bool {
	return a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsInterfaceLocalMulticast()
}

// sendmsg sends at once or not at all, which is why the system call is a raw
// one: of any other the scheduler is told that it may wait, and wakes up a
// thread to watch it, at a higher price than that of the advert itself.
func sendmsg(fd int, data, control []byte, name unsafe.Pointer, nameLen uint32) error {
	part := unix.Iovec{Base: unsafe.SliceData(data)}
	part.SetLen(len(data))
	msg := unix.Msghdr{Name: (*byte)(name), Namelen: nameLen, Iov: &part, Control: unsafe.SliceData(control)}
	msg.SetIovlen(1)
	msg.SetControllen(len(control))
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// appendControl appends one control message. There must be room for it, zeroed.
func appendControl(dst []byte, level, kind int32, body []byte) []byte {
	start := len(dst)
	dst = dst[:start+unix.CmsgSpace(len(body))]
	msg := dst[start:]
	word := unix.SizeofCmsghdr - 8 // size_t, then two ints
	if word == 8 {
		binary.NativeEndian.PutUint64(msg, uint64(unix.CmsgLen(len(body))))
	} else {
		binary.NativeEndian.PutUint32(msg, uint32(unix.CmsgLen(len(body))))
	}
	binary.NativeEndian.PutUint32(msg[word:], uint32(level))
	binary.NativeEndian.PutUint32(msg[word+4:], uint32(kind))
	copy(msg[unix.CmsgLen(0):], body)
	return dst
}

// Close closes the sockets. Nothing may be sent afterwards.
func (s *Sender) Close() {
	unix.Close(s.fd4)
	if s.fd6 >= 0 {
		unix.Close(s.fd6)
	}
}
