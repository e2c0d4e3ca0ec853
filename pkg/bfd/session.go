package bfd

import "time"

// Params are the operator's settings of one session.
type Params struct {
	MinTx      time.Duration // wanted interval between packets while Up
	MinRx      time.Duration // shortest interval we can take
	IdleTx     time.Duration // interval while not Up, at least 1 s
	Multiplier uint8         // missed packets before a peer declares us down
	Passive    bool          // wait for the peer's first packet
}

// Session is one BFD session in asynchronous mode (RFC 5880 section 6). It
// reads no clock and opens no socket: the same calls give the same answers.
type Session struct {
	params Params
	disc   uint32         // bfd.LocalDiscr
	random func() float64 // in [0, 1): jitter

	state      State
	diag       Diag
	polling    bool          // a Poll Sequence is running
	desiredTx  time.Duration // bfd.DesiredMinTxInterval, as advertised
	formerTx   time.Duration // the one before, if the peer may not know of another yet
	remote     Packet        // what the peer last said; zero MyDisc: nothing yet
	detectAt   time.Time     // when silence means the peer is lost; zero: not armed
	transmitAt time.Time     // zero: nothing to send
}

// An Action is work for the caller, in order.
type Action interface{ action() }

type (
	// Send is one packet for the peer.
	Send struct{ Packet Packet }
	// Enter reports a new state and why.
	Enter struct {
		State      State
		Diag       Diag
		RemoteDiag Diag
	}
	// Expired reports silence for longer than the detection time, and how
	// late that was noticed.
	Expired struct{ Detection, Overdue time.Duration }
)

func (Send) action()    {}
func (Enter) action()   {}
func (Expired) action() {}

// NewSession is a session in state Down. disc is unique on this machine and
// not 0.
func NewSession(p Params, disc uint32, random func() float64, now time.Time) *Session {
	s := &Session{params: p, disc: disc, random: random, state: Down}
	s.desiredTx = s.idleTx()
	if !p.Passive {
		s.transmitAt = now
	}
	return s
}

// State is the session's state.
func (s *Session) State() State { return s.state }

// Remote is what the peer last said; MyDisc is 0 when it is not heard.
func (s *Session) Remote() Packet { return s.remote }

// Detection is how long the peer may be silent (RFC 5880 section 6.8.4); 0
// before it was heard.
func (s *Session) Detection() time.Duration {
	return time.Duration(s.remote.DetectMult) * max(s.params.MinRx, s.remote.DesiredMinTx)
}

// Interval is the time between two packets before jitter; 0 means that the
// peer wants none.
func (s *Session) Interval() time.Duration {
	if s.remote.MyDisc != 0 && s.remote.RequiredMinRx == 0 {
		return 0
	}
	return max(s.wantedTx(), s.remote.RequiredMinRx)
}

// wantedTx is the interval that we choose: no longer than before until the peer knows
// of it (RFC 5880 section 6.8.3).
func (s *Session) wantedTx() time.Duration {
	if s.formerTx > 0 {
		return min(s.formerTx, s.desiredTx)
	}
	return s.desiredTx
}

// Deadline is when Tick has to be called; zero means never.
func (s *Session) Deadline() time.Time {
	if s.detectAt.IsZero() || !s.transmitAt.IsZero() && s.transmitAt.Before(s.detectAt) {
		return s.transmitAt
	}
	return s.detectAt
}

// idleTx is at least a second while not Up (RFC 5880 section 6.8.3).
func (s *Session) idleTx() time.Duration { return max(s.params.IdleTx, time.Second) }

// Receive handles a packet that was parsed and belongs to this session
// (RFC 5880 section 6.8.6).
func (s *Session) Receive(p Packet, now time.Time) []Action {
	if s.state == AdminDown {
		return nil
	}
	first := s.remote.MyDisc == 0
	oldInterval := s.Interval()
	s.remote = p
	if p.Final {
		s.polling, s.formerTx = false, 0
	}
	var acts []Action
	if to, diag := s.next(p.State); to != s.state {
		acts = append(acts, s.enter(to, diag))
	}
	s.detectAt = now.Add(s.Detection())
	if first || s.Interval() != oldInterval {
		s.schedule(now, first)
	}
	if p.Poll {
		acts = append(acts, Send{s.packet(true)})
	}
	return acts
}

