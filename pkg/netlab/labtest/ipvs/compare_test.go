package ipvs_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// beside runs the same scenario with the reference daemon and with ours, at the same
// time and in networks of their own, and compares what they return, line by line. What
// checks have found by the time of a comparison depends on the machine's leisure, so a
// difference counts when it is there three times, on a machine that does not stand still
// meanwhile.
func beside(t *testing.T, scenario func(t *testing.T, bin string) []string) {
	t.Helper()
	var counted evidence
	for try := 1; ; try++ {
		var ref, ours []string
		stalls := lab(t).WatchStalls()
		t.Run(fmt.Sprintf("try %d", try), func(t *testing.T) {
			t.Run("keepalived", func(t *testing.T) {
				t.Parallel()
				ref = scenario(t, netlab.Keepalived)
			})
			t.Run("holdfast", func(t *testing.T) {
				t.Parallel()
				ours = scenario(t, netlab.Holdfast(t))
			})
		})
		if t.Failed() {
			return
		}
		if len(ref) == 0 {
			t.Fatal("the reference left nothing to compare")
		}
		diff := cmp.Diff(ref, ours)
		if diff == "" {
			return
		}
		if counted.enough(stalls) {
			t.Errorf("keepalived (-) and holdfast (+) differ, as they did %d times before:\n%s", try-1, diff)
			return
		}
		t.Logf("try %d: keepalived (-) and holdfast (+) differ:\n%s", try, diff)
	}
}

// evidence counts how often two daemons differed. A machine that stands still for longer
// than they may be apart may do so to one of them in the middle of something, so that time
// does not count; but there is an end.
type evidence struct{ tries, fair int }

// enough counts a difference, and reports whether it has been there often enough.
func (e *evidence) enough(s *netlab.Stalls) bool {
	e.tries++
	if s.Worst() < agreement {
		e.fair++
	}
	return e.fair == 3 || e.tries == 6
}

// tables is all that ipvsadm says about a namespace: services, destinations, timeouts,
// sync daemons, thresholds and the number of connections each has had.
func tables(ns *netlab.Namespace) []string {
	out := ns.IPVS()
	for _, what := range []string{"--timeout", "--daemon", "--thresholds", "--stats"} {
		text := ns.Run("ipvsadm", "-Ln", what)
		if what == "--stats" {
			text = connections(text)
		}
		for _, line := range sorted(text) {
			out = append(out, what+" "+line)
		}
	}
	return out
}

// connections keeps the first number of each line of "ipvsadm -Ln --stats": packets and
// bytes depend on timing.
func connections(stats string) string {
	var b strings.Builder
	for line := range strings.Lines(stats) {
		f := strings.Fields(line)
		switch {
		case len(f) > 3 && f[0] == "->" && f[1] != "RemoteAddress:Port":
			fmt.Fprintln(&b, f[1], "conns", f[2])
		case len(f) > 3 && f[0] != "Prot" && f[0] != "->" && f[0] != "IP":
			fmt.Fprintln(&b, f[0], f[1], "conns", f[2])
		}
	}
	return b.String()
}

// settled waits until the tables have not changed for a while and the daemon has had
// nothing to do for a moment, and returns them. One that checks servers is never idle for
// long.
func settled(t *testing.T, ns *netlab.Namespace, d *netlab.Daemon, quiet time.Duration) []string {
	t.Helper()
	const moment = 300 * time.Millisecond
	last, changed, busy := ns.ProcIPVS(), time.Now(), time.Now()
	_, ok := netlab.Poll(quiet+90*time.Second, func() bool {
		if now := ns.ProcIPVS(); now != last {
			last, changed = now, time.Now()
		}
		if d.Busy() {
			busy = time.Now()
		}
		return time.Since(changed) > quiet && time.Since(busy) > moment
	})
	if !ok {
		t.Fatalf("the tables do not settle:\n%s", last)
	}
	return tables(ns)
}

func sorted(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if s := strings.Join(strings.Fields(line), " "); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// exitStatus is the exit status of a finished command, for the comparison.
func exitStatus(err error) string {
	if err == nil {
		return "exit 0"
	}
	if exit, ok := err.(*exec.ExitError); ok {
		return fmt.Sprintf("exit %d", exit.ExitCode())
	}
	return err.Error()
}
