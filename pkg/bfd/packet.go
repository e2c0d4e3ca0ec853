package bfd

import (
	"encoding/binary"
	"errors"
	"time"
)

// State is a session state, numbered as on the wire (RFC 5880 section 4.1).
type State uint8

// The session states.
const (
	AdminDown State = iota
	Down
	Init
	Up
)

func (s State) String() string {
	return [...]string{"AdminDown", "Down", "Init", "Up"}[s&3]
}

// Diag is why a session last left Up (RFC 5880 section 4.1).
type Diag uint8

// The diagnostics that are set or understood here.
const (
	DiagNone             Diag = 0
	DiagExpired          Diag = 1
	DiagNeighborDown     Diag = 3
	DiagAdministratively Diag = 7
)

var diagNames = [...]string{
	"No Diagnostic",
	"Control Detection Time Expired",
	"Echo Function Failed",
	"Neighbor Signaled Session Down",
	"Forwarding Plane Reset",
	"Path Down",
	"Concatenated Path Down",
	"Administratively Down",
	"Reverse Concatenated Path Down",
}

func (d Diag) String() string {
	if int(d) < len(diagNames) {
		return diagNames[d]
	}
	return "Unknown Diagnostic"
}

// Packet is a control packet without authentication (RFC 5880 section 4.1).
// Intervals have microseconds on the wire.
type Packet struct {
	Diag       Diag
	State      State
	Poll       bool
	Final      bool
	Demand     bool
	DetectMult uint8
	MyDisc     uint32
	YourDisc   uint32

	DesiredMinTx      time.Duration
	RequiredMinRx     time.Duration
	RequiredMinEchoRx time.Duration
}

// The reasons to drop a packet (RFC 5880 section 6.8.6).
var (
	ErrShort      = errors.New("shorter than a control packet")
	ErrVersion    = errors.New("version is not 1")
	ErrLength     = errors.New("length field does not fit the packet")
	ErrMultiplier = errors.New("detection multiplier is 0")
	ErrMultipoint = errors.New("multipoint bit is set")
	ErrAuth       = errors.New("authentication is not in use")
	ErrMyDisc     = errors.New("sender's discriminator is 0")
	ErrYourDisc   = errors.New("our discriminator is 0 though the sender is not down")
)

const packetLen = 24

// Flags of the second byte.
const (
	flagPoll       = 0x20
	flagFinal      = 0x10
	flagAuth       = 0x04
	flagDemand     = 0x02
	flagMultipoint = 0x01
)

// Append adds the packet's wire form to b.
func (p Packet) Append(b []byte) []byte {
	flags := uint8(p.State) << 6
	if p.Poll {
		flags |= flagPoll
	}
	if p.Final {
		flags |= flagFinal
	}
	if p.Demand {
		flags |= flagDemand
	}
	b = append(b, 1<<5|uint8(p.Diag), flags, p.DetectMult, packetLen)
	b = binary.BigEndian.AppendUint32(b, p.MyDisc)
	b = binary.BigEndian.AppendUint32(b, p.YourDisc)
	b = binary.BigEndian.AppendUint32(b, micros(p.DesiredMinTx))
	b = binary.BigEndian.AppendUint32(b, micros(p.RequiredMinRx))
	return binary.BigEndian.AppendUint32(b, micros(p.RequiredMinEchoRx))
}

func micros(d time.Duration) uint32 {
	return uint32(min(max(d.Microseconds(), 0), 1<<32-1))
}

// Parse reads a received packet. Its error is one of those above.
func Parse(b []byte) (Packet, error) {
	if len(b) < packetLen {
		return Packet{}, ErrShort
	}
	flags := b[1]
	switch {
	case b[0]>>5 != 1:
		return Packet{}, ErrVersion
	case int(b[3]) < packetLen || int(b[3]) > len(b):
		return Packet{}, ErrLength
	case b[2] == 0:
		return Packet{}, ErrMultiplier
	case flags&flagMultipoint != 0:
		return Packet{}, ErrMultipoint
	case flags&flagAuth != 0:
		return Packet{}, ErrAuth
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	interval := func(at int) time.Duration { return time.Duration(u32(at)) * time.Microsecond }
	p := Packet{
		Diag:              Diag(b[0] & 0x1f),
		State:             State(flags >> 6),
		Poll:              flags&flagPoll != 0,
		Final:             flags&flagFinal != 0,
		Demand:            flags&flagDemand != 0,
		DetectMult:        b[2],
		MyDisc:            u32(4),
		YourDisc:          u32(8),
		DesiredMinTx:      interval(12),
		RequiredMinRx:     interval(16),
		RequiredMinEchoRx: interval(20),
	}
	switch {
	case p.MyDisc == 0:
		return Packet{}, ErrMyDisc
	case p.YourDisc == 0 && p.State > Down:
		return Packet{}, ErrYourDisc
	}
	return p, nil
}
