package ipvs_test

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// TestCheckersAgree shows answers of all sorts to the checkers of keepalived and of
// holdfast: what one takes for good the other must take for good, and the weights must be
// the same. A few are marked with a verdict of our own: a server that serves is not down
// for small liberties with its protocol; offsets and expressions are about the body, as
// documented, while the keepalived of the distribution looks at the header, too; and a
// length that is asked for is looked at.
func TestCheckersAgree(t *testing.T) {
	t.Parallel()
	ref, ours := newTrial(t, netlab.Keepalived, answers), newTrial(t, netlab.Holdfast(t), answers)
	ref.begin()
	defer ref.end()
	ours.begin()
	defer ours.end()
	verdicts := func(r *trial) map[string]string {
		weight := make(map[string]string)
		for _, line := range r.ns.IPVS() {
			if f := strings.Fields(line); f[0] == "-a" {
				weight[f[2][strings.LastIndexByte(f[2], ':')+1:]] = f[len(f)-1]
			}
		}
		out := make(map[string]string)
		for _, b := range r.beds {
			out[b.name] = cmp.Or(weight[fmt.Sprint(b.port)], "out")
		}
		return out
	}
	good := func(p patient, ref, ours string) bool {
		if p.ours != "" {
			return ours == p.ours && ref != ours
		}
		return ref == ours
	}
	differing := func() []string {
		var list []string
		v, w := verdicts(ref), verdicts(ours)
		for _, p := range answers {
			if !good(p, v[p.name], w[p.name]) {
				list = append(list, fmt.Sprintf("%s: %s with keepalived, %s with holdfast, which is to say %q", p.name, v[p.name], w[p.name], cmp.Or(p.ours, v[p.name])))
			}
		}
		return list
	}
	// Every check has had its first runs by then; what still differs may be late.
	const enough = 8 * time.Second
	began := time.Now()
	var still []string
	_, ok := netlab.Poll(90*time.Second, func() bool {
		still = differing()
		return time.Since(began) > enough && len(still) == 0
	})
	if !ok {
		t.Error(strings.Join(still, "\n"))
	}
	up := 0
	for _, v := range verdicts(ref) {
		if v != "out" {
			up++
		}
	}
	if up < len(answers)/3 || up > len(answers)*9/10 {
		t.Errorf("%d of %d are up with keepalived: the servers do not do what they should", up, len(answers))
	}
}

