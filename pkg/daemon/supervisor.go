package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// supervisor is the state of the parent process. Its loop owns all of it; the
// goroutines that wait for something send events.
type supervisor struct {
	opt     Options
	dir     string // where relative file names start
	log     *zap.Logger
	running *reading // the configuration in force
	roles   [len(kinds)]child
	signals chan os.Signal
	events  chan event
	waiters sync.WaitGroup

	up        bool // everything has been started once
	reloading bool // roles have yet to take the new configuration
	again     bool // and another reload was asked for meanwhile
	stopping  bool // SIGTERM was sent to the roles
	schedule  appointment
	exit      int
}

// hung is how long a process that is only to release may take to start.
const hung = 30 * time.Second

// event is what a goroutine found out about a process.
type event struct {
	child *child
	from  *process // of an earlier process, unless it is the child's current one
	what  any      // message or ended
}

// ended says that a process is gone.
type ended struct {
	status syscall.WaitStatus
	crash  string // what its runtime said
}

// child is a role as the supervisor sees it.
type child struct {
	*kind
	proc      *process // nil while there is none
	memory    *os.File // outlives its processes, not us
	began     time.Time
	ready     bool      // it has done its duty since it was started
	reloading bool      // it has yet to take the new configuration
	dismissed bool      // sent away: there is nothing for it to do any more
	releasing bool      // started only to give up what its predecessor held
	left      bool      // its last process has ended without giving up what it held
	holds     bool      // one of its processes has done its duty, and what that held may still be there
	killAt    time.Time // when its process is killed, if that is to end; zero: not
	deaths    backoff
	startAt   time.Time // when to start it again; zero: not planned
}

// loop runs the roles until they have all ended, and returns the exit code.
func (s *supervisor) loop() int {
	s.startRoles()
	s.lookAtSchedule(time.Now())
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for !s.stopping || s.alive() {
		if next := s.deadline(); next.IsZero() {
			alarm.Stop()
		} else {
			alarm.Reset(time.Until(next))
		}
		select {
		case sig := <-s.signals:
			s.signal(sig)
		case e := <-s.events:
			s.handle(e)
		case now := <-alarm.C:
			s.due(now)
		}
	}
	s.waiters.Wait()
	return s.exit
}

func (s *supervisor) alive() bool {
	for i := range s.roles {
		if s.roles[i].proc != nil {
			return true
		}
	}
	return false
}

// deadline is when something is due, or zero.
func (s *supervisor) deadline() time.Time {
	var first time.Time
	consider := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	consider(s.schedule.look)
	for i := range s.roles {
		if s.roles[i].proc == nil {
			consider(s.roles[i].startAt)
		} else {
			consider(s.roles[i].killAt)
		}
	}
	return first
}

func (s *supervisor) due(now time.Time) {
	s.each(func(c *child) {
		if !c.killAt.IsZero() && !now.Before(c.killAt) {
			s.log.Warn(c.title + " process does not end, killing it")
			c.killAt = time.Time{}
			_ = c.proc.Kill()
		}
	})
	for i := range s.roles {
		c := &s.roles[i]
		if c.proc == nil && !c.startAt.IsZero() && !now.Before(c.startAt) {
			if c.startAt = (time.Time{}); s.wanted(c) {
				s.start(c, false)
			}
		}
	}
	if !s.schedule.look.IsZero() && !now.Before(s.schedule.look) {
		s.lookAtSchedule(now)
	}
}

// each calls f for every role that has a process.
func (s *supervisor) each(f func(*child)) {
	for i := range s.roles {
		if s.roles[i].proc != nil {
			f(&s.roles[i])
		}
	}
}

// wanted reports whether the configuration has work for the role.
func (s *supervisor) wanted(c *child) bool {
	return s.opt.Roles&c.role != 0 && (s.opt.All || s.running.roles&c.role != 0)
}

// startRoles starts the roles that have something to do and are not there.
func (s *supervisor) startRoles() {
	for i := range s.roles {
		if c := &s.roles[i]; c.proc == nil && c.startAt.IsZero() && s.wanted(c) {
			s.start(c, false)
		}
	}
	s.checkUp()
}

// start starts a role's process; one that is only to release ends as soon as
// it has taken over what its predecessor held.
func (s *supervisor) start(c *child, release bool) {
	c.startAt, c.killAt, c.releasing = time.Time{}, time.Time{}, release
	c.ready, c.dismissed, c.reloading = false, false, false
	c.began = time.Now()
	proc, err := s.launch(c)
	if err != nil {
		s.log.Error("cannot start the "+c.title+" process", zap.Error(err))
		c.startAt = c.began.Add(max(c.deaths.pause(0), time.Second))
		return
	}
	c.proc, c.left = proc, false
	if release {
		c.killAt = c.began.Add(hung)
	}
	s.log.Info(fmt.Sprintf("Starting %s child process, pid=%d", c.title, proc.Pid), zap.Int("pid", proc.Pid))
	s.waiters.Go(func() {
		for {
			m, file, err := proc.link.receive()
			if err != nil {
				break
			}
			if file != nil {
				file.Close()
			}
			s.events <- event{c, proc, m}
		}
		status, crash := proc.wait()
		s.events <- event{c, proc, ended{status, crash}}
	})
}

