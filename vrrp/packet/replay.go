package packet

import (
	"net/netip"
	"time"
)

// maxSenders bounds what is remembered of multicast senders, whom nobody
// announces.
const maxSenders = 4

// lastSeen is the newest sequence number accepted from one sender.
type lastSeen struct {
	from netip.Addr
	seq  uint64

	// until is when to forget it; zero means never. A router that starts again
	// counts its authentication headers from one, and must be heard again once
	// it was silent for as long as backups wait.
	until time.Time
}

// replayGuard remembers senders, the most recently heard first.
type replayGuard []lastSeen

// newer reports whether seq is newer than all accepted from that sender.
func (g replayGuard) newer(from netip.Addr, seq uint64, now time.Time) bool {
	for _, s := range g {
		if s.from == from {
			return seq > s.seq || !s.until.IsZero() && !now.Before(s.until)
		}
	}
	return true
}

// last is the newest sequence number accepted from a sender.
func (g replayGuard) last(from netip.Addr) (seq uint64, ok bool) {
	for _, s := range g {
		if s.from == from {
			return s.seq, true
		}
	}
	return 0, false
}

// accept remembers one, and forgets the sender not heard for longest when
// there are more than limit.
func (g *replayGuard) accept(one lastSeen, limit int) {
	s := *g
	at := len(s)
	for i := range s {
		if s[i].from == one.from {
			at = i
			break
		}
	}
	if at == len(s) {
		if len(s) < limit {
			s = append(s, lastSeen{})
		} else {
			at--
		}
	}
	copy(s[1:at+1], s[:at])
	s[0] = one
	*g = s
}
