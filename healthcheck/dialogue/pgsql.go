package dialogue

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// maxMessage bounds one message of a database server.
const maxMessage = 1 << 20

// pgsql logs in to PostgreSQL: protocol 3.0, chapter "Frontend/Backend
// Protocol" of its manual.
type pgsql struct {
	ask   healthcheck.PgSQL
	nonce string
	buf   []byte
	scram *scram
	ready bool // logged in
	rows  int
	clear bool // TLS has not been asked for yet
}

// pgTLS asks for TLS (SSLRequest).
var pgTLS = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}

func preparePgSQL(ask healthcheck.PgSQL) Plan {
	if ask.Username == "" {
		ask.Username = "holdfast"
	}
	secure := ask.TLS != nil
	return Plan{TLS: ask.TLS, Clear: secure, Begin: func(a Attempt) Dialogue {
		return &pgsql{ask: ask, nonce: fmt.Sprintf("holdfast%04x", a.ID), clear: secure}
	}}
}

func (p *pgsql) Open() Turn {
	if p.clear {
		return say(pgTLS)
	}
	body := binary.BigEndian.AppendUint32(nil, 3<<16)
	for _, s := range []string{"user", p.ask.Username, "database", p.ask.Database, "application_name", "holdfast"} {
		body = append(append(body, s...), 0)
	}
	if p.ask.Database == "" {
		body = bytes.Replace(body, []byte("database\x00\x00"), nil, 1)
	}
	body = append(body, 0)
	return say(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...))
}

// pgMessage is a message of the frontend.
func pgMessage(kind byte, body ...string) []byte {
	text := strings.Join(body, "")
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(text)+4))
	return append(b, text...)
}

func (p *pgsql) Hear(in []byte) Turn {
	if p.clear && len(in) > 0 { // one byte, not a message
		p.clear = false
		if in[0] != 'S' {
			return failed(healthcheck.FaultTLS, "server does not speak TLS: %s", quoted(in))
		}
		return encrypt(in[1:], nil)
	}
	p.buf = append(p.buf, in...)
	var out []byte
	for len(p.buf) >= 5 {
		size := int(binary.BigEndian.Uint32(p.buf[1:]))
		if size < 4 || size > maxMessage {
			return failed(healthcheck.FaultReply, "not PostgreSQL: %s", quoted(p.buf))
		}
		if len(p.buf) < size+1 {
			break
		}
		t := p.message(p.buf[0], p.buf[5:size+1])
		if t.Done {
			return t
		}
		out = append(out, t.Send...)
		p.buf = p.buf[size+1:]
	}
	return say(out)
}

func (p *pgsql) message(kind byte, body []byte) Turn {
	switch kind {
	case 'R':
		return p.authenticate(body)
	case 'E':
		return failed(healthcheck.FaultReply, "%s", pgError(body))
	case 'D':
		p.rows++
	case 'Z': // ready for a query, or done with it
		switch {
		case !p.ready && p.ask.Query != "":
			p.ready = true
			return say(pgMessage('Q', p.ask.Query, "\x00"))
		case p.ask.Query != "" && p.rows == 0:
			return failed(healthcheck.FaultReply, "the query gave no row")
		}
		return farewell(pgMessage('X'))
	}
	return Turn{}
}

// farewell passes, with a polite last word.
func farewell(last []byte) Turn {
	t := passed()
	t.Send = last
	return t
}

// pgError reads the fields of an ErrorResponse.
func pgError(body []byte) string {
	c := cursor{b: body}
	var code, text string
	for {
		kind := c.u8()
		if kind == 0 || c.short {
			break
		}
		switch s := c.text(); kind {
		case 'C':
			code = s
		case 'M':
			text = s
		}
	}
	return fmt.Sprintf("server said %s: %s", code, quoted([]byte(text)))
}

