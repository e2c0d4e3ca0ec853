package dialogue

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// Tags of LDAP's messages (RFC 4511), in BER.
const (
	berInteger  = 0x02
	berOctets   = 0x04
	berEnum     = 0x0a
	berSequence = 0x30
	ldapBind    = 0x60
	ldapBound   = 0x61
	ldapSearch  = 0x63
	ldapEntry   = 0x64
	ldapDone    = 0x65
	ldapUnbind  = 0x42
	ldapSimple  = 0x80
	ldapPresent = 0x87

	ldapExtended    = 0x77
	ldapExtendedOID = 0x80
	ldapAnswered    = 0x78
)

// ldapStartTLS is the request's name (RFC 4511 section 4.14).
const ldapStartTLS = "1.3.6.1.4.1.1466.20037"

// ldap binds, and reads an entry if a base is given.
type ldap struct {
	ask   healthcheck.LDAP
	buf   []byte
	found bool
	clear bool // TLS has not been asked for yet
}

// ber is one element with its length.
func ber(tag byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	n := len(body)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
	}
}

func ldapMessage(id byte, op []byte) []byte { return ber(berSequence, ber(berInteger, []byte{id}), op) }

func (l *ldap) Open() Turn {
	if l.clear {
		return say(ldapMessage(4, ber(ldapExtended, ber(ldapExtendedOID, []byte(ldapStartTLS)))))
	}
	return say(ldapMessage(1, ber(ldapBind, ber(berInteger, []byte{3}),
		ber(berOctets, []byte(l.ask.BindDN)), ber(ldapSimple, []byte(l.ask.Password)))))
}

func (l *ldap) search() []byte {
	return ldapMessage(2, ber(ldapSearch, ber(berOctets, []byte(l.ask.Base)),
		ber(berEnum, []byte{0}), ber(berEnum, []byte{0}), // this entry, no aliases
		ber(berInteger, []byte{1}), ber(berInteger, []byte{0}), // one, without limit of time
		ber(0x01, []byte{0xff}), // names of attributes only
		ber(ldapPresent, []byte("objectClass")),
		ber(berSequence, ber(berOctets, []byte("1.1")))))
}

func (l *ldap) Hear(in []byte) Turn {
	l.buf = append(l.buf, in...)
	var out []byte
	for {
		_, body, size, err := berElement(l.buf)
		if err != nil {
			return failed(healthcheck.FaultReply, "not LDAP: %v", err)
		}
		if size == 0 {
			return say(out)
		}
		t := l.message(body)
		if t.Done {
			return t
		}
		out = append(out, t.Send...)
		l.buf = l.buf[size:]
		if t.Encrypt {
			return encrypt(l.buf, nil)
		}
	}
}

// berElement takes the first element apart. Its size is 0 while it is not
// whole.
func berElement(b []byte) (tag byte, body []byte, size int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	n, head := int(b[1]), 2
	if n >= 0x80 {
		octets := n & 0x7f
		if octets == 0 || octets > 4 {
			return 0, nil, 0, fmt.Errorf("a length of %d octets", octets)
		}
		if len(b) < 2+octets {
			return 0, nil, 0, nil
		}
		n = 0
		for _, x := range b[2 : 2+octets] {
			n = n<<8 | int(x)
		}
		head += octets
	}
	if n > maxMessage || n < 0 {
		return 0, nil, 0, fmt.Errorf("a message of %d bytes", uint32(n))
	}
	if len(b) < head+n {
		return 0, nil, 0, nil
	}
	return b[0], b[head : head+n], head + n, nil
}

func (l *ldap) message(body []byte) Turn {
	tag, _, size, err := berElement(body)
	if err != nil || size == 0 || tag != berInteger {
		return failed(healthcheck.FaultReply, "not LDAP: %s", quoted(body))
	}
	op, body, _, err := berElement(body[size:])
	if err != nil || body == nil {
		return failed(healthcheck.FaultReply, "not LDAP: an operation is cut off")
	}
	switch op {
	case ldapEntry:
		l.found = true
		return Turn{}
	case ldapBound, ldapDone:
	case ldapAnswered:
		if !l.clear {
			return failed(healthcheck.FaultReply, "unexpected operation 0x%02x", op)
		}
	default:
		return failed(healthcheck.FaultReply, "unexpected operation 0x%02x", op)
	}
	tag, code, _, err := berElement(body)
	if err != nil || tag != berEnum || len(code) != 1 {
		return failed(healthcheck.FaultReply, "not LDAP: no result code")
	}
	if code[0] != 0 {
		t := failed(healthcheck.FaultStatus, "result code %d", code[0])
		t.Result.Value = int64(code[0])
		return t
	}
	switch {
	case op == ldapAnswered:
		l.clear = false
		return Turn{Encrypt: true}
	case op == ldapBound && l.ask.Base != "":
		return say(l.search())
	case op == ldapDone && !l.found:
		return failed(healthcheck.FaultReply, "no entry %s", quoted([]byte(l.ask.Base)))
	}
	return farewell(ldapMessage(3, []byte{ldapUnbind, 0}))
}

func (l *ldap) Closed() Turn {
	return failed(healthcheck.FaultRead, "connection closed without an answer")
}

func (l *ldap) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}
