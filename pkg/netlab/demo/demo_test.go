package main

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// The demonstration tells its whole story in less than a minute, or two where other tests run
// beside it.
func TestDemo(t *testing.T) {
	netlab.Require(t)
	cmd := exec.Command("go", "run", "./pkg/netlab/demo")
	cmd.Dir = "../../.."
	cmd.Env = append(cmd.Environ(), "HOLDFAST_BIN="+netlab.Holdfast(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Its own time: before it begins it is compiled, and waits for a processor.
	done := regexp.MustCompile(`([0-9.]+) s  Done\.`).FindSubmatch(out)
	if done == nil {
		t.Fatalf("it did not come to its end:\n%s", out)
	}
	if took, err := strconv.ParseFloat(string(done[1]), 64); err != nil || took > 120 {
		t.Errorf("it took %s s (%v)", done[1], err)
	}
}
