package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

func TestStartAndStop(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP, forBFD))
	s.start()
	s.expect("Starting Keepalived v2.4.3 (holdfast")
	s.expect("Configuration file " + s.opt.File)
	vrrp := pidIn(t, s.expect("Starting VRRP child process, pid="))
	bfd := pidIn(t, s.expect("Starting BFD child process, pid="))
	s.expect("Startup complete")
	s.told("READY=1\nMAINPID=" + strconv.Itoa(s.cmd.Process.Pid))

	for path, want := range map[string]int{"parent.pid": s.cmd.Process.Pid, "vrrp.pid": vrrp, "bfd.pid": bfd} {
		if got := readPid(t, s.path(path)); got != want {
			t.Errorf("%s says %d, want %d", path, got, want)
		}
	}
	if _, err := os.Stat(s.path("checkers.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a role without configuration was started: %v", err)
	}
	if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", vrrp)); string(args) != "holdfast: vrrp\x00" {
		t.Errorf("the role's name is %q", args)
	}
	if c, err := control.Dial(t.Context(), s.path("vrrp.sock")); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}

	s.signal(unix.SIGTERM)
	s.told("STOPPING=1")
	code, said := s.ends()
	if code != 0 || strings.Count(said, "leaving") != 2 || !strings.Contains(said, "Stopped Keepalived v2.4.3") {
		t.Errorf("code %d after\n%s", code, said)
	}
	left, _ := filepath.Glob(s.path("*.pid"))
	socks, _ := filepath.Glob(s.path("*.sock"))
	if len(left)+len(socks) > 0 {
		t.Errorf("left behind: %v %v", left, socks)
	}
}

// A signal that comes while the daemon starts is not the end of it.
func TestSignalsDuringTheStart(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.start()
	pid := pidIn(t, s.expect("Starting BFD child process, pid="))
	s.signal(unix.SIGHUP)
	s.signal(SignalData)
	waitFor(t, "the role catches signals", func() bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		return !strings.Contains(string(status), "SigCgt:\t0000000000000000")
	})
	s.expect("playing quiet")
	s.expect("Reload complete")
	if s.signal(unix.SIGTERM); s.cmd.ProcessState != nil {
		t.Error("it ended by itself")
	}
	if code, said := s.ends(); code != 0 || strings.Contains(said, "died") {
		t.Errorf("code %d after\n%s", code, said)
	}
}

func TestSecondDaemon(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	s.expect("Startup complete")
	for _, tt := range []struct {
		name   string
		change func(*Options)
	}{
		{"same pid file", func(*Options) {}},
		{"same pid file of a role", func(o *Options) { o.PidFiles.Parent = s.path("other.pid") }},
	} {
		other := *s
		tt.change(&other.opt)
		out, err := other.command().CombinedOutput()
		if err != nil || !strings.Contains(string(out), "daemon is already running") {
			t.Errorf("%s: %v, %s", tt.name, err, out)
		}
	}
}

func TestRefusedConfiguration(t *testing.T) {
	for _, tt := range []struct {
		name, conf string
		code       int
	}{
		{"interface missing", "vrrp_instance V {\n  interface nope0\n  virtual_router_id 5\n  virtual_ipaddress {\n    192.0.2.1\n  }\n}\n", ExitConfig},
		{"no virtual_router_id", "vrrp_instance V {\n  interface lo\n  virtual_ipaddress {\n    192.0.2.1\n  }\n}\n", ExitConfig},
		{"include that must exist", "includem nothing.conf\n", ExitNoFile},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, tt.conf)
			s.start()
			s.expect("The configuration cannot be run")
			if code, _ := s.ends(); code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
		})
	}
	t.Run("file missing", func(t *testing.T) {
		s := newStage(t, "")
		s.opt.File = s.path("missing.conf")
		s.opt.Console = false
		s.start()
		s.expect("cannot read the configuration file") // on the terminal although not logged there
		if code, _ := s.ends(); code != ExitNoFile {
			t.Errorf("code %d", code)
		}
	})
}

func TestScriptsAtStartAndStop(t *testing.T) {
	s := newStage(t, "")
	script := s.path("note.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho $1 >> "+s.path("notes")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("global_defs {\n  router_id quiet\n  script_user root\n  startup_script \"" + script + " start\"\n" +
		"  shutdown_script \"" + script + " stop\"\n}\n" + forBFD + "\n")
	s.start()
	s.expect("Starting BFD child process")
	if notes, _ := os.ReadFile(s.path("notes")); string(notes) != "start\n" {
		t.Errorf("before the roles: %q", notes)
	}
	s.expect("playing quiet")
	s.signal(unix.SIGTERM)
	s.ends()
	if notes, _ := os.ReadFile(s.path("notes")); string(notes) != "start\nstop\n" {
		t.Errorf("in the end: %q", notes)
	}
}

func TestNothingToDo(t *testing.T) {
	s := newStage(t, conf("quiet"))
	s.start()
	s.expect("keepalived has no configuration to run")
	s.told("READY=1")
	s.signal(unix.SIGTERM)
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}
}

func TestOnlySomeRoles(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP, forBFD))
	s.opt.Roles = config.Parent | config.VRRP
	s.start()
	s.expect("playing quiet")
	s.signal(unix.SIGTERM)
	if _, said := s.ends(); strings.Contains(said, "BFD") {
		t.Errorf("BFD was started:\n%s", said)
	}
}
