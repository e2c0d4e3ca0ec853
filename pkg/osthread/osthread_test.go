package osthread_test

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/osthread"
)

// Whichever thread the scheduler would choose, it is not the first one.
func TestTheFirstThreadIsSpared(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				osthread.Do(func() {
					if unix.Gettid() == unix.Getpid() {
						t.Error("it is the first thread")
					}
				})
			}
		})
	}
	all.Wait()
}
