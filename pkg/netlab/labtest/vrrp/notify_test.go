package vrrp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// Notify scripts and FIFOs are told the same, in the same order, as keepalived's.
func TestNotifications(t *testing.T) {
	t.Parallel()
	var told, fifo [2][]string
	t.Run("both", func(t *testing.T) {
		for i, bin := range []string{netlab.Keepalived, netlab.Holdfast(t)} {
			t.Run([]string{"keepalived", "holdfast"}[i], func(t *testing.T) {
				t.Parallel()
				told[i], fifo[i] = notifications(t, bin)
			})
		}
	})
	if diff := cmp.Diff(told[0], told[1]); diff != "" {
		t.Errorf("scripts of keepalived (-) and holdfast (+):\n%s", diff)
	}
	// Which instance of a group is first when all elect at the same time is chance.
	if diff := cmp.Diff(sortedRuns(fifo[0]), sortedRuns(fifo[1])); diff != "" {
		t.Errorf("FIFOs of keepalived (-) and holdfast (+):\n%s", diff)
	}
}

// notifications takes a group of two instances through its states: backup, master, fault
// of one member, master, stop. It returns what scripts and the FIFO were told.
func notifications(t *testing.T, bin string) (scripts, fifo []string) {
	l := newLAN(t)
	dir, err := os.MkdirTemp("/root", "holdfast-lab-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	log, pipe := filepath.Join(dir, "log"), filepath.Join(dir, "fifo")
	script := filepath.Join(dir, "notify.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$*\" >>"+log+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf(`vrrp_sync_group G {
    group {
        A
        B
    }
    notify %[1]s
}
`, script)
	each := fmt.Sprintf("notify %[1]s\n notify_master \"%[1]s master of\"\n notify_backup \"%[1]s backup of\"\n notify_fault \"%[1]s fault of\"", script)
	conf += router{name: "A", priority: 150, extra: each}.String()
	conf += router{name: "B", vrid: 52, priority: 150, dev: "eth1", vips: "10.6.0.50/24"}.String()
	global := "global_defs {\n vrrp_notify_fifo " + pipe + "\n }\n"

	read := func() string {
		b, _ := os.ReadFile(log)
		return string(b)
	}
	d := l.r[0].Daemon(bin, globals+global+conf, "-P")
	l.Eventually(5*time.Second, "the FIFO", func() bool { _, err := os.Stat(pipe); return err == nil })
	lines := follow(t, pipe)
	wait := func(what string, n int) {
		t.Helper()
		l.Eventually(8*time.Second, what, func() bool { return strings.Count(read(), what) >= n })
	}
	wait("GROUP G MASTER 0", 1)
	wait("INSTANCE A MASTER 150", 1)
	l.port1[0].Unplug()
	wait("GROUP G FAULT 0", 1)
	wait("INSTANCE A FAULT 150", 1)
	l.port1[0].Plug()
	wait("GROUP G MASTER 0", 2)
	wait("INSTANCE A MASTER 150", 2)
	d.Stop()
	wait("GROUP G STOP 0", 1)
	wait("INSTANCE A STOP 150", 1)
	// Scripts of one transition run at the same time: their order says nothing.
	return sortedLines(read()), lines()
}

// follow reads lines from a FIFO until its writer is gone.
func follow(t *testing.T, path string) (lines func() []string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan []string, 1)
	go func() {
		defer f.Close()
		var text strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			text.Write(buf[:n])
			if err != nil || n == 0 {
				break
			}
		}
		out <- strings.Split(strings.TrimSpace(text.String()), "\n")
	}()
	return func() []string { return <-out }
}

func sortedLines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return lines
}

// sortedRuns sorts the lines of instances that enter MASTER one after the other.
func sortedRuns(lines []string) []string {
	out := slices.Clone(lines)
	for i := 0; i < len(out); {
		n := i
		for n < len(out) && strings.HasPrefix(out[n], "INSTANCE ") && strings.Contains(out[n], " MASTER ") {
			n++
		}
		slices.Sort(out[i:n])
		i = n + 1
	}
	return out
}
