package router

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/vrrp/link"
)

// blindWatcher fails to watch as often as it is told to.
type blindWatcher struct {
	failures int
	sets     [][]link.Watched
}

func (b *blindWatcher) Set(want []link.Watched) error {
	b.sets = append(b.sets, want)
	if b.failures--; b.failures >= 0 {
		return errors.New("no memory")
	}
	return nil
}

func (b *blindWatcher) Close() {}

// A watch that could not be begun, or that came to an end, is begun again without waiting
// for another wish.
func TestClaimWatchTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &blindWatcher{failures: 2}
		c := &claimWatch{watcher: b, wish: make(chan []link.Watched, 1), lost: make(chan error, 1), log: zap.NewNop()}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.run(ctx) }()
		sets := func(want int) {
			t.Helper()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := len(b.sets); got != want {
				t.Fatalf("begun %d times, want %d", got, want)
			}
			if last := b.sets[want-1]; len(last) != 1 || last[0].Interface != "eth0" {
				t.Errorf("watched %v", last)
			}
		}
		c.set([]link.Watched{{Interface: "eth0"}})
		sets(3)
		c.fail(errors.New("socket is gone"))
		sets(4)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
