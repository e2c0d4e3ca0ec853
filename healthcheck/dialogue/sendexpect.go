package dialogue

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// maxHeard is how much of what a server says is kept while waiting for what is
// expected of it. All of it is searched each time something comes, so what is
// searched in one attempt has a limit, too: it is not reached by pieces of a
// hundred bytes.
const (
	maxHeard    = 16 << 10
	maxSearched = 2 << 20
)

// heard is what a server has said and nobody has understood yet.
type heard struct {
	text     []byte
	searched int
}

func (h *heard) add(in []byte) error {
	h.text = append(h.text, in...)
	if h.searched += len(h.text); h.searched > maxSearched {
		return errPieces
	}
	return nil
}

var errPieces = errors.New("server speaks in too many pieces")

// script is a conversation made ready: each step sends or expects.
type script []scriptStep

type scriptStep struct {
	send           []byte
	expect, reject *regexp.Regexp
	encrypt        bool
}

// sendExpect goes through a script.
type sendExpect struct {
	script script
	at     int
	heard  heard
}

func prepareScript(steps []healthcheck.Exchange) (script, error) {
	s := make(script, 0, len(steps))
	for i, st := range steps {
		ready := scriptStep{send: st.Send, encrypt: st.Encrypt}
		for _, p := range []struct {
			text string
			to   **regexp.Regexp
		}{{st.Expect, &ready.expect}, {st.Reject, &ready.reject}} {
			if p.text == "" {
				continue
			}
			re, err := regexp.Compile(p.text)
			if err != nil {
				return nil, fmt.Errorf("step %d: %w", i+1, err)
			}
			*p.to = re
		}
		s = append(s, ready)
	}
	return s, nil
}

// scripted is a plan that goes through steps.
func scripted(tls *healthcheck.TLS, steps []healthcheck.Exchange) (Plan, error) {
	s, err := prepareScript(steps)
	if err != nil {
		return Plan{}, err
	}
	return Plan{TLS: tls, Clear: tls != nil && tls.Later, Begin: func(Attempt) Dialogue { return &sendExpect{script: s} }}, nil
}

func (d *sendExpect) Open() Turn { return d.proceed() }

func (d *sendExpect) Hear(in []byte) Turn {
	if err := d.heard.add(in); err != nil {
		return failed(healthcheck.FaultReply, "%v", err)
	}
	t := d.proceed()
	if !t.Done && len(d.heard.text) > maxHeard {
		return failed(healthcheck.FaultReply, "%s not found in %d KiB", d.waiting(), maxHeard>>10)
	}
	return t
}

// proceed goes as far as what was heard allows.
func (d *sendExpect) proceed() Turn {
	var out []byte
	for d.at < len(d.script) {
		step := d.script[d.at]
		if step.encrypt {
			d.at++
			return encrypt(d.heard.text, out)
		}
		if step.expect == nil {
			out = append(out, step.send...)
			d.at++
			continue
		}
		found := step.expect.FindIndex(d.heard.text)
		if step.reject != nil {
			no := step.reject.FindIndex(d.heard.text)
			if no != nil && (found == nil || no[0] < found[0]) {
				return failed(healthcheck.FaultReply, "server said %s", quoted(firstLine(d.heard.text[no[0]:])))
			}
		}
		if found == nil {
			return say(out)
		}
		d.heard.text = d.heard.text[found[1]:]
		d.at++
	}
	t := passed()
	t.Send = out
	return t
}

func firstLine(b []byte) []byte {
	for i, c := range b {
		if c == '\r' || c == '\n' {
			return b[:i]
		}
	}
	return b
}

// waiting names what has not come.
func (d *sendExpect) waiting() string {
	if d.at >= len(d.script) {
		return "the end"
	}
	return strconv.Quote(d.script[d.at].expect.String())
}

func (d *sendExpect) Closed() Turn {
	if len(d.heard.text) == 0 {
		return failed(healthcheck.FaultNoData, "connection closed before %s", d.waiting())
	}
	return failed(healthcheck.FaultReply, "connection closed before %s, after %s", d.waiting(), quoted(d.heard.text))
}

func (d *sendExpect) Silent() healthcheck.Result {
	if len(d.heard.text) == 0 {
		return fault(healthcheck.FaultReadTimeout, "no %s in time", d.waiting())
	}
	return fault(healthcheck.FaultReadTimeout, "no %s in time, but %s", d.waiting(), quoted(d.heard.text))
}

