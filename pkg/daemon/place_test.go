package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What the daemon was started with open reaches no role.
func TestNothingIsInherited(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.start(s.path("secret1"), s.path("secret2"), s.path("secret3"), s.path("secret4"), s.path("secret5"))
	s.expect("Startup complete")
	fds := fmt.Sprintf("/proc/%d/fd", readPid(t, s.path("bfd.pid")))
	list, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range list {
		if to, _ := os.Readlink(filepath.Join(fds, fd.Name())); strings.HasPrefix(to, s.path("secret")) {
			t.Errorf("the role has descriptor %s", fd.Name())
		}
	}
}

// Directories are made for all to look into, whatever the umask of files.
func TestDirectories(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.opt.PidFiles.BFD = s.path("some/where/bfd.pid")
	s.start()
	s.expect("Startup complete")
	for path, want := range map[string]os.FileMode{
		"some": 0o755, "some/where": 0o755, "some/where/bfd.pid": 0o644, "some/where/bfd.sock": 0o600, "parent.pid": 0o644,
	} {
		info, err := os.Stat(s.path(path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestProcessNames(t *testing.T) {
	s := newStage(t, "global_defs {\n  router_id quiet\n  process_names\n  bfd_process_name watcher\n}\n"+forVRRP+"\n"+forBFD+"\n")
	s.start()
	s.expect("Startup complete")
	for file, want := range map[string]string{"parent.pid": "keepalived", "vrrp.pid": "keepalived_vrrp", "bfd.pid": "watcher"} {
		got, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", readPid(t, s.path(file))))
		if err != nil || string(got) != want+"\n" {
			t.Errorf("%s: the process is called %q, %v; want %s", file, got, err, want)
		}
	}
}

// Real-time priority, niceness and processors are a role's from its first
// instruction on, on all of its threads.
func TestScheduling(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !allowed.IsSet(cpu) {
		cpu++
	}
	s := newStage(t, "global_defs {\n  router_id quiet\n  vrrp_rt_priority 20\n  bfd_priority -7\n  bfd_cpu_affinity "+strconv.Itoa(cpu)+"\n}\n"+forVRRP+"\n"+forBFD+"\n")
	s.start()
	s.expect("Startup complete")
	eachThread(t, readPid(t, s.path("vrrp.pid")), func(id int) error {
		attr, err := unix.SchedGetAttr(id, 0)
		if err == nil && (attr.Policy != unix.SCHED_RR || attr.Priority != 20) {
			t.Errorf("vrrp thread %d: %+v", id, attr)
		}
		return err
	})
	eachThread(t, readPid(t, s.path("bfd.pid")), func(id int) error {
		attr, err := unix.SchedGetAttr(id, 0)
		if err == nil && (attr.Policy != unix.SCHED_NORMAL || attr.Nice != -7) {
			t.Errorf("bfd thread %d: %+v", id, attr)
		}
		var cpus unix.CPUSet
		if err == nil {
			err = unix.SchedGetaffinity(id, &cpus)
		}
		if err == nil && (cpus.Count() != 1 || !cpus.IsSet(cpu)) {
			t.Errorf("bfd thread %d may use %d processors", id, cpus.Count())
		}
		return err
	})
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	attr, err := unix.SchedGetAttr(s.cmd.Process.Pid, 0)
	if err != nil || attr.Policy != own.Policy || attr.Nice != own.Nice {
		t.Errorf("supervisor: %+v, %v", attr, err)
	}
}

// eachThread looks at all threads of a process. They come and go, but not the first one.
func eachThread(t *testing.T, pid int, look func(id int) error) {
	t.Helper()
	dirs, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		id, err := strconv.Atoi(d.Name())
		if err == nil {
			err = look(id)
		}
		if err != nil && (id == pid || !errors.Is(err, unix.ESRCH)) {
			t.Errorf("thread %s: %v", d.Name(), err)
		}
	}
}

// In the background: the command ends once the daemon is up, which is then in
// a session of its own.
func TestDetached(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.opt.Foreground, s.opt.Console = false, false
	if out, err := s.command().CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pid := readPid(t, s.path("parent.pid"))
	readPid(t, s.path("bfd.pid")) // it is up
	if sid, err := unix.Getsid(pid); err != nil || sid != pid {
		t.Errorf("session %d of process %d, %v", sid, pid, err)
	}
	for fd, want := range map[string]string{"fd/0": "/dev/null", "fd/2": "/dev/null", "cwd": "/"} {
		if got, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, fd)); got != want {
			t.Errorf("%s is %s, want %s", fd, got, want)
		}
	}
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the daemon is gone", func() bool { // whether or not anybody asks how it ended
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || bytes.Contains(stat, []byte(") Z "))
	})

	s.write(conf("fatal", forBFD))
	err := s.command().Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != ExitFatal {
		t.Errorf("a failed start ended with %v", err)
	}
}

func TestNamespace(t *testing.T) {
	name := fmt.Sprintf("hfd%d", os.Getpid())
	s := newStage(t, "net_namespace "+name+"\n"+conf("quiet", forBFD))
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "netns", "del", name).Run()
		_ = os.RemoveAll(filepath.Join(pidDir, name))
	})
	s.opt.PidFiles = PidFiles{}
	s.start()
	s.expect("playing quiet")
	pid := readPid(t, filepath.Join(pidDir, name, "bfd.pid")) // in the role's eyes /run/keepalived/bfd.pid
	want, err := os.Stat(filepath.Join(netnsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(got, want) {
		t.Error("the role is not in the namespace")
	}
	s.signal(unix.SIGTERM)
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}

	missing := newStage(t, "net_namespace "+name+"x\n"+conf("quiet", forBFD))
	missing.start()
	missing.expect("network namespace " + name + "x: no such file or directory")
	if code, _ := missing.ends(); code != 0 {
		t.Errorf("code %d, keepalived's is 0", code)
	}
}
