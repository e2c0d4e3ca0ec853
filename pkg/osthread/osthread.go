// Package osthread runs what changes its operating system thread: its network namespace,
// its scheduling, its processors.
package osthread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Do calls f on a thread of its own, which ends with it, and waits. It is never the
// process's first thread: that one cannot end, and whoever looks at the process from
// outside sees the first thread's namespace and scheduling as those of the whole.
//
// Sockets, files and processes that f makes keep what they were made with. What f starts
// with the go statement runs elsewhere.
func Do(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		if unix.Gettid() == unix.Getpid() {
			Do(f) // on another one, as we hold this
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}
