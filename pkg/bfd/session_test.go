package bfd

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var start = time.Unix(1000, 0)

func at(d time.Duration) time.Time { return start.Add(d) }

var fast = Params{MinTx: 50 * time.Millisecond, MinRx: 40 * time.Millisecond, IdleTx: time.Second, Multiplier: 3}

func noJitter() float64 { return 0.999999 }

// states lists the states that actions enter.
func states(acts []Action) (out []State) {
	for _, a := range acts {
		if e, ok := a.(Enter); ok {
			out = append(out, e.State)
		}
	}
	return out
}

func from(peer State) Packet {
	return Packet{State: peer, DetectMult: 3, MyDisc: 9, YourDisc: 1, DesiredMinTx: 60 * time.Millisecond, RequiredMinRx: 50 * time.Millisecond}
}

// TestStates is the table of RFC 5880 section 6.8.6.
func TestStates(t *testing.T) {
	tests := []struct {
		have, peer, want State
	}{
		{Down, AdminDown, Down},
		{Down, Down, Init},
		{Down, Init, Up},
		{Down, Up, Down},
		{Init, AdminDown, Down},
		{Init, Down, Init},
		{Init, Init, Up},
		{Init, Up, Up},
		{Up, AdminDown, Down},
		{Up, Down, Down},
		{Up, Init, Up},
		{Up, Up, Up},
		{AdminDown, Up, AdminDown},
	}
	for _, tt := range tests {
		t.Run(tt.have.String()+" hears "+tt.peer.String(), func(t *testing.T) {
			s := NewSession(fast, 1, noJitter, start)
			s.state = tt.have
			s.Receive(from(tt.peer), start)
			if s.State() != tt.want {
				t.Errorf("state %v, want %v", s.State(), tt.want)
			}
		})
	}
}

func TestSilenceEndsASession(t *testing.T) {
	s := NewSession(fast, 1, noJitter, start)
	s.Receive(from(Init), start)
	if s.State() != Up {
		t.Fatalf("state %v, want Up", s.State())
	}
	detection := 3 * 60 * time.Millisecond
	if s.Detection() != detection {
		t.Fatalf("detection time %v, want %v: the peer's multiplier by its slower interval", s.Detection(), detection)
	}
	if got := states(s.Tick(at(detection - time.Millisecond))); got != nil {
		t.Fatalf("entered %v before the detection time", got)
	}
	acts := s.Tick(at(detection + 2*time.Millisecond))
	if diff := cmp.Diff([]State{Down}, states(acts)); diff != "" {
		t.Errorf("states after the detection time:\n%s", diff)
	}
	if e, ok := acts[0].(Expired); !ok || e.Overdue != 2*time.Millisecond {
		t.Errorf("first action %#v, want Expired with 2 ms overdue", acts[0])
	}
	if s.diag != DiagExpired || s.Remote().MyDisc != 0 {
		t.Errorf("diag %v, remote discriminator %d; want %v and 0", s.diag, s.Remote().MyDisc, DiagExpired)
	}
}

func TestPassiveWaitsForThePeer(t *testing.T) {
	p := fast
	p.Passive = true
	s := NewSession(p, 1, noJitter, start)
	if !s.Deadline().IsZero() {
		t.Fatalf("a passive session wants to speak at %v", s.Deadline())
	}
	s.Receive(Packet{State: Down, DetectMult: 3, MyDisc: 9, DesiredMinTx: time.Second, RequiredMinRx: time.Second}, start)
	if s.State() != Init || s.Deadline().After(start) {
		t.Errorf("state %v, deadline %v; want Init and an answer at once", s.State(), s.Deadline())
	}
}

func TestPollIsAnsweredAndOursEndsWithFinal(t *testing.T) {
	s := NewSession(fast, 1, noJitter, start)
	poll := from(Init)
	poll.Poll = true
	acts := s.Receive(poll, start)
	last, ok := acts[len(acts)-1].(Send)
	if !ok || !last.Packet.Final || last.Packet.Poll {
		t.Fatalf("answer to a poll: %#v, want a packet with Final alone", acts[len(acts)-1])
	}
	if !s.packet(false).Poll {
		t.Fatal("the faster interval of Up is not polled")
	}
	final := from(Up)
	final.Final = true
	s.Receive(final, start)
	if s.packet(false).Poll {
		t.Error("the poll goes on after Final")
	}
}

