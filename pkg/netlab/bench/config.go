package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// measureConfig checks generated files with -t: virtual servers with twenty checked real
// servers each.
func measureConfig(b *bench) {
	sizes := []int{20_000, 1_000_000}
	if b.quick {
		sizes = sizes[:1]
	}
	for _, lines := range sizes {
		runs := b.runs
		if lines > 100_000 {
			runs = min(runs, 2)
		}
		file := filepath.Join(b.TempDir(), "big.conf")
		if err := os.WriteFile(file, []byte(bigFile(lines)), 0o600); err != nil {
			b.Fatalf("%v", err)
		}
		b.compare(fmt.Sprintf("-t on %d lines", lines), runs, func(bin string) figures {
			path := bin
			if bin == netlab.Keepalived {
				path, _ = exec.LookPath("keepalived")
				if path == "" {
					path = "/usr/sbin/keepalived"
				}
			}
			// Asked by another program than this one, whose own size would count.
			peak := filepath.Join(b.TempDir(), "peak")
			cmd := exec.Command("/usr/bin/time", "-o", peak, "-f", "%M", path, "-t", "-f", file)
			start := time.Now()
			out, err := cmd.CombinedOutput()
			wall := time.Since(start)
			if err != nil {
				b.Fatalf("%s -t: %v: %.500s", bin, err, out)
			}
			var kib float64
			if text, err := os.ReadFile(peak); err != nil {
				b.Fatalf("%v", err)
			} else if _, err := fmt.Sscan(string(text), &kib); err != nil {
				b.Fatalf("time said %q: %v", text, err)
			}
			cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			return figures{"wall s": wall.Seconds(), "CPU s": cpu.Seconds(), "peak MB": kib / 1024}
		})
	}
}

// bigFile has about as many lines as asked for: 206 for each virtual server.
func bigFile(lines int) string {
	return times(lines/206, func(i int) string {
		return fmt.Sprintf("virtual_server 10.%d.%d.%d 80 {\n    delay_loop 6\n    lb_algo wlc\n    lb_kind NAT\n    protocol TCP\n", i/65536, i/256%256, i%256) +
			times(20, func(j int) string {
				return fmt.Sprintf("    real_server 192.168.%d.%d 80 {\n        weight %d\n        TCP_CHECK {\n            connect_timeout 3\n            retry 2\n            delay_before_retry 3\n            connect_port 80\n        }\n\n    }\n", i%256, j+1, j+1)
			}) + "}\n"
	})
}
