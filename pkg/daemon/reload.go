package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// reload reads the configuration again and hands it to the roles, unless it
// has become worse than the one in force: then nothing changes.
func (s *supervisor) reload() {
	switch {
	case s.stopping:
		return
	case s.reloading, !s.up:
		s.again = true
		return
	}
	s.log.Info("Reloading ...")
	s.notify(sd.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", monotonic()/time.Microsecond))
	s.reloading = true
	if !s.adopt() {
		s.log.Error("Reload refused, the running configuration stays in force")
		s.reloading = false
		s.notify(sd.SdNotifyReady)
		return
	}
	s.markReload(true)
	for i := range s.roles {
		c := &s.roles[i]
		switch {
		case c.proc == nil:
			c.startAt = time.Time{} // it may do better with this configuration
			if !s.wanted(c) {
				s.relinquish(c)
			}
		case c.releasing:
		case !s.wanted(c) && !c.dismissed:
			c.dismissed = true
			s.end(c)
		case c.dismissed: // whoever follows it, if there is to be somebody, starts with this configuration
		default:
			if err := s.sendConfig(c.proc, message{Reload: true}); err != nil {
				s.log.Error("cannot hand the configuration to the "+c.title+" process", zap.Error(err))
				continue
			}
			c.reloading = true
		}
	}
	s.startRoles()
	s.checkReloaded()
}

// adopt reads the configuration and makes it the one in force if it may be.
func (s *supervisor) adopt() bool {
	next, err := s.opt.read(s.dir, config.Start)
	if err != nil {
		s.log.Error("reload", zap.Error(err))
		return false
	}
	fresh := next.newErrors(s.running.Problems)
	if !next.found || !config.Runnable(next.Problems) || len(fresh) > 0 {
		logProblems(s.log, next.Problems, diag.Warning)
		s.keepProblems(next.Problems)
		next.files.Close()
		return false
	}
	logProblems(s.log, next.Problems, diag.Warning)
	was, now := &s.running.Config.Process, &next.Config.Process
	if was.NetNamespace != now.NetNamespace || was.NetNamespaceIPVS != now.NetNamespaceIPVS ||
		was.Instance != now.Instance || was.UsePidDir != now.UsePidDir {
		s.log.Warn("the network namespace, the instance name and the place of pid files stay as they are until a restart")
		now.NetNamespace, now.NetNamespaceIPVS = was.NetNamespace, was.NetNamespaceIPVS
		now.Instance, now.UsePidDir = was.Instance, was.UsePidDir
	}
	next.slim()
	s.running.files.Close()
	s.running = next
	s.schedule.look = time.Now() // there may be another file
	return true
}

// keepProblems writes what is wrong with a refused configuration into the file
// of reload_check_config.
func (s *supervisor) keepProblems(problems []diag.Problem) {
	path := s.running.Config.Global.ReloadCheckLog
	if path == "" || path == os.DevNull {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		s.log.Warn("file of reload_check_config", zap.Error(err))
		return
	}
	defer f.Close()
	_ = diag.Renderer{}.Write(f, problems)
	s.log.Error("New config failed validation, see " + path + " for details")
}

// checkReloaded ends a reload once every role has taken the configuration.
func (s *supervisor) checkReloaded() {
	if !s.reloading || s.stopping {
		return
	}
	for i := range s.roles {
		if s.roles[i].reloading {
			return
		}
	}
	s.reloading = false
	s.markReload(false)
	s.log.Info("Reload complete")
	s.notify(sd.SdNotifyReady)
	s.reloadAgain()
}

// reloadAgain does the reload that was asked for while there could be none.
func (s *supervisor) reloadAgain() {
	if s.again {
		s.again = false
		s.reload()
	}
}

// markReload makes reload_file exist while a reload is in progress.
func (s *supervisor) markReload(on bool) {
	path := s.running.Config.Global.ReloadFile
	if path == "" {
		return
	}
	if !on {
		_ = os.Remove(path)
		return
	}
	_ = os.MkdirAll(filepath.Dir(path), 0o755)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		s.log.Warn("reload file", zap.Error(err))
		return
	}
	f.Close()
}

// monotonic is the time that systemd compares with.
func monotonic() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// logProblems logs problems from a severity on, one line each.
func logProblems(log *zap.Logger, problems []diag.Problem, from diag.Severity) {
	for i := range problems {
		p := &problems[i]
		if p.Severity < from {
			continue
		}
		text := diag.Printable(p.Text)
		if !p.At.IsZero() {
			text = p.At.String() + ": " + text
		}
		if p.Hint != "" {
			text += " (" + diag.Printable(p.Hint) + ")"
		}
		if p.Severity == diag.Error {
			log.Error(text, zap.String("id", p.ID))
		} else {
			log.Warn(text, zap.String("id", p.ID))
		}
	}
}