func TestNoPacketsForAPeerThatWantsNone(t *testing.T) {
	s := NewSession(fast, 1, noJitter, start)
	p := from(Init)
	p.RequiredMinRx = 0
	s.Receive(p, start)
	for _, a := range s.Tick(at(time.Millisecond)) {
		if _, ok := a.(Send); ok {
			t.Errorf("sent %#v to a peer with a required interval of 0", a)
		}
	}
}

func TestChangeKeepsTheSessionUp(t *testing.T) {
	s := NewSession(fast, 1, noJitter, start)
	s.Receive(from(Init), start)
	slow := fast
	slow.MinTx = 500 * time.Millisecond
	s.Change(slow, at(time.Millisecond))
	if p := s.packet(false); s.State() != Up || !p.Poll || p.DesiredMinTx != 500*time.Millisecond {
		t.Errorf("state %v, poll %v, interval %v; want Up, polled, 500ms", s.State(), p.Poll, p.DesiredMinTx)
	}
}

// TestTwoSessionsMeet lets two sessions talk over a line with random delay and
// loss: they come up once the line is good, and both notice when it is cut.
func TestTwoSessionsMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rapid.Float64Range(0, 0.999)
		draw := func() float64 { return random.Draw(t, "jitter") }
		params := func(label string) Params {
			ms := func(what string) time.Duration {
				return time.Duration(rapid.IntRange(10, 300).Draw(t, label+what)) * time.Millisecond
			}
			return Params{
				MinTx: ms(" tx"), MinRx: ms(" rx"), IdleTx: time.Second,
				Multiplier: uint8(rapid.IntRange(1, 5).Draw(t, label+" multiplier")), Passive: label == "b" && rapid.Bool().Draw(t, "passive"),
			}
		}
		line := newLine(NewSession(params("a"), 1, draw, start), NewSession(params("b"), 2, draw, start))
		line.run(t, start, at(10*time.Second), false)
		if line.ends[0].State() != Up || line.ends[1].State() != Up {
			t.Fatalf("after 10 s on a good line: %v and %v, want Up", line.ends[0].State(), line.ends[1].State())
		}
		longest := max(line.ends[0].Detection(), line.ends[1].Detection())
		line.run(t, at(10*time.Second), at(10*time.Second+longest+time.Millisecond), true)
		if line.ends[0].State() != Down || line.ends[1].State() != Down {
			t.Fatalf("%v after the line was cut: %v and %v, want Down", longest, line.ends[0].State(), line.ends[1].State())
		}
	})
}

// line carries packets between two sessions without delay.
type line struct{ ends [2]*Session }

func newLine(a, b *Session) *line { return &line{[2]*Session{a, b}} }

func (l *line) run(t *rapid.T, now, until time.Time, cut bool) {
	for range 100_000 {
		turn := -1
		var next time.Time
		for i, s := range l.ends {
			if d := s.Deadline(); !d.IsZero() && (turn < 0 || d.Before(next)) {
				turn, next = i, d
			}
		}
		if turn < 0 || next.After(until) {
			return
		}
		if next.After(now) {
			now = next
		}
		l.deliver(turn, l.ends[turn].Tick(now), now, cut)
	}
	t.Fatal("the sessions talk without end at one instant")
}

func (l *line) deliver(from int, acts []Action, now time.Time, cut bool) {
	for _, a := range acts {
		if send, ok := a.(Send); ok && !cut {
			to := 1 - from
			l.deliver(to, l.ends[to].Receive(send.Packet, now), now, cut)
		}
	}
}

// A longer interval takes effect when the peer has confirmed it: until then it would take
// us for lost if one packet was.
func TestSlowerOnceThePeerKnows(t *testing.T) {
	s := NewSession(fast, 1, noJitter, start)
	s.Receive(from(Init), start)
	slow := fast
	slow.MinTx = time.Second
	for range 2 { // and again
		slow.MinTx += time.Second
		s.Change(slow, start)
	}
	acts := s.Tick(start)
	if p, ok := acts[0].(Send); !ok || !p.Packet.Poll || p.Packet.DesiredMinTx != slow.MinTx {
		t.Fatalf("after the change: %#v", acts)
	}
	if s.Interval() != fast.MinTx || s.Deadline().After(at(fast.MinTx)) {
		t.Errorf("interval %v at once, next packet at %v", s.Interval(), s.Deadline().Sub(start))
	}
	final := from(Up)
	final.Final = true
	s.Receive(final, at(time.Millisecond))
	if s.Interval() != slow.MinTx {
		t.Errorf("interval %v after the peer has confirmed %v", s.Interval(), slow.MinTx)
	}
}
