package packet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// The trailer that auth_hmac puts behind the message: type, key id, two zero
// bytes, sequence (seconds, fraction, counter), HMAC-SHA-256 cut to 128 bits.
const (
	trailerLen  = 28
	trailerHMAC = 12 // where the HMAC starts
	trailerType = 1
)

// HMACMode is how strictly a virtual router uses auth_hmac.
type HMACMode uint8

// The modes of auth_hmac. A trailer that is wrong is refused in every one.
const (
	Enforce     HMACMode = iota // sign, and refuse adverts without a trailer
	Permissive                  // sign, and accept adverts without a trailer
	ReceiveOnly                 // do not sign, accept adverts without a trailer
)

// HMAC is the configuration of auth_hmac.
type HMAC struct {
	Keys   map[uint8][]byte // by key id
	Active uint8            // the key that signs
	Mode   HMACMode
	Window time.Duration // accepted difference of the clocks, whole seconds

	// Monotonic keeps the sequence growing even when the clock is set back,
	// and accepts any clock (anti_replay monotonic).
	Monotonic bool
}

// sequence makes the growing numbers of a sender: its clock in units of
// 2^-32 s, of which the lowest 16 bits only count.
type sequence struct{ last uint64 }

func clockSequence(wall time.Time) uint64 {
	return uint64(wall.Unix())<<32 | uint64(wall.Nanosecond())<<16/uint64(time.Second)<<16
}

// next is the number for an advert sent at wall. A clock set back by more than
// the window is followed, because peers would call the old time stale.
func (s *sequence) next(wall time.Time, h *HMAC) uint64 {
	now := clockSequence(wall)
	if now > s.last || h.setBack(s.last, now) {
		s.last = now
	} else {
		s.last++
	}
	return s.last
}

// setBack reports whether the clock was set back so far since a sequence number that
// numbers begin again from it: those in between would be stale for all who have the time.
func (h *HMAC) setBack(last, now uint64) bool {
	return !h.Monotonic && last > now && last-now > uint64(h.Window/time.Second)<<32
}

// appendTrailer signs message and appends the trailer.
func (h *HMAC) appendTrailer(message []byte, src netip.Addr, seq uint64) []byte {
	n := len(message)
	out := append(message, trailerType, h.Active, 0, 0)
	out = binary.BigEndian.AppendUint64(out, seq)
	mac := trailerMAC(h.Keys[h.Active], src, out[:n], out[n:])
	return append(out, mac[:]...)
}

// trailerMAC authenticates a message, whatever its checksum field holds, with
// the first 12 bytes of its trailer.
func trailerMAC(key []byte, src netip.Addr, message, trailer []byte) [16]byte {
	family := byte(4)
	if src.Is6() {
		family = 6
	}
	pseudo := [20]byte{family, message[0] >> 4, message[1], 0}
	copy(pseudo[4:], src.AsSlice())
	mac := hmac.New(sha256.New, key)
	mac.Write(pseudo[:])
	mac.Write(message[:6])
	mac.Write([]byte{0, 0})
	mac.Write(message[8:])
	mac.Write(trailer[:trailerHMAC])
	mac.Write(make([]byte, trailerLen-trailerHMAC))
	return [16]byte(mac.Sum(nil))
}

// verify checks a trailer in the order that decides which error a bad one
// gets. It returns the difference of the clocks.
func (h *HMAC) verify(guard replayGuard, src netip.Addr, message, trailer []byte, wall time.Time) (skew time.Duration, err error) {
	if trailer[0] != trailerType || trailer[2] != 0 || trailer[3] != 0 {
		return 0, ErrTrailerMalformed
	}
	seq := binary.BigEndian.Uint64(trailer[4:])
	if !h.Monotonic {
		seconds := wall.Unix() - int64(seq>>32)
		skew = time.Duration(seconds) * time.Second
		if skew.Abs() > h.Window {
			return skew, fmt.Errorf("%w: clock skew %d sec exceeds window %d sec", ErrStale, seconds, h.Window/time.Second)
		}
	}
	key, ok := h.Keys[trailer[1]]
	if !ok {
		return skew, fmt.Errorf("%w %d", ErrKeyUnknown, trailer[1])
	}
	if want := trailerMAC(key, src, message, trailer); !hmac.Equal(want[:], trailer[trailerHMAC:]) {
		return skew, ErrHMAC
	}
	if last, ok := guard.last(src); ok && seq <= last && !h.setBack(last, clockSequence(wall)) {
		return skew, ErrReplay
	}
	return skew, nil
}
