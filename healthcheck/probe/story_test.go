package probe

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// service is what a server offers at one address.
type service struct {
	at     string
	good   asks
	secure asks // good as well, and with a TLS handshake, at once or later
	bad    fail // what fails all the time
}

type (
	asks map[string]healthcheck.Question
	fail map[string]badQuestion
)

// badQuestion is one that must fail, and what the reason must contain.
type badQuestion struct {
	ask    healthcheck.Question
	reason string
}

// story checks a server that is well, then has trouble on the way to it, then hangs, goes
// on, and is gone.
func story(t *testing.T, d *daemon, services ...service) {
	t.Helper()
	var specs []healthcheck.Spec
	add := func(key string, ask healthcheck.Question, at string, loop, timeout time.Duration) {
		s := check(key, ask, at)
		s.DelayLoop, s.ConnectTimeout = loop, timeout
		specs = append(specs, s)
	}
	bad := make(fail)
	for _, s := range services {
		for _, questions := range []asks{s.good, s.secure} {
			for name, ask := range questions {
				add(s.at+" "+name, ask, s.at, 200*time.Millisecond, 2*time.Second)
			}
		}
		for name, b := range s.bad {
			key := s.at + " not " + name
			add(key, b.ask, s.at, time.Hour, 5*time.Second)
			bad[key] = b
		}
	}
	w := newWorld(t, specs...)
	first := w.verdicts(t)
	for key, b := range bad {
		if ev := first[key]; ev.Up || !strings.Contains(ev.Result.Reason, b.reason) {
			t.Errorf("%s: %+v, want %q", key, ev, b.reason)
		}
	}
	turn := func(what string, so func(healthcheck.Status) bool) {
		t.Helper()
		w.until(t, what, func(s healthcheck.Status) bool {
			_, other := bad[s.Keys[0]]
			return other || so(s)
		})
		if t.Failed() {
			t.FailNow()
		}
	}
	up := func(s healthcheck.Status) bool { return s.Up }
	turn("well", up)
	for _, s := range services {
		troubled(t, s)
	}
	d.signal(syscall.SIGSTOP)
	turn("stopped", func(s healthcheck.Status) bool {
		return !s.Up && slices.Contains([]healthcheck.Fault{healthcheck.FaultReadTimeout, healthcheck.FaultStopped, healthcheck.FaultTimeout}, s.Last.Fault)
	})
	d.signal(syscall.SIGCONT)
	turn("goes on", up)
	d.signal(syscall.SIGKILL)
	turn("killed", func(s healthcheck.Status) bool { return !s.Up })
}

// waitFor waits until a server answers a question.
func waitFor(t *testing.T, ask healthcheck.Question, target string) {
	t.Helper()
	s := check("wait", ask, target)
	s.ConnectTimeout, s.Alpha = 200*time.Millisecond, true
	w := newWorld(t, s)
	for !w.next(t).Up {
	}
}
