package daemon

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReload(t *testing.T) {
	s := newStage(t, "")
	checks := s.path("checks")
	conf := func(part string, blocks ...string) string {
		return "global_defs {\n  router_id " + part + "\n  reload_check_config " + checks + "\n}\n" + strings.Join(blocks, "\n") + "\n"
	}
	s.write(conf("one", forBFD))
	s.start()
	s.expect("playing one")
	s.told("READY=1")

	s.write(conf("two", forBFD, "nonsense {", "}"))
	s.signal(unix.SIGHUP)
	s.told("RELOADING=1\nMONOTONIC_USEC=")
	s.expect("Reloading ...")
	if line := s.expect("nonsense"); !strings.Contains(line, "keepalived.conf:8:1") {
		t.Errorf("the mistake is not located: %s", line)
	}
	s.expect("New config failed validation, see " + checks)
	s.expect("Reload refused")
	s.told("READY=1")
	if text, err := os.ReadFile(checks); err != nil || !strings.Contains(string(text), "nonsense") {
		t.Errorf("%v: %s", err, text)
	}

	s.write(conf("three", forBFD, forVRRP))
	s.signal(unix.SIGHUP)
	s.expect("Starting VRRP child process")
	s.expect("playing three")
	s.expect("playing three")
	s.told("RELOADING=1")
	s.told("READY=1")

	s.write(conf("four", forVRRP))
	s.signal(unix.SIGHUP)
	s.expect("Reload complete")
	waitFor(t, "the bfd role is gone", func() bool {
		_, err := os.Stat(s.path("bfd.pid"))
		return errors.Is(err, os.ErrNotExist)
	})

	if err := unix.Kill(readPid(t, s.path("vrrp.pid")), unix.SIGHUP); err != nil { // the role passes it on
		t.Fatal(err)
	}
	s.expect("Reload complete")

	if err := os.Remove(s.opt.File); err != nil {
		t.Fatal(err)
	}
	s.signal(unix.SIGHUP)
	s.expect("Reload refused")
}

func TestSignalsArePassedOn(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP, forBFD))
	s.start()
	s.expect("Startup complete")
	s.signal(SignalData)
	s.expect("dumping for user defined signal 1")
	s.expect("dumping for user defined signal 1")
	for _, sig := range []syscall.Signal{SignalStats, SignalStatsClear, SignalJSON} {
		s.signal(sig)
		s.expect("dumping for " + sig.String())
	}
	s.signal(unix.SIGINT)
	if code, said := s.ends(); code != 0 || strings.Contains(said, "dumping") {
		t.Errorf("code %d after\n%s", code, said)
	}
}
