package dialogue

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// Capabilities and markers of the MySQL client/server protocol.
const (
	mysqlConnectWithDB      = 1 << 3
	mysqlProtocol41         = 1 << 9
	mysqlTLS                = 1 << 11
	mysqlSecure             = 1 << 15
	mysqlPluginAuth         = 1 << 19
	mysqlOK            byte = 0x00
	mysqlMore          byte = 0x01
	mysqlEOF           byte = 0xfe
	mysqlError         byte = 0xff

	mysqlQuit  = 0x01
	mysqlQuery = 0x03

	nativePassword = "mysql_native_password"
	cachingSHA2    = "caching_sha2_password"
)

// mysql logs in to MySQL or MariaDB.
type mysql struct {
	ask    healthcheck.MySQL
	buf    []byte
	step   mysqlStep
	plugin string
	nonce  []byte
	seq    byte // of the answer to the greeting
	fields int  // of the result of a query; still to be described
	asked  int  // times that the login went on
}

// maxLogin is how many further packets a login may take: some cost us more
// than the server.
const maxLogin = 5

type mysqlStep uint8

const (
	mysqlGreeting mysqlStep = iota
	mysqlLogin
	mysqlResult
	mysqlFields
	mysqlRow
)

// Open is called again when the connection has been encrypted.
func (m *mysql) Open() Turn {
	switch {
	case m.step == mysqlGreeting:
		return Turn{}
	case m.ask.Username == "":
		return passed()
	}
	return say(mysqlPacket(m.seq, m.response()))
}

func (m *mysql) Hear(in []byte) Turn {
	m.buf = append(m.buf, in...)
	var out []byte
	for len(m.buf) >= 4 {
		size := int(m.buf[0]) | int(m.buf[1])<<8 | int(m.buf[2])<<16
		if size == 0 || size > maxMessage {
			return failed(healthcheck.FaultReply, "not MySQL: %s", quoted(m.buf))
		}
		if len(m.buf) < size+4 {
			break
		}
		t := m.packet(m.buf[3], m.buf[4:size+4])
		if t.Done {
			return t
		}
		if t.Encrypt {
			rest := m.buf[size+4:]
			m.buf = nil
			return encrypt(rest, t.Send)
		}
		out = append(out, t.Send...)
		m.buf = m.buf[size+4:]
	}
	return say(out)
}

func mysqlPacket(seq byte, body []byte) []byte {
	n := len(body)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, body...)
}

func (m *mysql) packet(seq byte, body []byte) Turn {
	if body[0] == mysqlError {
		return failed(healthcheck.FaultReply, "%s", mysqlSaid(body))
	}
	switch m.step {
	case mysqlGreeting:
		return m.greeted(seq, body)
	case mysqlLogin:
		return m.login(seq, body)
	case mysqlResult:
		if body[0] == mysqlOK { // the statement gives no rows
			return m.bye()
		}
		m.fields, m.step = int(body[0]), mysqlFields
	case mysqlFields:
		if body[0] == mysqlEOF && len(body) < 9 {
			m.step = mysqlRow
		}
	case mysqlRow:
		if body[0] == mysqlEOF && len(body) < 9 {
			return failed(healthcheck.FaultReply, "the query gave no row")
		}
		return m.bye()
	}
	return Turn{}
}

func (m *mysql) bye() Turn { return farewell(mysqlPacket(0, []byte{mysqlQuit})) }

// mysqlSaid reads an error packet.
func mysqlSaid(body []byte) string {
	c := cursor{b: body[1:]}
	code := c.u16le()
	if len(c.b) > 6 && c.b[0] == '#' { // SQL state
		c.bytes(6)
	}
	return fmt.Sprintf("server said %d: %s", code, quoted(c.b))
}

// greeted reads the initial handshake packet, version 10, and answers it.
func (m *mysql) greeted(seq byte, body []byte) Turn {
	c := cursor{b: body}
	version := c.u8()
	c.text() // of the server
	c.bytes(4)
	nonce := bytes.Clone(c.bytes(8))
	c.bytes(1)
	caps := uint32(c.u16le())
	if version != 10 || c.short {
		return failed(healthcheck.FaultBanner, "not MySQL: %s", quoted(body))
	}
	c.bytes(3) // character set, status
	caps |= uint32(c.u16le()) << 16
	size := int(c.u8())
	c.bytes(10)
	if !c.short && caps&mysqlSecure != 0 {
		nonce = append(nonce, bytes.TrimRight(c.bytes(max(13, size-8)), "\x00")...)
	}
	m.plugin, m.nonce = nativePassword, nonce
	if !c.short && caps&mysqlPluginAuth != 0 {
		m.plugin = c.text()
	}
	m.step, m.seq = mysqlLogin, seq+1
	if m.ask.TLS == nil {
		return m.Open()
	}
	if caps&mysqlTLS == 0 {
		return failed(healthcheck.FaultTLS, "server does not speak TLS")
	}
	m.seq++
	return Turn{Send: mysqlPacket(seq+1, m.opening()), Encrypt: true}
}

