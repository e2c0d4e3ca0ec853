package kernel

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
)

func ipvsadm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ipvsadm", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ipvsadm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// ipvsadmReads compares with a golden file, sorted: the kernel's order of
// services is that of a hash table.
func ipvsadmReads(t *testing.T, c *Conn) {
	write(t, c, ipvstest.Everything())
	lines := strings.Split(strings.TrimSpace(ipvsadm(t, "-Sn")), "\n")
	slices.Sort(lines)
	golden.Assert(t, strings.Join(lines, "\n")+"\n", "everything.txt")
}

func ipvsadmWrites(t *testing.T, c *Conn) {
	write(t, c, ipvstest.Everything())
	saved := ipvsadm(t, "-Sn")
	ipvsadm(t, "-C")
	restore := exec.Command("ipvsadm", "-R")
	restore.Stdin = strings.NewReader(saved)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("ipvsadm -R: %v\n%s", err, out)
	}
	have, err := c.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := ipvstest.Everything()
	want[0].Destinations[3].Upper, want[0].Destinations[3].Lower = 0, 0 // not saved
	if plan := ipvs.Plan(have, want); len(plan) != 0 {
		t.Errorf("after ipvsadm -S | ipvsadm -R there is something to do: %v", plan)
	}
}
