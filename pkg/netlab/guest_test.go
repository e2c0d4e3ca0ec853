package netlab

import (
	"os"
	"strings"
	"testing"
)

func TestInGuest(t *testing.T) {
	InGuest(t, func(t *testing.T) {
		if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
			t.Error(err)
		}
		if os.Getpid() == 1 {
			return // natively we are the first process
		}
		if b, _ := os.ReadFile("/proc/1/environ"); !strings.Contains(string(b), envRun) {
			t.Errorf("first process is not ours: %q", b)
		}
	})
}
