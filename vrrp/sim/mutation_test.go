package sim

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutants are mistakes that the simulation must notice. Each is a piece of
// package vrrp that occurs exactly once, and what to put there instead.
var mutants = []struct {
	name, file, old, new string
}{
	{"preemption inverted", "backup.go", "case !r.cfg.Preempt || ", "case r.cfg.Preempt || "},
	{"skew dropped", "config.go", "return interval * time.Duration(256-int(priority)) / 256", "return 0"},
	{"priority 0 ignored", "backup.go", "r.heard, r.leaving = now, true", "return"},
	{"a master does not yield", "master.go", "case a.Priority > mine:", "case a.Priority > mine && false:"},
	{"equal priorities not told apart", "master.go", "case a.Priority == mine && order > 0:", "case false:"},
	{"no good-bye", "machine.go", "m.do(Send{Router: r.index, Priority: 0})", "_ = r"},
	{"adverts too slow", "master.go", "r.nextAdvert = r.nextAdvert.Add(r.cfg.Interval)", "r.nextAdvert = r.nextAdvert.Add(5 * r.cfg.Interval)"},
	{"lower adverts restart the timer", "backup.go", "default: // discarded, so the timer runs on", "case a.Priority > 0: r.accept(a, now)\n\tdefault:"},
	{"every lower advert is answered", "master.go", "if now.Before(r.answerAt) {", "if false {"},
	{"who yields says nothing to a master that was silent", "master.go", "|| r.m.silence {", "{"},
	{"one router of a group is enough", "backup.go", "if d := r.downAt(); !gone && d.After(at) {", "if d := r.downAt(); !gone && (at.IsZero() || d.Before(at)) {"},
}

// TestMutants builds package vrrp with one mistake at a time and lets the
// simulation find it.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the package once per mutant")
	}
	gotool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command:", err)
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			path, err := filepath.Abs(filepath.Join("..", m.file))
			if err != nil {
				t.Fatal(err)
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), m.old); n != 1 {
				t.Fatalf("%q occurs %d times in %s, not once", m.old, n, m.file)
			}
			dir := t.TempDir()
			mutated := filepath.Join(dir, m.file)
			overlay := filepath.Join(dir, "overlay.json")
			write(t, mutated, []byte(strings.Replace(string(source), m.old, m.new, 1)))
			list, err := json.Marshal(map[string]any{"Replace": map[string]string{path: mutated}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, overlay, list)
			out, err := exec.Command(gotool, "test", "-short", "-count=1", "-vet=off", "-overlay", overlay, "-run", "^TestSchedules$", ".").CombinedOutput()
			var failed *exec.ExitError
			switch {
			case err == nil:
				t.Error("the simulation did not notice")
			case !errors.As(err, &failed) || !strings.Contains(string(out), "--- FAIL: TestSchedules"):
				t.Errorf("the mutant could not be tested: %v\n%s", err, out)
			}
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
