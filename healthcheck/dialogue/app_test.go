package dialogue

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// exchange is what a server says after it has heard enough.
type exchange struct {
	after string // what the client must have said since the last exchange; "" says it at once
	says  string
}

// handshake stands where the client starts TLS.
const handshake = "<TLS>"

// act plays a server that waits for its cues, and returns the verdict.
func act(t *testing.T, p Plan, play []exchange) healthcheck.Result {
	t.Helper()
	d := p.Begin(Attempt{ID: 0x1234})
	turn := d.Open()
	said := string(turn.Send)
	for _, e := range play {
		if turn.Done {
			break
		}
		if turn.Encrypt {
			turn = d.Open()
			said += handshake + string(turn.Send)
		}
		if said != e.after {
			t.Fatalf("client said %q, want %q", said, e.after)
		}
		turn = d.Hear([]byte(e.says))
		said = string(turn.Send)
	}
	if turn.Encrypt {
		turn = d.Open()
	}
	if !turn.Done {
		turn = d.Closed()
	}
	if turn.Judge != nil {
		return turn.Judge()
	}
	return turn.Result
}

// mysqlHello is the greeting of a MySQL server.
const mysqlHello = "\x0a5.7.1\x00\x01\x00\x00\x00abcdefgh\x00\xff\xff\x2d\x02\x00\xff\xff\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00"

