package track

import "time"

// Delay holds back changes of a state until they have lasted long enough. The
// zero Delay passes everything at once.
type Delay struct {
	Up, Down time.Duration // how long a change to up or down must last

	state State // what is reported
	real  State // what is true
	since time.Time
}

// Observe notes the true state and reports whether the reported one changes.
// The first one counts at once.
func (d *Delay) Observe(s State, now time.Time) bool {
	if s != d.real {
		d.real, d.since = s, now
	}
	if d.state == Unknown {
		d.state = s
		return s != Unknown
	}
	return d.Expire(now)
}

// Expire reports whether the reported state changes because time has passed.
func (d *Delay) Expire(now time.Time) bool {
	at := d.Deadline()
	if d.state == d.real || now.Before(at) {
		return false
	}
	d.state = d.real
	return true
}

// Deadline is when Expire is owed a call; zero is never.
func (d *Delay) Deadline() time.Time {
	switch {
	case d.state == d.real:
		return time.Time{}
	case d.real == Up:
		return d.since.Add(d.Up)
	}
	return d.since.Add(d.Down)
}

// State is the reported state.
func (d *Delay) State() State { return d.state }
