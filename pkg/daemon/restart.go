package daemon

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

const (
	// settled is how long a role must have run for its death to count as an
	// accident rather than as part of a series. It is short, because a vrrp role
	// that comes back at once keeps its mastership, and one that does not loses
	// it; what dies at its start is part of a series all the same.
	settled = 3 * time.Second
	// maxPause is the longest pause between the deaths and starts of a series.
	maxPause = time.Minute
)

// backoff decides how long to wait before a dead role is started again: not at
// all after an accident, then 0, 1, 2, 4 … seconds up to a minute.
type backoff struct {
	deaths int // in the series
}

// pause is called when a role has died after running that long.
func (b *backoff) pause(ran time.Duration) time.Duration {
	if ran >= settled {
		b.deaths = 0
		return 0
	}
	b.deaths++
	if b.deaths == 1 {
		return 0
	}
	return min(time.Second<<min(b.deaths-2, 10), maxPause)
}

// gone decides what follows the end of a role's process.
func (s *supervisor) gone(c *child, e ended) {
	pid, ran := c.proc.Pid, time.Since(c.began)
	released := c.releasing
	c.proc, c.reloading, c.releasing = nil, false, false
	c.left = !e.status.Exited() || e.status.ExitStatus() != 0
	defer s.checkReloaded()
	for line := range strings.Lines(e.crash) {
		s.log.Error(c.title+" process: "+strings.TrimRight(line, "\n"), zap.Int("pid", pid))
	}
	switch code := e.status.ExitStatus(); {
	case s.stopping:
		s.relinquish(c)
		return
	case c.dismissed:
		s.relinquish(c)
		if s.wanted(c) { // again, after another reload
			s.start(c, false)
		}
		return
	case released:
		s.relinquish(c)
		c.holds = false
		if c.startAt.IsZero() && !s.opt.DontRespawn {
			c.startAt = time.Now().Add(c.deaths.pause(0))
		}
		return
	case e.status.Exited() && permanent(code) != "":
		s.log.Error(fmt.Sprintf("%s exited with permanent error %s. Terminating", c.short, permanent(code)), zap.Int("pid", pid))
		s.exit = code
		s.relinquish(c)
		s.stop()
		return
	case s.opt.DontRespawn:
		s.log.Error(fmt.Sprintf("%s child process(%d) died", c.short, pid), zap.Int("pid", pid), zap.String("how", how(e.status)))
		s.release(c, time.Time{})
		return
	}
	s.log.Error(fmt.Sprintf("%s child process(%d) died: Respawning", c.short, pid), zap.Int("pid", pid), zap.String("how", how(e.status)))
	next := time.Now()
	if pause := c.deaths.pause(ran); pause <= time.Second {
		c.startAt = next.Add(pause)
	} else {
		s.release(c, next.Add(pause))
	}
	s.declareUp() // the other roles serve, and this one may need a reload to do so
}

// release has a role that will be away for longer than its peers tolerate give
// up what it holds, rather than leave a master that does not speak.
func (s *supervisor) release(c *child, next time.Time) {
	if c.role == config.VRRP && c.holds {
		s.log.Warn("giving up what the dead process held")
		s.start(c, true)
	}
	c.startAt = next
}

// relinquish gives up in place of a role that has ended, and is not to come back,
// what it has left.
func (s *supervisor) relinquish(c *child) {
	giveUp := s.opt.Relinquish[c.name]
	if !c.left || giveUp == nil || s.opt.Flags.keeps(c.role) {
		return
	}
	c.left = false
	files, err := content(s.running.files)
	if err == nil {
		var got *reading
		if got, err = s.opt.readSaved(files, config.Start, c.role); err == nil {
			err = giveUp(got.Config, c.memory, s.log)
		}
	}
	if err != nil {
		s.log.Error("what the "+c.title+" process held cannot be given up", zap.Error(err))
	}
}

// permanent names the exit codes after which there is no point in going on.
func permanent(code int) string {
	switch code {
	case ExitFatal:
		return "FATAL"
	case ExitConfig:
		return "CONFIG"
	case ExitPermission:
		return "missing permission"
	default:
		return ""
	}
}

// how is a wait status for people.
func how(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return "signal " + ws.Signal().String()
	}
	return fmt.Sprintf("exit status %d", ws.ExitStatus())
}
