package vrrp

import "time"

// announcements are the sets of gratuitous ARPs and neighbour advertisements
// that are still to come.
type announcements struct {
	second, owed set
	refreshAt    time.Time
}

// set is each address announced repeat times at an instant; zero means never.
type set struct {
	at     time.Time
	repeat int
}

func (s *set) due(now time.Time) bool { return !s.at.IsZero() && !now.Before(s.at) }

// announceAsMaster tells the network at once and arranges for later.
func (r *router) announceAsMaster(now time.Time) {
	a := r.cfg.Announce
	r.announceAgain(now, a.Repeat, a.Delay)
	if a.Refresh > 0 {
		r.refreshAt = now.Add(a.Refresh)
	}
}

// announceAgain is one set now and the same once more after a delay, unless
// one is due before that anyway.
func (r *router) announceAgain(now time.Time, repeat int, delay time.Duration) {
	if repeat <= 0 {
		return
	}
	r.owed = set{}
	r.m.do(Announce{Router: r.index, Repeat: repeat})
	if delay > 0 && r.second.at.IsZero() {
		r.second = set{now.Add(delay), repeat}
	}
}

// announceAfter is one set an interval after an instant, for a reason that came too soon
// after another one: unless it comes again until then, that was the last we heard of it.
func (r *router) announceAfter(at time.Time, repeat int) {
	if repeat > 0 && r.owed.at.IsZero() {
		r.owed = set{at.Add(r.cfg.Interval), repeat}
	}
}

// announceAt is when the next set is due; zero means never. While a master listens whether
// there is another one by now, it claims nothing.
func (r *router) announceAt() time.Time {
	var first time.Time
	if !r.listenUntil.IsZero() {
		return first
	}
	for _, at := range []time.Time{r.second.at, r.owed.at, r.refreshAt} {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

func (r *router) announceDue(now time.Time) {
	if !r.listenUntil.IsZero() {
		return
	}
	for _, s := range []*set{&r.second, &r.owed} {
		if s.due(now) {
			r.m.do(Announce{Router: r.index, Repeat: s.repeat})
			*s = set{}
		}
	}
	if r.refreshAt.IsZero() || now.Before(r.refreshAt) {
		return
	}
	r.refreshAt = r.refreshAt.Add(r.cfg.Announce.Refresh)
	if !r.refreshAt.After(now) {
		r.refreshAt = now.Add(r.cfg.Announce.Refresh)
	}
	if r.cfg.Announce.RefreshRepeat > 0 {
		r.m.do(Announce{Router: r.index, Repeat: r.cfg.Announce.RefreshRepeat})
	}
}
