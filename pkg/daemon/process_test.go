package daemon

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What is done to the first thread shows as done to the process, and that
// thread never ends.
func TestOnSpareThread(t *testing.T) {
	main := unix.Getpid()
	for range 200 {
		var own int
		onSpareThread(func() { own = unix.Gettid() })
		if own == 0 || own == main {
			t.Fatalf("called on thread %d of process %d", own, main)
		}
	}
}
