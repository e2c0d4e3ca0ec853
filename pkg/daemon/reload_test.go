package daemon

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
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

// A role that has nothing to do is sent away. If it has again before it is gone, its
// successor does it.
func TestDismissedRoleIsWantedAgain(t *testing.T) {
	for part, wait := range map[string]string{"slow": "", "stubborn": "child_wait_time 1\n"} {
		t.Run(part, func(t *testing.T) {
			of := func(blocks ...string) string { return wait + conf(part, blocks...) }
			s := newStage(t, of(forVRRP, forBFD))
			s.start()
			first := pidIn(t, s.expect("Starting BFD child process, pid="))
			s.expect("Startup complete")
			s.write(of(forVRRP))
			s.signal(unix.SIGHUP)
			s.expect("Reload complete")
			s.write(of(forVRRP, forBFD))
			s.signal(unix.SIGHUP)
			s.expect("Reload complete")
			if wait != "" {
				s.expect("BFD process does not end, killing it")
			}
			if second := pidIn(t, s.expect("Starting BFD child process, pid=")); second == first {
				t.Error("the same process twice")
			}
			s.signal(unix.SIGTERM)
			s.ends()
		})
	}
}

// A reload may be what a role needs that keeps dying: it does not wait for the end of
// its pause.
func TestReloadEndsThePause(t *testing.T) {
	stage := newStage(t, conf("quiet", forBFD))
	r, err := stage.opt.read(stage.dir, config.Start)
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{opt: stage.opt, dir: stage.dir, log: zap.NewNop(), running: r, events: make(chan event), up: true}
	s.initRoles()
	for i := range s.roles {
		s.roles[i].startAt = time.Now().Add(time.Hour)
	}
	s.reload()
	for i := range s.roles {
		c := &s.roles[i]
		if started := c.proc != nil; started != s.wanted(c) || !c.startAt.IsZero() {
			t.Errorf("%s process started: %v, planned for %v; wanted: %v", c.title, started, c.startAt, s.wanted(c))
		}
	}
	s.each(func(c *child) { _ = c.proc.Kill() })
	for s.stopping = true; s.alive(); {
		s.handle(<-s.events)
	}
	s.waiters.Wait()
}

// A reload that a role cannot follow is over, too, or there would never be another.
func TestReloadIsAnsweredWhateverComesOfIt(t *testing.T) {
	ours, theirs := linkPair(t)
	r := &role{link: theirs, log: zap.NewNop()}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.listen(ctx, nil, cancel)
	}()
	if err := ours.send(message{Reload: true}, nil); err != nil { // the file is lost on the way
		t.Fatal(err)
	}
	if err := ours.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if m, _, err := ours.receive(); err != nil || !m.Reloaded {
		t.Errorf("got %+v, %v; want that the reload is over", m, err)
	}
	ours.close()
	<-done
	theirs.close()
}

// What is changed while the startup script runs is not missed.
func TestReloadDuringTheStartupScript(t *testing.T) {
	s := newStage(t, "")
	script := s.path("script")
	of := func(part string) string {
		return "global_defs {\n  router_id " + part + "\n  startup_script " + script + "\n  script_user root\n}\n" + forBFD + "\n"
	}
	text := "#!/bin/sh\ntouch " + s.path("runs") + "\nwhile [ ! -e " + s.path("go") + " ]; do sleep 0.02; done\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(of("one"))
	s.start()
	waitFor(t, "the script runs", func() bool { _, err := os.Stat(s.path("runs")); return err == nil })
	s.write(of("two"))
	s.signal(unix.SIGHUP)
	if err := os.WriteFile(s.path("go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.expect("playing two")
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
