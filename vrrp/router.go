package vrrp

import (
	"net/netip"
	"time"
)

// calm is the shortest time between two reports of the same kind about a
// neighbour, however often it speaks.
const calm = time.Second

// router is one virtual router of a machine. What it decides about the state
// it asks of the machine, because the others must agree.
type router struct {
	m     *Machine
	index int
	cfg   Config

	priority uint8 // effective
	faults   []string
	pending  bool

	// As backup: when the timer last began, and whom it waits for.
	heard     time.Time
	leaving   bool // the master said priority 0
	master    netip.Addr
	learned   time.Duration // the master's interval
	preemptAt time.Time     // end of preempt_delay once it has begun
	sayAt     time.Time     // when the next line about a discarded advert may be written
	notedAt   time.Time     // when lines about followed adverts were written last

	// As master.
	nextAdvert  time.Time
	lastAdvert  time.Time
	listenUntil time.Time // after a stall
	answerAt    time.Time // when the next answer to a neighbour is allowed
	reportAt    time.Time // likewise for lines, notifications and announcements
	claimAt     time.Time

	announcements
	rivalry
	ownership
}

// prio is the priority in our adverts and decisions.
func (r *router) prio() uint8 {
	switch {
	case r.m.standby:
		return 1
	case r.demoted:
		return Owner - 1
	}
	return r.priority
}

func (r *router) setPriority(v uint8) {
	if v == r.priority {
		return
	}
	r.m.log(r.index, Info, "Changing effective priority from %d to %d", r.priority, v)
	r.m.do(PriorityChanged{Router: r.index, From: r.priority, To: v})
	r.priority = v
}

// configure takes a new configuration. A master says so at once.
func (r *router) configure(c Config, now time.Time) {
	if r.cfg.Announce.Refresh != c.Announce.Refresh {
		r.refreshAt = time.Time{}
		if r.m.state == Master && c.Announce.Refresh > 0 {
			r.refreshAt = now.Add(c.Announce.Refresh)
		}
	}
	r.cfg = c
	r.demoted = r.demoted && c.Priority == Owner // else the operator has decided
	if c.Version == 2 || !r.master.IsValid() {
		r.learned = c.Interval
	}
	if r.m.state == Master {
		r.send(now)
		r.nextAdvert = now.Add(c.Interval)
	}
}

// send is one advert now, whenever the next regular one is due.
func (r *router) send(now time.Time) {
	r.m.do(Send{Router: r.index, Priority: r.prio()})
	r.lastAdvert = now
}

// listen begins to wait for a master of whom nothing is known.
func (r *router) listen(now time.Time) {
	r.heard, r.leaving = now, false
	r.master, r.learned = netip.Addr{}, r.cfg.Interval
	r.preemptAt = time.Time{}
}

// follow restarts the timer for the master that was just heard.
func (r *router) follow(a Advert, now time.Time) {
	r.heard, r.leaving = now, false
	r.m.graced = false
	if r.cfg.Version != 2 && a.Interval != r.learned {
		r.note(now, Info, "advertisement interval updated from %dms to %dms by master",
			r.learned.Milliseconds(), a.Interval.Milliseconds())
		r.learned = a.Interval
	}
	switch {
	case !r.master.IsValid():
		r.note(now, Detail, "master set to %v", a.From)
	case r.master != a.From:
		r.note(now, Detail, "master changed from %v to %v", r.master, a.From)
	}
	r.master = a.From
}

// note logs what a backup learns from adverts, for those of one instant in a
// second: neighbours that take turns could fill the log.
func (r *router) note(now time.Time, l Level, format string, args ...any) {
	if now.Equal(r.notedAt) || now.Sub(r.notedAt) >= calm {
		r.notedAt = now
		r.m.log(r.index, l, format, args...)
	}
}

// quietDown ends what only a master does, and with it any rivalry.
func (r *router) quietDown(to State, now time.Time) {
	r.nextAdvert, r.listenUntil = time.Time{}, time.Time{}
	r.announcements = announcements{}
	if r.rival.IsValid() {
		r.resolved(now)
	}
	r.contested, r.contestedAdverts = time.Time{}, 0
	if to != Backup {
		r.master = netip.Addr{}
	}
}
