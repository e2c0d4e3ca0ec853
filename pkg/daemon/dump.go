package daemon

import (
	"fmt"
	"os"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/dump"
)

// dump writes what the parent has to say: the global definitions in force.
func (s *supervisor) dump() {
	s.log.Info(fmt.Sprintf("Printing parent data for process(%d) on signal", os.Getpid()))
	c := s.running.Config
	if err := dump.Replace(dump.StatePath(c, dump.Parent), []byte(c.GlobalText(0))); err != nil {
		s.log.Error("state dump", zap.Error(err))
	}
}

// usage is the processor time in seconds of the process or of its children.
func usage(who int) (user, system float64) {
	var u unix.Rusage
	_ = unix.Getrusage(who, &u)
	seconds := func(t unix.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime), seconds(u.Stime)
}

// cpuUsage is the line with which the parent takes leave.
func cpuUsage() string {
	user, system := usage(unix.RUSAGE_SELF)
	childUser, childSystem := usage(unix.RUSAGE_CHILDREN)
	return fmt.Sprintf("CPU usage (self/children) user: %.6f/%.6f system: %.6f/%.6f", user, childUser, system, childSystem)
}

// logUsage is the same for a role, whose children are scripts.
func (r *role) logUsage() {
	user, system := usage(unix.RUSAGE_SELF)
	childUser, childSystem := usage(unix.RUSAGE_CHILDREN)
	if childUser+childSystem == 0 {
		r.log.Info(fmt.Sprintf("Stopped - used %.6f user time, %.6f system time", user, system))
		return
	}
	r.log.Info(fmt.Sprintf("Stopped - used (self/children) %.6f/%.6f user time, %.6f/%.6f system time", user, childUser, system, childSystem))
}
