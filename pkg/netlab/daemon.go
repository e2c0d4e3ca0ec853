package netlab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Keepalived is the reference daemon of the distribution.
const Keepalived = "keepalived"

// build compiles the daemon under test once per process.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "holdfast-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "holdfast")
	cmd := exec.Command("go", "build", "-o", path, "github.com/holdfast-lb/holdfast/cmd/holdfast")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build holdfast: %w: %s", err, out)
	}
	return path, nil
})

// Holdfast returns the path of the daemon under test: HOLDFAST_BIN, which may name another
// daemon with the same command line, or else a fresh build.
func Holdfast(t T) string {
	t.Helper()
	if bin := os.Getenv("HOLDFAST_BIN"); bin != "" {
		return bin
	}
	bin, err := build()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return bin
}

// Daemon is a load balancer started with keepalived's command line. Its files are in a
// directory of its own, so that many can run on one machine.
type Daemon struct {
	*Process
	Config string // path of its configuration file
	Dir    string // its pid files and its log
	ns     *Namespace
	bin    string
	flags  []string
}

// Daemon starts a daemon in the namespace, in the foreground, with a configuration and
// flags besides those that place its files.
func (n *Namespace) Daemon(bin, config string, flags ...string) *Daemon {
	n.lab.Helper()
	d := n.NewDaemon(bin, config, flags...)
	d.Start()
	return d
}

// NewDaemon prepares a daemon without starting it.
func (n *Namespace) NewDaemon(bin, config string, flags ...string) *Daemon {
	n.lab.Helper()
	dir, err := os.MkdirTemp(n.lab.Dir, n.Name+"-")
	if err != nil {
		n.lab.Fatalf("%v", err)
	}
	d := &Daemon{ns: n, bin: bin, flags: flags, Dir: dir, Config: filepath.Join(dir, "keepalived.conf")}
	d.Write(config)
	return d
}

// Start starts a daemon that is not running.
func (d *Daemon) Start() {
	d.ns.lab.Helper()
	args := []string{
		"-n", "-l", "-D", "-f", d.Config,
		"-p", d.pidFile("parent"), "-r", d.pidFile("vrrp"), "-c", d.pidFile("checkers"), "-b", d.pidFile("bfd"),
	}
	d.Process = d.ns.Start(filepath.Join(d.Dir, "log"), d.bin, append(args, d.flags...)...)
}

func (d *Daemon) pidFile(role string) string { return filepath.Join(d.Dir, role+".pid") }

// Write replaces the configuration file. A daemon that is reading it sees all of the old
// one or all of the new one, never the beginning of it.
func (d *Daemon) Write(config string) {
	d.ns.lab.Helper()
	if err := os.WriteFile(d.Config+".new", []byte(config), 0o600); err != nil {
		d.ns.lab.Fatalf("%v", err)
	}
	if err := os.Rename(d.Config+".new", d.Config); err != nil {
		d.ns.lab.Fatalf("%v", err)
	}
}

// Reload replaces the configuration file and sends SIGHUP.
func (d *Daemon) Reload(config string) {
	d.ns.lab.Helper()
	d.Write(config)
	d.Signal(syscall.SIGHUP)
}

// Stop sends SIGTERM, waits for the end and returns the exit status.
func (d *Daemon) Stop() int {
	d.ns.lab.Helper()
	d.Signal(syscall.SIGTERM)
	return d.Wait(15 * time.Second)
}

// Crash ends all processes of the daemon such that none of them runs another
// instruction, as when the machine loses its power.
func (d *Daemon) Crash() {
	d.ns.lab.Helper()
	d.Signal(syscall.SIGSTOP) // a parent that sees its children die would restart them
	kids := children(d.Pid())
	for _, pid := range kids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	d.Signal(syscall.SIGKILL)
	d.Wait(5 * time.Second)
	for _, pid := range kids {
		Poll(5*time.Second, func() bool { return threads(pid) == 0 })
		syscall.Wait4(pid, nil, 0, nil) // the namespace's first process inherits it; a successor would take it for alive
	}
}

// Busy reports whether the daemon has something to do: one of its processes can run, or
// it has not yet started its first role nor said that it needs none. Of a process only the
// first thread is looked at: all of them, every few milliseconds, are too much for a guest.
func (d *Daemon) Busy() bool {
	family := d.family()
	for _, pid := range family {
		if s := processState(pid); s == 'R' || s == 'D' {
			return true
		}
	}
	return d.Alive() && len(family) < 2 && !strings.Contains(d.Log(), "Startup complete")
}

// threads is how many threads a process has; those of one that was killed end one by one.
func threads(pid int) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if len(list) == 1 && !exists(pid) {
		return 0
	}
	return len(list)
}

// exists reports whether the process is there and not a zombie.
func exists(pid int) bool {
	s := processState(pid)
	return s != 0 && s != 'Z' && s != 'X'
}

// processState is the state of a process as in /proc/PID/stat, or 0 without one.
func processState(pid int) byte {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, state, ok := bytes.Cut(b, []byte(") "))
	if !ok || len(state) == 0 {
		return 0
	}
	return state[0]
}

// RolePid returns the number of a role's process ("vrrp", "checkers") from its pid file,
// or 0 while there is none.
func (d *Daemon) RolePid(role string) int {
	b, err := os.ReadFile(d.pidFile(role))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	if !exists(pid) {
		return 0
	}
	return pid
}

// Ask runs one of the daemon's own commands, such as "status", about this daemon.
func (d *Daemon) Ask(command string, args ...string) (string, error) {
	args = append([]string{command, "-r", d.pidFile("vrrp"), "-c", d.pidFile("checkers"), "-b", d.pidFile("bfd")}, args...)
	return d.ns.Command(d.bin, args...)
}

// Log returns what the daemon has logged so far.
func (d *Daemon) Log() string {
	b, _ := os.ReadFile(filepath.Join(d.Dir, "log"))
	return string(b)
}

// WaitLog waits until the pattern matches the log, and returns its first match.
func (d *Daemon) WaitLog(within time.Duration, pattern string) string {
	d.ns.lab.Helper()
	re := regexp.MustCompile(pattern)
	var match string
	_, ok := Poll(patience*within, func() bool {
		match = re.FindString(d.Log())
		return match != ""
	})
	if !ok {
		d.ns.lab.Fatalf("%s did not log %q within %v; its log:\n%s", d.ns.Name, pattern, patience*within, tail(d.Log(), 60))
	}
	return match
}
