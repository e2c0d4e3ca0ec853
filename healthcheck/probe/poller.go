package probe

import (
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
// thread. What ends a wait early, a timer and a call, is in the set, too: the
// runtime's own deadlines would cost more.
type poller struct {
	file   *os.File // the set
	raw    syscall.RawConn
	fd     int
	timer  int
	call   int
	armed  time.Time
	events [256]unix.EpollEvent
	n      int
	looked time.Time // what happened until then is in events, if there was room
	look   func(fd uintptr) bool
}

func newPoller() (_ *poller, err error) {
	p := &poller{fd: -1, timer: -1, call: -1}
	defer func() {
		if err != nil {
			_ = p.close()
			err = fmt.Errorf("epoll: %w", err)
		}
	}()
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	// The runtime polls only what says that it does not block.
	if err := unix.SetNonblock(p.fd, true); err != nil {
		return nil, err
	}
	p.file = os.NewFile(uintptr(p.fd), "epoll")
	if err := p.file.SetReadDeadline(time.Time{}); err != nil { // it does not
		return nil, err
	}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, err
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return nil, err
	}
	if p.call, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, err
	}
	for _, fd := range []int{p.timer, p.call} {
		// Edge-triggered, they need not be read: each expiry and call is news.
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
		if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return nil, err
		}
	}
	p.look = func(uintptr) bool { p.peek(); return p.n > 0 }
	return p, nil
}

func (p *poller) close() error {
	for _, fd := range []int{p.timer, p.call} {
		if fd >= 0 {
			closeSocket(fd)
		}
	}
	if p.file == nil {
		if p.fd >= 0 {
			closeSocket(p.fd)
		}
		return nil
	}
	return p.file.Close()
}

// add watches a socket until it is closed. Its events have the mark as Pad.
func (p *poller) add(fd int, mark int32) error {
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     int32(fd), Pad: mark,
	}
	_, _, e := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if e != 0 {
		return fmt.Errorf("epoll: %w", e)
	}
	return nil
}

// peek takes what is ready now.
func (p *poller) peek() {
	p.looked = time.Now()
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	p.n = int(n)
	if e != 0 {
		p.n = 0
	}
}

// wait is peek once something is ready, the time given to until has come, or
// somebody calls wake.
func (p *poller) wait() error {
	p.n = 0
	if err := p.raw.Read(p.look); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// ready is what the last peek or wait took. It is valid until the next. The
// timer and a call are among it, and mean nothing more.
func (p *poller) ready() []unix.EpollEvent { return p.events[:p.n] }

// more reports whether there was no room for all that was ready.
func (p *poller) more() bool { return p.n == len(p.events) }

// until makes the next wait end at t; the zero time is never. A time that has
// passed is set again: that it came may have been seen, and taken for too early by
// a caller who goes by looked.
func (p *poller) until(t time.Time) error {
	if t.Equal(p.armed) && (t.IsZero() || time.Now().Before(t)) {
		return nil
	}
	p.armed = t
	var spec unix.ItimerSpec
	if !t.IsZero() { // a time of zero would disarm it
		spec.Value = unix.NsecToTimespec(max(1, int64(time.Until(t))))
	}
	if err := unix.TimerfdSettime(p.timer, 0, &spec, nil); err != nil {
		return fmt.Errorf("timer: %w", err)
	}
	return nil
}

// wake makes the present or next wait end at once. It may be called from any
// goroutine while the poller is open.
func (p *poller) wake() {
	one := [8]byte{1}
	_, _ = writeSocket(p.call, one[:])
}
