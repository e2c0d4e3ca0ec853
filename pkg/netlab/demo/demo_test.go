package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// The demonstration tells its whole story in less than a minute, or two where other tests run
// beside it.
func TestDemo(t *testing.T) {
	netlab.Require(t)
	cmd := exec.Command("go", "run", "./pkg/netlab/demo")
	cmd.Dir = "../../.."
	cmd.Env = append(cmd.Environ(), "HOLDFAST_BIN="+netlab.Holdfast(t))
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("it took %v", took)
	}
	if !strings.Contains(string(out), "Done.") {
		t.Errorf("it did not come to its end:\n%s", out)
	}
}