func send(format string, args ...any) healthcheck.Exchange {
	return healthcheck.Exchange{Send: fmt.Appendf(nil, format, args...)}
}

func expect(pattern, reject string) healthcheck.Exchange {
	return healthcheck.Exchange{Expect: pattern, Reject: reject}
}

// startTLS are the steps from the greeting to TLS.
func startTLS(tls *healthcheck.TLS, ask, yes, no string) []healthcheck.Exchange {
	if tls == nil || !tls.Later {
		return nil
	}
	return []healthcheck.Exchange{send("%s\r\n", ask), expect(yes, no), {Encrypt: true}}
}

// sessionSteps are the ready-made dialogues of protocols in lines.
func sessionSteps(s healthcheck.Session) ([]healthcheck.Exchange, error) {
	if strings.ContainsAny(s.Username+s.Password, "\r\n\x00") {
		return nil, fmt.Errorf("%s: the user name or password has a line break", s.Keyword())
	}
	var steps []healthcheck.Exchange
	login := s.Username != ""
	switch s.Protocol {
	case healthcheck.IMAP:
		steps = append(steps, expect(`(?m)^\* (OK|PREAUTH)\b.*\n`, `(?m)^\* BYE`))
		steps = append(steps, startTLS(s.TLS, "a0 STARTTLS", `(?m)^a0 OK\b.*\n`, `(?m)^(a0 (NO|BAD)|\* BYE)`)...) // RFC 9051 section 6.2.1
		if login {
			steps = append(steps, send("a1 LOGIN %s %s\r\n", imapString(s.Username), imapString(s.Password)),
				expect(`(?m)^a1 OK\b.*\n`, `(?m)^(a1 (NO|BAD)|\* BYE)`))
		}
		steps = append(steps, send("a2 LOGOUT\r\n"))
	case healthcheck.POP3:
		steps = append(steps, expect(`^\+OK.*\n`, `^-ERR`))
		steps = append(steps, startTLS(s.TLS, "STLS", `^\+OK.*\n`, `^-ERR`)...) // RFC 2595 section 4
		if login {
			steps = append(steps, send("USER %s\r\n", s.Username), expect(`^\+OK.*\n`, `^-ERR`),
				send("PASS %s\r\n", s.Password), expect(`^\+OK.*\n`, `^-ERR`))
		}
		steps = append(steps, send("QUIT\r\n"))
	case healthcheck.NNTP:
		steps = append(steps, expect(`^20[01].*\n`, `^[1-5]\d\d`))
		steps = append(steps, startTLS(s.TLS, "STARTTLS", `^382.*\n`, `^[1-5]\d\d`)...) // RFC 4642
		if login {
			steps = append(steps, send("AUTHINFO USER %s\r\n", s.Username), expect(`^[23]81.*\n`, `^[1-5]\d\d`),
				send("AUTHINFO PASS %s\r\n", s.Password), expect(`^281.*\n`, `^[1-5]\d\d`))
		}
		steps = append(steps, send("QUIT\r\n"))
	case healthcheck.FTP:
		steps = append(steps, expect(`(?m)^220 .*\n`, `(?m)^[3-5]\d\d `))
		steps = append(steps, startTLS(s.TLS, "AUTH TLS", `(?m)^[23]34 .*\n`, `(?m)^[2-5]\d\d `)...) // RFC 4217 section 4
		if login {
			steps = append(steps, send("USER %s\r\n", s.Username), expect(`(?m)^(230|331) .*\n`, `(?m)^[245]\d\d `),
				send("PASS %s\r\n", s.Password), expect(`(?m)^(230|202|503) .*\n`, `(?m)^[345]\d\d `))
		}
		steps = append(steps, send("QUIT\r\n"))
	default:
		return nil, fmt.Errorf("unknown protocol %q", s.Protocol)
	}
	return steps, nil
}

