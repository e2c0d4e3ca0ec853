package probe

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// More connections may have something to say than are listened to in one go. What
// they said is told only once.
func TestNobodyIsOverheard(t *testing.T) {
	const n = maxLooks*256 + 300
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < n+1000 {
		netlab.Lacks(t, fmt.Sprintf("the right to %d open files: %+v, %v", n, limit, err))
	}
	verdicts := 0
	e, err := New(Options{Alone: true, Event: func(healthcheck.Event) { verdicts++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	specs := make([]healthcheck.Spec, n)
	for i := range specs {
		specs[i] = timed(fmt.Sprint(i), 24*time.Hour)
	}
	now := time.Now()
	run, _ := e.shared.Set(specs)
	e.set(run, now)
	for _, j := range e.agenda.jobs {
		e.agenda.begin(j, now)
		if j.fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil { // can be written to
			t.Fatal(err)
		}
		for j.fd >= len(e.byFD) {
			e.byFD = append(e.byFD, nil)
		}
		e.byFD[j.fd] = j
		if err := e.poll.add(j.fd, j.mark); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		e.poll.peek()
		e.takeReady()
	}
	if verdicts != n {
		t.Errorf("%d verdicts, want %d", verdicts, n)
	}
}

// A socket that was closed while a program was being started is heard of for as long
// as that has it, too. Its number may be another one's by then.
func TestVoiceOfAClosedSocket(t *testing.T) {
	pair := func() (ours, theirs int) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		return fds[0], fds[1]
	}
	closed, server := pair()
	open, other := pair()
	child, err := unix.FcntlInt(uintptr(closed), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, fd := range []int{closed, server, open, other, child} {
			unix.Close(fd)
		}
	}()
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if err := e.poll.add(closed, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(open, closed, unix.O_CLOEXEC); err != nil { // closes it, and gives away its number
		t.Fatal(err)
	}
	if err := e.poll.add(closed, 2); err != nil {
		t.Fatal(err)
	}
	j := &job{fd: closed, mark: 2}
	e.byFD = make([]*job, closed+1)
	e.byFD[closed] = j
	e.poll.peek()
	var marks []int32
	for _, ev := range e.poll.ready() {
		if int(ev.Fd) != closed {
			continue
		}
		marks = append(marks, ev.Pad)
		if got := e.connection(ev); (got == j) != (ev.Pad == 2) {
			t.Errorf("what happened to connection %d is taken for the job's with connection 2: %v", ev.Pad, got == j)
		}
	}
	if slices.Sort(marks); !slices.Equal(marks, []int32{1, 2}) {
		t.Errorf("heard of connections %v, want both", marks)
	}
}
