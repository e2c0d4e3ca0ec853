package vrrp_test

import (
	"cmp"
	"regexp"
	"strconv"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// A backup takes over when it has heard nothing for three intervals, also if that is so
// because the machine stood still, as machines do for a second now and then. Where a
// scenario says that nothing moves, what such a stall explains is waited out; nothing else.

// stoodStill is how long the machine stood still in an observation, if that was long enough
// to make a backup take over: with the interval before it, three of the shortest intervals.
func (l *lan) stoodStill(since time.Time) time.Duration {
	interval := cmp.Or(l.interval, 300*time.Millisecond)
	if long := l.stalls.Since(since.Add(-3 * interval)); long >= 2*interval {
		return long
	}
	return 0
}

// Never checks that something does not happen for a while.
func (l *lan) Never(during time.Duration, what string, cond func() bool) {
	l.Helper()
	for tries := 0; ; tries++ {
		since := time.Now()
		took, ok := netlab.Poll(during, cond)
		if !ok {
			return
		}
		long := l.stoodStill(since)
		if long == 0 || tries == 3 {
			l.Fatalf("%s after %v; the machine stood still for %v", what, took, l.stalls.Since(since))
		}
		l.Logf("%s after %v, as the machine stood still for %v", what, took, long)
		l.Eventually(8*time.Second, "the end of that "+what, func() bool { return !cond() })
	}
}

// unprovoked are the adverts of a backup since a time, none if the machine stood still for
// so long that it had to take over.
func (l *lan) unprovoked(i int, since time.Time) []netlab.Advert {
	l.Helper()
	sent := l.adverts(i, since)
	if long := l.stoodStill(since); long > 0 && len(sent) > 0 {
		l.Logf("r%d advertised, as the machine stood still for %v", i+1, long)
		return nil
	}
	return sent
}

var advertInt = regexp.MustCompile(`advert_int ([0-9.]+)`)

// notice looks for the interval of a configuration.
func (l *lan) notice(conf string) {
	for _, m := range advertInt.FindAllStringSubmatch(conf, -1) {
		if s, err := strconv.ParseFloat(m[1], 64); err == nil {
			interval := time.Duration(s * float64(time.Second))
			if l.interval == 0 || interval < l.interval {
				l.interval = interval
			}
		}
	}
}
