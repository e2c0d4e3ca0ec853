package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
)

// endpoint is a socket address as the kernel wants it, ready to be used again
// and again. Six words hold the larger of the two kinds.
type endpoint struct {
	raw  [unix.SizeofSockaddrInet6]byte
	size uint32
	zone string // the interface that an IPv6 address is local to, or empty
}

func newEndpoint(a netip.AddrPort) (endpoint, error) {
	var e endpoint
	ip := a.Addr().Unmap()
	switch {
	case ip.Is4():
		e.size = unix.SizeofSockaddrInet4
		binary.NativeEndian.PutUint16(e.raw[0:], unix.AF_INET)
		b := ip.As4()
		copy(e.raw[4:], b[:])
	case ip.Is6():
		e.size = unix.SizeofSockaddrInet6
		binary.NativeEndian.PutUint16(e.raw[0:], unix.AF_INET6)
		b := ip.As16()
		copy(e.raw[8:], b[:])
		e.zone = ip.Zone()
	default:
		return e, errors.New("no address")
	}
	binary.BigEndian.PutUint16(e.raw[2:], a.Port())
	return e, nil
}

// locate puts the number of the zone into the address. An interface that goes and
// comes back has another one.
func (e *endpoint) locate() error {
	if e.zone == "" {
		return nil
	}
	nif, err := net.InterfaceByName(e.zone)
	if err != nil {
		return &localError{e.zone, errors.New("no such interface")}
	}
	binary.NativeEndian.PutUint32(e.raw[24:], uint32(nif.Index))
	return nil
}

func (e *endpoint) port() uint16 { return binary.BigEndian.Uint16(e.raw[2:]) }

func (e *endpoint) family() int { return int(binary.NativeEndian.Uint16(e.raw[0:])) }

// dialer makes the sockets of one check.
type dialer struct {
	kind, proto int
	to          endpoint
	from        endpoint // size 0: the kernel chooses
	fromPort    bool     // a certain local port was asked for
	via         endpoint // size 0: none; the local address is the one towards it
	device      string
	mark        uint32
}

func newDialer(s *healthcheck.Spec, transport dialogue.Transport) (dialer, error) {
	d := dialer{kind: unix.SOCK_STREAM, device: s.Device, mark: s.Mark, fromPort: s.Bind.Port() != 0}
	var err error
	if d.to, err = newEndpoint(s.Target); err != nil {
		return d, fmt.Errorf("target: %w", err)
	}
	if bind := s.Bind; bind.Addr().IsValid() || bind.Port() != 0 {
		if !bind.Addr().IsValid() {
			any := netip.IPv4Unspecified()
			if d.to.family() == unix.AF_INET6 {
				any = netip.IPv6Unspecified()
			}
			bind = netip.AddrPortFrom(any, bind.Port())
		}
		if d.from, err = newEndpoint(bind); err != nil {
			return d, fmt.Errorf("local address: %w", err)
		}
	}
	if s.Via.IsValid() && !s.Bind.Addr().IsValid() {
		if d.via, err = newEndpoint(netip.AddrPortFrom(s.Via, 9)); err != nil {
			return d, fmt.Errorf("way: %w", err)
		}
	}
	switch transport {
	case dialogue.Datagram:
		d.kind = unix.SOCK_DGRAM
	case dialogue.Echo:
		d.kind, d.proto = unix.SOCK_DGRAM, unix.IPPROTO_ICMP
		if d.to.family() == unix.AF_INET6 {
			d.proto = unix.IPPROTO_ICMPV6
		}
	}
	return d, nil
}

// localError is a failure on our side, which says nothing about the server.
type localError struct {
	doing string
	err   error
}

func (e *localError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// dial makes a socket and begins to connect it. It does not wait.
//
// The system calls here and below neither block nor are told to the
// scheduler, which would cost more than they do.
func (d *dialer) dial() (fd int, connected bool, err error) {
	if err := d.to.locate(); err != nil {
		return -1, false, err
	}
	r, _, e := unix.RawSyscall(unix.SYS_SOCKET, uintptr(d.to.family()), uintptr(d.kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC), uintptr(d.proto))
	if e != 0 {
		return -1, false, &localError{"no socket", e}
	}
	fd = int(r)
	if err := d.prepare(fd); err != nil {
		closeSocket(fd)
		return -1, false, err
	}
	_, _, e = unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&d.to.raw)), uintptr(d.to.size))
	switch e {
	case 0:
		return fd, true, nil
	case unix.EINPROGRESS:
		return fd, false, nil
	}
	closeSocket(fd)
	return -1, false, undialled(e)
}

