package track

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/osthread"
)

// procEvent is what the kernel's process connector reports.
type procEvent struct {
	what   uint32
	pid    int // process; never a thread
	parent int // of a fork
}

// The events of <linux/cn_proc.h> that matter, and two of our own.
const (
	procAck  = 0
	procFork = 0x1
	procExec = 0x2
	procComm = 0x200
	procExit = 0x80000000
	procLost = 0xffffffff // events were lost: look at everything again
	procOver = 0xfffffffe // there will be no more
)

const (
	cnIdxProc    = 1
	cnValProc    = 1
	cnProcListen = 1
	cnHeader     = 20 // struct cn_msg
	procHeader   = 16 // struct proc_event up to its data
)

// ackTimeout is how long the connector may take to confirm; where it does not
// work, for instance in a process namespace, it says nothing at all.
const ackTimeout = 500 * time.Millisecond

// errNoConnector says that the kernel reports no process events here.
var errNoConnector = errors.New("the process connector does not answer")

// dialConnector subscribes to process events. The connector lives in the first
// network namespace only, so if it does not answer here that one is tried.
func dialConnector(buffer int) (*os.File, error) {
	f, err := subscribeConnector(buffer)
	if err == nil {
		return f, nil
	}
	osthread.Do(func() {
		var ns int
		if ns, err = unix.Open("/proc/1/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(ns)
		if err = unix.Setns(ns, unix.CLONE_NEWNET); err == nil {
			f, err = subscribeConnector(buffer)
		}
	})
	return f, err
}

func subscribeConnector(buffer int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("open process connector: %w", err)
	}
	f := os.NewFile(uintptr(fd), "process connector")
	if buffer > 0 && unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	}
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnIdxProc})
	if err == nil {
		err = unix.Sendto(fd, listenRequest(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	if err == nil {
		err = awaitAck(f)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("subscribe to process events: %w", err)
	}
	return f, nil
}

// listenRequest is a netlink message that holds a connector message that holds
// the wish to listen.
func listenRequest() []byte {
	b := make([]byte, unix.SizeofNlMsghdr+cnHeader+4)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], unix.NLMSG_DONE)
	binary.NativeEndian.PutUint32(b[12:], uint32(os.Getpid()))
	cn := b[unix.SizeofNlMsghdr:]
	binary.NativeEndian.PutUint32(cn, cnIdxProc)
	binary.NativeEndian.PutUint32(cn[4:], cnValProc)
	binary.NativeEndian.PutUint16(cn[16:], 4)
	binary.NativeEndian.PutUint32(cn[cnHeader:], cnProcListen)
	return b
}

func awaitAck(f *os.File) error {
	if err := f.SetReadDeadline(time.Now().Add(ackTimeout)); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for {
		n, err := f.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errNoConnector
		}
		if err != nil {
			return err
		}
		for _, ev := range parseProcEvents(buf[:n]) {
			if ev.what == procAck {
				return f.SetReadDeadline(time.Time{})
			}
		}
	}
}

// parseProcEvents reads the events in one datagram; threads are left out, and
// so is whatever makes no sense.
func parseProcEvents(b []byte) []procEvent {
	var list []procEvent
	for len(b) >= unix.SizeofNlMsghdr {
		n := int(binary.NativeEndian.Uint32(b))
		if n < unix.SizeofNlMsghdr || n > len(b) {
			break
		}
		if ev, ok := parseProcEvent(b[unix.SizeofNlMsghdr:n]); ok {
			list = append(list, ev)
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return list
}

func parseProcEvent(b []byte) (procEvent, bool) {
	if len(b) < cnHeader+procHeader+8 || binary.NativeEndian.Uint32(b) != cnIdxProc {
		return procEvent{}, false
	}
	b = b[cnHeader:]
	word := func(i int) int { return int(int32(binary.NativeEndian.Uint32(b[procHeader+4*i:]))) }
	ev := procEvent{what: binary.NativeEndian.Uint32(b)}
	switch ev.what {
	case procAck:
		return ev, true
	case procFork: // parent, its group, child, its group
		if len(b) < procHeader+16 {
			return ev, false
		}
		ev.parent, ev.pid = word(1), word(3)
		return ev, word(2) == word(3)
	case procExec, procComm, procExit: // thread, its group
		ev.pid = word(1)
		return ev, word(0) == word(1)
	}
	return ev, false
}
