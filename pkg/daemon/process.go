package daemon

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/osthread"
)

// Descriptors of a role process besides the standard ones.
const (
	linkFD   = 3 // the link to the supervisor
	crashFD  = 4 // where the runtime writes when the process crashes
	memoryFD = 5 // what the next process of the role is to know
)

// process is a role process as the supervisor holds it.
type process struct {
	*os.Process
	link  *link
	crash *os.File // what the runtime says when it crashes; ends with the process
}

// startProcess starts the same program as a role, with the scheduling that its
// role asks for. memory is what it shares with its predecessors and successors.
func startProcess(k *kind, how config.RoleProcess, memory *os.File) (*process, error) {
	ours, theirs, err := newLink()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	crash, crashEnd, err := os.Pipe()
	if err != nil {
		ours.close()
		return nil, err
	}
	defer crashEnd.Close()
	p, err := fork(how, func() (*os.Process, error) {
		return os.StartProcess("/proc/self/exe", []string{roleArg(k.name)}, &os.ProcAttr{
			Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, linkFD: theirs, crashFD: crashEnd, memoryFD: memory},
		})
	})
	if err != nil {
		ours.close()
		crash.Close()
		return nil, fmt.Errorf("start %s process: %w", k.title, err)
	}
	return &process{Process: p, link: ours, crash: crash}, nil
}

// rolePrefix starts the name under which a role process appears in ps. It is
// also how the process knows that it is one.
const rolePrefix = "holdfast: "

func roleArg(name string) string { return rolePrefix + name }

// IsRole reports whether this process was started to be a role.
func IsRole(args []string) bool {
	return len(args) == 1 && strings.HasPrefix(args[0], rolePrefix)
}

// fork calls start with the scheduling of a role. Scheduling belongs to a
// thread and is inherited from the thread that forks, so it is set on one that
// is given up afterwards.
func fork(how config.RoleProcess, start func() (*os.Process, error)) (p *os.Process, err error) {
	if how.Nice == 0 && how.RTPriority == 0 && len(how.CPUs) == 0 {
		return start()
	}
	osthread.Do(func() {
		if err = schedule(how); err == nil {
			p, err = start()
		}
	})
	return p, err
}

// schedule gives the calling thread the scheduling of a role.
func schedule(how config.RoleProcess) error {
	if len(how.CPUs) > 0 {
		var set unix.CPUSet
		for _, cpu := range how.CPUs {
			set.Set(cpu)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("CPU affinity %v: %w", how.CPUs, err)
		}
	}
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: int32(how.Nice)}
	if how.RTPriority > 0 {
		attr.Policy, attr.Nice, attr.Priority = unix.SCHED_RR, 0, uint32(how.RTPriority)
	}
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		return fmt.Errorf("scheduling (nice %d, real-time priority %d): %w", how.Nice, how.RTPriority, err)
	}
	return nil
}

// wait returns how the process ended and the first part of what the runtime
// said if it crashed.
func (p *process) wait() (syscall.WaitStatus, string) {
	const enough = 16 << 10
	said, _ := io.ReadAll(io.LimitReader(p.crash, enough))
	_, _ = io.Copy(io.Discard, p.crash)
	p.crash.Close()
	state, err := p.Process.Wait()
	if err != nil {
		return 0, err.Error()
	}
	return state.Sys().(syscall.WaitStatus), string(said)
}
