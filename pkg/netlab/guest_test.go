package netlab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// A guest that stands still before it is up is told from one whose command takes long.
func TestGuestThatDoesNotBoot(t *testing.T) {
	Require(t)
	kernel := filepath.Join(t.TempDir(), "linux.uml")
	if err := os.WriteFile(kernel, []byte("#!/bin/sh\necho booting\nsleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	run := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &command{Path: self, out: io.Discard}
	if err := c.prepare(run); err != nil {
		t.Fatal(err)
	}
	cpu, release, err := claimCPU(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	// On a machine that stands still it may not even have begun after a second.
	for limit := time.Second; limit < time.Minute; limit *= 2 {
		if _, err = c.boot(t.Context(), kernel, run, cpu, limit); strings.Contains(fmt.Sprint(err), "booting") {
			break
		}
	}
	if !errors.Is(err, errNoBoot) || !strings.Contains(err.Error(), "booting") {
		t.Errorf("error %v; want that it did not come up, and the end of its log", err)
	}
}

func TestProgress(t *testing.T) {
	var seen []string
	p := &progress{up: func() { seen = append(seen, "up") }, exited: func() { seen = append(seen, "exited") }}
	for _, part := range []string{"u", "p\nex", "it 3"} {
		io.WriteString(p, part)
	}
	if p.status != nil || len(seen) != 1 {
		t.Errorf("before the line is whole: status %v, seen %v", p.status, seen)
	}
	io.WriteString(p, "\n")
	if p.status == nil || *p.status != 3 || len(seen) != 2 {
		t.Errorf("at the end: status %v, seen %v", p.status, seen)
	}
}