func (p *pgsql) authenticate(body []byte) Turn {
	c := cursor{b: body}
	how := c.u32be()
	if how == 0 {
		return Turn{}
	}
	if p.ask.Password == "" && p.scram == nil { // it works well enough to ask who we are
		return farewell(pgMessage('X'))
	}
	switch how {
	case 3:
		return say(pgMessage('p', p.ask.Password, "\x00"))
	case 5:
		inner := hex.EncodeToString(sumMD5(p.ask.Password, p.ask.Username))
		return say(pgMessage('p', "md5", hex.EncodeToString(sumMD5(inner, string(c.bytes(4)))), "\x00"))
	case 10:
		if !strings.Contains(string(c.b), "SCRAM-SHA-256\x00") {
			return failed(healthcheck.FaultReply, "no login method in common")
		}
		if p.scram != nil {
			return failed(healthcheck.FaultReply, "SASL out of order")
		}
		p.scram = &scram{password: p.ask.Password, nonce: p.nonce}
		first := p.scram.first()
		size := binary.BigEndian.AppendUint32(nil, uint32(len(first)))
		return say(pgMessage('p', "SCRAM-SHA-256\x00", string(size), first))
	case 11, 12:
		// The proof costs: it is given once.
		if p.scram == nil || (p.scram.signature == nil) == (how == 12) {
			return failed(healthcheck.FaultReply, "SASL out of order")
		}
		if how == 12 {
			if !p.scram.proves(string(c.b)) {
				return failed(healthcheck.FaultReply, "the server does not know the password itself")
			}
			return Turn{}
		}
		final, err := p.scram.final(string(c.b))
		if err != nil {
			return failed(healthcheck.FaultReply, "SCRAM: %v", err)
		}
		return say(pgMessage('p', final))
	}
	return failed(healthcheck.FaultReply, "login method %d is not known", how)
}

func sumMD5(parts ...string) []byte {
	sum := md5.Sum([]byte(strings.Join(parts, "")))
	return sum[:]
}

// scram is a client of RFC 5802 with SHA-256 (RFC 7677), without channel
// binding.
type scram struct {
	password, nonce string
	signature       []byte // what the server must answer
}

func (s *scram) first() string { return "n,," + s.bare() }
func (s *scram) bare() string  { return "n=,r=" + s.nonce }

// maxIterations keeps a hostile server from making us count for ever. The
// default of PostgreSQL is 4096.
const maxIterations = 1 << 14

func (s *scram) final(server string) (string, error) {
	fields := make(map[byte]string)
	for _, f := range strings.Split(server, ",") {
		if len(f) > 2 && f[1] == '=' {
			fields[f[0]] = f[2:]
		}
	}
	salt, err := base64.StdEncoding.DecodeString(fields['s'])
	if err != nil || len(salt) == 0 {
		return "", fmt.Errorf("no salt in %s", quoted([]byte(server)))
	}
	n, err := strconv.Atoi(fields['i'])
	if err != nil || n < 1 || n > maxIterations {
		return "", fmt.Errorf("%s iterations", quoted([]byte(fields['i'])))
	}
	if !strings.HasPrefix(fields['r'], s.nonce) {
		return "", fmt.Errorf("somebody else's nonce")
	}
	salted, err := pbkdf2.Key(sha256.New, s.password, salt, n, sha256.Size)
	if err != nil {
		return "", err
	}
	client := sign(salted, "Client Key")
	stored := sha256.Sum256(client)
	without := "c=biws,r=" + fields['r']
	message := s.bare() + "," + server + "," + without
	proof := sign(stored[:], message)
	for i := range proof {
		proof[i] ^= client[i]
	}
	s.signature = sign(sign(salted, "Server Key"), message)
	return without + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func (s *scram) proves(server string) bool {
	v, ok := strings.CutPrefix(server, "v=")
	got, err := base64.StdEncoding.DecodeString(v)
	return ok && err == nil && len(s.signature) > 0 && hmac.Equal(got, s.signature)
}

func sign(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (p *pgsql) Closed() Turn {
	return failed(healthcheck.FaultRead, "connection closed before the login")
}

func (p *pgsql) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}
