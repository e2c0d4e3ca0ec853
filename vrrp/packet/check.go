package packet

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Peer is one unicast neighbour and the TTLs that it may be heard with.
type Peer struct {
	Addr           netip.Addr
	MinTTL, MaxTTL uint8 // 0 and 255 when nothing is demanded
}

// OldUnicast says what to think of version 3 unicast adverts summed as if they
// were multicast, which keepalived before 2.0 sent.
type OldUnicast uint8

// The settings of old_unicast_checksum.
const (
	OldAuto   OldUnicast = iota // accept them, and then speak like that ourselves
	OldAlways                   // speak like that from the start
	OldNever                    // refuse them
)

// Rules are what one virtual router demands of an advertisement.
type Rules struct {
	Version  uint8
	VRID     uint8
	Interval time.Duration // version 2 peers must agree on it
	Addrs    []netip.Addr  // what an advert should list, in order

	Unicast     bool
	Peers       []Peer
	CheckSource bool // unicast: only peers are heard

	OldUnicast OldUnicast

	Auth     AuthType
	Password string
	HMAC     *HMAC // nil without auth_hmac

	// IgnoreAll drops every advert that is otherwise right: an address owner
	// told to ignore its neighbours.
	IgnoreAll bool
}

// Accepted is an advert that may act on the virtual router.
type Accepted struct {
	Advert Advert
	From   netip.Addr

	// List is nil, or says how the address list differs from ours. That is
	// worth a line in the log, not a split brain.
	List *ListError

	// Sequence is the number in the authentication header, if there is one.
	// Routers of one virtual router count together: see [Encoder.Follow].
	Sequence uint32

	// Skew is the difference between our clock and the sender's as signed by
	// the sender, when it has used more than half of the window.
	Skew time.Duration
}

// ListError is a difference between the address list of an advert and ours.
type ListError struct {
	Want, Got int        // numbers of addresses
	Missing   netip.Addr // one of ours that is not listed, when the numbers agree
}

func (e *ListError) Error() string {
	if e.Want != e.Got {
		return fmt.Sprintf("expected %d VIPs but received %d", e.Want, e.Got)
	}
	return fmt.Sprintf("address %v not present in advert", e.Missing)
}

// Checker decides which datagrams may act on one virtual router. It remembers
// sequence numbers, so it belongs to the router's owner alone.
type Checker struct {
	Rules Rules

	// SpeaksOld is set once a peer was heard with the old unicast checksum
	// that the rules let us follow.
	SpeaksOld bool

	seen replayGuard // trailers or authentication headers, never both
}

// Check applies every test of behaviour in a fixed order, so that a datagram
// with several faults always gives the same error. wall is for the signatures.
func (c *Checker) Check(d Datagram, wall time.Time) (Accepted, error) {
	p, err := c.open(d)
	if err != nil {
		return Accepted{}, err
	}
	if !c.Rules.Unicast && d.TTL != 255 {
		return Accepted{}, fmt.Errorf("%w: %d", ErrTTL, d.TTL)
	}
	if v := p.message[0] >> 4; v != c.Rules.Version {
		return Accepted{}, fmt.Errorf("%w: %d, expected %d", ErrVersion, v, c.Rules.Version)
	}
	skew, err := c.checkTrailer(d, p, wall)
	if err != nil {
		return Accepted{}, err
	}
	if err := c.checkV2(d, p, wall); err != nil {
		return Accepted{}, err
	}
	if err := checkHeader(d, p, c.Rules.VRID, len(c.Rules.Addrs) == 0); err != nil {
		return Accepted{}, err
	}
	old, err := c.checkSum(d, p)
	if err != nil {
		return Accepted{}, err
	}
	if err := c.checkDelivery(d); err != nil {
		return Accepted{}, err
	}
	advert, _, err := Parse(p.message, d.v6())
	if err != nil {
		return Accepted{}, err
	}
	c.remember(d, p, wall, old)
	got := Accepted{Advert: advert, From: d.Src, List: compareLists(c.Rules.Addrs, advert.Addrs)}
	if p.ah != nil {
		got.Sequence = binary.BigEndian.Uint32(p.ah[8:])
	}
	if h := c.Rules.HMAC; h != nil && skew.Abs() > h.Window/2 {
		got.Skew = skew
	}
	return got, nil
}

