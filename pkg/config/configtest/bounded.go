// Package configtest holds what the tests of the configuration's packages share.
package configtest

import (
	"runtime/metrics"
	"testing"
	"time"
)

// The bounds of reading one input of a fuzz test. The time is wide enough for
// a busy machine: what it finds is work without end.
const (
	maxTime  = time.Minute
	maxBytes = 256 << 20
)

// Bounded runs f and reports if it takes more than a minute or allocates more
// than 256 MiB.
func Bounded(t *testing.T, f func()) {
	t.Helper()
	watchdog := time.AfterFunc(maxTime, func() { panic("reading does not end") })
	defer watchdog.Stop()
	before := allocated()
	f()
	if n := allocated() - before; n > maxBytes {
		t.Errorf("reading allocated %d MiB", n>>20)
	}
}

// allocated is how many bytes the process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
