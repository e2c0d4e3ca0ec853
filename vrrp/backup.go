package vrrp

import "time"

// advertInBackup is RFC 9568 section 6.4.2.
func (r *router) advertInBackup(a Advert, now time.Time) {
	if r.demoted && a.Priority != Owner {
		r.restoreOwner()
	}
	switch {
	case a.Priority == 0:
		r.masterLeaves(now)
	case a.Priority >= r.prio():
		if !r.preemptAt.IsZero() {
			r.note(now, Info, "stop preempt delay")
			r.preemptAt = time.Time{}
		}
		r.accept(a, now)
	case !r.preempts(now):
		r.accept(a, now)
	default: // discarded, so the timer runs on
		if !now.Before(r.sayAt) {
			r.sayAt = now.Add(calm)
			r.m.log(r.index, Info, "received lower priority (%d) advert from %v - discarding", a.Priority, a.From)
		}
	}
}

func (r *router) accept(a Advert, now time.Time) {
	if r.leaving {
		r.m.departed = time.Time{}
	}
	r.follow(a, now)
}

// masterLeaves waits for the skew time only. Saying so again does not start
// the wait again, or nobody would ever take over from who repeats it.
func (r *router) masterLeaves(now time.Time) {
	if r.leaving {
		return
	}
	r.m.log(r.index, Info, "Backup received priority 0 advertisement")
	r.heard, r.leaving = now, true
	r.m.departed = now
}

// preempts reports whether a master of lower priority is to be ignored, and
// begins preempt_delay with the first one.
func (r *router) preempts(now time.Time) bool {
	switch {
	case !r.cfg.Preempt || r.m.standby || r.m.hold:
		return false
	case r.cfg.PreemptDelay == 0:
		return true
	case r.preemptAt.IsZero():
		r.preemptAt = now.Add(r.cfg.PreemptDelay)
		r.note(now, Info, "start preempt delay (%.6f)", r.cfg.PreemptDelay.Seconds())
	}
	return !now.Before(r.preemptAt)
}

// downAt is when the master counts as gone (Active_Down_Timer).
func (r *router) downAt() time.Time {
	if r.leaving {
		return r.heard.Add(skew(r.cfg.Version, r.prio(), r.learned))
	}
	return r.heard.Add(masterDown(&r.cfg, r.prio(), r.learned))
}

// electionAt is when the machine may become master: all of its routers must
// miss their master. One alone is not enough, because that would be a master
// which the neighbours of the others overrule at once. But a master that says
// good-bye to one router leaves all, so those that have not heard it since do
// not wait for their own timers.
func (m *Machine) electionAt() time.Time {
	at := m.graceEnd
	for _, r := range m.routers {
		gone := !m.departed.IsZero() && !r.leaving && !r.heard.After(m.departed)
		if d := r.downAt(); !gone && d.After(at) {
			at = d
		}
	}
	return at
}

// electionOver makes a backup master. If this comes much too late, it was us
// who did not listen: adverts may be waiting to be read, so there is one more
// interval for them.
func (m *Machine) electionOver(now time.Time) {
	at := m.electionAt()
	if now.Before(at) {
		return
	}
	first, interval := m.routers[0], m.routers[0].learned
	for _, r := range m.routers {
		interval = max(interval, r.learned)
		if r.downAt().Before(first.downAt()) {
			first = r
		}
	}
	if late := now.Sub(at); late > interval && !m.graced {
		m.graced, m.graceEnd = true, now.Add(interval)
		for _, r := range m.routers {
			m.log(r.index, Warn, "not scheduled for %v, listening before taking over", late.Round(time.Millisecond))
		}
		return
	}
	m.toMaster(now, first, false)
}
