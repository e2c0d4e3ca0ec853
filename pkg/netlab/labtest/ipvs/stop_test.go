package ipvs_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// many is a configuration of virtual servers with four real servers each.
func many(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "virtual_server 10.9.%d.%d 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n", i/200, i%200+1)
		for server := range 4 {
			fmt.Fprintf(&b, " real_server 10.10.0.1%d 80 {\n }\n", server+1)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// However early or late in its start, or in a reload, a daemon is told to end: nothing of
// its own stays in the kernel, and what was there before stays.
func TestStopAtAnyMoment(t *testing.T) {
	const moments = 5
	lb := lab(t).Namespace("lb")
	lb.Run("ipvsadm", "-A", "-t", "10.9.9.9:80", "-s", "rr")
	before := lb.IPVS()
	small, big := many(20), many(300)
	end := func(d *netlab.Daemon, when string, after time.Duration) {
		t.Helper()
		netlab.Poll(after, func() bool { return false })
		d.Stop()
		if left := lb.IPVS(); strings.Join(left, "\n") != strings.Join(before, "\n") {
			t.Fatalf("%v after the %s began: %d lines are left in the kernel, want %d:\n%s", after, when, len(left), len(before), d.Log())
		}
	}
	d := lb.NewDaemon(netlab.Holdfast(t), big, "-C")
	begun := time.Now()
	d.Start()
	if _, ok := netlab.Poll(20*time.Second, func() bool { return lb.Destinations() == 1200 }); !ok {
		t.Fatal("the tables do not fill")
	}
	span := time.Since(begun)
	end(d, "start", 0)
	for i := range moments {
		d.Start()
		end(d, "start", span*time.Duration(i)/(moments-2))
	}
	d = lb.Daemon(netlab.Holdfast(t), small, "-C")
	for i := range moments {
		if _, ok := netlab.Poll(20*time.Second, func() bool { return lb.Destinations() == 80 }); !ok {
			t.Fatal("the tables do not fill")
		}
		d.Reload(big)
		end(d, "reload", span/2*time.Duration(i)/(moments-2))
		d.Write(small)
		d.Start()
	}
}

// A daemon whose checkers role cannot take its services down does so itself, unless they
// are to stay.
func TestStopWithoutRole(t *testing.T) {
	for _, tt := range []struct {
		name string
		how  syscall.Signal
		args []string
		left int // destinations
	}{
		{name: "dead, and not back", how: syscall.SIGKILL, args: []string{"-C", "-R"}},
		{name: "stuck", how: syscall.SIGSTOP, args: []string{"-C"}},
		{name: "dead, with services that are to stay", how: syscall.SIGKILL, args: []string{"-C", "-R", "-I"}, left: 12},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lb := lab(t).Namespace("lb")
			d := lb.Daemon(netlab.Holdfast(t), "child_wait_time 1\n"+many(3), tt.args...)
			if _, ok := netlab.Poll(20*time.Second, func() bool { return lb.Destinations() == 12 }); !ok {
				t.Fatalf("the table does not fill:\n%s", d.Log())
			}
			if err := syscall.Kill(d.RolePid("checkers"), tt.how); err != nil {
				t.Fatal(err)
			}
			d.Stop()
			if left := lb.IPVS(); strings.Count(strings.Join(left, "\n"), "-a ") != tt.left {
				t.Errorf("left behind, want %d destinations:\n%s\nthe log:\n%s", tt.left, strings.Join(left, "\n"), d.Log())
			}
		})
	}
}
