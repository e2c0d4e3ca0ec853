package kernel

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"golang.org/x/sys/unix"
)

// nested marks attributes that hold attributes.
const nested = unix.NLA_F_NESTED

// builder assembles one netlink message body.
type builder struct{ b []byte }

func (m *builder) attr(kind uint16, data []byte) {
	m.b = binary.NativeEndian.AppendUint16(m.b, uint16(4+len(data)))
	m.b = binary.NativeEndian.AppendUint16(m.b, kind)
	m.b = append(m.b, data...)
	m.pad()
}

func (m *builder) pad() {
	for len(m.b)%4 != 0 {
		m.b = append(m.b, 0)
	}
}

// group appends an attribute whose content f writes.
func (m *builder) group(kind uint16, f func(*builder)) {
	var inner builder
	f(&inner)
	m.attr(kind, inner.b)
}

func (m *builder) u8(kind uint16, v uint8) { m.attr(kind, []byte{v}) }

// u8opt appends v if it is set.
func (m *builder) u8opt(kind uint16, v netstate.Opt[uint8]) {
	if v.Set {
		m.u8(kind, v.Value)
	}
}

func (m *builder) u16(kind uint16, v uint16) {
	m.attr(kind, binary.NativeEndian.AppendUint16(nil, v))
}

func (m *builder) u32(kind uint16, v uint32) {
	m.attr(kind, binary.NativeEndian.AppendUint32(nil, v))
}

// u32if appends v unless it is zero.
func (m *builder) u32if(kind uint16, v uint32) {
	if v != 0 {
		m.u32(kind, v)
	}
}

func (m *builder) be16(kind uint16, v uint16) { m.attr(kind, binary.BigEndian.AppendUint16(nil, v)) }

func (m *builder) be64(kind uint16, v uint64) { m.attr(kind, binary.BigEndian.AppendUint64(nil, v)) }

func (m *builder) text(kind uint16, s string) { m.attr(kind, append([]byte(s), 0)) }

// addr appends an address if there is one.
func (m *builder) addr(kind uint16, a netip.Addr) {
	if a.IsValid() {
		m.attr(kind, a.AsSlice())
	}
}

// attrs walks over the attributes in b and stops where they make no sense.
func attrs(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			n := int(binary.NativeEndian.Uint16(b))
			if n < 4 || n > len(b) {
				return
			}
			kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if !yield(kind, b[4:n]) {
				return
			}
			b = b[min((n+3)&^3, len(b)):]
		}
	}
}

// The readers return zero when the data is too short.

func u8(b []byte) uint8 {
	if len(b) < 1 {
		return 0
	}
	return b[0]
}

func u16(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(b)
}

func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

func be64(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// addr is the address in b, or none if the length is not that of one.
func addr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
