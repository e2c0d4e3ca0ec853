package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Machine is one election: a virtual router, or those of a sync group.
type Machine struct {
	routers []*router
	grouped bool // there is a group to report on

	state     State
	since     time.Time
	notBefore time.Time
	standby   bool
	hold      bool // preemption waits

	silence bool // the master before us did not say good-bye

	// departed is when a master said priority 0, until that router follows
	// somebody again.
	departed time.Time
	graceEnd time.Time // end of listening after a stall as backup
	graced   bool      // that has been granted since the last advert

	out []Action
}

// New is a machine that has not started. A group reports its own changes of
// state; without, there is exactly one router.
func New(group bool, routers ...Config) *Machine {
	m := &Machine{grouped: group}
	for i, c := range routers {
		m.routers = append(m.routers, &router{m: m, index: i, cfg: c, priority: c.Priority, learned: c.Interval})
	}
	return m
}

// Handle takes note of an event at an instant and returns what is to be done
// about it, in order. The result is valid until the next call.
func (m *Machine) Handle(ev Event, now time.Time) []Action {
	m.out = m.out[:0]
	if m.state >= Deleted {
		return nil
	}
	switch ev := ev.(type) {
	case Start:
		m.start(ev, now)
	case Expired:
		m.expired(now)
	case Advert:
		m.advert(ev, now)
	case Faults:
		m.routers[ev.Router].faults = slices.Clone(ev.Reasons)
		m.reconsider(m.routers[ev.Router], now)
	case Pending:
		m.routers[ev.Router].pending = ev.Wait
		m.reconsider(m.routers[ev.Router], now)
	case Priority:
		m.routers[ev.Router].setPriority(ev.Value)
	case Configure:
		m.routers[ev.Router].configure(ev.Config, now)
	case Source:
		m.routers[ev.Router].cfg.Self = ev.Addr
	case Claim:
		m.routers[ev.Router].claimed(ev.By, now)
	case Taken:
		m.taken(now)
	case Standby:
		m.setStandby(ev.On, now)
	case HoldPreempt:
		m.hold = ev.On
	case Stop:
		m.stop(ev, now)
	}
	return m.out
}

// Deadline is when the owner owes the machine an Expired; zero means never.
func (m *Machine) Deadline() time.Time {
	var first time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	switch m.state {
	case Init:
		if !m.pending() || m.faulty() {
			return m.notBefore
		}
	case Backup:
		return m.electionAt()
	case Master:
		for _, r := range m.routers {
			sooner(r.nextAdvert)
			sooner(r.announceAt())
			if r.rival.IsValid() {
				sooner(r.rivalUntil)
			}
		}
	}
	return first
}

// State is the state of all routers of the machine, and since when.
func (m *Machine) State() (State, time.Time) { return m.state, m.since }

// OnStandby reports whether the operator has put the machine on standby.
func (m *Machine) OnStandby() bool { return m.standby }

func (m *Machine) do(a Action) { m.out = append(m.out, a) }

func (m *Machine) log(router int, l Level, format string, args ...any) {
	m.do(Log{Router: router, Level: l, Text: fmt.Sprintf(format, args...)})
}

// start leaves Init as soon as the start may be made and nothing is pending.
func (m *Machine) start(ev Start, now time.Time) {
	if m.state != Init {
		return
	}
	m.notBefore = ev.NotBefore
	if m.notBefore.IsZero() {
		m.notBefore = now
	}
	switch {
	case ev.As == Master && !m.faulty():
		m.toMaster(now, nil, true)
	case ev.As == Master: // what the predecessor had must be given up
		m.state = Master
		m.toFault(nil, now)
	case ev.As == Backup && !m.faulty() && !m.owner():
		m.become(Backup, true, nil, now)
		m.listen(now)
	default:
		m.reconsider(nil, now)
	}
}

// reconsider compares the state with the faults, of which those of cause may
// have changed.
func (m *Machine) reconsider(cause *router, now time.Time) {
	if m.notBefore.IsZero() || m.state == Init && now.Before(m.notBefore) {
		return // not started
	}
	switch {
	case m.faulty():
		if m.state != Fault {
			m.toFault(cause, now)
		}
	case m.pending():
	case m.state == Init || m.state == Fault:
		if m.owner() {
			m.toMaster(now, cause, false)
			return
		}
		m.toBackup(cause, now)
	}
}

func (m *Machine) faulty() bool {
	return slices.ContainsFunc(m.routers, func(r *router) bool { return len(r.faults) > 0 })
}

func (m *Machine) pending() bool {
	return slices.ContainsFunc(m.routers, func(r *router) bool { return r.pending })
}

// owner reports whether every router owns its addresses.
func (m *Machine) owner() bool {
	return !slices.ContainsFunc(m.routers, func(r *router) bool { return r.prio() != Owner })
}

func (m *Machine) advert(a Advert, now time.Time) {
	r := m.routers[a.Router]
	switch m.state {
	case Backup:
		r.advertInBackup(a, now)
	case Master:
		r.advertInMaster(a, now)
	}
}