// next is the state machine of RFC 5880 section 6.2.
func (s *Session) next(remote State) (State, Diag) {
	switch {
	case remote == AdminDown && s.state != Down:
		return Down, DiagNeighborDown
	case s.state == Down && remote == Down:
		return Init, s.diag
	case s.state == Down && remote == Init:
		return Up, DiagNone
	case s.state == Init && (remote == Init || remote == Up):
		return Up, DiagNone
	case s.state == Up && remote == Down:
		return Down, DiagNeighborDown
	}
	return s.state, s.diag
}

// enter changes the state and the interval that goes with it; a changed
// interval of an established session is negotiated by a Poll Sequence.
func (s *Session) enter(to State, diag Diag) Action {
	s.state, s.diag, s.formerTx = to, diag, 0
	if to == Up {
		s.desiredTx, s.polling = s.params.MinTx, true
	} else {
		s.desiredTx, s.polling = s.idleTx(), false
	}
	return Enter{State: to, Diag: diag, RemoteDiag: s.remote.Diag}
}

// Tick does what is due at now.
func (s *Session) Tick(now time.Time) []Action {
	var acts []Action
	if !s.detectAt.IsZero() && !now.Before(s.detectAt) {
		acts = s.expire(now)
	}
	if !s.transmitAt.IsZero() && !now.Before(s.transmitAt) {
		acts = append(acts, Send{s.packet(false)})
		s.schedule(now, false)
	}
	return acts
}

// expire forgets the peer, and leaves Init or Up (RFC 5880 section 6.8.4).
func (s *Session) expire(now time.Time) []Action {
	var acts []Action
	if s.state == Init || s.state == Up {
		acts = append(acts,
			Expired{Detection: s.Detection(), Overdue: now.Sub(s.detectAt)},
			s.enter(Down, DiagExpired))
	}
	s.detectAt = time.Time{}
	s.remote = Packet{}
	if s.params.Passive {
		s.transmitAt = time.Time{}
	}
	return acts
}

// schedule plans the next packet, up to a quarter early and with a multiplier
// of 1 at least a tenth (RFC 5880 section 6.8.7).
func (s *Session) schedule(now time.Time, atOnce bool) {
	every := s.Interval()
	switch {
	case every == 0 || s.params.Passive && s.remote.MyDisc == 0:
		s.transmitAt = time.Time{}
		return
	case atOnce:
		s.transmitAt = now
		return
	}
	low, high := 0.75, 1.0
	if s.params.Multiplier == 1 {
		high = 0.9
	}
	next := now.Add(time.Duration(float64(every) * (low + (high-low)*s.random())))
	if s.transmitAt.IsZero() || !s.transmitAt.After(now) || next.Before(s.transmitAt) {
		s.transmitAt = next
	}
}

// Change adopts other settings without leaving Up.
func (s *Session) Change(p Params, now time.Time) {
	if p == s.params {
		return
	}
	s.params = p
	if s.state == Up {
		s.formerTx = s.wantedTx()
		s.desiredTx, s.polling = p.MinTx, true
	} else {
		s.desiredTx = s.idleTx()
	}
	s.transmitAt = time.Time{}
	s.schedule(now, true)
}

// Stop tells the peer that this end is taken down on purpose.
func (s *Session) Stop() []Action {
	s.state, s.diag, s.polling = AdminDown, DiagAdministratively, false
	s.detectAt, s.transmitAt = time.Time{}, time.Time{}
	if s.params.Passive && s.remote.MyDisc == 0 {
		return nil
	}
	return []Action{Send{s.packet(false)}}
}

func (s *Session) packet(final bool) Packet {
	return Packet{
		Diag:          s.diag,
		State:         s.state,
		Poll:          s.polling && !final,
		Final:         final,
		DetectMult:    s.params.Multiplier,
		MyDisc:        s.disc,
		YourDisc:      s.remote.MyDisc,
		DesiredMinTx:  s.desiredTx,
		RequiredMinRx: s.params.MinRx,
	}
}
