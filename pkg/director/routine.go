package director

import (
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// rest is how many times as long as a comparison took there is no other one as a matter
// of routine: reading ten thousand services every five seconds would cost more than
// checking their servers does.
const rest = 50

// pieceSize is how many services and servers are compared at once, as a matter of routine.
const pieceSize = 256

// routine goes through the services again and again, to see whether they are what they
// should be in the kernel. It takes a piece at a time: while ten thousand servers are read,
// a server that fails has to wait, and so have the health checks where there is only one
// processor.
type routine struct {
	left  []ipvs.Key // to be compared in this round
	pause time.Time  // not before
}

// begin begins a round, unless one is under way or the last one was a moment ago.
func (r *routine) begin(keys []ipvs.Key, now time.Time) {
	if len(r.left) == 0 && !now.Before(r.pause) {
		r.left = keys
	}
}

// piece takes the services that have their turn now, if there are any. The function says
// how many servers a service has.
func (r *routine) piece(servers func(ipvs.Key) int, now time.Time) []ipvs.Key {
	if now.Before(r.pause) {
		return nil
	}
	n := 0
	for size := 0; n < len(r.left) && size < pieceSize; n++ {
		size += 1 + servers(r.left[n])
	}
	piece := r.left[:n:n]
	r.left = r.left[n:]
	return piece
}

// took notes how long a comparison took that has just ended.
func (r *routine) took(d time.Duration, now time.Time) { r.pause = now.Add(rest * d) }

// due is when the next piece has its turn; zero is not before the next round.
func (r *routine) due() time.Time {
	if len(r.left) == 0 {
		return time.Time{}
	}
	return r.pause
}

// end ends the round: all has been compared in another way.
func (r *routine) end() { r.left = nil }