// launch starts a process and tells it what to do.
func (s *supervisor) launch(c *child) (*process, error) {
	how := c.how(&s.running.Config.Global)
	if c.memory == nil {
		fd, err := unix.MemfdCreate("holdfast-"+c.name, unix.MFD_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("memory file: %w", err)
		}
		c.memory = os.NewFile(uintptr(fd), "memory")
	}
	proc, err := startProcess(c.kind, how, c.memory)
	if err != nil {
		return nil, err
	}
	err = s.sendConfig(proc, message{Start: &orders{
		Role:     c.name,
		Options:  s.opt,
		Mode:     config.Start,
		Settings: how,
		Name:     s.roleName(c, how),
	}})
	if err != nil {
		_ = proc.Kill()
		proc.link.close()
		_, _ = proc.wait()
		return nil, err
	}
	return proc, nil
}

// roleName is the kernel's name for the process of a role.
func (s *supervisor) roleName(c *child, how config.RoleProcess) string {
	switch {
	case how.Name != "":
		return how.Name
	case s.running.Config.Global.ProcessNames:
		return c.comm
	default:
		return filepath.Base(os.Args[0])
	}
}

// sendConfig sends a message with the configuration in force.
func (s *supervisor) sendConfig(p *process, m message) error {
	return p.link.send(m, s.running.files)
}

func (s *supervisor) handle(e event) {
	c := e.child
	switch what := e.what.(type) {
	case ended:
		e.from.link.close()
		s.gone(c, what)
	case message:
		switch {
		case what.Ready && c.releasing:
			s.end(c)
		case what.Ready:
			c.ready, c.holds = true, true
			s.checkUp()
		case what.Reloaded:
			c.reloading = false
			s.checkReloaded()
		case what.HUP:
			s.reload()
		}
	}
}

// checkUp tells whoever waits for it once all roles do their duty.
func (s *supervisor) checkUp() {
	if s.up {
		return
	}
	for i := range s.roles {
		if c := &s.roles[i]; s.wanted(c) && !c.ready {
			return
		}
	}
	s.declareUp()
}

func (s *supervisor) declareUp() {
	if s.up {
		return
	}
	s.up = true
	if !slices.ContainsFunc(s.roles[:], func(c child) bool { return s.wanted(&c) }) {
		s.log.Warn("Warning - keepalived has no configuration to run")
	}
	s.log.Info("Startup complete")
	s.notify(sd.SdNotifyReady, fmt.Sprintf("MAINPID=%d", os.Getpid()))
	s.opt.starter.tell()
	s.reloadAgain()
}

// notify tells systemd.
func (s *supervisor) notify(lines ...string) {
	if _, err := sd.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		s.log.Warn("systemd cannot be told", zap.Error(err))
	}
}

// stop ends all roles.
func (s *supervisor) stop() {
	if s.stopping {
		return
	}
	s.stopping = true
	s.log.Info("Stopping")
	s.notify(sd.SdNotifyStopping)
	s.each(s.end)
	for i := range s.roles {
		s.roles[i].startAt = time.Time{}
		s.relinquish(&s.roles[i])
	}
}

// end has the process of a role leave.
func (s *supervisor) end(c *child) {
	c.killAt = time.Now().Add(s.childWait())
	_ = c.proc.Signal(unix.SIGTERM)
}

// childWait is how long roles may take to leave: keepalived's five seconds, and
// more where there are thousands of real servers to be taken down. What a role is
// killed over stays in the kernel.
func (s *supervisor) childWait() time.Duration {
	if p := &s.running.Config.Process; p.ChildWaitTimeGiven {
		return p.ChildWaitTime
	}
	return 5*time.Second + time.Duration(s.running.servers)*time.Millisecond
}

func (s *supervisor) signal(sig os.Signal) {
	switch sig {
	case unix.SIGPIPE:
	case unix.SIGINT:
		if !s.opt.IgnoreSIGINT {
			s.stop()
		}
	case unix.SIGTERM:
		s.stop()
	case unix.SIGHUP:
		s.reload()
	default:
		if sig == SignalData {
			s.dump()
		}
		s.each(func(c *child) {
			// One that still starts has nothing to say, and might not yet
			// catch the signal.
			if c.ready && (sig == SignalData || c.stats) {
				err := c.proc.Signal(sig)
				if err != nil && !errors.Is(err, os.ErrProcessDone) {
					s.log.Error("cannot signal the "+c.title+" process", zap.Error(err))
				}
			}
		})
	}
}
