package link

import (
	"net"
	"net/netip"
	"slices"
	"time"
)

// Announcement tells a link that an address lives at a link layer address.
type Announcement struct {
	Owner     string // who asks for it; [Announcer.Cancel] takes the rest back
	Interface string // name of the interface to send through, for reports
	Index     int    // interface to send through
	MAC       net.HardwareAddr
	Broadcast net.HardwareAddr // of the link; only InfiniBand needs it
	Addr      netip.Addr
	Router    bool // IPv6: this host forwards packets
}

// Pace is the least time between two announcements over a group of interfaces.
type Pace struct {
	Group string        // interfaces with the same name share the pace; empty: the interface alone
	ARP   time.Duration // between gratuitous ARPs; 0: none
	NA    time.Duration // between neighbour advertisements; 0: none
}

// queue orders announcements. It is pure: the caller brings the time.
//
// Every lane (interface or pace group, and kind) is first in, first out, and a
// lane that has to wait does not hold up another.
type queue struct {
	paces map[int]Pace
	lanes map[lane]*line
	order []lane // lanes with something to send, in turn
}

type lane struct {
	group string
	index int // 0 when a group is named
	ipv6  bool
}

type line struct {
	waiting []Announcement
	copies  map[copied]int // how many of each are waiting
	next    time.Time      // not before
}

// copied is what copies of an announcement have in common.
type copied struct {
	owner string
	index int
	addr  netip.Addr
	mac   string
}

func copyOf(a Announcement) copied { return copied{a.Owner, a.Index, a.Addr, string(a.MAC)} }

func newQueue() *queue { return &queue{lanes: map[lane]*line{}} }

func (q *queue) laneOf(a Announcement) (lane, time.Duration) {
	p := q.paces[a.Index]
	l := lane{group: p.Group, ipv6: !a.Addr.Is4()}
	if p.Group == "" {
		l.index = a.Index
	}
	if l.ipv6 {
		return l, p.NA
	}
	return l, p.ARP
}

// add queues each announcement repeat times: all of them once, then all of them
// again, so that every address is known soonest. Those of an earlier wish that still
// wait count, or a pace slower than the wishes would make the queue grow for ever.
func (q *queue) add(list []Announcement, repeat int) {
	for round := range repeat {
		for _, a := range list {
			l, _ := q.laneOf(a)
			if ln := q.lanes[l]; ln == nil || ln.copies[copyOf(a)] <= round {
				q.push(l, a)
			}
		}
	}
}

func (q *queue) push(l lane, a Announcement) {
	ln := q.lanes[l]
	if ln == nil {
		ln = &line{copies: map[copied]int{}}
		q.lanes[l] = ln
	}
	if len(ln.waiting) == 0 {
		q.order = append(q.order, l)
	}
	ln.waiting = append(ln.waiting, a)
	ln.copies[copyOf(a)]++
}

// left notes that a copy does not wait any more.
func (l *line) left(a Announcement) {
	k := copyOf(a)
	if l.copies[k]--; l.copies[k] <= 0 {
		delete(l.copies, k)
	}
}

// setPaces changes the pace; what waits is sorted into its new lanes.
func (q *queue) setPaces(paces map[int]Pace) {
	old := *q
	*q = queue{paces: paces, lanes: map[lane]*line{}}
	for _, l := range old.order {
		for _, a := range old.lanes[l].waiting {
			nl, _ := q.laneOf(a)
			q.push(nl, a)
		}
	}
}

// cancel forgets what an owner asked for, for all addresses or for those named only.
func (q *queue) cancel(owner string, only ...netip.Addr) {
	order := q.order[:0]
	for _, l := range q.order {
		ln := q.lanes[l]
		kept := ln.waiting[:0]
		for _, a := range ln.waiting {
			if a.Owner != owner || len(only) > 0 && !slices.Contains(only, a.Addr) {
				kept = append(kept, a)
			} else {
				ln.left(a)
			}
		}
		if ln.waiting = kept; len(kept) > 0 {
			order = append(order, l)
		}
	}
	q.order = order
}

// pop returns the next announcement that may be sent now. Without one, wait is
// the time until there is, or negative when nothing waits.
func (q *queue) pop(now time.Time) (a Announcement, wait time.Duration, ok bool) {
	wait = -1
	for i, l := range q.order {
		ln := q.lanes[l]
		if d := ln.next.Sub(now); d > 0 {
			if wait < 0 || d < wait {
				wait = d
			}
			continue
		}
		a = ln.waiting[0]
		ln.waiting = ln.waiting[1:]
		ln.left(a)
		if _, gap := q.laneOf(a); gap > 0 {
			ln.next = now.Add(gap)
		}
		q.order = append(q.order[:i], q.order[i+1:]...)
		if len(ln.waiting) > 0 {
			q.order = append(q.order, l) // the others' turn
		} else {
			ln.waiting = nil
		}
		return a, 0, true
	}
	return Announcement{}, wait, false
}

// len is how many announcements wait.
func (q *queue) len() int {
	n := 0
	for _, l := range q.order {
		n += len(q.lanes[l].waiting)
	}
	return n
}
