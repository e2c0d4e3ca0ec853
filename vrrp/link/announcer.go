package link

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// After so many announcements in a row the announcer pauses, so that neither
// the processor nor a transmit queue is held when an advert is due. 1,000
// addresses announced five times each take about 80 ms.
const (
	announceBurst = 128
	announcePause = time.Millisecond
)

// Announcer sends announcements in the order asked for, at a bounded pace. Its
// methods may be called from any goroutine and never wait for the network.
type Announcer struct {
	report func(Announcement, error)
	send   func(Announcement) error
	close  func()
	wake   chan struct{} // holds one; a full channel has woken Run already

	mu sync.Mutex // held for moments only, never while sending
	q  *queue
}

// NewAnnouncer opens the sockets to announce through. report, which may be nil,
// is told of each announcement that was sent or could not be, from the
// goroutine of Run.
func NewAnnouncer(report func(Announcement, error)) (*Announcer, error) {
	d, err := openDoors()
	if err != nil {
		return nil, err
	}
	return newAnnouncer(d.announce, d.close, report), nil
}

func newAnnouncer(send func(Announcement) error, shut func(), report func(Announcement, error)) *Announcer {
	if report == nil {
		report = func(Announcement, error) {}
	}
	return &Announcer{report: report, send: send, close: shut, wake: make(chan struct{}, 1), q: newQueue()}
}

// Announce queues every announcement repeat times: all once, then all again.
func (n *Announcer) Announce(list []Announcement, repeat int) {
	n.change(func(q *queue) { q.add(list, repeat) })
}

// Cancel forgets what owner asked for and is not sent yet: it no longer has its
// addresses, or those that are named. An announcement of which sending has begun may
// still go out.
func (n *Announcer) Cancel(owner string, only ...netip.Addr) {
	n.change(func(q *queue) { q.cancel(owner, only...) })
}

// SetPaces says for each interface index how fast announcements may follow each
// other. Interfaces not named are limited by [Announcer]'s own pace only.
func (n *Announcer) SetPaces(paces map[int]Pace) {
	n.change(func(q *queue) { q.setPaces(paces) })
}

// Waiting is how many announcements are queued.
func (n *Announcer) Waiting() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.q.len()
}

func (n *Announcer) change(f func(*queue)) {
	n.mu.Lock()
	f(n.q)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run sends what is queued until ctx ends, then closes the sockets.
func (n *Announcer) Run(ctx context.Context) error {
	defer n.close()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		wait := n.drain()
		if wait >= 0 {
			alarm.Reset(wait)
		} else {
			alarm.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
		case <-alarm.C:
		}
	}
}

// drain sends one burst and returns how long to pause; negative is until woken.
func (n *Announcer) drain() time.Duration {
	for range announceBurst {
		n.mu.Lock()
		a, wait, ok := n.q.pop(time.Now())
		n.mu.Unlock()
		if !ok {
			return wait
		}
		n.report(a, n.send(a))
	}
	return announcePause
}
