package netlab

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Sink takes connections, answers and closes them, and remembers when each of its
// addresses was visited. It may have to share its processor with who visits it, and so
// does no more than it must: a visit is a few system calls and a line in a list.
type Sink struct {
	answer []byte
	port   int // the listening socket
	poll   int
	ended  chan struct{}
	close  sync.Once

	mu     sync.Mutex
	visits []visit
}

type visit struct {
	addr [4]byte // that was visited
	at   time.Time
}

// manyVisits are how many a sink remembers without having to find more memory.
const manyVisits = 1 << 17

// Sink starts a sink at an IPv4 address of the namespace. Without an answer it closes what
// it has taken; with one it first reads a request, which must come in one piece.
func (n *Namespace) Sink(addr netip.AddrPort, answer string) *Sink {
	n.lab.Helper()
	s := &Sink{answer: []byte(answer), port: -1, poll: -1, ended: make(chan struct{}), visits: make([]visit, 0, manyVisits)}
	if err := n.Do(func() error { return s.listen(addr) }); err != nil {
		s.release()
		n.lab.Fatalf("%s: sink at %v: %v", n.Name, addr, err)
	}
	go s.serve()
	n.lab.Cleanup(s.Close)
	return s
}

func (s *Sink) listen(addr netip.AddrPort) (err error) {
	if s.port, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(s.port, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := unix.Bind(s.port, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
		return err
	}
	if err := unix.Listen(s.port, 4096); err != nil {
		return err
	}
	if s.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	return s.watch(s.port)
}

func (s *Sink) watch(fd int) error {
	return unix.EpollCtl(s.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// serve takes visitors until the port is closed.
func (s *Sink) serve() {
	defer close(s.ended)
	defer s.release()
	ready, request := make([]unix.EpollEvent, 256), make([]byte, 4096)
	for {
		n, err := unix.EpollWait(s.poll, ready, -1)
		if err != nil && err != unix.EINTR {
			return
		}
		for _, ev := range ready[:max(n, 0)] {
			fd := int(ev.Fd)
			if fd != s.port {
				if n, err := unix.Read(fd, request); err == nil && n > 0 {
					_, _ = unix.Write(fd, s.answer)
				}
				unix.Close(fd)
				continue
			}
			if !s.take() {
				return
			}
		}
	}
}

// take takes all who have come, and reports whether the port is open.
func (s *Sink) take() bool {
	for {
		fd, _, err := unix.Accept4(s.port, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
		case unix.EAGAIN:
			return true
		case unix.EINTR, unix.ECONNABORTED:
			continue
		default:
			return false
		}
		s.visited(fd)
		if len(s.answer) == 0 || s.watch(fd) != nil {
			unix.Close(fd)
		}
	}
}

func (s *Sink) visited(fd int) {
	var now unix.Timespec // of one clock; to read both costs twice as much in a guest
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &now)
	v := visit{at: time.Unix(now.Unix())}
	if local, err := unix.Getsockname(fd); err == nil {
		v.addr = local.(*unix.SockaddrInet4).Addr
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits = append(s.visits, v)
}

func (s *Sink) release() {
	for _, fd := range []int{s.port, s.poll} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// Close closes the port: further visitors are refused.
func (s *Sink) Close() {
	s.close.Do(func() { _ = unix.Shutdown(s.port, unix.SHUT_RDWR) })
	<-s.ended
}

// Last is when the last visitor came.
func (s *Sink) Last() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.visits) == 0 {
		return time.Time{}
	}
	return s.visits[len(s.visits)-1].at
}

// Reset forgets all visits.
func (s *Sink) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits = s.visits[:0]
}

// Visits is how many there were.
func (s *Sink) Visits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.visits)
}

// Lateness is how much later than the period each address's next visit came, sorted.
func (s *Sink) Lateness(period time.Duration) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var late []time.Duration
	last := make(map[[4]byte]time.Time)
	for _, v := range s.visits {
		if before, known := last[v.addr]; known {
			late = append(late, max(0, v.at.Sub(before)-period))
		}
		last[v.addr] = v.at
	}
	slices.Sort(late)
	return late
}
