package daemon

import "time"

const (
	// settled is how long a role must have run for its death to count as an
	// accident rather than as part of a series. It is short, because a vrrp role
	// that comes back at once keeps its mastership, and one that does not loses
	// it; what dies at its start is part of a series all the same.
	settled = 3 * time.Second
	// maxPause is the longest pause between the deaths and starts of a series.
	maxPause = time.Minute
)

// backoff decides how long to wait before a dead role is started again: not at
// all after an accident, then 0, 1, 2, 4 … seconds up to a minute.
type backoff struct {
	deaths int // in the series
}

// pause is called when a role has died after running that long.
func (b *backoff) pause(ran time.Duration) time.Duration {
	if ran >= settled {
		b.deaths = 0
		return 0
	}
	b.deaths++
	if b.deaths == 1 {
		return 0
	}
	return min(time.Second<<min(b.deaths-2, 10), maxPause)
}
