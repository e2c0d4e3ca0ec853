package kernel

import (
	"bytes"
	"iter"

	"golang.org/x/sys/unix"
)

// align rounds up to the 4 bytes on which netlink puts everything.
func align(n int) int { return (n + 3) &^ 3 }

// message builds requests one after the other in b.
type message struct{ b []byte }

// begin appends the headers of a request and returns where it starts.
func (m *message) begin(family, flags uint16, seq uint32, command, version uint8) int {
	at := len(m.b)
	m.b = native.AppendUint32(m.b, 0) // the length, see end
	m.b = native.AppendUint16(m.b, family)
	m.b = native.AppendUint16(m.b, flags|unix.NLM_F_REQUEST)
	m.b = native.AppendUint32(m.b, seq)
	m.b = native.AppendUint32(m.b, 0) // the kernel fills in our port
	m.b = append(m.b, command, version, 0, 0)
	return at
}

func (m *message) end(at int) { native.PutUint32(m.b[at:], uint32(len(m.b)-at)) }

// acknowledge makes the request at ask for an answer also when it succeeds.
func (m *message) acknowledge(at int) {
	native.PutUint16(m.b[at+6:], native.Uint16(m.b[at+6:])|unix.NLM_F_ACK)
}

func (m *message) attr(typ uint16, size int) {
	m.b = native.AppendUint16(m.b, uint16(unix.NLA_HDRLEN+size))
	m.b = native.AppendUint16(m.b, typ)
}

func (m *message) pad() {
	for len(m.b)%4 != 0 {
		m.b = append(m.b, 0)
	}
}

func (m *message) uint8(typ uint16, v uint8) {
	m.attr(typ, 1)
	m.b = append(m.b, v)
	m.pad()
}

func (m *message) uint16(typ, v uint16) {
	m.attr(typ, 2)
	m.b = native.AppendUint16(m.b, v)
	m.pad()
}

// port is a uint16 in network order.
func (m *message) port(typ, v uint16) {
	m.attr(typ, 2)
	m.b = network.AppendUint16(m.b, v)
	m.pad()
}

func (m *message) uint32(typ uint16, v uint32) {
	m.attr(typ, 4)
	m.b = native.AppendUint32(m.b, v)
}

func (m *message) bytes(typ uint16, v []byte) {
	m.attr(typ, len(v))
	m.b = append(m.b, v...)
	m.pad()
}

func (m *message) string(typ uint16, v string) {
	m.attr(typ, len(v)+1)
	m.b = append(append(m.b, v...), 0)
	m.pad()
}

// nest opens an attribute that holds others and returns where it starts.
func (m *message) nest(typ uint16) int {
	at := len(m.b)
	m.attr(typ|unix.NLA_F_NESTED, 0)
	return at
}

func (m *message) unnest(at int) { native.PutUint16(m.b[at:], uint16(len(m.b)-at)) }

// typeMask leaves out the flags of an attribute's type.
const typeMask = 0x3fff

// attributes iterates over type and value of a run of attributes. It stops at
// the first that does not fit.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.NLA_HDRLEN {
			size := int(native.Uint16(b))
			if size < unix.NLA_HDRLEN || size > len(b) {
				return
			}
			if !yield(native.Uint16(b[2:])&typeMask, b[unix.NLA_HDRLEN:size]) {
				return
			}
			b = b[min(align(size), len(b)):]
		}
	}
}

// The values of attributes; one that is too short is zero.

func getUint8(b []byte) uint8 {
	if len(b) < 1 {
		return 0
	}
	return b[0]
}

func getUint16(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return native.Uint16(b)
}

func getPort(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return network.Uint16(b)
}

func getUint32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return native.Uint32(b)
}

// getCounter reads a counter of 4 or 8 bytes.
func getCounter(b []byte) uint64 {
	if len(b) < 8 {
		return uint64(getUint32(b))
	}
	return native.Uint64(b)
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