// answers are servers that do not change.
var answers = []patient{
	// HTTP_GET: status codes.
	{name: "status 204", check: get("path /"), serve: says("HTTP/1.0 204 No Content\r\n\r\n")},
	{name: "status 299", check: get("path /"), serve: says("HTTP/1.0 299 X\r\n\r\n")},
	{name: "status 300", check: get("path /"), serve: says("HTTP/1.0 300 X\r\n\r\n")},
	{name: "status 301", check: get("path /"), serve: says("HTTP/1.0 301 X\r\nLocation: /there\r\n\r\n")},
	{name: "status 199", check: get("path /"), serve: says("HTTP/1.0 199 X\r\n\r\n")},
	{name: "status 301 wanted", check: get("path /\n status_code 301"), serve: says("HTTP/1.0 301 X\r\n\r\n")},
	{name: "status 303 in a range", check: get("path /\n status_code 200 302-304"), serve: says("HTTP/1.0 303 X\r\n\r\n")},
	{name: "status 305 beside a range", check: get("path /\n status_code 200 302-304"), serve: says("HTTP/1.0 305 X\r\n\r\n")},
	{name: "status 200 not wanted", check: get("path /\n status_code 404"), serve: says("HTTP/1.0 200 X\r\n\r\n")},
	{name: "status 404 in a list", check: get("path /\n status_code 200 404 500-502"), serve: says("HTTP/1.0 404 X\r\n\r\n")},
	{name: "status 503 beside a list", check: get("path /\n status_code 200 404 500-502"), serve: says("HTTP/1.0 503 X\r\n\r\n")},
	{name: "status without reason", ours: "10", check: get("path /"), serve: says("HTTP/1.0 200\r\n\r\n")},
	{name: "status is a word", check: get("path /"), serve: says("HTTP/1.0 abc\r\n\r\n")},
	{name: "status of four digits", check: get("path /"), serve: says("HTTP/1.0 2000 X\r\n\r\n")},
	{name: "status after two blanks", ours: "10", check: get("path /"), serve: says("HTTP/1.0  200 X\r\n\r\n")},
	{name: "no status", check: get("path /"), serve: says("hello")},
	{name: "no answer", check: get("path /"), serve: says("")},
	{name: "header only", check: get("path /"), serve: says("HTTP/1.0 200 OK\r\nServer: x\r\n")},
	{name: "version 1.1", check: get("path /"), serve: says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
	{name: "status without reason but a blank", check: get("path /"), serve: says("HTTP/1.1 200 \r\n\r\n")},
	{name: "other protocol", check: get("path /"), serve: says("ICY 200 OK\r\n\r\n")},
	// Bodies.
	{name: "digest to the end", check: get("path /\n digest " + digest("hello")), serve: says("HTTP/1.0 200 OK\r\n\r\nhello")},
	{name: "digest of a part", check: get("path /\n digest " + digest("hello")), serve: says("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello world")},
	{name: "digest of less", check: get("path /\n digest " + digest("hello")), serve: says("HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\nhello")},
	{name: "digest of nothing", check: get("path /\n digest " + digest("")), serve: says("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")},
	{name: "digest of an error", check: get("path /\n digest " + digest("hello")), serve: says("HTTP/1.0 500 Oops\r\n\r\nhello")},
	{name: "digest and status", check: get("path /\n status_code 500\n digest " + digest("hello")), serve: says("HTTP/1.0 500 Oops\r\n\r\nhello")},
	{name: "digest in capitals", check: get("path /\n digest " + strings.ToUpper(digest("hello"))), serve: says("HTTP/1.0 200 OK\r\n\r\nhello")},
	{name: "digest of chunks", check: get("path /\n digest " + digest("5\r\nhello\r\n0\r\n\r\n")), serve: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")},
	{name: "digest of what is in chunks", check: get("path /\n digest " + digest("hello")), serve: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")},
	{name: "content length in capitals", ours: "10", check: get("path /\n digest " + digest("hello")), serve: says("HTTP/1.0 200 OK\r\nCONTENT-LENGTH: 5\r\n\r\nhello world")},
	{name: "lines end with LF", ours: "10", check: get("path /\n digest " + digest("hello")), serve: says("HTTP/1.0 200 OK\n\nhello")},
	{name: "body of 100 kB", check: get("path /\n digest " + digest(strings.Repeat("x", 100_000))), serve: says("HTTP/1.0 200 OK\r\n\r\n" + strings.Repeat("x", 100_000))},
	{name: "stays on the line after the body", check: get("path /"), serve: staying("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")},
	{name: "stays on the line after an empty body", check: get("path /"), serve: staying("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")},
	{name: "body is cut off", check: get("path /"), serve: says("HTTP/1.0 200 OK\r\nContent-Length: 500\r\n\r\nhello")},
	// Regular expressions.
	{name: "regex", check: get("path /\n regex \"wor[a-z]d\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex not there", check: get("path /\n regex \"wor[0-9]d\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex in the header", ours: "out", check: get("path /\n regex \"Server\""), serve: says("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello world")},
	{name: "regex no match", check: get("path /\n regex \"fault\"\n regex_no_match"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex no match, there", check: get("path /\n regex \"world\"\n regex_no_match"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex caseless", check: get("path /\n regex \"WORLD\"\n regex_options caseless"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex with case", check: get("path /\n regex \"WORLD\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex anchored", check: get("path /\n regex \"^world\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello\nworld")},
	{name: "regex multiline", check: get("path /\n regex \"^world\"\n regex_options multiline"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello\nworld")},
	{name: "regex dot", check: get("path /\n regex \"hello.world\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello\nworld")},
	{name: "regex dotall", check: get("path /\n regex \"hello.world\"\n regex_options dotall"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello\nworld")},
	{name: "regex with two options", check: get("path /\n regex \"^WORLD\"\n regex_options caseless multiline"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello\nworld")},
	{name: "regex extended", check: get("path /\n regex \"hello [ ] world\"\n regex_options extended"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex look ahead", check: get("path /\n regex \"hello(?= world)\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex back reference", check: get("path /\n regex \"(l)\\\\1o\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex class", check: get("path /\n regex \"^w\\\\w+ \\\\d\"\n regex_options multiline"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello\nworld 7")},
	{name: "regex with one backslash", check: get("path /\n regex \"l\\d\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex with a quote", check: get("path /\n regex \"\\\"ok\\\"\""), serve: says("HTTP/1.0 200 OK\r\n\r\n{\"status\": \"ok\"}")},
	{name: "regex with a tab", check: get("path /\n regex \"a\\tb\\x63\\144\""), serve: says("HTTP/1.0 200 OK\r\n\r\na\tbcd")},
	{name: "regex across pieces", check: get("path /\n regex \"hello\""), serve: apart("HTTP/1.0 200 OK\r\n\r\n", "hel", "lo")},
	{name: "regex at the end", ours: "10", check: get("path /\n regex \"world$\""), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world\n")},
	{name: "regex at the very end", check: get("path /\n regex \"world$\"\n regex_options dollar_endonly"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world\n")},
	{name: "regex from offset", ours: "10", check: get("path /\n regex \"o\"\n regex_min_offset 5\n regex_max_offset 8"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex before offset", ours: "out", check: get("path /\n regex \"hello\"\n regex_min_offset 3"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex after offset", check: get("path /\n regex \"world\"\n regex_max_offset 3"), serve: says("HTTP/1.0 200 OK\r\n\r\nhello world")},
	{name: "regex far away", check: get("path /\n regex \"needle\""), serve: says("HTTP/1.0 200 OK\r\n\r\n" + strings.Repeat("x", 9000) + "needle" + strings.Repeat("x", 9000))},
	{name: "regex and nothing", check: get("path /\n regex \"^$\""), serve: says("HTTP/1.0 200 OK\r\n\r\n")},
	{name: "regex no match, nothing", check: get("path /\n regex \"^$\"\n regex_no_match"), serve: says("HTTP/1.0 200 OK\r\n\r\n")},
	{name: "regex and digest", check: get("path /\n regex \"hell\"\n digest " + digest("hello")), serve: says("HTTP/1.0 200 OK\r\n\r\nhello")},
	{name: "regex and wrong digest", check: get("path /\n regex \"hell\"\n digest " + digest("other")), serve: says("HTTP/1.0 200 OK\r\n\r\nhello")},
	// What is asked.
	{name: "host by default", check: get("path /"), serve: wants("HTTP/1.0", "10.9.0.11:PORT", "")},
	{name: "host of the url", check: strings.Replace(get("path /\n virtualhost url.example.org"), "{", "{\n virtualhost check.example.org", 1), serve: wants("HTTP/1.0", "url.example.org", "")},
	{name: "host of the check", check: strings.Replace(get("path /"), "{", "{\n virtualhost check.example.org", 1), serve: wants("HTTP/1.0", "check.example.org", "")},
	{name: "host of the server", check: "virtualhost server.example.org\n" + get("path /"), serve: wants("HTTP/1.0", "server.example.org", "")},
	{name: "protocol 1.0C", check: strings.Replace(get("path /"), "{", "{\n http_protocol 1.0C", 1), serve: wants("HTTP/1.0", "10.9.0.11:PORT", "close")},
	{name: "protocol 1.1", check: strings.Replace(get("path /"), "{", "{\n http_protocol 1.1", 1), serve: wants("HTTP/1.1", "10.9.0.11:PORT", "close")},
	{name: "another host", check: get("path /"), serve: wants("HTTP/1.0", "www.example.org", "")},
	{name: "IPv6", check: get("path /"), serve: wants("HTTP/1.0", "[fd09::11]:PORT", ""), ipv6: true},
	{name: "query", check: get("path /a?b=c&d=%20"), serve: inspecting(func(r *http.Request) bool { return r.RequestURI == "/a?b=c&d=%20" })},
	{name: "user agent", check: get("path /"), serve: inspecting(func(r *http.Request) bool { return r.UserAgent() == "KeepAliveClient" })},
	{name: "two pages", check: "HTTP_GET {\n fast_recovery\n url {\n path /a\n }\n url {\n path /b\n }\n}", serve: inspecting(func(r *http.Request) bool { return r.RequestURI == "/a" || r.RequestURI == "/b" })},
	{name: "two pages, one missing", check: "HTTP_GET {\n fast_recovery\n url {\n path /a\n }\n url {\n path /b\n }\n}", serve: inspecting(func(r *http.Request) bool { return r.RequestURI == "/a" })},
	{name: "two pages, one after the other", check: "HTTP_GET {\n url {\n path /a\n }\n url {\n path /b\n }\n}", serve: inspecting(func(r *http.Request) bool { return r.RequestURI == "/a" || r.RequestURI == "/b" })},
	{name: "two pages, the first missing", check: "HTTP_GET {\n url {\n path /a\n }\n url {\n path /b\n }\n}", serve: inspecting(func(r *http.Request) bool { return r.RequestURI == "/b" })},
	{name: "two pages, each with its host", check: "HTTP_GET {\n virtualhost b.example.org\n url {\n path /a\n virtualhost a.example.org\n }\n url {\n path /b\n }\n}", serve: inspecting(func(r *http.Request) bool { return r.Host == r.RequestURI[1:]+".example.org" })},
	{name: "from an address", check: strings.Replace(get("path /"), "{", "{\n bindto 10.9.0.16", 1), serve: from("10.9.0.16:")},
	{name: "from a port", check: "TCP_CHECK {\n bindto 10.9.0.16\n bind_port 7777\n}", serve: refusing(hello)},
	{name: "another port", check: "TCP_CHECK {\n connect_port 1\n}", serve: refusing(hello)},
	{name: "another address", check: "TCP_CHECK {\n connect_ip 10.9.0.12\n}", serve: refusing(hello)},
	{name: "tcp IPv6", check: "TCP_CHECK {\n}", serve: refusing(hello), ipv6: true},
	// SSL_GET.
	{name: "ssl digest", check: "SSL_GET {\n url {\n path /\n digest " + digest("hello") + "\n }\n}", serve: refusing(secure(page("200 OK", "hello")))},
	{name: "ssl status", check: "SSL_GET {\n url {\n path /\n }\n}", serve: refusing(secure(page("404 Oops", "hello")))},
	{name: "ssl with a name", check: "SSL_GET {\n enable_sni\n url {\n path /\n virtualhost www.example.org\n }\n}", serve: named("www.example.org")},
	{name: "ssl without a name", check: "SSL_GET {\n url {\n path /\n virtualhost www.example.org\n }\n}", serve: named("www.example.org")},
	{name: "ssl with the name of the server", check: "virtualhost server.example.org\nSSL_GET {\n enable_sni\n url {\n path /\n }\n}", serve: named("server.example.org")},
	{name: "ssl goodbye", check: "SSL_GET {\n tls_compliant\n url {\n path /\n }\n}", serve: refusing(secure(page("200 OK", "hello")))},
	{name: "ssl cut off", check: "SSL_GET {\n url {\n path /\n digest " + digest("hello") + "\n }\n}", serve: refusing(abrupt)},
	{name: "ssl 1.2", check: "SSL_GET {\n url {\n path /\n }\n}", serve: version(tls.VersionTLS12)},
	// SMTP_CHECK.
	{name: "smtp lines", ours: "10", check: "SMTP_CHECK {\n}", serve: mailing("220-mx\r\n220 mx", "250-mx\r\n250-SIZE\r\n250 OK", "221 bye")},
	{name: "smtp bare codes", ours: "10", check: "SMTP_CHECK {\n}", serve: mailing("220", "250", "221")},
	{name: "smtp lines at QUIT", check: "SMTP_CHECK {\n}", serve: mailing("220 mx", "250 mx", "221-bye\r\n221 bye")},
	{name: "smtp 251", check: "SMTP_CHECK {\n}", serve: mailing("220 mx", "251 mx", "221 bye")},
	{name: "smtp 550 at QUIT", check: "SMTP_CHECK {\n}", serve: mailing("220 mx", "250 mx", "550 stay")},
	{name: "smtp long code", check: "SMTP_CHECK {\n}", serve: mailing("2200 mx", "250 mx", "221 bye")},
	{name: "smtp LF", check: "SMTP_CHECK {\n}", serve: mailing("220 mx\n\x00", "250 mx\n\x00", "221 bye\n\x00")},
	{name: "smtp word", check: "SMTP_CHECK {\n}", serve: mailing("hello", "250 mx", "221 bye")},
	{name: "smtp mixed codes", check: "SMTP_CHECK {\n}", serve: mailing("421-mx\r\n220 mx", "250 mx", "221 bye")},
	{name: "smtp helo", check: "SMTP_CHECK {\n helo_name lb.example.org\n}", serve: helo("HELO lb.example.org\r\n")},
	{name: "smtp helo by default", check: "SMTP_CHECK {\n}", serve: helo("HELO smtpchecker.keepalived.org\r\n")},
	{name: "smtp closes at QUIT", check: "SMTP_CHECK {\n}", serve: mailing("220 mx", "250 mx")},
	{name: "smtp host", check: "SMTP_CHECK {\n host {\n connect_ip 10.9.0.12\n connect_port PORT\n }\n}", serve: refusing(mailer("220"))},
	{name: "smtp two hosts, one refused", check: "SMTP_CHECK {\n host {\n connect_port PORT\n }\n host {\n connect_port 1\n }\n}", serve: refusing(mailer("220"))},
	// DNS_CHECK.
	{name: "dns SERVFAIL", check: "DNS_CHECK {\n}", serve: closing(resolver(2))},
	{name: "dns NXDOMAIN", check: "DNS_CHECK {\n}", serve: closing(resolver(3))},
	{name: "dns REFUSED", check: "DNS_CHECK {\n}", serve: closing(resolver(5))},
	{name: "dns question", check: "DNS_CHECK {\n type AAAA\n name www.example.org\n}", serve: closing(asked("\x03www\x07example\x03org\x00\x00\x1c\x00\x01"))},
	{name: "dns question by default", check: "DNS_CHECK {\n}", serve: closing(asked("\x00\x00\x06\x00\x01"))},
	{name: "dns question with dot", check: "DNS_CHECK {\n type a\n name example.org.\n}", serve: closing(asked("\x07example\x03org\x00\x00\x01\x00\x01"))},
	{name: "dns question for MX", check: "DNS_CHECK {\n type MX\n name example.org\n}", serve: closing(asked("\x07example\x03org\x00\x00\x0f\x00\x01"))},
	{name: "dns question for TXT", check: "DNS_CHECK {\n type TXT\n name example.org\n}", serve: closing(asked("\x07example\x03org\x00\x00\x10\x00\x01"))},
	{name: "dns wrong id", check: "DNS_CHECK {\n}", serve: closing(changed(0, 0xff))},
	{name: "dns truncated", check: "DNS_CHECK {\n}", serve: closing(changed(2, 0x02))},
	{name: "dns question comes back", check: "DNS_CHECK {\n}", serve: closing(changed(2, 0x80))},
	{name: "dns short answer", check: "DNS_CHECK {\n}", serve: closing(func(in []byte) []byte { return resolver(0)(in)[:7] })},
	{name: "dns header only", check: "DNS_CHECK {\n}", serve: closing(func(in []byte) []byte { return resolver(0)(in)[:12] })},
	// UDP_CHECK.
	{name: "udp silence", check: "UDP_CHECK {\n}", serve: closing(nothing)},
	{name: "udp default payload", check: "UDP_CHECK {\n require_reply\n}", serve: closing(hears("keepalived check - keepalived ch"))},
	{name: "udp payload", ours: "10", check: "UDP_CHECK {\n payload 0a ff\n require_reply\n}", serve: closing(hears("\x0a\xff"))},
	{name: "udp empty reply", check: "UDP_CHECK {\n require_reply\n}", serve: closing(func([]byte) []byte { return []byte{} })},
	{name: "udp reply too short", ours: "out", check: "UDP_CHECK {\n require_reply\n min_reply_length 4\n}", serve: closing(text("yes"))},
	{name: "udp reply too long", ours: "out", check: "UDP_CHECK {\n require_reply\n max_reply_length 2\n}", serve: closing(text("yes"))},
	{name: "udp reply just right", check: "UDP_CHECK {\n require_reply\n min_reply_length 3\n max_reply_length 3\n}", serve: closing(text("yes"))},
	{name: "udp reply with wildcards", check: "UDP_CHECK {\n require_reply 7xxx73\n}", serve: closing(text("yes"))},
	{name: "udp reply with wrong wildcards", check: "UDP_CHECK {\n require_reply 6xxx73\n}", serve: closing(text("yes"))},
	{name: "udp reply of 300 bytes", check: "UDP_CHECK {\n require_reply\n}", serve: closing(text(strings.Repeat("y", 300)))},
	{name: "udp reply of 300 bytes, compared", check: "UDP_CHECK {\n require_reply 79\n}", serve: closing(text(strings.Repeat("y", 300)))},
	{name: "udp reply shorter than min", check: "UDP_CHECK {\n require_reply 79\n min_reply_length 4\n}", serve: closing(text("yes"))},
	{name: "udp reply longer than max", check: "UDP_CHECK {\n require_reply 79\n max_reply_length 2\n}", serve: closing(text("yes"))},
	{name: "udp payload of digits", check: "UDP_CHECK {\n payload 0A99\n require_reply\n}", serve: closing(hears("\x0a\x99"))},
	{name: "udp reply longer than pattern", check: "UDP_CHECK {\n require_reply 79\n}", serve: closing(text("yes"))},
	{name: "udp reply shorter than pattern", check: "UDP_CHECK {\n require_reply 79657321\n}", serve: closing(text("yes"))},
	// MISC_CHECK.
	{name: "misc 0", check: misc(""), serve: writing("0", "")},
	{name: "misc 1", check: misc(""), serve: writing("1", "")},
	{name: "misc 2", check: misc(""), serve: writing("2", "")},
	{name: "misc dynamic 0", check: misc("misc_dynamic"), serve: writing("0", "")},
	{name: "misc dynamic 1", check: misc("misc_dynamic"), serve: writing("1", "")},
	{name: "misc dynamic 2", check: misc("misc_dynamic"), serve: writing("2", "")},
	{name: "misc dynamic 3", check: misc("misc_dynamic"), serve: writing("3", "")},
	{name: "misc dynamic 128", check: misc("misc_dynamic"), serve: writing("128", "")},
	{name: "misc dynamic 254", check: misc("misc_dynamic"), serve: writing("254", "")},
	{name: "misc dynamic 255", check: misc("misc_dynamic"), serve: writing("255", "")},
	{name: "misc killed", check: misc(""), serve: writing("0; kill -9 $$", "")},
	{name: "misc arguments", check: "MISC_CHECK {\n misc_path \"/bin/sh -c 'test \\\"$0\\\" = \\\"a b\\\"' 'a b'\"\n}", serve: writing("0", "")},
	{name: "misc user", check: "MISC_CHECK {\n misc_path \"/usr/bin/test -w /proc/self/oom_score_adj -a ! -w /etc/passwd\"\n user nobody\n}", serve: writing("0", "")},
	{name: "misc two weights", check: misc("misc_dynamic") + "\n" + misc("misc_dynamic"), serve: writing("30", "")},
	{name: "misc and tcp", check: misc("misc_dynamic") + "\nTCP_CHECK {\n connect_port 1\n}", serve: writing("30", "")},
	// FILE_CHECK.
	{name: "file 0", root: trackFile(0), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("0", "")},
	{name: "file 1", root: trackFile(0), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("1", "")},
	{name: "file weight 5", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("5", "")},
	{name: "file weight -5", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("-5", "")},
	{name: "file weight -50", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("-50", "")},
	{name: "file weight 300", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("300", "")},
	{name: "file weight 3 times", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n weight 3\n}", serve: writing("5", "")},
	{name: "file weight reverse", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n weight 3 reverse\n}", serve: writing("2", "")},
	{name: "file far below", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("-2147483648", "")},
	{name: "file word", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("abc", "")},
	{name: "file and misc", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}\n" + misc("misc_dynamic"), serve: writing("7", "")},
	{name: "ping", check: "PING_CHECK {\n}", serve: writing("0", "")},
	{name: "ping IPv6", check: "PING_CHECK {\n}", serve: writing("0", ""), ipv6: true},
	{name: "ping nobody", check: "PING_CHECK {\n connect_ip 10.9.0.99\n}", serve: writing("0", "")},
}

// raw answers a request with these bytes.
func raw(answer func(*bed, *http.Request, net.Conn) string) server {
	return refusing(func(b *bed, c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, answer(b, r, c))
		}
	})
}

// apart sends its pieces one by one.
func apart(pieces ...string) server {
	return refusing(func(_ *bed, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		for i, p := range pieces {
			if i > 0 {
				<-time.After(200 * time.Millisecond)
			}
			io.WriteString(c, p)
		}
	})
}

// staying answers a request and does not hang up.
func staying(answer string) server {
	return raw(func(_ *bed, _ *http.Request, c net.Conn) string {
		io.WriteString(c, answer)
		io.Copy(io.Discard, c)
		return ""
	})
}

func says(answer string) server {
	return raw(func(*bed, *http.Request, net.Conn) string { return answer })
}

func judged(good bool) string {
	if good {
		return "HTTP/1.0 200 OK\r\n\r\n"
	}
	return "HTTP/1.0 500 Oops\r\n\r\n"
}

func inspecting(good func(*http.Request) bool) server {
	return raw(func(_ *bed, r *http.Request, _ net.Conn) string { return judged(good(r)) })
}

func wants(proto, host, connection string) server {
	return raw(func(b *bed, r *http.Request, _ net.Conn) string {
		want := strings.Replace(host, "PORT", fmt.Sprint(b.port), 1)
		return judged(r.Proto == proto && r.Host == want && r.Header.Get("Connection") == connection)
	})
}

func from(addr string) server {
	return raw(func(_ *bed, _ *http.Request, c net.Conn) string {
		return judged(strings.HasPrefix(c.RemoteAddr().String(), addr))
	})
}

// named is good to those who name it in the handshake.
func named(name string) server {
	return refusing(func(b *bed, c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{b.cert}})
		if s.Handshake() == nil {
			page(map[bool]string{true: "200 OK", false: "500 Oops"}[s.ConnectionState().ServerName == name], "")(b, s)
		}
		s.Close()
	})
}

// abrupt ends without a close-notify.
func abrupt(b *bed, c net.Conn) {
	s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{b.cert}})
	if _, err := http.ReadRequest(bufio.NewReader(s)); err == nil {
		io.WriteString(s, "HTTP/1.0 200 OK\r\n\r\nhello")
	}
}

func version(v uint16) server {
	return refusing(func(b *bed, c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{b.cert}, MinVersion: v, MaxVersion: v})
		page("200 OK", "")(b, s)
		s.Close()
	})
}

// mailing says its lines, one for each that it hears. A line that ends with a zero byte
// brings its own end.
func mailing(lines ...string) server {
	return refusing(func(_ *bed, c net.Conn) {
		in := bufio.NewReader(c)
		for _, line := range lines {
			own, ok := strings.CutSuffix(line, "\x00")
			if !ok {
				own = line + "\r\n"
			}
			io.WriteString(c, own)
			if _, err := in.ReadString('\n'); err != nil {
				return
			}
		}
	})
}

func helo(want string) server {
	return refusing(func(_ *bed, c net.Conn) {
		in := bufio.NewReader(c)
		io.WriteString(c, "220 mx\r\n")
		line, _ := in.ReadString('\n')
		io.WriteString(c, map[bool]string{true: "250 mx\r\n", false: "550 who\r\n"}[line == want])
		in.ReadString('\n')
		io.WriteString(c, "221 bye\r\n")
	})
}

// asked is a resolver that wants one question, with recursion.
func asked(want string) func([]byte) []byte {
	return func(in []byte) []byte {
		good := len(in) > 12 && string(in[12:]) == want && binary.BigEndian.Uint16(in[2:]) == 0x0100 && binary.BigEndian.Uint16(in[4:]) == 1
		return resolver(map[bool]byte{true: 0, false: 1}[good])(in)
	}
}

// changed is a resolver with some bits of its answer turned.
func changed(at int, bits byte) func([]byte) []byte {
	return func(in []byte) []byte {
		out := resolver(0)(in)
		out[at] ^= bits
		return out
	}
}

func hears(want string) func([]byte) []byte {
	return func(in []byte) []byte {
		if string(in) != want {
			return nil
		}
		return []byte("yes")
	}
}