// imapString is a quoted string of RFC 9051 section 4.3.
func imapString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// redisSteps speak RESP.
func redisSteps(r healthcheck.Redis) []healthcheck.Exchange {
	var steps []healthcheck.Exchange
	if r.Password != "" {
		words := []string{"AUTH", r.Password}
		if r.Username != "" {
			words = []string{"AUTH", r.Username, r.Password}
		}
		steps = append(steps, resp(words...), expect(`^\+OK\r\n`, `^[^+]`))
	}
	steps = append(steps, resp("PING"), expect(`^\+PONG\r\n`, `^(-|\+[^P])`))
	name := map[string]string{"master": "master", "replica": "slave"}[r.Role]
	if name != "" {
		steps = append(steps, resp("ROLE"), expect(`^\*\d+\r\n\$\d+\r\n`+name+`\r\n`, `^(-|\*\d+\r\n\$\d+\r\n\w+\r\n)`))
	}
	return steps
}

func resp(words ...string) healthcheck.Exchange {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return healthcheck.Exchange{Send: []byte(b.String())}
}

// webSocketSteps ask for an upgrade. The key need not be secret, only answered.
func webSocketSteps(w healthcheck.WebSocket, target netip.AddrPort) []healthcheck.Exchange {
	const key = "aG9sZGZhc3QgY2hlY2shIQ=="
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 1.3
	accept := regexp.QuoteMeta(base64.StdEncoding.EncodeToString(sum[:]))
	return []healthcheck.Exchange{
		send("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nUser-Agent: holdfast\r\n\r\n",
			orSlash(w.Path), orTarget(w.Host, target), key),
		expect(`(?s)^HTTP/1\.1 101 (?:[^\r]*\r\n)(?:[^\r]+\r\n)*(?i:Sec-WebSocket-Accept): *`+accept+` *\r\n(?:[^\r]+\r\n)*\r\n`, `(?s)^.*?\r\n\r\n`),
		{Send: []byte{0x88, 0x80, 0, 0, 0, 0}}, // a close frame, masked
	}
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func orTarget(host string, target netip.AddrPort) string {
	if host == "" {
		return target.String()
	}
	return host
}

// prepareSIP asks for the capabilities of a server.
func prepareSIP(q healthcheck.SIP, target netip.AddrPort) (Plan, error) {
	uri, via := q.URI, "UDP"
	if uri == "" {
		uri = "sip:" + target.String()
	}
	switch {
	case q.TLS != nil:
		via = "TLS"
	case q.TCP:
		via = "TCP"
	}
	ok, err := prepareScript([]healthcheck.Exchange{expect(`(?m)^SIP/2\.0 ([2-6]\d\d)\b.*\n`, "")})
	if err != nil {
		return Plan{}, err
	}
	begin := func(a Attempt) Dialogue {
		request := fmt.Appendf(nil, "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/%s holdfast.invalid;branch=z9hG4bK%04x;rport\r\nMax-Forwards: 70\r\n"+
			"From: <sip:holdfast@holdfast.invalid>;tag=%04x\r\nTo: <%s>\r\nCall-ID: %04x@holdfast.invalid\r\nCSeq: 1 OPTIONS\r\n"+
			"Contact: <sip:holdfast@holdfast.invalid>\r\nAccept: application/sdp\r\nUser-Agent: holdfast\r\nContent-Length: 0\r\n\r\n",
			uri, via, a.ID, a.ID, uri, a.ID)
		return &sip{request: request, status: q.Status, pattern: ok[0].expect}
	}
	transport := Datagram
	if via != "UDP" {
		transport = Stream
	}
	return Plan{Transport: transport, TLS: q.TLS, Begin: begin}, nil
}

// sip waits for a final status (RFC 3261 section 7.2).
type sip struct {
	request []byte
	status  []healthcheck.StatusRange
	pattern *regexp.Regexp
	heard   heard
}

func (s *sip) Open() Turn { return say(s.request) }

func (s *sip) Hear(in []byte) Turn {
	if err := s.heard.add(in); err != nil {
		return failed(healthcheck.FaultReply, "%v", err)
	}
	m := s.pattern.FindSubmatch(s.heard.text)
	switch {
	case m == nil && len(s.heard.text) > maxHeard:
		return failed(healthcheck.FaultReply, "not SIP: %s", quoted(s.heard.text))
	case m == nil:
		return Turn{}
	}
	code, _ := strconv.Atoi(string(m[1]))
	if !accepts(s.status, code) {
		return failed(healthcheck.FaultStatus, "status %d, wanted %s", code, wanted(s.status))
	}
	return passed()
}

func (s *sip) Closed() Turn {
	return failed(healthcheck.FaultNoData, "connection closed without an answer")
}

func (s *sip) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}
