package dialogue

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/http2/hpack"
)

// Frames, flags and settings of HTTP/2 (RFC 9113 sections 6 and 4.1).
const (
	h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

	h2Data         = 0
	h2Headers      = 1
	h2Reset        = 3
	h2Settings     = 4
	h2Push         = 5
	h2Ping         = 6
	h2GoAway       = 7
	h2WindowUpdate = 8
	h2Continuation = 9

	h2EndStream  = 1
	h2Ack        = 1
	h2EndHeaders = 4
	h2Padded     = 8
	h2Priority   = 32

	h2EnablePush    = 2
	h2InitialWindow = 4

	h2MaxFrame = 16384
	h2Window   = 1 << 30
)

// h2 is a client's side of a connection with one request on it. It keeps no
// flow control of what it sends: the request must be small.
type h2 struct {
	decoder *hpack.Decoder
	listed  int    // size of all header fields, as RFC 9113 section 6.5.2 counts it
	block   []byte // a header block that is not whole yet
	buf     []byte

	// What the server sends, to be taken by the owner.
	header func(name, value string) // also of trailers
	data   func([]byte)
}

// request opens the connection. A nil body ends with the header.
func (h *h2) request(fields [][2]string, body []byte) []byte {
	h.decoder = hpack.NewDecoder(4096, nil)
	h.decoder.SetMaxStringLength(maxHead)
	settings := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(nil, h2EnablePush), 0)
	settings = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(settings, h2InitialWindow), h2Window)
	out := h2Frame([]byte(h2Preface), h2Settings, 0, 0, settings)
	out = h2Frame(out, h2WindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, h2Window))
	var block []byte
	for _, f := range fields {
		block = h2Literal(block, f[0], f[1])
	}
	flags := byte(h2EndHeaders)
	if body == nil {
		flags |= h2EndStream
	}
	out = h2Frame(out, h2Headers, flags, 1, block)
	if body != nil {
		out = h2Frame(out, h2Data, h2EndStream, 1, body)
	}
	return out
}

// h2Literal is a field without indexing, with a new name (RFC 7541 section
// 6.2.2).
func h2Literal(b []byte, name, value string) []byte {
	b = append(b, 0)
	for _, s := range []string{name, value} {
		n := len(s)
		if n < 127 {
			b = append(b, byte(n))
		} else {
			b = binary.AppendUvarint(append(b, 127), uint64(n-127))
		}
		b = append(b, s...)
	}
	return b
}

func h2Frame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

var errNotH2 = errors.New("not HTTP/2")

// hear takes what came, and returns what to answer and whether the request's
// stream has ended.
func (h *h2) hear(in []byte) (out []byte, ended bool, err error) {
	h.buf = append(h.buf, in...)
	for len(h.buf) >= 9 {
		size := int(h.buf[0])<<16 | int(h.buf[1])<<8 | int(h.buf[2])
		if size > h2MaxFrame {
			return nil, false, fmt.Errorf("%w: %s", errNotH2, quoted(h.buf))
		}
		if len(h.buf) < 9+size {
			break
		}
		answer, ended, err := h.frame(h.buf[3], h.buf[4], binary.BigEndian.Uint32(h.buf[5:])&^(1<<31), h.buf[9:9+size])
		if err != nil || ended {
			return out, ended, err
		}
		out = append(out, answer...)
		h.buf = h.buf[9+size:]
	}
	return out, false, nil
}

func (h *h2) frame(kind, flags byte, stream uint32, payload []byte) (answer []byte, ended bool, err error) {
	if h.block != nil && kind != h2Continuation {
		return nil, false, errNotH2
	}
	switch kind {
	case h2Settings:
		if flags&h2Ack == 0 {
			answer = h2Frame(nil, h2Settings, h2Ack, 0, nil)
		}
	case h2Ping:
		if flags&h2Ack == 0 && len(payload) == 8 {
			answer = h2Frame(nil, h2Ping, h2Ack, 0, payload)
		}
	case h2GoAway:
		err = fmt.Errorf("server goes away%s", h2Code(payload, 4))
	case h2Reset:
		err = fmt.Errorf("request reset%s", h2Code(payload, 0))
	case h2Push:
		err = errNotH2
	case h2Data:
		ended, err = h.body(flags, stream, payload)
	case h2Headers:
		ended, err = h.headers(flags, stream, payload)
	case h2Continuation:
		ended, err = h.continued(flags, payload)
	}
	return answer, ended, err
}

// h2Code is the error code at some place of a frame, for people.
func h2Code(payload []byte, at int) string {
	if len(payload) < at+4 {
		return ""
	}
	return fmt.Sprintf(", error %d", binary.BigEndian.Uint32(payload[at:]))
}

// unpadded is the payload without padding.
func unpadded(flags byte, payload []byte) ([]byte, error) {
	if flags&h2Padded == 0 {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) >= len(payload) {
		return nil, errNotH2
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

func (h *h2) body(flags byte, stream uint32, payload []byte) (ended bool, err error) {
	payload, err = unpadded(flags, payload)
	if err != nil || stream != 1 {
		return false, errNotH2
	}
	h.data(payload)
	return flags&h2EndStream != 0, nil
}

func (h *h2) headers(flags byte, stream uint32, payload []byte) (ended bool, err error) {
	payload, err = unpadded(flags, payload)
	if err != nil || stream != 1 {
		return false, errNotH2
	}
	if flags&h2Priority != 0 {
		if len(payload) < 5 {
			return false, errNotH2
		}
		payload = payload[5:]
	}
	if flags&h2EndHeaders == 0 { // the first byte remembers how the frame ended
		h.block = append([]byte{flags}, payload...)
		return false, nil
	}
	return flags&h2EndStream != 0, h.fields(payload)
}

func (h *h2) continued(flags byte, payload []byte) (ended bool, err error) {
	if h.block == nil || len(h.block) > maxHead {
		return false, errNotH2
	}
	h.block = append(h.block, payload...)
	if flags&h2EndHeaders == 0 {
		return false, nil
	}
	first, block := h.block[0], h.block[1:]
	h.block = nil
	return first&h2EndStream != 0, h.fields(block)
}

func (h *h2) fields(block []byte) error {
	fields, err := h.decoder.DecodeFull(block)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotH2, err)
	}
	for _, f := range fields {
		if h.listed += int(f.Size()); h.listed > maxHead {
			return fmt.Errorf("a header of more than %d KiB", maxHead>>10)
		}
		h.header(f.Name, f.Value)
	}
	return nil
}
