package dialogue

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// Codes and attributes of RADIUS.
const (
	radiusRequest      = 1 // RFC 2865 section 3
	radiusAccept       = 2
	radiusReject       = 3
	radiusChallenge    = 11
	radiusStatusServer = 12 // RFC 5997

	radiusUserName      = 1
	radiusUserPassword  = 2
	radiusNASIdentifier = 32
	radiusMessageAuth   = 80 // RFC 3579 section 3.2
)

// radius asks for access, or for a sign of life.
type radius struct {
	secret  string
	request []byte
	id      byte
}

func prepareRadius(ask healthcheck.Radius) (Plan, error) {
	if ask.Secret == "" {
		return Plan{}, errors.New("RADIUS_CHECK without a secret")
	}
	if len(ask.Username) > 253 || len(ask.Password) > 128 {
		return Plan{}, errors.New("RADIUS_CHECK: the user name or password is too long")
	}
	return Plan{Transport: Datagram, Begin: func(a Attempt) Dialogue { return newRadius(ask, a.ID) }}, nil
}

func newRadius(ask healthcheck.Radius, id uint16) *radius {
	r := &radius{secret: ask.Secret, id: byte(id)}
	// The authenticator should not repeat; that of a probe need not be secret.
	authenticator := md5.Sum(binary.BigEndian.AppendUint16([]byte(ask.Secret+ask.Username), id))
	code := byte(radiusStatusServer)
	var attributes []byte
	add := func(kind byte, value []byte) {
		attributes = append(append(attributes, kind, byte(len(value)+2)), value...)
	}
	if ask.Username != "" {
		code = radiusRequest
		add(radiusUserName, []byte(ask.Username))
		add(radiusUserPassword, hidden(ask.Password, ask.Secret, authenticator[:]))
	}
	add(radiusNASIdentifier, []byte("holdfast"))
	add(radiusMessageAuth, make([]byte, 16))
	b := binary.BigEndian.AppendUint16([]byte{code, r.id}, uint16(20+len(attributes)))
	b = append(append(b, authenticator[:]...), attributes...)
	mac := hmac.New(md5.New, []byte(ask.Secret))
	mac.Write(b)
	copy(b[len(b)-16:], mac.Sum(nil))
	r.request = b
	return r
}

// hidden is a User-Password (RFC 2865 section 5.2).
func hidden(password, secret string, authenticator []byte) []byte {
	b := append([]byte(password), make([]byte, (16-len(password)%16)%16)...)
	if len(b) == 0 {
		b = make([]byte, 16)
	}
	previous := authenticator
	for i := 0; i < len(b); i += 16 {
		key := md5.Sum(append([]byte(secret), previous...))
		for j := range 16 {
			b[i+j] ^= key[j]
		}
		previous = b[i : i+16]
	}
	return b
}

func (r *radius) Open() Turn { return say(r.request) }

func (r *radius) Hear(in []byte) Turn {
	if len(in) < 20 || in[1] != r.id {
		return Turn{} // not the answer to this
	}
	size := int(binary.BigEndian.Uint16(in[2:]))
	if size < 20 || size > len(in) {
		return Turn{}
	}
	in = in[:size]
	// RFC 2865 section 3: over the answer with our authenticator, and the secret.
	h := md5.New()
	h.Write(in[:4])
	h.Write(r.request[4:20])
	h.Write(in[20:])
	h.Write([]byte(r.secret))
	if !hmac.Equal(h.Sum(nil), in[4:20]) {
		return failed(healthcheck.FaultReply, "the answer is not signed with our secret")
	}
	switch in[0] {
	case radiusAccept:
		return passed()
	case radiusReject:
		return failed(healthcheck.FaultReply, "access rejected")
	case radiusChallenge:
		return failed(healthcheck.FaultReply, "access challenged")
	}
	return failed(healthcheck.FaultReply, "unexpected code %d", in[0])
}

func (r *radius) Closed() Turn { return Turn{} }

func (r *radius) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}
