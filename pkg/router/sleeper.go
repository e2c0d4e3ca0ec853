package router

import (
	"errors"
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
		_ = s.conn.Control(func(fd uintptr) { _ = set(fd, time.Nanosecond) }) // fails when the loop has ended
	}
}

// sleep returns at an instant, or when woken, or at once when busy finds that
// there is something to do; now and then also without reason. The timer is
// never read: setting it again is enough.
func (s *sleeper) sleep(until time.Time, busy func() bool) error {
	defer s.asleep.Store(false)
	var failed error
	slept := false
	err := s.conn.Read(func(fd uintptr) bool { // first when the poller is prepared, then when the timer has expired
		if slept {
			return true
		}
		if failed = set(fd, max(time.Until(until), time.Nanosecond)); failed != nil {
			return true
		}
		s.asleep.Store(true)
		slept = !busy() // else it was given before anybody could know that we sleep
		return !slept
	})
	if err = errors.Join(failed, err); err != nil {
		return fmt.Errorf("wait for a timer: %w", err)
	}
	return nil
}

func set(fd uintptr, in time.Duration) error {
	return unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(in))}, nil)
}

func (s *sleeper) close() { s.file.Close() }
