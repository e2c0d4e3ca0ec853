// Package script runs a user's program for the daemon: as the configured
// user, without a shell, cut off from the daemon's files, and never for longer
// than allowed.
//
// The program gets the daemon's environment without the variables that change
// how programs are loaded or words are split, /dev/null for its three standard
// files, the daemon's umask, and a process group of its own, which is also
// what is signalled. It is sent SIGTERM when the daemon dies.
//
// Splitting a command line into words is the configuration's business, and so
// is the rule that one script does not run twice at once.
package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// killDelay is how long a process group may take to obey SIGTERM.
const killDelay = 2 * time.Second

// Command is a program to run.
type Command struct {
	Args    []string      // the program and its arguments, never read by a shell
	User    *User         // nil: as the daemon itself
	Timeout time.Duration // 0: no limit
}

// User is an account to run as, with the rights of no other group than its own.
type User struct{ UID, GID uint32 }

// With returns the command with further arguments after its own.
func (c Command) With(args ...string) Command {
	c.Args = append(append(make([]string, 0, len(c.Args)+len(args)), c.Args...), args...)
	return c
}

// String is the command as logs and dumps show it: 'path' 'argument'.
func (c Command) String() string {
	return "'" + strings.Join(c.Args, "' '") + "'"
}

// Result is how a program ended.
type Result struct {
	Status   int            // exit status; meaningless when Signal is set
	Signal   syscall.Signal // the signal that ended it, or 0
	TimedOut bool           // it ran for longer than Command.Timeout and was ended
}

// OK reports whether the program ended by itself with status 0.
func (r Result) OK() bool { return r == Result{} }

func (r Result) String() string {
	switch {
	case r.TimedOut:
		return "timed out"
	case r.Signal != 0:
		return fmt.Sprintf("exited due to signal %d", int(r.Signal))
	default:
		return fmt.Sprintf("exited with status %d", r.Status)
	}
}

// Process is a program that was started. Whoever started it must Wait for it.
type Process struct {
	ended  chan struct{}
	result Result
	err    error
}

// Wait returns how the program ended, once it has. An error means that its end
// says nothing about what it was asked, because the context of Start was done
// first.
func (p *Process) Wait() (Result, error) {
	<-p.ended
	return p.result, p.err
}

// Start starts the command. When ctx is done, or the command's time is up, the
// whole process group is sent SIGTERM and, after two seconds, SIGKILL.
func Start(ctx context.Context, c Command) (*Process, error) {
	if len(c.Args) == 0 {
		return nil, errors.New("no program to run")
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := &Process{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.ended)
		// The parent-death signal is tied to the thread that forked, so this
		// thread must outlive the program. It waits for it anyway.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd, err := start(c)
		started <- err
		if err == nil {
			p.result, p.err = await(ctx, cmd, c.Timeout)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Run starts the command and waits for it.
func Run(ctx context.Context, c Command) (Result, error) {
	p, err := Start(ctx, c)
	if err != nil {
		return Result{}, err
	}
	return p.Wait()
}

// await waits for a program and sees to it that it ends in time.
func await(ctx context.Context, cmd *exec.Cmd, timeout time.Duration) (Result, error) {
	g := newGroup(cmd.Process.Pid)
	forget := context.AfterFunc(ctx, g.end)
	if timeout > 0 {
		defer time.AfterFunc(timeout, g.timeout).Stop()
	}
	awaitExit(cmd.Process.Pid)
	timedOut := g.release()
	cancelled := !forget()
	err := cmd.Wait()
	switch {
	case cancelled && !timedOut:
		return Result{}, context.Cause(ctx)
	case cmd.ProcessState == nil:
		return Result{}, fmt.Errorf("wait for %s: %w", cmd.Path, err)
	}
	r := Result{TimedOut: timedOut}
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		r.Signal = ws.Signal()
	} else {
		r.Status = ws.ExitStatus()
	}
	return r, nil
}

// start starts the command from the calling thread.
func start(c Command) (*exec.Cmd, error) {
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if u := c.User; u != nil && !u.isSelf() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: []uint32{u.GID}}
	}
	defer resetSchedulingOfChild()()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return cmd, nil
}

// isSelf reports whether running as u changes nothing, in which case no
// privilege is needed.
func (u *User) isSelf() bool {
	return int(u.UID) == os.Geteuid() && int(u.GID) == os.Getegid()
}

// environment is the daemon's environment without what could change which
// code a program loads or how a shell splits words.
var environment = sync.OnceValue(func() []string {
	var env []string
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "IFS", "LD_PRELOAD", "LD_LIBRARY_PATH":
		default:
			env = append(env, kv)
		}
	}
	return env
})

// resetSchedulingOfChild makes the next fork of this (locked) thread start at
// ordinary priority, when the daemon itself runs at a raised one, and returns
// the undo function. The flag cannot stay set: threads of our own would lose
// their priority through it too.
func resetSchedulingOfChild() func() {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || (attr.Policy == unix.SCHED_NORMAL && attr.Nice >= 0) {
		return func() {}
	}
	was := *attr
	attr.Flags |= unix.SCHED_FLAG_RESET_ON_FORK
	if unix.SchedSetAttr(0, attr, 0) != nil {
		return func() {}
	}
	return func() { _ = unix.SchedSetAttr(0, &was, 0) }
}

// awaitExit returns when the process has ended but still holds its number, so
// that a signal sent until then cannot hit a stranger.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
