package probe

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/netlab"
	"github.com/holdfast-lb/holdfast/pkg/script"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "status")
	if err := os.WriteFile(file, []byte("42"), 0o600); err != nil {
		t.Fatal(err)
	}
	misc := func(sh string, timeout time.Duration) healthcheck.Misc {
		return healthcheck.Misc{
			Command: []string{"/bin/sh", "-c", sh}, Text: "sh", Timeout: timeout, Dynamic: true,
			UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()),
		}
	}
	w := newWorld(t,
		check("good", misc("exit 0", time.Minute), ""), check("weight", misc("exit $(cat "+file+")", time.Minute), ""),
		check("bad", misc("exit 1", time.Minute), ""), check("signal", misc("kill -9 $$", time.Minute), ""),
		check("hangs", misc("trap '' TERM; sleep 0.1; sleep 20 & wait", 300*time.Millisecond), ""))
	type verdict struct {
		up     bool
		fault  healthcheck.Fault
		weight int
	}
	want := map[string]verdict{
		"good": {true, 0, 0}, "weight": {true, 0, 40}, "bad": {false, healthcheck.FaultExit, 0},
		"signal": {false, healthcheck.FaultSignal, 0}, "hangs": {false, healthcheck.FaultReadTimeout, 0},
	}
	for len(want) > 0 {
		ev := w.next(t)
		if got := (verdict{ev.Up, ev.Result.Fault, ev.Weight}); got != want[ev.Key] {
			t.Errorf("%s: %+v, want %+v", ev.Key, ev, want[ev.Key])
		}
		delete(want, ev.Key)
	}
	if err := os.WriteFile(file, []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ev := w.next(t); ev.Key != "weight" || ev.Weight != 0 || ev.Turned {
		t.Errorf("status 2: %+v, want weight 0 and no turn", ev)
	}
}

// A script that is not there, or may not be run, says nothing about the server.
func TestScriptThatCannotBeStartedTurnsNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "script")
	put := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	put("#!/bin/sh\nexit 0\n", 0o700)
	w := newWorld(t, check("script", healthcheck.Misc{
		Command: []string{path}, Timeout: time.Minute, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()),
	}, ""))
	if ev := w.next(t); !ev.Up {
		t.Fatalf("with the script: %+v, want up", ev)
	}
	for name, spoil := range map[string]func(){
		"removed":        func() { _ = os.Remove(path) },
		"not executable": func() { put("#!/bin/sh\nexit 1\n", 0o600) },
	} {
		spoil()
		for range 2 { // one could be of before
			w.nextRun(t)
		}
		if all, err := w.Snapshot(t.Context()); err != nil || !all[0].Up || all[0].Last.Fault != healthcheck.FaultLocal {
			t.Errorf("%s: %+v, %v; want up, and an attempt that could not be made", name, all, err)
		}
	}
	put("#!/bin/sh\nexit 1\n", 0o700)
	if ev := w.next(t); ev.Up || ev.Result.Fault != healthcheck.FaultExit {
		t.Errorf("with a script again: %+v, want down", ev)
	}
}

