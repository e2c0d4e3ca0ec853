package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/ipvs"
)

const (
	// receiveBuffer holds the answers to a batch in which every request fails.
	receiveBuffer = 8 << 20

	// largestMessage is more than the kernel puts into one part of a dump.
	largestMessage = 64 << 10

	// patience is how long one exchange may take. Adding the first service with
	// a scheduler makes the kernel load a module meanwhile.
	patience = 10 * time.Second
)

var (
	native     = binary.NativeEndian
	network    = binary.BigEndian
	aLongAgo   = time.Unix(1, 0)
	errGarbled = errors.New("the kernel's answer is garbled")
)

// socket is a generic netlink socket. Requests are answered inside the system
// call that sends them, so an answer that is not there soon was lost.
type socket struct {
	file *os.File // non-blocking, so that deadlines and cancelling work
	raw  syscall.RawConn
	seq  uint32
	in   []byte
}

func dial(buffer int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_GENERIC)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind a netlink socket: %w", err)
	}
	// All three only make it better: they are missing on old kernels or without
	// privilege.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)

	file := os.NewFile(uintptr(fd), "generic netlink")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	return &socket{file: file, raw: raw, in: make([]byte, largestMessage)}, nil
}

func (s *socket) close() error { return s.file.Close() }

// answers takes what the kernel says to the requests of one exchange.
type answers struct {
	refused func(seq uint32, why refusal) // nil if it cannot be
	data    func(body []byte) error       // after the generic netlink header; valid during the call
}

// exchange sends requests and passes on the answers until the last request has
// its final one: an acknowledgement, a refusal or the end of its dump. An error
// means that the socket must not be used again.
func (s *socket) exchange(ctx context.Context, requests []byte, last uint32, a answers) (err error) {
	stop := context.AfterFunc(ctx, func() { s.file.SetDeadline(aLongAgo) })
	defer func() {
		if !stop() { // it may still be about to spoil the deadline of the next exchange
			err = context.Cause(ctx)
		}
	}()
	if err := s.file.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := s.send(requests); err != nil {
		return uncertain("send to the kernel", err)
	}
	for {
		b, err := s.receive()
		if err != nil {
			return uncertain("receive from the kernel", err)
		}
		if done, err := a.take(b, last); done || err != nil {
			return err
		}
	}
}

func (s *socket) send(b []byte) error {
	var err error
	if werr := s.raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return err != unix.EAGAIN
	}); werr != nil {
		return werr
	}
	return err
}

func (s *socket) receive() ([]byte, error) {
	var n int
	var err error
	if rerr := s.raw.Read(func(fd uintptr) bool {
		for {
			n, err = unix.Read(int(fd), s.in)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	}); rerr != nil {
		return nil, rerr
	}
	if err != nil {
		return nil, err
	}
	return s.in[:n], nil
}

// uncertain says that answers are lost. A full receive buffer (ENOBUFS) and a
// deadline mean the same: nobody knows what the kernel has done.
func uncertain(doing string, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w within %v", ipvs.ErrUncertain, patience)
	}
	return fmt.Errorf("%w: %s: %w", ipvs.ErrUncertain, doing, err)
}

// take passes on the messages in b and reports whether the answer to last was
// the final one. Answers to earlier exchanges are skipped.
func (a answers) take(b []byte, last uint32) (done bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(native.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return false, errGarbled
		}
		typ, flags, seq := native.Uint16(b[4:]), native.Uint16(b[6:]), native.Uint32(b[8:])
		body := b[unix.SizeofNlMsghdr:size]
		b = b[min(align(size), len(b)):]
		if int32(last-seq) < 0 {
			return false, errGarbled // an answer to what was not asked yet
		}
		switch typ {
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			why, err := parseRefusal(typ, flags, body)
			if err != nil {
				return false, err
			}
			if why.Errno != 0 && a.refused != nil {
				a.refused(seq, why)
			}
			if seq == last {
				return true, nil
			}
		case unix.NLMSG_NOOP:
		default:
			if len(body) < unix.GENL_HDRLEN {
				return false, errGarbled
			}
			if flags&unix.NLM_F_DUMP_INTR != 0 {
				return false, fmt.Errorf("%w: the table changed while it was read", ipvs.ErrUncertain)
			}
			if a.data != nil {
				if err := a.data(body[unix.GENL_HDRLEN:]); err != nil {
					return false, err
				}
			}
		}
	}
	return false, nil
}

// refusal is the kernel's no to one request. It matches its Errno.
type refusal struct {
	syscall.Errno
	text string // more than the number says, or empty
}

func (r refusal) Error() string {
	if r.text == "" {
		return r.Errno.Error()
	}
	return r.text + " (" + r.Errno.Error() + ")"
}

// Unwrap returns the error number.
func (r refusal) Unwrap() error { return r.Errno }

// parseRefusal reads the body of NLMSG_ERROR or NLMSG_DONE. The number 0 is an
// acknowledgement.
func parseRefusal(typ, flags uint16, body []byte) (refusal, error) {
	if len(body) < 4 {
		if typ == unix.NLMSG_DONE {
			return refusal{}, nil // old kernels say nothing at the end of a dump
		}
		return refusal{}, errGarbled
	}
	why := refusal{Errno: syscall.Errno(-int32(native.Uint32(body)))}
	rest := body[4:]
	if typ == unix.NLMSG_ERROR {
		rest = rest[min(unix.SizeofNlMsghdr, len(rest)):] // the header of our request
	}
	if flags&unix.NLM_F_ACK_TLVS != 0 && flags&unix.NLM_F_CAPPED != 0 {
		for typ, value := range attributes(rest) {
			if typ == unix.NLMSGERR_ATTR_MSG {
				why.text = cString(value)
			}
		}
	}
	return why, nil
}
