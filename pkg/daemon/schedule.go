package daemon

import (
	"fmt"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"
)

// lookEvery is how often reload_time_file is looked at.
const lookEvery = time.Second

// parseSchedule reads the content of a reload_time_file: HH:MM:SS, which is
// the next such moment and comes every day, or YY-MM-DD HH:MM:SS or
// YYYY-MM-DD HH:MM:SS, each in local time or with a Z for UTC.
func parseSchedule(text string, now time.Time) (at time.Time, daily bool, err error) {
	text = strings.TrimSpace(text)
	text, utc := strings.CutSuffix(text, "Z")
	text = strings.TrimSpace(text)
	zone := now.Location()
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "06-01-02 15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, false, nil
		}
	}
	clock, err := time.Parse(time.TimeOnly, text)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("%q is no time to reload at; it is [[YY]YY-MM-DD ]HH:MM:SS[Z]", text)
	}
	today := now.In(zone)
	at = time.Date(today.Year(), today.Month(), today.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at, true, nil
}

// version tells a file from what it was before. The kernel's clock for files is coarse: one
// that is emptied and written again at once may have the same time, but not the same size.
type version struct{ written, size int64 }

// appointment is the reload that reload_time_file asks for.
type appointment struct {
	look  time.Time // when to look at the file again; zero: never
	seen  version   // of the file that we know
	at    time.Time // when to reload; zero: not planned
	daily bool
}

// lookAtSchedule follows changes of reload_time_file and does the reload when
// its time has come. The time of day may be stepped meanwhile, so it is
// compared with the clock each time.
func (s *supervisor) lookAtSchedule(now time.Time) {
	g := &s.running.Config.Global
	if g.ReloadTimeFile == "" {
		s.schedule = appointment{}
		return
	}
	s.schedule.look = now.Add(lookEvery)
	info, err := os.Stat(g.ReloadTimeFile)
	if err != nil {
		s.schedule.seen, s.schedule.at = version{}, time.Time{}
		return
	}
	if is := (version{info.ModTime().UnixNano(), info.Size()}); is != s.schedule.seen {
		s.schedule.seen, s.schedule.at = is, time.Time{}
		s.plan(g.ReloadTimeFile, now)
	}
	if wall := now.Round(0); s.schedule.at.IsZero() || wall.Before(s.schedule.at) {
		return
	}
	if s.schedule.daily && g.ReloadRepeat {
		s.plan(g.ReloadTimeFile, now)
	} else {
		s.schedule.at = time.Time{}
		if err := os.Remove(g.ReloadTimeFile); err != nil {
			s.log.Warn("reload_time_file", zap.Error(err))
		}
	}
	s.reload()
}

// plan reads the file.
func (s *supervisor) plan(path string, now time.Time) {
	text, err := os.ReadFile(path)
	if err == nil {
		s.schedule.at, s.schedule.daily, err = parseSchedule(string(text), now.Round(0))
	}
	switch {
	case err != nil:
		s.log.Warn("reload_time_file", zap.Error(err))
	case !s.schedule.daily && !s.schedule.at.After(now.Round(0)):
		s.log.Warn("the time in reload_time_file has passed", zap.Time("at", s.schedule.at))
		s.schedule.at = time.Time{}
	default:
		s.log.Info("Reload scheduled for "+s.schedule.at.Format(time.ANSIC), zap.Time("at", s.schedule.at))
	}
}