// opening is the beginning of HandshakeResponse41, which by itself is
// SSLRequest.
func (m *mysql) opening() []byte {
	flags := uint32(mysqlProtocol41 | mysqlSecure | mysqlPluginAuth)
	if m.ask.TLS != nil {
		flags |= mysqlTLS
	}
	if m.ask.Database != "" {
		flags |= mysqlConnectWithDB
	}
	b := binary.LittleEndian.AppendUint32(nil, flags)
	b = binary.LittleEndian.AppendUint32(b, 1<<24)
	b = append(b, 45) // utf8mb4
	return append(b, make([]byte, 23)...)
}

// response is HandshakeResponse41.
func (m *mysql) response() []byte {
	b := append(append(m.opening(), m.ask.Username...), 0)
	proof := m.proof()
	b = append(append(b, byte(len(proof))), proof...)
	if m.ask.Database != "" {
		b = append(append(b, m.ask.Database...), 0)
	}
	return append(append(b, m.plugin...), 0)
}

// proof shows that we know the password, in the way that the server named.
func (m *mysql) proof() []byte {
	if m.ask.Password == "" {
		return nil
	}
	if m.plugin == cachingSHA2 {
		one := sha256.Sum256([]byte(m.ask.Password))
		two := sha256.Sum256(one[:])
		mix := sha256.Sum256(append(two[:], m.nonce...))
		return xor(one[:], mix[:])
	}
	one := sha1.Sum([]byte(m.ask.Password))
	two := sha1.Sum(one[:])
	mix := sha1.Sum(append(bytes.Clone(m.nonce), two[:]...))
	return xor(one[:], mix[:])
}

// xor returns a with b over it, again and again.
func xor(a, b []byte) []byte {
	out := bytes.Clone(a)
	for i := range out {
		if len(b) > 0 {
			out[i] ^= b[i%len(b)]
		}
	}
	return out
}

func (m *mysql) login(seq byte, body []byte) Turn {
	if m.asked++; m.asked > maxLogin {
		return failed(healthcheck.FaultReply, "a login of more than %d packets", maxLogin)
	}
	switch body[0] {
	case mysqlOK:
		if m.ask.Query == "" {
			return m.bye()
		}
		m.step = mysqlResult
		return say(mysqlPacket(0, append([]byte{mysqlQuery}, m.ask.Query...)))
	case mysqlEOF: // another way, please
		c := cursor{b: body[1:]}
		m.plugin = c.text()
		m.nonce = bytes.Clone(bytes.TrimRight(c.b, "\x00"))
		if m.plugin != nativePassword && m.plugin != cachingSHA2 {
			return failed(healthcheck.FaultReply, "login method %s is not known", quoted([]byte(m.plugin)))
		}
		return say(mysqlPacket(seq+1, m.proof()))
	case mysqlMore:
		return m.more(seq, body[1:])
	}
	return failed(healthcheck.FaultReply, "unexpected answer to the login: %s", quoted(body))
}

// more goes on with caching_sha2_password: the server knows us (3), or wants
// the password itself (4): over TLS as it is, or else by its key.
func (m *mysql) more(seq byte, body []byte) Turn {
	switch {
	case len(body) == 1 && body[0] == 3:
		return Turn{}
	case len(body) == 1 && body[0] == 4 && m.ask.TLS != nil:
		return say(mysqlPacket(seq+1, append([]byte(m.ask.Password), 0)))
	case len(body) == 1 && body[0] == 4:
		return say(mysqlPacket(seq+1, []byte{2}))
	}
	block, _ := pem.Decode(body)
	if block == nil {
		return failed(healthcheck.FaultReply, "unexpected answer to the login: %s", quoted(body))
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	public, ok := key.(*rsa.PublicKey)
	if err != nil || !ok || public.Size() > 1024 {
		return failed(healthcheck.FaultReply, "the server's key is of no use")
	}
	secret := xor(append([]byte(m.ask.Password), 0), m.nonce)
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, secret, nil)
	if err != nil {
		return failed(healthcheck.FaultReply, "the server's key: %v", err)
	}
	return say(mysqlPacket(seq+1, sealed))
}

func (m *mysql) Closed() Turn {
	return failed(healthcheck.FaultRead, "connection closed before the login")
}

func (m *mysql) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}
