package probe

import (
	"testing"
	"time"
)

// The timer is edge-triggered. Whoever saw it expire just after reading the clock, did
// nothing because it was too early by that clock, and waits for the same time again, must
// not sleep for good.
func TestPollerWaitsForTheSameTimeAgain(t *testing.T) {
	p, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		due := time.Now().Add(time.Millisecond)
		for range 3 {
			if err := p.until(due); err != nil {
				done <- err
				return
			}
			if err := p.wait(); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	select {
	case err = <-done:
	case <-time.After(10 * time.Second):
		t.Error("asleep, although the time has come")
		_ = p.file.Close()
		<-done
		return
	}
	if err != nil {
		t.Error(err)
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
}
