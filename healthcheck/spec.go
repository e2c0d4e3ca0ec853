// Package healthcheck decides about health checks: given what a check asked
// and what came of it, is the server up, what does the log say, and when is
// the next attempt due? It opens no socket and reads no clock; package probe
// does the asking.
package healthcheck

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/netip"
	"time"
)

// Spec is one check of one real server: what to ask, of whom, how often, and
// how many answers it takes to change a verdict.
type Spec struct {
	// Key names the check. Two specs with the same key are the same check: its
	// state survives when a new configuration has it again.
	Key string

	For  Name   // the real server, for messages
	Also []Name // others that this check serves, too

	Ask    Question
	Target netip.AddrPort // whom to ask; the port is 0 where the kind has none
	Bind   netip.AddrPort // local address and port; either part may be absent
	Device string         // local interface, empty for any
	Mark   uint32         // SO_MARK, 0 for none

	// Via is the server that Target is reached by, if that is not the server of
	// this address itself: IPVS sends what has the Mark there. The local address
	// is the one that Via would see.
	Via netip.Addr

	Timing

	Rise int // successful runs in a row that bring the check up, at least 1
	Fall int // failed runs in a row that bring it down, at least 1

	Alpha          bool // starts as down
	LogAllFailures bool // each failed attempt is a line, not only the verdict

	// Number is what the file of a FILE_CHECK holds as the check begins; nil if that is
	// not known. It is not part of the check's identity.
	Number *int64 `json:"-"`

	// RealWeight is the configured weight of the real server, the base of
	// misc_dynamic. It is not part of the check's identity.
	RealWeight int

	// Critical says that the real server is down with this check even if any
	// other one would be enough. It is not part of the identity either.
	Critical bool

	// Suspended says that the check is not needed at the moment. It is not part
	// of the identity either.
	Suspended bool
}

// Name is a real server as messages name it.
type Name struct {
	Real    string // [10.0.0.2]:tcp:80
	Virtual string // [192.0.2.1]:tcp:80
}

// Timing says when a check asks.
type Timing struct {
	DelayLoop        time.Duration // pause between runs (MISC_CHECK: start to start)
	Warmup           time.Duration // upper end of the random delay before the first run
	Retry            int           // attempts after the first failed one, before the run has failed
	DelayBeforeRetry time.Duration
	ConnectTimeout   time.Duration // for connecting and for each step after it
}

// Overall limits one attempt from connect to verdict, however slowly the
// server drips its answer: four steps, or a whole period when that is longer.
func (t Timing) Overall() time.Duration {
	return max(4*t.ConnectTimeout, t.DelayLoop)
}

// Definition identifies what is asked of whom and how it is judged, without
// the names of the servers: checks with equal definitions give equal results.
// When the first attempt comes is no part of it.
func (s Spec) Definition() string {
	s.Warmup = 0
	s.Key, s.For, s.Also, s.RealWeight, s.Critical, s.Suspended = "", Name{}, nil, 0, false, false
	h := fnv.New64a()
	// Every part of a Spec is plain data; encoding cannot fail.
	_ = json.NewEncoder(h).Encode(s)
	return fmt.Sprintf("%s %016x", s.Ask.Keyword(), h.Sum64())
}

// Opening is the verdict that a check begins with, and what it adds to the weight
// until it has its own answer.
func (s Spec) Opening() (up bool, weight int) {
	if f, ok := s.Ask.(File); ok && s.Number != nil {
		weight, up = f.effect(*s.Number)
		return up, weight
	}
	return !s.Alpha, 0
}

// rise and fall are at least 1, so that the zero Spec is usable.
func (s *Spec) rise() int { return max(s.Rise, 1) }
func (s *Spec) fall() int { return max(s.Fall, 1) }