// parts are the pieces of a datagram of the right length.
type parts struct {
	ah      []byte // nil without
	message []byte
	trailer []byte // nil without
}

// open takes a datagram apart: presence of AH, then length. Ethernet pads
// short frames, so bytes beyond the IP total length are cut off.
func (c *Checker) open(d Datagram) (parts, error) {
	wantAH := c.Rules.Auth == AuthAH && c.Rules.HMAC == nil
	switch {
	case wantAH && d.Protocol != protoAH:
		return parts{}, ErrAHMissing
	case !wantAH && d.Protocol == protoAH:
		return parts{}, ErrAHUnexpected
	}
	var p parts
	b := d.Payload
	if d.Header != nil {
		n := int(binary.BigEndian.Uint16(d.Header[2:])) - len(d.Header)
		if n < 0 || n > len(b) {
			return parts{}, fmt.Errorf("%w: IP total length %d, received %d", ErrTotalLength, n+len(d.Header), len(b)+len(d.Header))
		}
		b = b[:n]
	}
	if wantAH {
		if len(b) < ahLen || b[0] != protoVRRP || b[1] != ahLen/4-2 {
			return parts{}, fmt.Errorf("%w: authentication header", ErrLength)
		}
		p.ah, b = b[:ahLen], b[ahLen:]
	}
	if len(b) < headerLen {
		return parts{}, fmt.Errorf("%w: %d bytes, a header has %d", ErrLength, len(b), headerLen)
	}
	n, err := messageLen(b, d.v6())
	if err != nil {
		return parts{}, err
	}
	switch len(b) {
	case n:
	case n + trailerLen:
		if c.Rules.HMAC == nil {
			return parts{}, fmt.Errorf("%w: %d bytes, its %d addresses need %d", ErrLength, len(b), b[3], n)
		}
		p.trailer = b[n:]
	default:
		return parts{}, fmt.Errorf("%w: %d bytes, its %d addresses need %d", ErrLength, len(b), b[3], n)
	}
	p.message = b[:n]
	return p, nil
}

// checkTrailer is the part of auth_hmac.
func (c *Checker) checkTrailer(d Datagram, p parts, wall time.Time) (time.Duration, error) {
	h := c.Rules.HMAC
	switch {
	case h == nil:
		return 0, nil
	case p.trailer == nil:
		if h.Mode == Enforce {
			return 0, ErrTrailerMissing
		}
		return 0, nil
	}
	if c.Rules.Unicast && c.peer(d.Src) == nil {
		return 0, fmt.Errorf("%w: %v", ErrUnknownPeer, d.Src)
	}
	return h.verify(c.seen, d.Src, p.message, p.trailer, wall)
}

// checkV2 is what only version 2 has: authentication data and an interval that
// all routers must share.
func (c *Checker) checkV2(d Datagram, p parts, wall time.Time) error {
	if p.message[0]>>4 != 2 {
		return nil
	}
	want := c.Rules.Auth
	if c.Rules.HMAC != nil {
		want = AuthNone
	}
	switch got := AuthType(p.message[4]); {
	case got > AuthAH:
		return fmt.Errorf("%w: %d", ErrAuthType, got)
	case got != want:
		return fmt.Errorf("%w: received %d, expected %d", ErrAuthMismatch, got, want)
	}
	switch want {
	case AuthPass:
		var mine [authDataLen]byte
		copy(mine[:], c.Rules.Password)
		if subtle.ConstantTimeCompare(mine[:], p.message[len(p.message)-authDataLen:]) != 1 {
			return ErrPassword
		}
	case AuthAH:
		sum := icv([]byte(trimPassword(c.Rules.Password)), d.Header, p.ah, p.message, d.Dst.IsMulticast())
		if !hmac.Equal(sum[:], p.ah[ahLen-ahICVLen:]) {
			return ErrAHICV
		}
		if !c.seen.newer(d.Src, uint64(binary.BigEndian.Uint32(p.ah[8:])), wall) {
			return ErrAHReplay
		}
	}
	if got := wireInterval(p.message); got != c.Rules.Interval {
		return fmt.Errorf("%w: mine=%d sec rcv'd=%d sec", ErrInterval, c.Rules.Interval/time.Second, got/time.Second)
	}
	return nil
}

