package probe

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller is an epoll set of our own, so that a check costs as few system calls
// as it can: connections are added once, edge-triggered, and closing takes
// them out. The set itself is waited for through Go's runtime, which costs no
// thread.
type poller struct {
	fd     int
	file   *os.File
	raw    syscall.RawConn
	events [256]unix.EpollEvent
	n      int
	look   func(fd uintptr) bool
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	// The runtime polls only what says that it does not block.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p := &poller{fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	p.raw, err = p.file.SyscallConn()
	if err == nil {
		err = p.file.SetReadDeadline(time.Time{})
	}
	if err != nil {
		p.file.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p.look = func(uintptr) bool { p.peek(); return p.n > 0 }
	return p, nil
}

func (p *poller) close() error { return p.file.Close() }

// add watches a socket until it is closed.
func (p *poller) add(fd int) error {
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     int32(fd),
	}
	_, _, e := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if e != 0 {
		return fmt.Errorf("epoll: %w", e)
	}
	return nil
}

// peek takes what is ready now.
func (p *poller) peek() {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	p.n = int(n)
	if e != 0 {
		p.n = 0
	}
}

// wait is peek once something is ready, or at the time given to until.
func (p *poller) wait() error {
	p.n = 0
	if err := p.raw.Read(p.look); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// ready is what the last peek or wait took. It is valid until the next.
func (p *poller) ready() []unix.EpollEvent { return p.events[:p.n] }

// until makes the present or next wait end at t; the zero time is never.
func (p *poller) until(t time.Time) error { return p.file.SetReadDeadline(t) }

// wake makes the present or next wait end at once.
func (p *poller) wake() { _ = p.file.SetReadDeadline(time.Unix(1, 0)) }
