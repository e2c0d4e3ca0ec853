package vrrp

import "time"

// announcements are the sets of gratuitous ARPs and neighbour advertisements
// that are still to come.
type announcements struct {
	secondAt     time.Time
	secondRepeat int
	refreshAt    time.Time
}

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
	r.m.do(Announce{Router: r.index, Repeat: repeat})
	if delay > 0 && r.secondAt.IsZero() {
		r.secondAt, r.secondRepeat = now.Add(delay), repeat
	}
}

// announceAt is when the next set is due; zero means never.
func (r *router) announceAt() time.Time {
	switch {
	case r.secondAt.IsZero():
		return r.refreshAt
	case r.refreshAt.IsZero() || r.secondAt.Before(r.refreshAt):
		return r.secondAt
	default:
		return r.refreshAt
	}
}

func (r *router) announceDue(now time.Time) {
	if !r.secondAt.IsZero() && !now.Before(r.secondAt) {
		r.secondAt = time.Time{}
		r.m.do(Announce{Router: r.index, Repeat: r.secondRepeat})
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
