package netlab

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestInGuest(t *testing.T) {
	InGuest(t, func(t *testing.T) {
		if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
			t.Error(err)
		}
		t.Run("tables beside each other", tablesBesideEachOther)
		if os.Getpid() == 1 {
			return // natively we are the first process
		}
		if b, _ := os.ReadFile("/proc/1/environ"); !strings.Contains(string(b), envRun) {
			t.Errorf("first process is not ours: %q", b)
		}
	})
}

// The kernel's text of one namespace's table must not lack lines because of another's.
func tablesBesideEachOther(t *testing.T) {
	const servers = 15
	lab := New(t)
	var all []*Namespace
	for i := range 3 {
		n := lab.Namespace(fmt.Sprintf("n%d", i))
		all = append(all, n)
		for service := range 3 {
			at := fmt.Sprintf("10.9.%d.%d:80", i, service)
			n.Run("ipvsadm", "-A", "-t", at, "-s", "rr")
			for server := range servers / 3 {
				n.Run("ipvsadm", "-a", "-t", at, "-r", fmt.Sprintf("10.10.0.%d:80", server+1), "-m")
			}
		}
	}
	for _, n := range all {
		if got := n.Destinations(); got != servers {
			t.Errorf("%s has %d destinations, want %d:\n%s", n.Name, got, servers, n.ProcIPVS())
		}
	}
}
