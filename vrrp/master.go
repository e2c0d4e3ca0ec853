package vrrp

import (
	"net/netip"
	"time"
)

// masterTimers is what a master does when nothing happens.
func (r *router) masterTimers(now time.Time) {
	if !now.Before(r.nextAdvert) {
		r.advertDue(now)
		if r.m.state != Master {
			return
		}
	}
	r.announceDue(now)
	if r.rival.IsValid() && !now.Before(r.rivalUntil) {
		r.resolved(now)
	}
}

// advertDue sends the regular advert. Deadlines are absolute, so that being
// called late does not make the next one late.
func (r *router) advertDue(now time.Time) {
	if !r.listenUntil.IsZero() { // nobody spoke up
		r.listenUntil = time.Time{}
		r.send(now)
		r.second = set{} // the one below is followed by another
		r.announceAgain(now, r.cfg.Announce.Repeat, r.cfg.Announce.Delay)
	} else if silent := now.Sub(r.lastAdvert); silent > r.tolerated() {
		r.stalled(silent, now)
		return
	} else {
		r.send(now)
		r.contestedAdverts++
	}
	r.nextAdvert = r.nextAdvert.Add(r.cfg.Interval)
	if !r.nextAdvert.After(now) {
		r.nextAdvert = now.Add(r.cfg.Interval)
	}
}

// tolerated is how long we may be silent before a backup takes over: the most
// eager one there can be, or the one of timer_expired_backup.
func (r *router) tolerated() time.Duration {
	eager := uint8(Owner - 1)
	if r.cfg.ExpiredBackup > 0 && !r.cfg.Preempt {
		eager = r.cfg.ExpiredBackup
	}
	return masterDown(&r.cfg, eager, r.cfg.Interval)
}

// stalled is a master that was not scheduled for so long that another one may
// have been elected. Its adverts may be waiting to be read: listen first.
func (r *router) stalled(silent time.Duration, now time.Time) {
	if r.cfg.ExpiredBackup > 0 && !r.cfg.Preempt {
		r.m.log(r.index, Warn, "not scheduled for %v, a backup will have taken over", silent.Round(time.Millisecond))
		r.m.toBackup(nil, now)
		return
	}
	r.m.log(r.index, Warn, "not scheduled for %v, listening before going on as master", silent.Round(time.Millisecond))
	r.listenUntil = now.Add(min(r.cfg.Interval, time.Second))
	r.nextAdvert = r.listenUntil
}

// advertInMaster is RFC 9568 section 6.4.3.
func (r *router) advertInMaster(a Advert, now time.Time) {
	mine := r.prio()
	order := a.From.Compare(r.cfg.Self)
	if a.Priority == Owner && mine == Owner && r.twoOwners(a, now) {
		mine = r.prio()
	}
	switch {
	case a.Priority == 0:
		r.otherLeaves(now)
	case a.Priority > mine:
		r.m.log(r.index, Info, "Master received advert from %v with higher priority %d, ours %d", a.From, a.Priority, mine)
		r.yield(a, now)
	case a.Priority == mine && order > 0:
		r.m.log(r.index, Info, "Master received advert from %v with same priority %d but higher IP address than ours", a.From, a.Priority)
		r.yield(a, now)
	case a.Priority == mine && order == 0:
		if !now.Before(r.reportAt) {
			r.reportAt = now.Add(calm)
			r.m.log(r.index, Warn, "received an advert with our own priority and address %v, is it used twice?", a.From)
		}
	default:
		r.lowerInMaster(a, mine, now)
	}
}

// yield gives way to a better master. If we took over because one fell silent, there may
// have been a master all the time, which did not hear of us while hosts heard our
// announcements: an advert of ours makes it announce the addresses again.
func (r *router) yield(a Advert, now time.Time) {
	if r.cfg.HigherSendAdvert || r.m.silence {
		r.send(now)
	}
	r.stepBack(a, now)
}

func (r *router) stepBack(a Advert, now time.Time) {
	r.m.toBackup(r, now)
	r.follow(a, now)
}

// otherLeaves answers a departing rival, so that nobody else need wait for it.
func (r *router) otherLeaves(now time.Time) {
	if !r.mayAnswer(now) {
		return
	}
	r.m.log(r.index, Info, "Master received priority 0 message")
	r.send(now)
	r.nextAdvert = now.Add(r.cfg.Interval)
}

