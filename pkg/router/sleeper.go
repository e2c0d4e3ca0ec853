package router

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sleeper lets the loop sleep until an instant or until it is woken. It waits
// for one timer of the kernel, as for a socket: the runtime's own timers wake up
// on whole milliseconds when the process is idle, too coarse for fast adverts,
// and waiting for channels takes a goroutine more.
type sleeper struct {
	file   *os.File
	conn   syscall.RawConn
	asleep atomic.Bool // the loop sleeps, or is about to
}

func newSleeper() (*sleeper, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	s := &sleeper{file: os.NewFile(uintptr(fd), "timer")}
	if s.conn, err = s.file.SyscallConn(); err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	return s, nil
}

// wake has the loop look again. Whoever gives the loop something to do calls it
// afterwards.
func (s *sleeper) wake() {
	if s.asleep.Swap(false) {
		_ = s.set(time.Nanosecond) // fails when the loop has ended
	}
}

// sleep returns at an instant, or when woken, or at once when busy finds that
// there is something to do.
func (s *sleeper) sleep(until time.Time, busy func() bool) error {
	if err := s.set(max(time.Until(until), time.Nanosecond)); err != nil {
		return fmt.Errorf("set a timer: %w", err)
	}
	s.asleep.Store(true)
	defer s.asleep.Store(false)
	if busy() { // it was given before anybody could know that we sleep
		return nil
	}
	var count [8]byte
	if _, err := s.file.Read(count[:]); err != nil {
		return fmt.Errorf("wait for a timer: %w", err)
	}
	return nil
}

func (s *sleeper) set(in time.Duration) (err error) {
	spec := &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(in))}
	if cerr := s.conn.Control(func(fd uintptr) { err = unix.TimerfdSettime(int(fd), 0, spec, nil) }); cerr != nil {
		return cerr
	}
	return err
}

func (s *sleeper) close() { s.file.Close() }
