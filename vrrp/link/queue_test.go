package link

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func ann(owner string, index int, addr string) Announcement {
	return Announcement{Owner: owner, Index: index, Addr: netip.MustParseAddr(addr)}
}

// story drains the queue in virtual time and writes down what is sent when.
func story(q *queue, now time.Time) string {
	var b strings.Builder
	start := now
	for {
		a, wait, ok := q.pop(now)
		switch {
		case ok:
			fmt.Fprintf(&b, "%dms %s; ", now.Sub(start).Milliseconds(), a.Addr)
		case wait < 0:
			return strings.TrimSuffix(b.String(), "; ")
		default:
			now = now.Add(wait)
		}
	}
}

func TestQueue(t *testing.T) {
	now := time.Unix(1000, 0)
	ten := Pace{ARP: 10 * time.Millisecond}
	for _, c := range []struct {
		name  string
		paces map[int]Pace
		build func(*queue)
		want  string
	}{
		{"all once, then again", nil, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1"), ann("a", 1, "10.0.0.2")}, 2)
		}, "0ms 10.0.0.1; 0ms 10.0.0.2; 0ms 10.0.0.1; 0ms 10.0.0.2"},
		{"paced", map[int]Pace{1: ten}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 3)
		}, "0ms 10.0.0.1; 10ms 10.0.0.1; 20ms 10.0.0.1"},
		{"a slow interface does not hold up another", map[int]Pace{1: ten}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1"), ann("a", 1, "10.0.0.2"), ann("a", 2, "10.0.0.3")}, 1)
		}, "0ms 10.0.0.1; 0ms 10.0.0.3; 10ms 10.0.0.2"},
		{"a group shares its pace", map[int]Pace{1: {Group: "g", ARP: 10 * time.Millisecond}, 2: {Group: "g", ARP: 10 * time.Millisecond}}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1"), ann("a", 2, "10.0.0.2")}, 1)
		}, "0ms 10.0.0.1; 10ms 10.0.0.2"},
		{"ARP and NA have paces of their own", map[int]Pace{1: {ARP: 10 * time.Millisecond, NA: 5 * time.Millisecond}}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1"), ann("a", 1, "2001:db8::1")}, 2)
		}, "0ms 10.0.0.1; 0ms 2001:db8::1; 5ms 2001:db8::1; 10ms 10.0.0.1"},
		{"cancelled", map[int]Pace{1: ten}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1"), ann("b", 1, "10.0.0.2")}, 2)
			q.cancel("a")
		}, "0ms 10.0.0.2; 10ms 10.0.0.2"},
		{"what waits is not asked for twice", map[int]Pace{1: ten}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 2)
			q.add([]Announcement{ann("a", 1, "10.0.0.1"), ann("a", 1, "10.0.0.2")}, 2)
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 1)
		}, "0ms 10.0.0.1; 10ms 10.0.0.1; 20ms 10.0.0.2; 30ms 10.0.0.2"},
		{"more of what waits", map[int]Pace{1: ten}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 1)
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 3)
		}, "0ms 10.0.0.1; 10ms 10.0.0.1; 20ms 10.0.0.1"},
		{"asked for again when it has been sent", nil, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 1)
			q.pop(now)
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 1)
		}, "0ms 10.0.0.1"},
		{"asked for again when it was cancelled", nil, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 1)
			q.cancel("a")
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 2)
		}, "0ms 10.0.0.1; 0ms 10.0.0.1"},
		{"one address cancelled", nil, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1"), ann("a", 1, "10.0.0.2"), ann("b", 1, "10.0.0.1")}, 1)
			q.cancel("a", netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.3"))
		}, "0ms 10.0.0.2; 0ms 10.0.0.1"},
		{"pace changed while waiting", map[int]Pace{1: {ARP: time.Hour}}, func(q *queue) {
			q.add([]Announcement{ann("a", 1, "10.0.0.1")}, 2)
			q.setPaces(map[int]Pace{1: ten})
		}, "0ms 10.0.0.1; 10ms 10.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue()
			q.setPaces(c.paces)
			c.build(q)
			if got := story(q, now); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Nothing is lost or invented, and nothing waits in more copies than were ever asked
// for at once; an owner that cancelled sends nothing more; no lane is faster than its
// pace.
func TestQueueProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue()
		gap := time.Duration(rapid.IntRange(0, 5).Draw(t, "gap")) * time.Millisecond
		q.setPaces(map[int]Pace{1: {ARP: gap}})
		now := time.Unix(1000, 0)
		type wish struct {
			owner string
			index int
		}
		waiting := map[wish]int{}
		total := func() (n int) {
			for _, w := range waiting {
				n += w
			}
			return n
		}
		var last time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			owner := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "owner")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				index := rapid.IntRange(1, 2).Draw(t, "index")
				n := rapid.IntRange(0, 3).Draw(t, "repeat")
				q.add([]Announcement{ann(owner, index, "10.0.0.1")}, n)
				waiting[wish{owner, index}] = max(waiting[wish{owner, index}], n)
			case 1:
				q.cancel(owner)
				waiting[wish{owner, 1}], waiting[wish{owner, 2}] = 0, 0
			default:
				a, wait, ok := q.pop(now)
				if !ok {
					if (wait < 0) != (total() == 0) {
						t.Fatalf("wait %v with %v waiting", wait, waiting)
					}
					now = now.Add(max(wait, 0))
					continue
				}
				w := wish{a.Owner, a.Index}
				if waiting[w]--; waiting[w] < 0 {
					t.Fatalf("%v was not asked for", a)
				}
				if a.Index == 1 {
					if !last.IsZero() && now.Sub(last) < gap {
						t.Fatalf("%v after the one before, pace %v", now.Sub(last), gap)
					}
					last = now
				}
			}
			if q.len() != total() {
				t.Fatalf("%d queued, want %v", q.len(), waiting)
			}
		}
	})
}
