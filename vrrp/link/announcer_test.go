package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
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

// An interface on which nothing gets out any more keeps what is announced there until there
// is no room. Announcements through the others go out all the same, and none waits.
func TestAnnounceBesideStuckInterface(t *testing.T) {
	l := newLAN(t)
	l.stick(t)
	l.do(l.a, func() error {
		d, err := openDoors()
		if err != nil {
			return err
		}
		defer d.close()
		through := func(dev string) Announcement {
			a := ann("a", l.a.Link(dev).Attrs().Index, "192.0.2.50")
			a.MAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}
			return a
		}
		n := 0
		for stuck := through("eth0"); err == nil; n++ {
			err = d.announce(stuck)
		}
		if !errors.Is(err, unix.EAGAIN) || n < 1000 {
			t.Fatalf("after %d announcements: %v", n, err)
		}
		if err := d.announce(through("eth1")); err != nil {
			t.Error(err)
		}
		return nil
	})
}
