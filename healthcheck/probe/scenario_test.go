package probe

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// The scenarios of real bug reports, with the right outcome in the name.

func TestWholePoolFailsAtOnceAndComesBackAtOnce(t *testing.T) {
	t.Parallel()
	const n = 300
	target := closedPort(t)
	l, err := net.Listen("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	var specs []healthcheck.Spec
	for i := range n {
		specs = append(specs, check(fmt.Sprint(i), healthcheck.TCP{}, target))
	}
	w := newWorld(t, specs...)
	all := func(what string, up bool) {
		t.Helper()
		seen := make(map[string]bool)
		for len(seen) < n {
			ev := w.next(t)
			if ev.Up != up || seen[ev.Key] {
				t.Fatalf("%s: %+v, seen before: %v", what, ev, seen[ev.Key])
			}
			seen[ev.Key] = true
		}
	}
	all("at first", true)
	l.Close()
	all("server gone", false)
	if l, err = net.Listen("tcp", target); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all("server back", true)
}

func TestStallOfOurOwnIsNobodysFailure(t *testing.T) {
	t.Parallel()
	const n = 400 // more than are looked at together
	var asked, answered sync.WaitGroup
	asked.Add(n)
	answered.Add(n)
	target := serve(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		asked.Done()
		asked.Wait()
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
		answered.Done()
	})
	verdicts := 0
	e, err := New(Options{Alone: true, Random: func() float64 { return 0 }, Event: func(ev healthcheck.Event) {
		if verdicts++; !ev.Up {
			t.Errorf("%+v, want up: the answer came in time", ev)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	var specs []healthcheck.Spec
	for i := range n {
		s := check(fmt.Sprint(i), get(healthcheck.URL{}), target)
		s.DelayLoop, s.ConnectTimeout = 24*time.Hour, time.Minute
		specs = append(specs, s)
	}
	// An hour ago all of them asked, and have been answered since.
	past := time.Now().Add(-time.Hour)
	run, _ := e.shared.Set(specs)
	e.set(run, past.Add(-time.Minute))
	for begun := 0; begun < n; {
		e.work(past)
		e.poll.peek()
		for _, ev := range e.poll.ready() {
			e.happened(e.connection(ev), ev.Events, past)
			begun++
		}
	}
	answered.Wait()
	e.poll.peek()
	e.work(e.takeReady())
	if verdicts != n {
		t.Errorf("%d verdicts, want %d", verdicts, n)
	}
}

func TestFlappingServerIsKeptByItsRetries(t *testing.T) {
	t.Parallel()
	var turn atomic.Int64
	target := serve(t, func(c net.Conn) { // every other answer is none
		if turn.Add(1)%2 == 1 {
			reply("HTTP/1.0 200 OK\r\n\r\n")(c)
		}
	})
	s := check("rs", get(healthcheck.URL{}), target)
	s.DelayLoop, s.DelayBeforeRetry, s.Retry = 10*time.Millisecond, 10*time.Millisecond, 1
	w := newWorld(t, s)
	if ev := w.next(t); !ev.Up {
		t.Fatalf("a good answer: %+v", ev)
	}
	before := turn.Load()
	for turn.Load() < before+50 {
		select {
		case ev := <-w.events:
			t.Fatalf("after %d more answers: %+v", turn.Load()-before, ev)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestChangedDefinitionStartsOverAndOneFailureIsEnough(t *testing.T) {
	t.Parallel()
	target := serve(t, reply("HTTP/1.0 200 OK\r\n\r\nhello"))
	s := check("rs", get(healthcheck.URL{}), target)
	s.Retry, s.DelayBeforeRetry = 3, time.Hour
	w := newWorld(t, s)
	if ev := w.next(t); !ev.Up || !ev.First {
		t.Fatalf("as it was: %+v", ev)
	}
	changed := check("rs with a digest", get(healthcheck.URL{Digest: md5sum("other")}), target)
	changed.Retry, changed.DelayBeforeRetry = 3, time.Hour
	w.Set([]healthcheck.Spec{changed})
	if ev := w.next(t); ev.Key != changed.Key || ev.Up || !ev.First || ev.Result.Fault != healthcheck.FaultDigest {
		t.Errorf("as it is: %+v, want down at once", ev)
	}
}

func TestSlowDripEndsInTime(t *testing.T) {
	t.Parallel()
	target := serve(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 1000000\r\n\r\n")
		for tick := time.Tick(20 * time.Millisecond); ; <-tick {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
		}
	})
	plain := check("plain", get(healthcheck.URL{}), target)
	plain.ConnectTimeout = 200 * time.Millisecond
	w := newWorld(t, plain)
	if ev := w.next(t); ev.Up {
		t.Errorf("%+v, want down", ev)
	}
	// A server that stands still for longer than one step may take fails sooner.
	limit := plain.Overall()
	w.until(t, fmt.Sprintf("down after %v", limit), func(s healthcheck.Status) bool {
		return !s.Up && s.Last.Took >= limit && s.Last.Took < limit+slack
	})
}
