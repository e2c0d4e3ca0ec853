package netlab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// family is the daemon's processes that are alive.
func (d *Daemon) family() []int { return append(children(d.Pid()), d.Pid()) }

// CPU is the processor time that all processes of the daemon have used. It is counted in
// nanoseconds: much of what a daemon does is over long before the next tick of a clock.
func (d *Daemon) CPU() time.Duration {
	var used time.Duration
	for _, pid := range d.family() {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, file := range threads {
			b, err := os.ReadFile(file)
			if err != nil {
				continue // the thread has ended
			}
			if f := strings.Fields(string(b)); len(f) > 0 {
				n, _ := strconv.ParseInt(f[0], 10, 64)
				used += time.Duration(n)
			}
		}
	}
	return used
}

// PeakMemory is the largest resident size, in megabytes, summed over the daemon's
// processes. Pages that they share count once for each.
func (d *Daemon) PeakMemory() float64 { return d.memory("status", "VmHWM:") }

// Memory is the memory that the daemon occupies, in megabytes. Pages that its processes
// share count once, and those that others have too count in part.
func (d *Daemon) Memory() float64 { return d.memory("smaps_rollup", "Pss:") }

// memory adds up a line of a file in /proc that ends in kilobytes.
func (d *Daemon) memory(file, key string) float64 {
	var kilobytes float64
	for _, pid := range d.family() {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, key); ok {
				n, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
				kilobytes += n
			}
		}
	}
	return kilobytes / 1024
}

// DestinationsWithWeight counts the destinations that have this weight.
func (n *Namespace) DestinationsWithWeight(weight int) int {
	n.lab.Helper()
	count := 0
	for line := range strings.Lines(n.ProcIPVS()) {
		f := strings.Fields(line)
		if len(f) > 3 && f[0] == "->" && f[3] == strconv.Itoa(weight) {
			count++
		}
	}
	return count
}
