package router

import (
	"errors"
	"time"

	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

// counters are the statistics of an instance, as keepalived counts them.
type counters struct {
	advertsIn, advertsOut         uint64
	becameMaster, releasedMaster  uint64
	zeroIn, zeroOut               uint64
	length, interval, ttl, typ    uint64
	addrList, authType, authOther uint64
	authFailed                    uint64
	trailerMissing, malformed     uint64
	unknownKey, badHMAC           uint64
	stale, replay                 uint64
	other                         uint64 // reasons that keepalived does not count
}

func (c *counters) sent(priority uint8) {
	c.advertsOut++
	if priority == 0 {
		c.zeroOut++
	}
}

func (c *counters) received(priority uint8) {
	c.advertsIn++
	if priority == 0 {
		c.zeroIn++
	}
}

// dropped counts a packet under the reason it was refused for.
func (c *counters) dropped(err error) {
	for _, k := range []struct {
		reason error
		count  *uint64
	}{
		{packet.ErrLength, &c.length},
		{packet.ErrTotalLength, &c.length},
		{packet.ErrTTL, &c.ttl},
		{packet.ErrPeerTTL, &c.ttl},
		{packet.ErrType, &c.typ},
		{packet.ErrInterval, &c.interval},
		{packet.ErrIntervalZero, &c.interval},
		{packet.ErrNoAddrs, &c.addrList},
		{packet.ErrAuthType, &c.authType},
		{packet.ErrAuthMismatch, &c.authOther},
		{packet.ErrAHMissing, &c.authOther},
		{packet.ErrAHUnexpected, &c.authOther},
		{packet.ErrPassword, &c.authFailed},
		{packet.ErrAHICV, &c.authFailed},
		{packet.ErrAHReplay, &c.authFailed},
		{packet.ErrTrailerMissing, &c.trailerMissing},
		{packet.ErrTrailerMalformed, &c.malformed},
		{packet.ErrKeyUnknown, &c.unknownKey},
		{packet.ErrHMAC, &c.badHMAC},
		{packet.ErrStale, &c.stale},
		{packet.ErrReplay, &c.replay},
	} {
		if errors.Is(err, k.reason) {
			*k.count++
			return
		}
	}
	c.other++
}

// lateness is by how much regular adverts of masters missed their instant.
type lateness struct {
	count   uint64
	sum     time.Duration
	max     time.Duration
	buckets [len(lateBounds) + 1]uint64
}

// lateBounds are the upper bounds of the buckets.
var lateBounds = [...]time.Duration{
	100 * time.Microsecond, 300 * time.Microsecond, time.Millisecond, 3 * time.Millisecond,
	10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, time.Second,
}

func (l *lateness) note(d time.Duration) {
	l.count++
	l.sum += d
	l.max = max(l.max, d)
	for n, bound := range lateBounds {
		if d <= bound {
			l.buckets[n]++
			return
		}
	}
	l.buckets[len(lateBounds)]++
}
