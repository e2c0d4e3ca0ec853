package netlab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Command runs a program in the namespace to its end and returns what it wrote.
func (n *Namespace) Command(name string, args ...string) (string, error) {
	path, err := lookPath(name)
	if err != nil {
		return "", err
	}
	cmd := exec.Command(path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := n.Do(cmd.Start); err != nil {
		return "", err
	}
	err = cmd.Wait()
	return out.String(), err
}

// Run is Command for programs that must succeed.
func (n *Namespace) Run(name string, args ...string) string {
	n.lab.Helper()
	out, err := n.Command(name, args...)
	if err != nil {
		n.lab.Fatalf("%s: %s %s: %v: %s", n.Name, name, strings.Join(args, " "), err, out)
	}
	return out
}

// Process is a program that runs in a namespace until it ends or its test does.
type Process struct {
	cmd  *exec.Cmd
	lab  *Lab
	done chan struct{} // closed when it has ended
	name string
}

// Start starts a program in the namespace. Its output goes to the file, which is made.
func (n *Namespace) Start(output, name string, args ...string) *Process {
	n.lab.Helper()
	path, err := lookPath(name)
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	out, err := os.OpenFile(output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	// A process group of its own: what it started can be ended with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := n.Do(cmd.Start); err != nil {
		n.lab.Fatalf("%s: start %s: %v", n.Name, name, err)
	}
	p := &Process{cmd: cmd, lab: n.lab, done: make(chan struct{}), name: name}
	go func() {
		cmd.Wait()
		close(p.done)
	}()
	n.lab.Cleanup(func() {
		if p.Alive() {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-p.done
		}
	})
	return p
}

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Alive reports whether the process has not ended.
func (p *Process) Alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends a signal to the process.
func (p *Process) Signal(sig syscall.Signal) {
	p.lab.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.lab.Fatalf("signal %s: %v", p.name, err)
	}
}

// Wait waits for the end and returns the exit status, or 128 plus the signal that ended
// the process.
func (p *Process) Wait(within time.Duration) int {
	p.lab.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		p.lab.Fatalf("%s did not end within %v", p.name, within)
	}
	ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// children returns the direct children of a process.
func children(pid int) []int {
	// A child belongs to the thread that started it.
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, f := range strings.Fields(string(b)) {
			var child int
			if _, err := fmt.Sscan(f, &child); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}
