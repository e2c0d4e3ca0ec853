package packet

import "errors"

// The reasons to drop a received datagram. Every error of [Checker.Check]
// matches exactly one of them with errors.Is.
var (
	ErrAHMissing    = errors.New("authentication header expected but missing")
	ErrAHUnexpected = errors.New("authentication header not expected")
	ErrLength       = errors.New("wrong length")
	ErrTTL          = errors.New("TTL/hop limit is not 255")
	ErrVersion      = errors.New("wrong VRRP version")
	ErrVRID         = errors.New("wrong virtual router id")

	ErrTrailerMissing   = errors.New("missing authentication trailer")
	ErrTrailerMalformed = errors.New("malformed authentication trailer")
	ErrKeyUnknown       = errors.New("unknown authentication key id")
	ErrHMAC             = errors.New("invalid authentication HMAC")
	ErrStale            = errors.New("stale authentication trailer")
	ErrReplay           = errors.New("replayed authentication trailer")

	ErrAuthType     = errors.New("unknown authentication type")
	ErrAuthMismatch = errors.New("authentication type mismatch")
	ErrPassword     = errors.New("wrong password")
	ErrAHICV        = errors.New("authentication header does not match")
	ErrAHReplay     = errors.New("authentication header replayed")

	ErrInterval     = errors.New("advertisement interval mismatch")
	ErrIntervalZero = errors.New("advertisement interval is zero")
	ErrType         = errors.New("invalid VRRP packet type")
	ErrTotalLength  = errors.New("IP total length does not match")
	ErrNoAddrs      = errors.New("advertisement without an address")
	ErrChecksum     = errors.New("invalid VRRP checksum")

	ErrMulticast   = errors.New("expected unicast packet but received multicast packet")
	ErrUnicast     = errors.New("expected multicast packet but received unicast packet")
	ErrOwner       = errors.New("the address owner ignores adverts")
	ErrUnknownPeer = errors.New("unicast source is not a peer")
	ErrPeerTTL     = errors.New("TTL/hop limit outside the range of the peer")
)
