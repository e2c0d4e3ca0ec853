package link

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnnouncer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent, failed := 0, 0
		n := newAnnouncer(func(a Announcement) error {
			if a.Owner == "bad" {
				return errors.New("no such device")
			}
			return nil
		}, func() {}, func(_ Announcement, err error) {
			if err != nil {
				failed++
				return
			}
			sent++
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- n.Run(ctx) }()

		list := make([]Announcement, 1000)
		for i := range list {
			list[i] = ann("a", 1, fmt.Sprintf("10.0.%d.%d", i/250, i%250))
		}
		n.Announce(list, 5)
		n.Announce([]Announcement{ann("bad", 1, "10.0.0.2")}, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if sent != 5000 || failed != 1 || n.Waiting() != 0 {
			t.Errorf("%d sent, %d failed, %d waiting", sent, failed, n.Waiting())
		}
		n.SetPaces(map[int]Pace{1: {ARP: time.Minute}})
		n.Announce(list[:3], 1)
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if sent != 5002 {
			t.Errorf("%d sent after a paced minute, want 5002", sent)
		}
		n.Cancel("a")
		if n.Waiting() != 0 {
			t.Errorf("%d waiting after Cancel", n.Waiting())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