// nextRun waits until the only check has been made once more.
func (w world) nextRun(t testing.TB) {
	t.Helper()
	var before uint64
	for first := true; ; first = false {
		all, err := w.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if first {
			before = all[0].Runs
		} else if all[0].Runs > before {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// Every kind of attempt is stopped in the middle: nobody hears of it, and none
// of the processes stays.
func TestStoppingIsNoFailure(t *testing.T) {
	t.Parallel()
	ask := get(healthcheck.URL{})
	secure := ask
	secure.TLS = &healthcheck.TLS{}
	underWay := make(chan struct{}, 10)
	silent := serve(t, func(c net.Conn) { underWay <- struct{}{}; hang(c) })
	marker := filepath.Join(t.TempDir(), "started")
	specs := []healthcheck.Spec{
		check("http", ask, silent), check("tls", secure, silent),
		check("misc", shell("echo > "+marker+"; sleep 1000 & wait", time.Hour), ""),
	}
	for i := range specs {
		specs[i].ConnectTimeout = time.Hour
	}
	w := newWorld(t, specs...)
	<-underWay
	<-underWay
	for tick := time.Tick(10 * time.Millisecond); ; <-tick {
		if _, err := os.Stat(marker); err == nil {
			break
		}
	}
	w.Set(nil)
	if _, err := w.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.worker.Wait() // for the script's end, and the connection's
	if _, err := w.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case ev := <-w.events:
		t.Errorf("stopped check said %+v", ev)
	default:
	}
}

// shell is a check by a shell script, as ourselves.
func shell(script string, timeout time.Duration) healthcheck.Misc {
	return healthcheck.Misc{
		Command: []string{"/bin/sh", "-c", script}, Text: "sh", Timeout: timeout,
		UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()),
	}
}

// processes are those whose command line contains a word, with their states.
func processes(t *testing.T, word string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(word)) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

// zombies are children of ours that have ended and that nobody has waited for.
func zombies(t *testing.T) (found []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	ours := fmt.Sprintf(" Z %d ", os.Getpid())
	for _, path := range stats {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(ours)) {
			found = append(found, string(text))
		}
	}
	return found
}

// Ten thousand checks have a script that hangs, and so does its child: no more
// of them run at once than the pool allows, each is ended with its process
// group when its time is up, and the others get their turn.
func TestTenThousandHangingScriptsDoNotPileUp(t *testing.T) {
	const checks, slots, turns = 10_000, 8, 40
	word := fmt.Sprintf("1000.%d", os.Getpid()) // in the command line of every process
	ask := shell("sleep "+word+" & sleep "+word, 100*time.Millisecond)
	specs := make([]healthcheck.Spec, checks)
	for i := range specs {
		specs[i] = check(fmt.Sprint(i), ask, "")
	}
	t.Run("all", func(t *testing.T) {
		w := newWorldWith(t, Options{Alone: true, Scripts: script.NewPool(slots)}, specs...)
		for range turns {
			ev := w.next(t)
			if ev.Up || ev.Result.Fault != healthcheck.FaultReadTimeout || ev.Result.Reason != "timed out after 100ms" {
				t.Fatalf("%+v, want a time-out", ev)
			}
			// A shell and two programs for each, and those of eight that are being killed.
			if n := len(processes(t, word)); n > 2*3*slots {
				t.Fatalf("%d processes, want at most %d at once", n, 3*slots)
			}
		}
	})
	noneIsLeft(t, word)
	if left := zombies(t); len(left) > 0 {
		t.Errorf("zombies: %s", left)
	}
}

// A script that takes SIGTERM for a suggestion is killed two seconds later,
// with what it has started.
func TestScriptThatIgnoresItsEndIsKilled(t *testing.T) {
	t.Parallel()
	word := fmt.Sprintf("2000.%d", os.Getpid())
	ask := shell("trap '' TERM; sleep "+word+" & sleep "+word+"; sleep "+word, 100*time.Millisecond)
	w := newWorld(t, check("stubborn", ask, ""))
	// On a busy machine it may not have come to ignoring SIGTERM yet when that comes.
	w.until(t, "a time-out after the two seconds of grace", func(s healthcheck.Status) bool {
		return !s.Up && s.Last.Fault == healthcheck.FaultReadTimeout && s.Last.Took >= 2*time.Second
	})
	w.Set(nil)
	if _, err := w.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.worker.Wait()
	noneIsLeft(t, word)
}

// noneIsLeft waits until all processes with a word in their command lines are gone. Who
// has been killed is there until a processor has time for its end.
func noneIsLeft(t *testing.T, word string) {
	t.Helper()
	if _, ok := netlab.Poll(20*time.Second, func() bool { return len(processes(t, word)) == 0 }); !ok {
		t.Errorf("processes are left: %s", processes(t, word))
	}
}
