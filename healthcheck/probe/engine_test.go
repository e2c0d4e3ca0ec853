package probe

import (
	"net"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

func TestDownAndUpAgain(t *testing.T) {
	t.Parallel()
	target := closedPort(t)
	w := newWorld(t, check("rs", healthcheck.TCP{}, target))
	if ev := w.next(t); ev.Up || !ev.Turned {
		t.Fatalf("nobody listens: %+v", ev)
	}
	l, err := net.Listen("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	if ev := w.next(t); !ev.Up || !ev.Turned {
		t.Fatalf("somebody listens: %+v", ev)
	}
	l.Close()
	if ev := w.next(t); ev.Up || !ev.Turned {
		t.Fatalf("nobody listens any more: %+v", ev)
	}
}

func TestChecksInAnotherOrderKeepTheirState(t *testing.T) {
	t.Parallel()
	target := serve(t, hang)
	a, b := check("a", healthcheck.TCP{}, target), check("b", healthcheck.TCP{}, target)
	w := newWorld(t, a, b)
	w.next(t)
	w.next(t)
	status := func() map[string]healthcheck.Status {
		all, err := w.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]healthcheck.Status{}
		for _, s := range all {
			m[s.Keys[0]] = s
		}
		return m
	}
	before := status()
	w.Set([]healthcheck.Spec{check("c", healthcheck.TCP{}, target), b}) // reordered, one gone, one new
	after := status()
	if len(after) != 2 || after["b"].Runs < before["b"].Runs || !after["b"].Known {
		t.Errorf("b lost its state: %+v, before %+v", after["b"], before["b"])
	}
	if after["c"].Known || after["c"].Runs != 0 {
		t.Errorf("c inherited a state: %+v", after["c"])
	}
	if ev := w.next(t); ev.Key != "c" || !ev.First {
		t.Errorf("got %+v, want the first verdict of c", ev)
	}
}

func TestSharedCheckIsMadeOnce(t *testing.T) {
	t.Parallel()
	connections := make(chan struct{}, 1000)
	target := serve(t, func(net.Conn) { connections <- struct{}{} })
	a, b := check("a", healthcheck.TCP{}, target), check("b", healthcheck.TCP{}, target)
	a.DelayLoop, b.DelayLoop = time.Hour, time.Hour
	w := newWorldOf(t, false, a, b)
	if x, y := w.next(t), w.next(t); x.Key+y.Key != "ab" || !x.Up || !y.Up {
		t.Errorf("events %+v and %+v, want one for each", x, y)
	}
	<-connections
	if n := len(connections); n != 0 {
		t.Errorf("%d more connections, want one in all", n)
	}
	w.Set([]healthcheck.Spec{a, b, check("c", healthcheck.TCP{}, target)}) // another period: another check
	if all, _ := w.Snapshot(t.Context()); len(all) != 2 || len(all[0].Keys)+len(all[1].Keys) != 3 {
		t.Errorf("checks: %+v", all)
	}
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	target := closedPort(t)
	w := newWorld(t, check("rs", healthcheck.TCP{}, target))
	if ev := w.next(t); ev.Up {
		t.Fatalf("nobody listens: %+v", ev)
	}
	w.Suspend("rs", true)
	if all, _ := w.Snapshot(t.Context()); !all[0].Suspended || !all[0].Next.IsZero() || all[0].Up {
		t.Errorf("suspended: %+v, want no next attempt and the old verdict", all[0])
	}
	l, err := net.Listen("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.Suspend("rs", false)
	if ev := w.next(t); !ev.Up {
		t.Errorf("made again: %+v", ev)
	}
	later := check("later", healthcheck.TCP{}, target)
	later.Suspended = true
	w.Set([]healthcheck.Spec{later})
	if all, _ := w.Snapshot(t.Context()); len(all) != 1 || !all[0].Suspended || !all[0].Next.IsZero() {
		t.Errorf("suspended from the start: %+v", all)
	}
}

// A test in which a port was both a closed one and another test's server failed once.
func TestClosedPortsStayClosed(t *testing.T) {
	t.Parallel()
	if _, _, ok := spared(t); !ok {
		t.Skip("the kernel of this machine hands out all ports there are")
	}
	closed := make(map[string]bool)
	for range 200 {
		at := closedPort(t)
		if closed[at] {
			t.Fatalf("%s is given to two", at)
		}
		closed[at] = true
	}
	for range 500 {
		if at := serve(t, hang); closed[at] {
			t.Fatalf("a server listens on %s", at)
		}
	}
}