// mysqlSSL asks for TLS.
const mysqlSSL = "\x20\x00\x00\x01\x00\x8a\x08\x00\x00\x00\x00\x01\x2d" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func TestPlays(t *testing.T) {
	later := &healthcheck.TLS{Later: true}
	user := func(p healthcheck.Protocol) healthcheck.Session {
		return healthcheck.Session{Protocol: p, Username: "u", Password: `p"w`}
	}
	tests := []struct {
		name   string
		ask    healthcheck.Question
		play   []exchange
		fault  healthcheck.Fault
		reason string
	}{
		{"redis", healthcheck.Redis{}, []exchange{{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"}}, 0, ""},
		{"redis wants a password", healthcheck.Redis{}, []exchange{{"*1\r\n$4\r\nPING\r\n", "-NOAUTH Authentication required.\r\n"}}, healthcheck.FaultReply, "NOAUTH"},
		{
			"redis master wanted", healthcheck.Redis{Password: "p", Role: "master"}, []exchange{
				{"*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n", "+OK\r\n"},
				{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
				{"*1\r\n$4\r\nROLE\r\n", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"},
			}, 0, "",
		},
		{
			"redis replica found", healthcheck.Redis{Role: "master"}, []exchange{
				{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"}, {"*1\r\n$4\r\nROLE\r\n", "*5\r\n$5\r\nslave\r\n"},
			}, healthcheck.FaultReply, "*5",
		},
		{"imap", healthcheck.Session{Protocol: healthcheck.IMAP}, []exchange{{"", "* OK ready\r\n"}}, 0, ""},
		{"imap says bye", healthcheck.Session{Protocol: healthcheck.IMAP}, []exchange{{"", "* BYE busy\r\n"}}, healthcheck.FaultReply, "* BYE busy"},
		{"imap login", user(healthcheck.IMAP), []exchange{{"", "* OK ready\r\n"}, {`a1 LOGIN "u" "p\"w"` + "\r\n", "* CAPABILITY X\r\na1 OK in\r\n"}}, 0, ""},
		{"imap login refused", user(healthcheck.IMAP), []exchange{{"", "* OK ready\r\n"}, {`a1 LOGIN "u" "p\"w"` + "\r\n", "a1 NO go away\r\n"}}, healthcheck.FaultReply, "a1 NO go away"},
		{"pop3 login", user(healthcheck.POP3), []exchange{{"", "+OK hi\r\n"}, {"USER u\r\n", "+OK\r\n"}, {"PASS p\"w\r\n", "+OK\r\n"}}, 0, ""},
		{"pop3 refuses", user(healthcheck.POP3), []exchange{{"", "+OK hi\r\n"}, {"USER u\r\n", "-ERR no\r\n"}}, healthcheck.FaultReply, "-ERR no"},
		{"nntp", healthcheck.Session{Protocol: healthcheck.NNTP}, []exchange{{"", "201 no posting\r\n"}}, 0, ""},
		{"nntp is down", healthcheck.Session{Protocol: healthcheck.NNTP}, []exchange{{"", "400 later\r\n"}}, healthcheck.FaultReply, "400 later"},
		{"ftp", user(healthcheck.FTP), []exchange{{"", "220-hi\r\n220 there\r\n"}, {"USER u\r\n", "331 password\r\n"}, {"PASS p\"w\r\n", "230 in\r\n"}}, 0, ""},
		{"ftp is full", user(healthcheck.FTP), []exchange{{"", "421 full\r\n"}}, healthcheck.FaultReply, "421 full"},
		{
			"own words",
			healthcheck.SendExpect{Steps: []healthcheck.Exchange{{Expect: "name"}, {Send: []byte("me\n")}, {Expect: "welcome", Reject: "denied"}}},
			[]exchange{{"", "your name? "}, {"me\n", "welcome"}},
			0, "",
		},
		{
			"own words rejected",
			healthcheck.SendExpect{Steps: []healthcheck.Exchange{{Send: []byte("me\n")}, {Expect: "welcome", Reject: "denied"}}},
			[]exchange{{"me\n", "denied, not welcome"}},
			healthcheck.FaultReply, "denied",
		},
		{
			"own words without end",
			healthcheck.SendExpect{Steps: []healthcheck.Exchange{{Expect: "welcome"}}},
			[]exchange{{"", strings.Repeat("x", 70_000)}},
			healthcheck.FaultReply, "not found in 16 KiB",
		},
		{"mysql greets", healthcheck.MySQL{}, []exchange{{"", string(mysqlPacket(0, []byte(mysqlHello)))}}, 0, ""},
		{"mysql blocks us", healthcheck.MySQL{}, []exchange{{"", "\x19\x00\x00\x00\xff\x69\x04Host '10.0.0.1' blocked."}}, healthcheck.FaultReply, "1129"},
		{"mysql is something else", healthcheck.MySQL{}, []exchange{{"", "SSH-2.0-OpenSSH_9.2\r\n"}}, healthcheck.FaultReply, "not MySQL"},
		{"ldap", healthcheck.LDAP{}, []exchange{{"0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00", "0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x00"}}, 0, ""},
		{
			"smtp with starttls", healthcheck.SMTP{Helo: "me", TLS: later}, []exchange{
				{"", "220-mx\r\n220 mx\r\n"},
				{"EHLO me\r\n", "250-mx\r\n250 STARTTLS\r\n"},
				{"STARTTLS\r\n", "220 go\r\n"},
				{handshake + "EHLO me\r\n", "250 mx\r\n"},
				{"QUIT\r\n", "221 bye\r\n"},
			}, 0, "",
		},
		{
			"smtp without starttls",
			healthcheck.SMTP{Helo: "me", TLS: later},
			[]exchange{{"", "220 mx\r\n"}, {"EHLO me\r\n", "250 mx\r\n"}, {"STARTTLS\r\n", "502 what\r\n"}},
			healthcheck.FaultTLS, "502 what",
		},
		{
			"smtp goes on in the clear",
			healthcheck.SMTP{Helo: "me", TLS: later},
			[]exchange{{"", "220 mx\r\n"}, {"EHLO me\r\n", "250 mx\r\n"}, {"STARTTLS\r\n", "220 go\r\n250 mx\r\n"}},
			healthcheck.FaultReply, "in the clear",
		},
		{
			"imap with starttls", healthcheck.Session{Protocol: healthcheck.IMAP, TLS: later, Username: "u", Password: "p"}, []exchange{
				{"", "* OK ready\r\n"}, {"a0 STARTTLS\r\n", "a0 OK go\r\n"}, {handshake + `a1 LOGIN "u" "p"` + "\r\n", "a1 OK in\r\n"},
			}, 0, "",
		},
		{
			"imap goes on in the clear",
			healthcheck.Session{Protocol: healthcheck.IMAP, TLS: later},
			[]exchange{{"", "* OK ready\r\n"}, {"a0 STARTTLS\r\n", "a0 OK go\r\na1 OK in\r\n"}},
			healthcheck.FaultReply, "in the clear",
		},
		{"pop3 with starttls", healthcheck.Session{Protocol: healthcheck.POP3, TLS: later}, []exchange{{"", "+OK hi\r\n"}, {"STLS\r\n", "+OK go\r\n"}}, 0, ""},
		{"pop3 without starttls", healthcheck.Session{Protocol: healthcheck.POP3, TLS: later}, []exchange{{"", "+OK hi\r\n"}, {"STLS\r\n", "-ERR no\r\n"}}, healthcheck.FaultReply, "-ERR no"},
		{"nntp with starttls", healthcheck.Session{Protocol: healthcheck.NNTP, TLS: later}, []exchange{{"", "200 hi\r\n"}, {"STARTTLS\r\n", "382 go\r\n"}}, 0, ""},
		{"nntp without starttls", healthcheck.Session{Protocol: healthcheck.NNTP, TLS: later}, []exchange{{"", "200 hi\r\n"}, {"STARTTLS\r\n", "580 no\r\n"}}, healthcheck.FaultReply, "580 no"},
		{"ftp with TLS", healthcheck.Session{Protocol: healthcheck.FTP, TLS: later}, []exchange{{"", "220 hi\r\n"}, {"AUTH TLS\r\n", "234 go\r\n"}}, 0, ""},
		{"ftp without TLS", healthcheck.Session{Protocol: healthcheck.FTP, TLS: later}, []exchange{{"", "220 hi\r\n"}, {"AUTH TLS\r\n", "530 log in\r\n"}}, healthcheck.FaultReply, "530 log in"},
		{
			"ldap with starttls", healthcheck.LDAP{TLS: later}, []exchange{
				{"0\x1d\x02\x01\x04w\x18\x80\x161.3.6.1.4.1.1466.20037", "0\x0c\x02\x01\x04x\x07\x0a\x01\x00\x04\x00\x04\x00"},
				{handshake + "0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00", "0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x00"},
			}, 0, "",
		},
		{
			"ldap without starttls", healthcheck.LDAP{TLS: later}, []exchange{
				{"0\x1d\x02\x01\x04w\x18\x80\x161.3.6.1.4.1.1466.20037", "0\x0c\x02\x01\x04x\x07\x0a\x01\x02\x04\x00\x04\x00"},
			}, healthcheck.FaultStatus, "result code 2",
		},
		{"pgsql without TLS", healthcheck.PgSQL{TLS: &healthcheck.TLS{}}, []exchange{{"\x00\x00\x00\x08\x04\xd2\x16/", "N"}}, healthcheck.FaultTLS, "does not speak TLS"},
		{"pgsql goes on in the clear", healthcheck.PgSQL{TLS: &healthcheck.TLS{}}, []exchange{{"\x00\x00\x00\x08\x04\xd2\x16/", "SR"}}, healthcheck.FaultReply, "in the clear"},
		{
			"mysql with TLS", healthcheck.MySQL{TLS: &healthcheck.TLS{}, Username: "u"}, []exchange{
				{"", string(mysqlPacket(0, []byte(mysqlHello)))},
				{
					mysqlSSL + handshake + "\x39\x00\x00\x02" + mysqlSSL[4:] + "u\x00\x00mysql_native_password\x00",
					"\x07\x00\x00\x03\x00\x00\x00\x02\x00\x00\x00",
				},
			}, 0, "",
		},
		{
			"mysql without TLS",
			healthcheck.MySQL{TLS: &healthcheck.TLS{}},
			[]exchange{{"", string(mysqlPacket(0, []byte(strings.Replace(mysqlHello, "\xff\xff\x2d", "\xff\xf7\x2d", 1))))}},
			healthcheck.FaultTLS, "does not speak TLS",
		},
		{"ldap refuses", healthcheck.LDAP{}, []exchange{{"0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00", "0\x0c\x02\x01\x01a\x07\x0a\x01\x31\x04\x00\x04\x00"}}, healthcheck.FaultStatus, "result code 49"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := act(t, plan(t, tt.ask), tt.play)
			if r.Fault != tt.fault || r.OK != (tt.fault == 0) || !strings.Contains(r.Reason, tt.reason) {
				t.Errorf("%+v, want fault %d, %q", r, tt.fault, tt.reason)
			}
		})
	}
}

// All that was said is searched for each piece: a server that speaks in single
// bytes must not keep us at it.
func TestManySmallPiecesEndTheConversation(t *testing.T) {
	long := bytes.Repeat([]byte("\xf3"), 4000)
	for _, ask := range []healthcheck.Question{healthcheck.Session{Protocol: healthcheck.IMAP}, healthcheck.SIP{TCP: true}} {
		p := plan(t, ask)
		if r, _ := converse(p, long, 1); r.Fault != healthcheck.FaultReply || !strings.Contains(r.Reason, "too many pieces") {
			t.Errorf("%s in single bytes: %+v", ask.Keyword(), r)
		}
		if r, _ := converse(p, long, 100); strings.Contains(r.Reason, "pieces") {
			t.Errorf("%s in pieces of a hundred bytes: %+v", ask.Keyword(), r)
		}
	}
}

func TestPasswordsWithLineBreaksAreRefused(t *testing.T) {
	for _, ask := range []healthcheck.Question{
		healthcheck.Session{Protocol: healthcheck.POP3, Username: "u", Password: "p\r\nDELE 1"},
		healthcheck.HTTPRequest{Headers: []healthcheck.Header{{Name: "X", Value: "a\r\nY: b"}}},
		healthcheck.Session{Protocol: "GOPHER"},
		healthcheck.SendExpect{Steps: []healthcheck.Exchange{{Expect: "("}}},
		healthcheck.Radius{},
		healthcheck.HTTPRequest{Expect: []healthcheck.Header{{Name: "X", Value: "("}}},
	} {
		if _, err := Prepare(healthcheck.Spec{Ask: ask, Target: target}); err == nil {
			t.Errorf("%+v was accepted", ask)
		}
	}
}

func TestRadiusAnswers(t *testing.T) {
	p := plan(t, healthcheck.Radius{Secret: "s3cret", Username: "u", Password: "p"})
	request := p.Begin(Attempt{ID: 7}).Open().Send
	if request[0] != 1 || int(binary.BigEndian.Uint16(request[2:])) != len(request) || !bytes.Contains(request, []byte{1, 3, 'u'}) {
		t.Fatalf("request % x", request)
	}
	answer := func(code byte, secret string) []byte {
		b := []byte{code, 7, 0, 20}
		sum := md5.Sum(slices.Concat(b, request[4:20], []byte(secret)))
		return append(b, sum[:]...)
	}
	tests := []struct {
		name   string
		reply  []byte
		done   bool
		reason string
	}{
		{"accept", answer(2, "s3cret"), true, ""},
		{"reject", answer(3, "s3cret"), true, "access rejected"},
		{"wrong secret", answer(2, "other"), true, "not signed"},
		{"another's", append([]byte{2, 8}, answer(2, "s3cret")[2:]...), false, ""},
		{"short", []byte{2, 7, 0, 20}, false, ""},
		{"lies about its length", append([]byte{2, 7, 1, 0}, make([]byte, 20)...), false, ""},
	}
	for _, tt := range tests {
		turn := p.Begin(Attempt{ID: 7}).Hear(tt.reply)
		if turn.Done != tt.done || turn.Done && turn.Result.OK != (tt.reason == "") || !strings.Contains(turn.Result.Reason, tt.reason) {
			t.Errorf("%s: %+v", tt.name, turn)
		}
	}
}

func TestJSONPath(t *testing.T) {
	const doc = `{"status": {"ok": true, "n": 3, "list": ["a", {"b": "c"}], "none": null}}`
	for path, want := range map[string]string{
		"status.ok": "true", "status.n": "3", "status.list.0": "a", ".status.list.1.b": "c", "status.none": "null",
		"status.missing": "?", "status.list.9": "?", "status.n.x": "?",
	} {
		p := plan(t, healthcheck.HTTPRequest{JSON: []healthcheck.JSONValue{{Path: path, Value: want}}})
		r, _ := converse(p, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+"49\r\n"+doc+"\r\n0\r\n\r\n"), 10)
		if r.OK != (want != "?") {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

// ours are questions whose servers speak in streams, and in datagrams.
var ours = []healthcheck.Question{
	healthcheck.Session{Protocol: healthcheck.IMAP, Username: "u"},
	healthcheck.Redis{Password: "p", Role: "master"},
	healthcheck.MySQL{Username: "u", Password: "p", Query: "select 1"},
	healthcheck.PgSQL{Username: "u", Password: "p", Query: "select 1"},
	healthcheck.LDAP{Base: "dc=x"},
	healthcheck.GRPC{Service: "s"},
	healthcheck.WebSocket{},
	healthcheck.SIP{TCP: true},
	healthcheck.HTTPRequest{Regex: &healthcheck.Regex{Pattern: "x"}},
	healthcheck.HTTPRequest{HTTP2: true, JSON: []healthcheck.JSONValue{{Path: "a", Value: "b"}}},
}

// Whatever a server says: a verdict, no panic, and the same for any pieces.
func FuzzOurs(f *testing.F) {
	f.Add(uint8(0), []byte("* OK x\r\na1 OK\r\n"), 3)
	f.Add(uint8(1), []byte("+OK\r\n+PONG\r\n*3\r\n$6\r\nmaster\r\n"), 3)
	f.Add(uint8(2), append(mysqlPacket(0, []byte(mysqlHello)), "\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"...), 9)
	f.Add(uint8(3), []byte("R\x00\x00\x00\x0c\x00\x00\x00\x05abcdR\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05ID\x00\x00\x00\x04Z\x00\x00\x00\x05I"), 9)
	f.Add(uint8(3), []byte("R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00R\x00\x00\x00\x20\x00\x00\x00\x0br=holdfast1234x,s=QUJD,i=1"), 9)
	f.Add(uint8(4), []byte("0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x000\x03\x02\x01\x02"), 5)
	f.Add(uint8(5), []byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x07\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x02\x08\x01"), 5)
	f.Add(uint8(6), []byte("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: x\r\n\r\n"), 5)
	f.Add(uint8(7), []byte("SIP/2.0 200 OK\r\n\r\n"), 5)
	f.Add(uint8(8), []byte("HTTP/1.1 100 c\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), 5)
	plans := make([]Plan, len(ours))
	for i, ask := range ours {
		plans[i] = plan(f, ask)
	}
	f.Fuzz(func(t *testing.T, which uint8, in []byte, size int) {
		size = max(size, len(in)/100) // more pieces are too many
		fuzz(t, plans[int(which)%len(plans)], in, size)
	})
}

func FuzzOurDatagrams(f *testing.F) {
	f.Add([]byte("SIP/2.0 200 OK\r\n\r\n"))
	f.Add([]byte("\x02\x34\x00\x14aaaaaaaaaaaaaaaa"))
	plans := []Plan{plan(f, healthcheck.SIP{}), plan(f, healthcheck.Radius{Secret: "s"})}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, p := range plans {
			fuzz(t, p, in, len(in)+1)
		}
	})
}
