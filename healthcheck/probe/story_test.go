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
	add := func(key string, ask healthcheck.Question, at string, loop time.Duration) {
		s := check(key, ask, at)
		s.DelayLoop, s.ConnectTimeout = loop, 2*time.Second
		specs = append(specs, s)
	}
	good, bad := 0, make(fail)
	for _, s := range services {
		for _, questions := range []asks{s.good, s.secure} {
			for name, ask := range questions {
				add(s.at+" "+name, ask, s.at, 200*time.Millisecond)
				good++
			}
		}
		for name, b := range s.bad {
			key := s.at + " not " + name
			add(key, b.ask, s.at, time.Hour)
			bad[key] = b
		}
	}
	w := newWorld(t, specs...)
	for key, ev := range w.verdicts(t) {
		if b, ok := bad[key]; ok {
			if ev.Up || !strings.Contains(ev.Result.Reason, b.reason) {
				t.Errorf("%s: %+v, want %q", key, ev, b.reason)
			}
		} else if !ev.Up {
			t.Errorf("%s: %+v, want up", key, ev)
		}
	}
	if t.Failed() {
		return
	}
	for _, s := range services {
		troubled(t, s)
	}
	turn := func(what string, up bool, faults ...healthcheck.Fault) {
		t.Helper()
		for range good {
			ev := w.next(t)
			if ev.Up != up || !ev.Turned || len(faults) > 0 && !slices.Contains(faults, ev.Result.Fault) {
				t.Errorf("%s: %+v", what, ev)
			}
		}
	}
	d.signal(syscall.SIGSTOP)
	turn("stopped", false, healthcheck.FaultReadTimeout, healthcheck.FaultTLS, healthcheck.FaultTimeout)
	d.signal(syscall.SIGCONT)
	turn("goes on", true)
	d.signal(syscall.SIGKILL)
	turn("killed", false)
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