// checkHeader is the rest of the VRRP header. A router that has no address
// itself must live with neighbours that list none.
func checkHeader(d Datagram, p parts, vrid uint8, noAddrs bool) error {
	switch m := p.message; {
	case m[0]&0xf != typeAdvert:
		return fmt.Errorf("%w: %d", ErrType, m[0]&0xf)
	case m[1] != vrid:
		return fmt.Errorf("%w: %d, expected %d", ErrVRID, m[1], vrid)
	case m[3] == 0 && !noAddrs:
		return ErrNoAddrs
	case wireInterval(m) == 0:
		return ErrIntervalZero
	}
	return nil
}

// checkSum accepts either convention of version 3 over IPv4, and reports
// whether it was that of old unicast senders.
func (c *Checker) checkSum(d Datagram, p parts) (old bool, err error) {
	m := p.message
	switch {
	case d.v6():
		if pseudoChecksum(d.Src, d.Dst, m[:len(m)+len(p.trailer)]) == 0 {
			return false, nil
		}
	case m[0]>>4 == 2:
		if plainChecksum(m) == 0 {
			return false, nil
		}
	case pseudoChecksum(d.Src, d.Dst, m) == 0, plainChecksum(m) == 0:
		return false, nil
	case c.Rules.Unicast && c.Rules.OldUnicast != OldNever && pseudoChecksum(d.Src, vrrpMulticast4, m) == 0:
		return true, nil
	}
	return false, ErrChecksum
}

// checkDelivery is how the datagram came here, and from whom.
func (c *Checker) checkDelivery(d Datagram) error {
	switch multicast := d.Dst.IsMulticast(); {
	case c.Rules.Unicast && multicast:
		return ErrMulticast
	case !c.Rules.Unicast && !multicast:
		return ErrUnicast
	case c.Rules.IgnoreAll:
		return ErrOwner
	case !c.Rules.Unicast || !c.Rules.CheckSource:
		return nil
	}
	p := c.peer(d.Src)
	switch {
	case p == nil:
		return fmt.Errorf("%w: %v", ErrUnknownPeer, d.Src)
	case d.TTL < p.MinTTL || d.TTL > p.MaxTTL:
		return fmt.Errorf("%w: %d, expected %d to %d", ErrPeerTTL, d.TTL, p.MinTTL, p.MaxTTL)
	}
	return nil
}

func (c *Checker) peer(ip netip.Addr) *Peer {
	for i := range c.Rules.Peers {
		if c.Rules.Peers[i].Addr == ip {
			return &c.Rules.Peers[i]
		}
	}
	return nil
}

// remember takes note of the sequence numbers of a datagram that passed every
// check, so that one that did not changes nothing.
func (c *Checker) remember(d Datagram, p parts, wall time.Time, old bool) {
	limit := max(maxSenders, len(c.Rules.Peers))
	switch {
	case p.trailer != nil:
		c.seen.accept(lastSeen{from: d.Src, seq: binary.BigEndian.Uint64(p.trailer[4:])}, limit)
	case p.ah != nil:
		c.seen.accept(lastSeen{
			from:  d.Src,
			seq:   uint64(binary.BigEndian.Uint32(p.ah[8:])),
			until: wall.Add(3 * c.Rules.Interval),
		}, limit)
	}
	if old && c.Rules.OldUnicast == OldAuto {
		c.SpeaksOld = true
	}
}

// compareLists says how the addresses of an advert differ from ours.
func compareLists(want, got []netip.Addr) *ListError {
	if len(want) != len(got) {
		return &ListError{Want: len(want), Got: len(got)}
	}
	same := true
	for i := range want {
		same = same && want[i] == got[i]
	}
	if same { // nearly always, and in the same order
		return nil
	}
	have := make(map[netip.Addr]struct{}, len(got))
	for _, ip := range got {
		have[ip] = struct{}{}
	}
	for _, ip := range want {
		if _, ok := have[ip]; !ok {
			return &ListError{Want: len(want), Got: len(got), Missing: ip}
		}
	}
	return nil
}