// undialled is why there could not even be an attempt to connect, or why it failed.
func undialled(err error) error {
	for _, ours := range []error{
		unix.EADDRNOTAVAIL, unix.EADDRINUSE, unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.EMFILE, unix.ENFILE,
	} {
		if errors.Is(err, ours) {
			return &localError{"cannot connect", err}
		}
	}
	return err
}

// prepare sets the options that most checks do not have.
func (d *dialer) prepare(fd int) error {
	if d.mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(d.mark)); err != nil {
			return &localError{"fwmark", err}
		}
	}
	if d.device != "" {
		if err := unix.BindToDevice(fd, d.device); err != nil {
			return &localError{"bind_if " + d.device, err}
		}
	}
	if err := d.from.locate(); err != nil {
		return err
	}
	if err := d.via.locate(); err != nil {
		return err
	}
	from := d.from
	if d.via.size != 0 {
		var err error
		if from, err = d.via.towards(d.from.port()); err != nil {
			return &localError{"no address towards the server", err}
		}
	}
	if from.size == 0 {
		return nil
	}
	if d.fromPort { // connections that end leave the port behind for a while
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return &localError{"bind_port", err}
		}
	} else { // choose the port when connecting: more of them fit
		_ = unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}
	_, _, e := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&from.raw)), uintptr(from.size))
	if e != 0 {
		return &localError{"bind", e}
	}
	return nil
}

// towards is the local address that the kernel would choose for e. Connecting a
// datagram socket finds out, and sends nothing.
func (e *endpoint) towards(port uint16) (local endpoint, err error) {
	r, _, n := unix.RawSyscall(unix.SYS_SOCKET, uintptr(e.family()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if n != 0 {
		return local, n
	}
	defer closeSocket(int(r))
	if _, _, n = unix.RawSyscall(unix.SYS_CONNECT, r, uintptr(unsafe.Pointer(&e.raw)), uintptr(e.size)); n != 0 {
		return local, n
	}
	local.size = uint32(len(local.raw))
	if _, _, n = unix.RawSyscall(unix.SYS_GETSOCKNAME, r, uintptr(unsafe.Pointer(&local.raw)), uintptr(unsafe.Pointer(&local.size))); n != 0 {
		return local, n
	}
	binary.BigEndian.PutUint16(local.raw[2:], port)
	return local, nil
}

// control applies the options to a socket of package net.
func (d *dialer) control(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = d.prepare(int(fd)) }); e != nil {
		return e
	}
	return err
}

func closeSocket(fd int) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// socketError takes the pending error of a socket.
func socketError(fd int) error {
	var v int32
	size := uint32(unsafe.Sizeof(v))
	_, _, e := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR, uintptr(unsafe.Pointer(&v)), uintptr(unsafe.Pointer(&size)), 0)
	if e != 0 {
		return e
	}
	if v != 0 {
		return syscall.Errno(v)
	}
	return nil
}

func readSocket(fd int, b []byte) (int, error) {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func writeSocket(fd int, b []byte) (int, error) {
	var first byte // an empty datagram is one, too
	at := unsafe.Pointer(&first)
	if len(b) > 0 {
		at = unsafe.Pointer(&b[0])
	}
	n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(at), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// broken is the result of a connection that failed at a step.
func broken(err error, at healthcheck.Fault) healthcheck.Result {
	var local *localError
	r := healthcheck.Result{Fault: at, Reason: text(err)}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		r.Value = int64(errno)
	}
	switch {
	case errors.As(err, &local):
		r.Fault, r.Reason = healthcheck.FaultLocal, text(local)
	case errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH):
		r.Fault = healthcheck.FaultUnreachable
	case errors.Is(err, unix.ETIMEDOUT) && at == healthcheck.FaultConnect:
		r.Fault = healthcheck.FaultTimeout
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.Reason = "timeout"
	}
	return r
}

// text is an error without what package net puts around it.
func text(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	return strings.TrimSpace(err.Error())
}
