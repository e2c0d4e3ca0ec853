package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Format is how the adverts of one virtual router look on the wire beyond
// what an [Advert] says.
type Format struct {
	Src netip.Addr // source of the datagrams; its family is the family
	TTL uint8      // 255 but for unicast_ttl

	ChecksumAsV2 bool // version 3 over IPv4 without pseudo header
	OldUnicast   bool // version 3 over IPv4 unicast, summed as if multicast

	Auth     AuthType // version 2
	Password string   // at most 8 bytes count
	HMAC     *HMAC    // nil without auth_hmac; wins over Auth
}

// Counters are the numbers that a sender must go on with after a restart,
// because receivers refuse what they have seen.
type Counters struct {
	ID  uint16 // of the last IPv4 header
	AH  uint32 // of the last authentication header
	Seq uint64 // of the last HMAC trailer
}

// Encoder builds the datagrams of one virtual router. It is not safe for
// concurrent use.
type Encoder struct {
	Format Format

	id      uint16
	ah      uint32
	seq     sequence
	message []byte // with trailer, checksum zero
	plain   int    // length of the message without trailer
	out     []byte
}

// Counters returns the counters as of the last datagram.
func (e *Encoder) Counters() Counters { return Counters{e.id, e.ah, e.seq.last} }

// Resume continues the counters of a predecessor.
func (e *Encoder) Resume(c Counters) { e.id, e.ah, e.seq.last = c.ID, c.AH, c.Seq }

// Follow takes note of the number in a neighbour's authentication header. The
// next master counts on from the one before: keepalived refuses numbers up to
// the highest it has seen or sent itself.
func (e *Encoder) Follow(sequence uint32) { e.ah = max(e.ah, sequence) }

// Prepare encodes and signs one advert; [Encoder.Datagram] then addresses it.
// One signature and one set of numbers serve all unicast peers. wall is the
// clock of the signature.
func (e *Encoder) Prepare(a *Advert, wall time.Time) error {
	f := &e.Format
	msg := *a
	msg.Auth, msg.AuthData = AuthNone, [authDataLen]byte{}
	if msg.Version == 2 && f.HMAC == nil {
		msg.Auth = f.Auth
		if f.Auth == AuthPass {
			copy(msg.AuthData[:], f.Password)
		}
	}
	for _, ip := range msg.Addrs {
		if ip.Is4() != f.Src.Is4() {
			return fmt.Errorf("advert of VRID %d: address %v is not of the family of the source %v", a.VRID, ip, f.Src)
		}
	}
	b, err := msg.AppendBinary(e.message[:0])
	e.plain = len(b)
	if err != nil {
		e.message = b[:0]
		return err
	}
	if f.HMAC != nil && f.HMAC.Mode != ReceiveOnly {
		b = f.HMAC.appendTrailer(b, f.Src, e.seq.next(wall, f.HMAC))
	}
	e.message = b
	e.id = afterwards(e.id)
	if e.authenticates() {
		e.ah = afterwards(e.ah)
	}
	return nil
}

// afterwards is the next number, which is never zero: the kernel would fill
// in one of its own.
func afterwards[T uint16 | uint32](n T) T {
	if n++; n == 0 {
		return 1
	}
	return n
}

// authenticates reports whether the prepared message goes out behind an
// authentication header.
func (e *Encoder) authenticates() bool {
	return e.message[0]>>4 == 2 && e.Format.HMAC == nil && e.Format.Auth == AuthAH
}

// Datagram returns the prepared advert for one destination: the whole datagram
// for IPv4, the payload for IPv6. It is valid until the next call.
func (e *Encoder) Datagram(to netip.Addr) []byte {
	f := &e.Format
	binary.BigEndian.PutUint16(e.message[6:], 0)
	if f.Src.Is6() {
		binary.BigEndian.PutUint16(e.message[6:], pseudoChecksum(f.Src, to, e.message))
		return e.message
	}
	binary.BigEndian.PutUint16(e.message[6:], checksum(f.rule(to), f.Src, to, e.message[:e.plain]))
	if e.authenticates() {
		return e.authenticated(to)
	}
	e.out = appendIPv4Header(e.out[:0], protoVRRP, f.TTL, e.id, f.Src, to, len(e.message))
	e.out = append(e.out, e.message...)
	return e.out
}

// authenticated wraps the message into an authentication header.
func (e *Encoder) authenticated(to netip.Addr) []byte {
	f := &e.Format
	b := appendIPv4Header(e.out[:0], protoAH, f.TTL, e.id, f.Src, to, ahLen+len(e.message))
	b = appendAH(b, f.Src, e.ah)
	b = append(b, e.message...)
	ah := b[ipv4HeaderLen : ipv4HeaderLen+ahLen]
	sum := icv([]byte(trimPassword(f.Password)), b[:ipv4HeaderLen], ah, e.message, to.IsMulticast())
	copy(ah[ahLen-ahICVLen:], sum[:])
	e.out = b
	return b
}

func (f *Format) rule(to netip.Addr) checksumRule {
	switch {
	case f.ChecksumAsV2:
		return withoutPseudo
	case f.OldUnicast && !to.IsMulticast():
		return withOldPseudo
	default:
		return withPseudo
	}
}

// trimPassword cuts a password to the eight bytes that count.
func trimPassword(s string) string {
	if len(s) > authDataLen {
		return s[:authDataLen]
	}
	return s
}
