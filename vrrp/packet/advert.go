package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

const (
	protoVRRP = 112
	protoAH   = 51

	headerLen   = 8 // the VRRP header, both versions
	authDataLen = 8 // version 2 always ends in this many bytes
	typeAdvert  = 1 // the only type there is

	// MaxAddrs is how many addresses one advertisement can carry.
	MaxAddrs = 255
)

// AuthType is the authentication type field of version 2 (RFC 2338 section 5.3.6).
type AuthType uint8

// The authentication types of version 2.
const (
	AuthNone AuthType = 0
	AuthPass AuthType = 1
	AuthAH   AuthType = 2
)

// Advert is one VRRP advertisement as its sender meant it.
type Advert struct {
	Version  uint8 // 2 or 3
	VRID     uint8 // 1 to 255
	Priority uint8 // 0: the master is leaving; 255: the owner of the addresses

	// Interval is the sender's advertisement interval. The wire counts whole
	// seconds up to 255 (version 2) or centiseconds up to 4095 (version 3).
	Interval time.Duration

	// Addrs are the virtual addresses in the sender's order, all of one family.
	Addrs []netip.Addr

	Auth     AuthType          // version 2 only
	AuthData [authDataLen]byte // version 2 only: the password of AuthPass
}

// AppendBinary appends the VRRP message without its IP header. The checksum
// field is left zero, because it may cover addresses that only the
// [Encoder] knows.
func (a *Advert) AppendBinary(dst []byte) ([]byte, error) {
	if len(a.Addrs) > MaxAddrs {
		return dst, fmt.Errorf("advert of VRID %d: %d addresses, at most %d fit", a.VRID, len(a.Addrs), MaxAddrs)
	}
	dst = append(dst, a.Version<<4|typeAdvert, a.VRID, a.Priority, byte(len(a.Addrs)))
	switch a.Version {
	case 2:
		s := a.Interval / time.Second
		if s < 0 || s > 255 || a.Interval%time.Second != 0 {
			return dst, fmt.Errorf("advert of VRID %d: version 2 cannot express an interval of %v", a.VRID, a.Interval)
		}
		dst = append(dst, byte(a.Auth), byte(s))
	case 3:
		cs := a.Interval / (10 * time.Millisecond)
		if cs < 0 || cs > 0xfff || a.Interval%(10*time.Millisecond) != 0 {
			return dst, fmt.Errorf("advert of VRID %d: version 3 cannot express an interval of %v", a.VRID, a.Interval)
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(cs))
	default:
		return dst, fmt.Errorf("advert of VRID %d: there is no VRRP version %d", a.VRID, a.Version)
	}
	dst = append(dst, 0, 0)
	for _, ip := range a.Addrs {
		dst = append(dst, ip.AsSlice()...)
	}
	if a.Version == 2 {
		dst = append(dst, a.AuthData[:]...)
	}
	return dst, nil
}

// Parse reads the VRRP message at the start of b, whose addresses are IPv6 if
// v6 is set, and returns it with the number of bytes it took. The message
// shares no memory with b. Neither the checksum nor any authentication is
// looked at: that is [Checker]'s part.
func Parse(b []byte, v6 bool) (Advert, int, error) {
	if len(b) < headerLen {
		return Advert{}, 0, fmt.Errorf("%w: %d bytes, a header has %d", ErrLength, len(b), headerLen)
	}
	n, err := messageLen(b, v6)
	if err != nil {
		return Advert{}, 0, err
	}
	if len(b) < n {
		return Advert{}, 0, fmt.Errorf("%w: %d bytes for %d addresses", ErrLength, len(b), b[3])
	}
	if t := b[0] & 0xf; t != typeAdvert {
		return Advert{}, 0, fmt.Errorf("%w: %d", ErrType, t)
	}
	a := Advert{Version: b[0] >> 4, VRID: b[1], Priority: b[2], Interval: wireInterval(b)}
	if a.Version == 2 {
		a.Auth = AuthType(b[4])
		copy(a.AuthData[:], b[n-authDataLen:n])
	}
	if count := int(b[3]); count > 0 {
		size := addrLen(v6)
		a.Addrs = make([]netip.Addr, count)
		for i := range a.Addrs {
			a.Addrs[i], _ = netip.AddrFromSlice(b[headerLen+i*size : headerLen+(i+1)*size])
		}
	}
	return a, n, nil
}

// messageLen is the length that the header in b announces.
func messageLen(b []byte, v6 bool) (int, error) {
	n := headerLen + int(b[3])*addrLen(v6)
	switch v := b[0] >> 4; v {
	case 2:
		return n + authDataLen, nil
	case 3:
		return n, nil
	default:
		return 0, fmt.Errorf("%w: %d", ErrVersion, v)
	}
}

// wireInterval reads the interval field of a header of a known version.
func wireInterval(b []byte) time.Duration {
	if b[0]>>4 == 2 {
		return time.Duration(b[5]) * time.Second
	}
	return time.Duration(binary.BigEndian.Uint16(b[4:6])&0xfff) * 10 * time.Millisecond
}

func addrLen(v6 bool) int {
	if v6 {
		return 16
	}
	return 4
}
