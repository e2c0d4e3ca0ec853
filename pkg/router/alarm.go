package router

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes the loop at an instant. It is a timer of the kernel, which the
// runtime polls like a socket: the runtime's own timers wake up on whole
// milliseconds when the process is idle, too coarse for fast adverts.
type alarm struct {
	c    chan struct{} // holds one: a ring that was not noticed yet is enough
	at   time.Time
	file *os.File
	done chan struct{}
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	a := &alarm{c: make(chan struct{}, 1), file: os.NewFile(uintptr(fd), "timer"), done: make(chan struct{})}
	go a.ring()
	return a, nil
}

func (a *alarm) ring() {
	defer close(a.done)
	var count [8]byte
	for {
		if _, err := a.file.Read(count[:]); err != nil {
			return
		}
		select {
		case a.c <- struct{}{}:
		default:
		}
	}
}

// set makes the alarm ring at an instant; zero is never.
func (a *alarm) set(at time.Time) error {
	if at.Equal(a.at) {
		return nil
	}
	a.at = at
	var spec unix.ItimerSpec
	if !at.IsZero() {
		spec.Value = unix.NsecToTimespec(int64(max(time.Until(at), 1))) // zero would disarm
	}
	raw, err := a.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("set the timer: %w", err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.TimerfdSettime(int(fd), 0, &spec, nil) }); err != nil {
		return fmt.Errorf("set the timer: %w", err)
	}
	if err != nil {
		return fmt.Errorf("set the timer: %w", err)
	}
	return nil
}

// close ends the alarm and waits for its goroutine.
func (a *alarm) close() {
	a.file.Close()
	<-a.done
}
