package netlab

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The environment that connects a process to the copies of itself it starts.
const (
	envStage  = "HOLDFAST_LAB_STAGE"  // which of the stages in stage.go this process is
	envRun    = "HOLDFAST_LAB_RUN"    // the guest's run directory
	envInside = "HOLDFAST_LAB_INSIDE" // set where the lab's kernel has been reached: to "guest", or to "machine"
)

// guestMemory is the memory of a guest; pages it never touched cost the host nothing.
const guestMemory = "1200M"

// A guest kernel is known to stand still now and then, mostly before its first process
// starts. It is started again then; nothing of the command has run yet.
const (
	bootLimit     = 90 * time.Second
	bootAttempts  = 3
	powerOffLimit = 10 * time.Second // after the command's end
)

var (
	// errNoGuest says that a guest ended without telling its command's exit status.
	errNoGuest = errors.New("the guest died before its command ended")
	// errNoBoot says that a guest did not come up.
	errNoBoot = errors.New("the guest did not come up in time")
)

//go:embed guest/shim.c
var shimSource []byte

// command is a program to run on the lab's kernel.
type command struct {
	Path string
	Args []string // without the program's name
	Env  []string
	Dir  string
	out  io.Writer // standard output and error, in their order
}

// inside reports whether this process already runs on the lab's kernel, alone in its
// namespaces.
func inside() bool { return os.Getenv(envInside) != "" }

// inGuest reports whether this process runs in a guest.
func inGuest() bool { return os.Getenv(envInside) == "guest" }

// nativeIPVS reports whether the running kernel has IPVS.
var nativeIPVS = sync.OnceValue(func() bool {
	if haveIPVS() {
		return true
	}
	return exec.Command("modprobe", "-q", "ip_vs").Run() == nil && haveIPVS()
})

func haveIPVS() bool {
	_, err := os.Stat("/proc/net/ip_vs")
	return err == nil
}

// run runs the command on a kernel with IPVS, with namespaces of its own, and returns its
// exit status. Nothing of it is left when run returns.
func (c *command) run(ctx context.Context) (int, error) {
	if nativeIPVS() {
		return c.runNative(ctx)
	}
	return c.runGuest(ctx)
}

// runNative starts the command in fresh network, mount and process namespaces.
func (c *command) runNative(ctx context.Context) (int, error) {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env = append(c.Env, envInside+"=machine", envStage+"="+stageNative)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, c.out, c.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID}
	err := runBound(ctx, cmd)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// runGuest boots a guest that runs the command and powers off.
func (c *command) runGuest(ctx context.Context) (_ int, err error) {
	kernel, err := exec.LookPath("linux.uml")
	if err != nil {
		return 0, errors.New("this kernel has no IPVS, and there is no guest kernel (Debian package user-mode-linux)")
	}
	run, err := os.MkdirTemp("", "holdfast-guest-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(run)
	if err := c.prepare(run); err != nil {
		return 0, err
	}
	cpu, release, err := claimCPU(ctx)
	if err != nil {
		return 0, err
	}
	defer release()

	for attempt := 1; ; attempt++ {
		code, err := c.boot(ctx, kernel, run, cpu, bootLimit)
		if !errors.Is(err, errNoBoot) || attempt == bootAttempts {
			return code, err
		}
		fmt.Fprintf(os.Stderr, "netlab: %v\nnetlab: starting it again\n", err)
	}
}

// boot runs the command in one guest, which must be up within the limit.
func (c *command) boot(ctx context.Context, kernel, run string, cpu int, limit time.Duration) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(limit, func() { cancel(errNoBoot) })
	defer late.Stop()
	status := &progress{up: func() { late.Stop() }, exited: func() { late.Reset(powerOffLimit) }}

	var kernelLog bytes.Buffer
	cmd := exec.Command(c.Path)
	cmd.Env = []string{envStage + "=" + stageHost, envRun + "=" + run, "UML_KERNEL=" + kernel, "UML_CPU=" + strconv.Itoa(cpu)}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = &kernelLog, &kernelLog
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID}
	relayed, err := relay(cmd, c.out, status)
	if err != nil {
		return 0, err
	}
	err = runBound(ctx, cmd)
	relayed()
	// The guest kernel's own exit status says nothing; the command's was written last.
	if status.status != nil {
		return *status.status, nil
	}
	if ctx.Err() != nil {
		return 0, fmt.Errorf("guest killed: %w; the end of its log:\n%s", context.Cause(ctx), tail(kernelLog.String(), 10))
	}
	return 0, fmt.Errorf("%w (%v); the end of its log:\n%s", errNoGuest, err, tail(kernelLog.String(), 40))
}

// progress is what a guest says of itself, a word a line: "up" when it has booted, and
// "exit N" with the exit status of its command, when all of its output has been written.
type progress struct {
	up, exited func()
	rest       string // of a line that is not whole
	status     *int   // of the command
}

func (p *progress) Write(b []byte) (int, error) {
	lines := strings.Split(p.rest+string(b), "\n")
	last := len(lines) - 1
	for _, line := range lines[:last] {
		status, exited := strings.CutPrefix(line, "exit ")
		code, err := strconv.Atoi(status)
		switch {
		case line == "up":
			p.up()
		case exited && err == nil:
			p.status = &code
			p.exited()
		}
	}
	p.rest = lines[last]
	return len(b), nil
}

// prepare fills the run directory with what the guest needs to know.
func (c *command) prepare(run string) error {
	spec, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(run, "command.json"), spec, 0o600); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(run, "mem"), 0o700); err != nil {
		return err
	}
	cc := exec.Command("gcc", "-O2", "-shared", "-fPIC", "-x", "c", "-o", filepath.Join(run, "shim.so"), "-", "-ldl")
	cc.Stdin = bytes.NewReader(shimSource)
	if out, err := cc.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the guest's shim: %w: %s", err, out)
	}
	return nil
}

// relay gives cmd one pipe for each writer, as descriptors 3 and up. The function it
// returns waits until all has been copied; call it after cmd has ended.
func relay(cmd *exec.Cmd, to ...io.Writer) (wait func(), err error) {
	var copies sync.WaitGroup
	for _, w := range to {
		r, pw, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, pw)
		copies.Go(func() {
			io.Copy(w, r)
			r.Close()
		})
	}
	return func() {
		for _, f := range cmd.ExtraFiles {
			f.Close()
		}
		copies.Wait()
	}, nil
}

// runBound runs cmd, which gets a process namespace of its own, so that all it started
// dies with it: when ctx ends, or when this process does.
func runBound(ctx context.Context, cmd *exec.Cmd) error {
	// The kernel sends the parent-death signal when the starting thread ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	return cmd.Wait()
}

// claimCPU reserves a processor for one guest among all processes of this machine: a
// guest runs best when its two halves stay on one, and more guests than processors
// only slow each other.
func claimCPU(ctx context.Context) (cpu int, release func(), err error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return 0, nil, err
	}
	for {
		for cpu := range 8 * len(allowed) * 8 {
			if !allowed.IsSet(cpu) {
				continue
			}
			path := filepath.Join(os.TempDir(), fmt.Sprintf("holdfast-lab-cpu%d.lock", cpu))
			f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				return 0, nil, err
			}
			if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
				return cpu, func() { f.Close() }, nil
			}
			f.Close()
		}
		select {
		case <-ctx.Done():
			return 0, nil, fmt.Errorf("no processor free for a guest: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
