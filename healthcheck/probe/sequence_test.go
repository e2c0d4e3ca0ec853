package probe

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// crowd is one check of every sort, some of servers in trouble.
func crowd(t *testing.T) []healthcheck.Spec {
	hello := serve(t, reply("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	silent := serve(t, hang)
	tls := &healthcheck.TLS{}
	specs := []healthcheck.Spec{
		check("open", healthcheck.TCP{}, hello),
		check("open, too", healthcheck.TCP{}, hello),
		check("closed", healthcheck.TCP{}, closedPort(t)),
		check("http", get(healthcheck.URL{}), hello),
		check("large regex", get(healthcheck.URL{Regex: &healthcheck.Regex{Pattern: `(?=h)hello$`}}), hello),
		check("silent", get(healthcheck.URL{}), silent),
		check("no mail", healthcheck.SMTP{Helo: "x"}, silent),
		check("redirects", healthcheck.HTTPRequest{Redirects: 3}, serve(t, reply("HTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n"))),
		check("hangs up", get(healthcheck.URL{}), serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })),
		check("never ends", get(healthcheck.URL{}), serve(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
			for b := make([]byte, 1<<16); ; {
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		})),
		check("no TLS", healthcheck.HTTP{TLS: tls, URLs: []healthcheck.URL{{Path: "/"}}}, hello),
		check("silent TLS", healthcheck.SMTP{TLS: tls}, silent),
		check("udp", healthcheck.UDP{Payload: []byte("x")}, closedPort(t)),
		check("dns", healthcheck.DNS{Type: 1, Name: "example.org"}, serveDatagrams(t, func(q []byte, say func([]byte)) { say(q[:3]) })),
		check("program", healthcheck.Misc{Command: []string{"true"}, Timeout: time.Second, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}, ""),
		check("no program", healthcheck.Misc{Command: []string{"/no/such/program"}, Timeout: time.Second}, ""),
		check("nonsense", get(healthcheck.URL{Regex: &healthcheck.Regex{Pattern: "("}}), hello),
		check("file", healthcheck.File{Name: "f"}, ""),
		check("session", healthcheck.BFD{Session: "s"}, ""),
	}
	for i := range specs {
		specs[i].ConnectTimeout, specs[i].DelayLoop = 20*time.Millisecond, time.Millisecond
		specs[i].Retry, specs[i].DelayBeforeRetry = max(0, i-1)%3, time.Millisecond // the first two ask the same
	}
	return specs
}

// within has the loop do something, and waits.
func (w world) within(t *testing.T, f func(now time.Time)) {
	t.Helper()
	done := make(chan struct{})
	w.do(func(now time.Time) { defer close(done); f(now) })
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the loop stands still")
	}
}

// lost is a check that waits for nothing and that nothing is under way of, or "".
func (e *Engine) lost() string {
	for key, j := range e.agenda.jobs {
		switch {
		case j.suspended || told(j):
			if j.running || j.place != 0 || j.fd >= 0 {
				return fmt.Sprintf("%s waits for nothing, but: running %v, place %d, socket %d", key, j.running, j.place, j.fd)
			}
		case j.place == 0 && (!j.running || j.cancel == nil):
			return fmt.Sprintf("%s has no appointment, running: %v", key, j.running)
		case j.fd >= 0 && (!j.running || e.byFD[j.fd] != j):
			return fmt.Sprintf("%s has a socket that nobody listens to, running: %v", key, j.running)
		}
	}
	return ""
}

// jobOf is the check that is made for one that is wanted.
func (e *Engine) jobOf(wanted string) *job {
	for key, j := range e.agenda.jobs {
		if slices.Contains(e.shared.Users(key), wanted) {
			return j
		}
	}
	return nil
}

// told says whether others say how a check stands.
func told(j *job) bool {
	switch j.check.Spec.Ask.(type) {
	case healthcheck.File, healthcheck.BFD:
		return true
	}
	return false
}

// Whatever happens in whatever order: a check that is to be made has an appointment,
// or an attempt of it is under way.
func TestNoCheckIsEverLost(t *testing.T) {
	all := crowd(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	suspended := make(map[string]bool) // of those that are wanted
	some := func() []healthcheck.Spec {
		var specs []healthcheck.Spec
		clear(suspended)
		for _, s := range all {
			if random.IntN(3) > 0 {
				s.Suspended, s.RealWeight = random.IntN(4) == 0, random.IntN(9)
				suspended[s.Key] = s.Suspended
				specs = append(specs, s)
			}
		}
		random.Shuffle(len(specs), func(i, j int) { specs[i], specs[j] = specs[j], specs[i] })
		return specs
	}
	// None waits for its first attempt longer than need be.
	var w world
	hurry := func(now time.Time) {
		for _, j := range w.agenda.jobs {
			if j.place != 0 && !j.running {
				w.agenda.queue.set(j, now)
			}
		}
	}
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) }) // after the engine
	w = newWorldOf(t, random.IntN(2) == 0)
	go func() { // nobody is interested in the verdicts
		for {
			select {
			case <-w.events:
			case <-ended:
				return
			}
		}
	}()
	for i := range 400 {
		switch random.IntN(6) {
		case 0:
			w.Set(some())
		case 1:
			w.TrackFile("f", random.Int64N(2))
			w.Session("s", random.IntN(2) == 0)
		default:
			key, on := all[random.IntN(len(all))].Key, random.IntN(2) == 0
			w.Suspend(key, on)
			if _, wanted := suspended[key]; wanted {
				suspended[key] = on
			}
		}
		w.within(t, func(now time.Time) {
			if what := w.lost(); what != "" {
				t.Errorf("seed %d, after %d events: %s", seed, i, what)
			}
			for key, j := range w.agenda.jobs {
				idle := !slices.ContainsFunc(w.shared.Users(key), func(user string) bool { return !suspended[user] })
				if j.suspended != idle {
					t.Errorf("seed %d, after %d events: %s is suspended: %v, nobody needs it: %v", seed, i, key, j.suspended, idle)
				}
			}
			hurry(now)
		})
		if t.Failed() {
			return
		}
		if random.IntN(4) == 0 {
			<-time.After(time.Duration(random.IntN(int(5 * time.Millisecond))))
		}
	}
	w.Set(all)
	runs := func(key string) (n uint64) {
		w.within(t, func(time.Time) { n = w.jobOf(key).check.Status().Runs })
		return n
	}
	for _, s := range all {
		w.Suspend(s.Key, false)
	}
	w.within(t, hurry)
	for _, s := range all[:len(all)-2] {
		deadline := time.Now().Add(time.Minute)
		for before := runs(s.Key); runs(s.Key) < before+2; {
			if time.Now().After(deadline) {
				t.Fatalf("seed %d: %s is made no more", seed, s.Key)
			}
			<-time.After(time.Millisecond)
		}
	}
}