// lowerInMaster asserts our mastership against a lesser router that believes
// to have it. However fast that one speaks, it gets one answer per interval,
// and the network one announcement a second; our own adverts are not shifted.
func (r *router) lowerInMaster(a Advert, mine uint8, now time.Time) {
	if !r.listenUntil.IsZero() { // we were away, and it took over rightfully
		if !r.cfg.Preempt {
			r.m.log(r.index, Info, "%v took over with priority %d in the meantime", a.From, a.Priority)
			r.stepBack(a, now)
			return
		}
		r.listenUntil = time.Time{}
		r.send(now)
		r.nextAdvert, r.answerAt = now.Add(r.cfg.Interval), now.Add(r.cfg.Interval)
		r.announceDue(now) // what was held back
	}
	r.noteRival(a, now)
	if !r.cfg.NoLowerAdvert && r.mayAnswer(now) {
		r.send(now)
	}
	if now.Before(r.reportAt) {
		for _, other := range r.m.routers {
			other.announceAfter(r.reportAt, other.cfg.Announce.LowerRepeat)
		}
		return
	}
	r.reportAt = now.Add(max(r.cfg.Interval, calm))
	r.m.log(r.index, Info, "Received advert from %v with lower priority %d, ours %d, forcing new election", a.From, a.Priority, mine)
	r.m.do(LowerHeard{Router: r.index})
	for _, other := range r.m.routers {
		other.announceAgain(now, other.cfg.Announce.LowerRepeat, other.cfg.Announce.LowerDelay)
	}
}

// mayAnswer allows one answer per interval.
func (r *router) mayAnswer(now time.Time) bool {
	if now.Before(r.answerAt) {
		return false
	}
	r.answerAt = now.Add(r.cfg.Interval)
	return true
}

// claimed is somebody else using one of our addresses. If we are master the
// network must be told again whose it is.
func (r *router) claimed(by string, now time.Time) {
	if r.m.state != Master {
		return
	}
	if now.Before(r.claimAt) {
		r.announceAfter(r.claimAt, r.cfg.Announce.Repeat)
		return
	}
	r.claimAt = now.Add(calm)
	r.m.log(r.index, Warn, "%s claims one of our addresses, announcing them again", by)
	r.announceAgain(now, r.cfg.Announce.Repeat, r.cfg.Announce.Delay)
}

// rivalry is another master beside us, and since when.
type rivalry struct {
	rival      netip.Addr
	rivalSince time.Time
	rivalUntil time.Time // silent until then, it is gone
}

// noteRival notes a lesser master beside us, unless it may be one that is about to yield,
// as we became master only now.
func (r *router) noteRival(a Advert, now time.Time) {
	if now.Sub(r.m.since) < r.cfg.Interval/10 {
		return
	}
	if r.rival != a.From {
		if r.rival.IsValid() {
			r.resolved(now)
		}
		r.rival, r.rivalSince = a.From, now
		r.m.do(Conflict{Router: r.index, With: a.From, Priority: a.Priority})
	}
	r.rivalUntil = now.Add(time.Duration(r.cfg.DownAdverts) * max(a.Interval, r.cfg.Interval))
}

func (r *router) resolved(now time.Time) {
	r.m.do(Resolved{Router: r.index, With: r.rival, Lasted: now.Sub(r.rivalSince)})
	r.rivalry = rivalry{}
}

// ownership is the trouble of two routers that both claim to own the
// addresses, which only the operator can end.
type ownership struct {
	contested        time.Time // since when another owner is heard
	contestedAdverts int       // ours since then
	demoted          bool      // we work with one less than an owner's priority
	ownerSayAt       time.Time
}

// twoOwners reports whether our priority changed. The router with the lower
// address gives way by the usual rule; one with the higher address that is
// not obeyed gives way too, for one of both must.
func (r *router) twoOwners(a Advert, now time.Time) bool {
	if !now.Before(r.ownerSayAt) {
		r.ownerSayAt = now.Add(time.Minute)
		r.m.log(r.index, Warn, "CONFIGURATION ERROR: local instance and a remote instance at %v are both configured as address owner, please resolve", a.From)
	}
	if a.From.Compare(r.cfg.Self) >= 0 {
		return false
	}
	if r.contested.IsZero() {
		r.contested, r.contestedAdverts = now, 0
		return false
	}
	if r.contestedAdverts < 2 || now.Sub(r.contested) < r.cfg.Interval+r.cfg.Interval/8 {
		return false
	}
	r.m.log(r.index, Warn, "reducing our priority to %d because %v does not give way", Owner-1, a.From)
	r.demoted = true
	return true
}

func (r *router) restoreOwner() {
	if r.demoted {
		r.demoted = false
		r.m.log(r.index, Info, "Restoring our priority to %d", Owner)
	}
}
