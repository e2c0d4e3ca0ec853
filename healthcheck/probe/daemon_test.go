package probe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// These tests check Debian's own servers, started on loopback. The ones that
// are not installed are skipped, unless HOLDFAST_LAB=require says that they
// have to be there.

// program is a server's program; the test ends without it.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, dir := range []string{"/usr/sbin/", "/usr/bin/", "/usr/local/bin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	netlab.Lacks(t, name+": install Debian's "+pkg)
	return ""
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		netlab.Lacks(t, "root, as whom this server is started")
	}
}

// account says as whom to run.
func account(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// workDir is a short path, as sockets want it, that the account may use.
func workDir(t *testing.T, as *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, 0o644)); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// run runs a command that prepares a server.
func run(t *testing.T, as *syscall.Credential, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = "/", environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// environment is ours, with a directory for temporary files that every account may use.
func environment() []string { return append(os.Environ(), "TMPDIR=/tmp") }

// daemon is a server's process with its children.
type daemon struct{ cmd *exec.Cmd }

// start starts a server, which stays in the foreground, and waits until
// somebody listens at the address; "" does not wait.
func start(t *testing.T, as *syscall.Credential, at, name string, args ...string) *daemon {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/", environment(), &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &daemon{cmd}
	t.Cleanup(func() {
		d.signal(syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, out.String())
		}
	})
	for end, tick := time.Now().Add(time.Minute), time.Tick(50*time.Millisecond); at != ""; <-tick {
		c, err := net.DialTimeout("tcp", at, time.Second)
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen at %s", name, at)
		}
	}
	return d
}

// signal reaches the server and its descendants, whatever sessions they made.
func (d *daemon) signal(s syscall.Signal) {
	out, err := exec.Command("ps", "-e", "-o", "pid=,ppid=").Output()
	if err != nil {
		return
	}
	children := make(map[int][]int)
	for _, line := range strings.Split(string(out), "\n") {
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{d.cmd.Process.Pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	for _, pid := range all {
		_ = syscall.Kill(pid, s)
	}
}