func (m *Machine) expired(now time.Time) {
	switch m.state {
	case Init:
		m.reconsider(nil, now)
	case Backup:
		m.electionOver(now)
	case Master:
		for _, r := range m.routers {
			r.masterTimers(now)
			if m.state != Master {
				return
			}
		}
	}
}

// setStandby changes what every router's priority is, and lets go.
func (m *Machine) setStandby(on bool, now time.Time) {
	if m.standby == on {
		return
	}
	m.standby = on
	if on && m.state == Master {
		m.leave()
		m.toBackup(nil, now)
	}
}

// taken hands over, and comes back after the skew time unless a peer was
// quicker, as keepalived does when its addresses are removed.
func (m *Machine) taken(now time.Time) {
	if m.state != Master {
		return
	}
	m.leave()
	m.toBackup(nil, now)
	for _, r := range m.routers {
		r.leaving = true
	}
}

func (m *Machine) stop(ev Stop, now time.Time) {
	if m.state == Master && !ev.Keep {
		m.leave()
	}
	to := Stopped
	if ev.Deleted {
		to = Deleted
	}
	m.become(to, false, nil, now)
}

// leave says priority 0 on behalf of every router.
func (m *Machine) leave() {
	for _, r := range m.routers {
		m.do(Send{Router: r.index, Priority: 0})
	}
	for _, r := range m.routers {
		m.log(r.index, Info, "sent 0 priority")
	}
}

// become is the change of state itself. cause is the router that it began
// with, which comes first. A group enters and leaves FAULT and becomes master
// after its routers, and gives mastership up before them, as with keepalived.
func (m *Machine) become(to State, adopted bool, cause *router, now time.Time) {
	from := m.state
	m.state, m.since = to, now
	groupFirst := to == Backup && from != Fault
	report := func() {
		if m.grouped && !adopted {
			m.do(GroupBecome{From: from, To: to})
		}
	}
	if groupFirst {
		report()
	}
	each := func(r *router) {
		m.do(Become{Router: r.index, From: from, To: to, Adopted: adopted})
		if to != Master {
			r.quietDown(to, now)
		}
	}
	if cause != nil {
		each(cause)
	}
	for _, r := range m.routers {
		if r != cause {
			each(r)
		}
	}
	if !groupFirst {
		report()
	}
}

func (m *Machine) toFault(cause *router, now time.Time) {
	if m.state == Master {
		m.leave()
	}
	m.syncing(Fault)
	m.become(Fault, false, cause, now)
}

// toBackup begins to wait. cause is the router with which that began, if any.
func (m *Machine) toBackup(cause *router, now time.Time) {
	m.syncing(Backup)
	m.become(Backup, false, cause, now)
	m.listen(now)
}

// listen begins to wait on every router.
func (m *Machine) listen(now time.Time) {
	m.departed, m.graceEnd, m.graced = time.Time{}, time.Time{}, false
	for _, r := range m.routers {
		r.listen(now)
	}
}

// toMaster claims the addresses: adverts first, so that nothing delays them.
// To adopt is to go on where a predecessor was interrupted: nobody is notified,
// for nothing has changed, but the network is told again in case it did.
func (m *Machine) toMaster(now time.Time, cause *router, adopt bool) {
	m.noteSilence()
	for _, r := range m.routers {
		r.restoreOwner()
		r.master, r.learned = netip.Addr{}, r.cfg.Interval
		m.do(Send{Router: r.index, Priority: r.prio()})
		r.nextAdvert, r.lastAdvert = now.Add(r.cfg.Interval), now
	}
	if !adopt {
		for _, r := range m.routers {
			m.log(r.index, Detail, "Receive advertisement timeout")
		}
		m.syncing(Master)
	}
	m.become(Master, adopt, cause, now)
	for _, r := range m.routers {
		r.announceAsMaster(now)
	}
}

// noteSilence notes why we become master. That nobody was heard since we last were
// changes nothing.
func (m *Machine) noteSilence() {
	if slices.ContainsFunc(m.routers, func(r *router) bool { return r.master.IsValid() }) {
		m.silence = !slices.ContainsFunc(m.routers, func(r *router) bool { return r.leaving })
	}
}

func (m *Machine) syncing(to State) {
	if m.grouped && m.state != Init {
		m.log(-1, Info, "Syncing instances to %v state", to)
	}
}

// Status is what can be told about one virtual router.
type Status struct {
	Priority       uint8         // in effect
	Master         netip.Addr    // whom we follow; invalid if nobody
	MasterInterval time.Duration // learned from the master
	Faults         []string      // why it cannot work
	Rival          netip.Addr    // who else is master beside us
	RivalSince     time.Time
	PreemptAt      time.Time // when preempt_delay ends; zero if not running
}

// Status returns what is known of one router.
func (m *Machine) Status(router int) Status {
	r := m.routers[router]
	return Status{
		Priority: r.prio(), Master: r.master, MasterInterval: r.learned, Faults: slices.Clone(r.faults),
		Rival: r.rival, RivalSince: r.rivalSince, PreemptAt: r.preemptAt,
	}
}
