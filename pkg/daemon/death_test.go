package daemon

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDeadRoleComesBack(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	first := pidIn(t, s.expect("Starting VRRP child process, pid="))
	s.expect("playing quiet")
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expect(fmt.Sprintf("Vrrp child process(%d) died: Respawning", first))
	second := pidIn(t, s.expect("Starting VRRP child process, pid="))
	s.expect("remembering quiet")
	s.expect("playing quiet")
	if got := readPid(t, s.path("vrrp.pid")); got != second || second == first {
		t.Errorf("pid file says %d, started was %d after %d", got, second, first)
	}
	s.signal(unix.SIGTERM)
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}
}

func TestDontRespawn(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.opt.DontRespawn = true
	s.start()
	s.expect("Startup complete")
	if err := unix.Kill(readPid(t, s.path("bfd.pid")), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expect("died")
	s.signal(unix.SIGTERM)
	if code, said := s.ends(); code != 0 || strings.Count(said, "Starting BFD") > 1 {
		t.Errorf("code %d after\n%s", code, said)
	}
}

// A supervisor that ends takes down what a dead role has left, unless it is to stay.
func TestStopAfterDeath(t *testing.T) {
	for _, tt := range []struct {
		name  string
		block string
		flags RoleFlags
		want  string
	}{
		{name: "checkers", block: forIPVS, want: "leaving for quiet, of 1 services"},
		{name: "vrrp, whose successor has done it", block: forVRRP},
		{name: "checkers with -I", block: forIPVS, flags: RoleFlags{DontReleaseIPVS: true}},
		{name: "checkers with -V", block: forIPVS, flags: RoleFlags{DontReleaseVRRP: true}, want: "leaving for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, conf("quiet", tt.block))
			s.opt.DontRespawn, s.opt.Flags = true, tt.flags
			s.start()
			role := pidIn(t, s.expect("child process, pid="))
			s.expect("playing quiet")
			if err := unix.Kill(role, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			s.expect("died")
			if tt.block == forVRRP {
				s.expect("leaving")
			}
			s.signal(unix.SIGTERM)
			code, said := s.ends()
			if left := strings.Contains(said, "leaving for"); code != 0 || left != (tt.want != "") || !strings.Contains(said, tt.want) {
				t.Errorf("code %d, want %q after\n%s", code, tt.want, said)
			}
		})
	}
}

// A role that keeps dying is paused, and before a long pause its successor
// gives up what it held.
func TestSeriesOfDeaths(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	s.expect("Startup complete")
	var died string
	for range 3 {
		s.expect("playing quiet")
		pid := readPid(t, s.path("vrrp.pid"))
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		died = s.expect("died: Respawning")
	}
	s.expect("giving up what the dead process held")
	s.expect("playing quiet")
	s.expect("leaving")
	back := s.expect("playing quiet")
	if d := said(t, back).Sub(said(t, died)); d < 2*time.Second {
		t.Errorf("back after %v already:\n%s\n%s", d, died, back)
	}
}

// said is when a line was logged, in whole seconds.
func said(t *testing.T, line string) time.Time {
	t.Helper()
	at, err := time.Parse(time.ANSIC, line[:min(len(line), len(time.ANSIC))])
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Nor does what a role held stay behind that has worked once and cannot start again, not
// even to give it up: the supervisor does that.
func TestRoleThatCannotStartAgain(t *testing.T) {
	s := newStage(t, conf("once", forVRRP))
	s.start()
	s.expect("playing once")
	if err := unix.Kill(readPid(t, s.path("vrrp.pid")), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expect("giving up what the dead process held")
	s.expect("leaving for once")
}

func TestPanicIsLoggedAndSurvived(t *testing.T) {
	s := newStage(t, conf("panic", forBFD))
	s.start()
	s.expect("BFD process: panic: the plot is lost")
	s.expect("BFD child process(")
	s.write(conf("quiet", forBFD))
	s.signal(unix.SIGHUP)
	s.expect("Reload complete")
	s.expect("playing quiet")
}

// A role that dies before it is ready keeps neither the others from working
// nor the operator from mending the configuration.
func TestRoleThatNeverStarts(t *testing.T) {
	s := newStage(t, conf("stillborn", forBFD))
	s.start()
	s.expect("died: Respawning")
	s.told("READY=1")
	s.write(conf("quiet", forBFD))
	s.signal(unix.SIGHUP)
	s.expect("playing quiet")
}

func TestErrorAfterReadyIsNotPermanent(t *testing.T) {
	s := newStage(t, conf("later", forBFD))
	s.start()
	s.expect("cannot go on: something broke")
	s.expect("died: Respawning")
}

func TestPermanentErrors(t *testing.T) {
	for part, want := range map[string]struct {
		code int
		log  string
	}{
		"fatal":      {ExitFatal, "BFD exited with permanent error FATAL. Terminating"},
		"config":     {ExitConfig, "BFD exited with permanent error CONFIG. Terminating"},
		"permission": {ExitPermission, "BFD exited with permanent error missing permission. Terminating"},
	} {
		t.Run(part, func(t *testing.T) {
			s := newStage(t, conf(part, forBFD))
			s.start()
			s.expect(want.log)
			if code, _ := s.ends(); code != want.code {
				t.Errorf("code %d, want %d", code, want.code)
			}
		})
	}
}

// Roles whose supervisor was killed leave by themselves, in good order.
func TestSupervisorDies(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	s.expect("Startup complete")
	s.signal(unix.SIGKILL)
	s.expect("the supervisor is gone, stopping")
	s.expect("leaving")
	waitFor(t, "the role's pid file is gone", func() bool {
		_, err := os.Stat(s.path("vrrp.pid"))
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestStubbornRoleIsKilled(t *testing.T) {
	s := newStage(t, "child_wait_time 1\n"+conf("stubborn", forBFD))
	s.start()
	s.expect("playing stubborn")
	s.signal(unix.SIGTERM)
	s.expect("BFD process does not end, killing it")
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}
}
