package vrrp

import (
	"net/netip"
	"time"
)

// Owner is the priority of the router that owns the addresses.
const Owner = 255

// Config is what an election needs to know about one virtual router.
type Config struct {
	Version  uint8         // 2 or 3
	Priority uint8         // as configured, 1 to 255
	Self     netip.Addr    // source of our adverts
	Interval time.Duration // between our adverts

	DownAdverts  int           // missed adverts that make a master count as dead
	Preempt      bool          // take over from a lower priority
	PreemptDelay time.Duration // but not before this has passed

	// NoLowerAdvert does not answer an advert of lower priority with our own.
	NoLowerAdvert bool
	// HigherSendAdvert answers one of higher priority before giving way.
	HigherSendAdvert bool
	// ExpiredBackup is the priority of timer_expired_backup, 0 for off: without
	// Preempt, a master that was not scheduled for as long as such a backup
	// waits goes to Backup.
	ExpiredBackup uint8

	Announce Announcements
}

// Announcements is when and how often the addresses are announced.
type Announcements struct {
	Repeat        int           // per address, on becoming master
	Delay         time.Duration // until a second such set; 0: none
	Refresh       time.Duration // period afterwards; 0: never
	RefreshRepeat int
	LowerRepeat   int           // after an advert of lower priority; 0: none
	LowerDelay    time.Duration // until a second such set; 0: none
}

// skew is Skew_Time: a high priority waits less. Version 2 counts in parts of a
// second (RFC 3768 section 6.1), version 3 in parts of the master's interval
// (RFC 9568 section 6.1).
func skew(version, priority uint8, interval time.Duration) time.Duration {
	if version == 2 {
		interval = time.Second
	}
	return interval * time.Duration(256-int(priority)) / 256
}

// masterDown is Active_Down_Interval (Master_Down_Interval in version 2).
func masterDown(c *Config, priority uint8, interval time.Duration) time.Duration {
	return time.Duration(c.DownAdverts)*interval + skew(c.Version, priority, interval)
}

// Effective is the priority in effect: the configured one and the sum of the
// weights of everything tracked, within 1 to 254. That of an owner never
// changes.
func Effective(base uint8, weights int) uint8 {
	if base == Owner {
		return Owner
	}
	return uint8(min(max(int(base)+weights, 1), Owner-1))
}

// Verdict is what something tracked means for a virtual router.
type Verdict struct {
	Weight int  // part of the effective priority
	Fault  bool // the router cannot work
}

// Judge is the verdict on something that is good or bad. Weight 0 makes bad a fault, or
// with reverse good. A positive weight counts while it is good, a negative one while it
// is bad; with reverse that much is taken away where it would be added, and added where
// it would be taken away.
func Judge(weight int, reverse, good bool) Verdict {
	switch {
	case weight == 0:
		return Verdict{Fault: good == reverse}
	case good != (weight > 0):
		return Verdict{}
	case reverse:
		return Verdict{Weight: -weight}
	}
	return Verdict{Weight: weight}
}

// maxWeight is the most that one tracked file can add.
const maxWeight = 253

// JudgeNumber is the verdict on a tracked file that holds value. With weight 0
// any value but 0 is a fault; else so is a product below -253.
func JudgeNumber(weight int, reverse bool, value int64) Verdict {
	if weight == 0 {
		return Verdict{Fault: (value != 0) != reverse}
	}
	if reverse {
		weight = -weight
	}
	value = min(max(value, -1<<31), 1<<31) // the product cannot overflow
	switch p := value * int64(weight); {
	case p < -maxWeight:
		return Verdict{Fault: true}
	default:
		return Verdict{Weight: int(min(p, maxWeight))}
	}
}
