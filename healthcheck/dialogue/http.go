package dialogue

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash"
	"net/netip"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// Limits of an answer. Within them nothing is kept but the header, and the
// beginning of the body when a regular expression wants to see it.
const (
	maxHead  = 16 << 10
	maxBody  = 256 << 20
	maxMatch = 4 << 20 // how much of a body a regular expression sees

	// quickMatch is the largest body that a linear regular expression may see
	// on the event loop.
	quickMatch = 16 << 10
)

// httpPlan is what all attempts at one URL share.
type httpPlan struct {
	request []byte
	url     healthcheck.URL
	regex   *pattern
}

func prepareHTTP(ask healthcheck.HTTP, target netip.AddrPort) (Plan, error) {
	if len(ask.URLs) == 0 {
		return Plan{}, fmt.Errorf("%s without url", ask.Keyword())
	}
	plans := make([]httpPlan, len(ask.URLs))
	for i, u := range ask.URLs {
		plans[i] = httpPlan{request: Request(ask.Protocol, u, target), url: u}
		if u.Regex != nil {
			re, err := compile(*u.Regex)
			if err != nil {
				return Plan{}, fmt.Errorf("url %s: %w", u.Path, err)
			}
			plans[i].regex = re
		}
	}
	begin := func(a Attempt) Dialogue { return newHTTP(&plans[a.URL]) }
	return Plan{TLS: ask.TLS, Begin: begin}, nil
}

// Request is what keepalived sends for a URL, byte for byte.
func Request(p healthcheck.HTTPProtocol, u healthcheck.URL, target netip.AddrPort) []byte {
	version, extra := "1.0", ""
	if p == healthcheck.HTTP11 {
		version = "1.1"
	}
	if p != healthcheck.HTTP10 {
		extra = "Connection: close\r\n"
	}
	host := u.Host
	if host == "" {
		host = target.String()
	}
	return fmt.Appendf(nil, "GET %s HTTP/%s\r\nUser-Agent: KeepAliveClient\r\n%sHost: %s\r\n\r\n", u.Path, version, extra, host)
}

// http reads an answer until the server ends the connection, as keepalived does
// and as every request asks it to. The body is what follows the blank line, whatever
// its encoding, and not more than the length announced: so digests stay what they are.
type http struct {
	plan   *httpPlan
	head   []byte // until the blank line; then nil
	inBody bool
	status int
	length int64 // of the body; -1 when it ends with the connection
	got    int64 // of the body
	heard  int64 // after the header
	digest hash.Hash
	body   []byte // for the regular expression
}

func newHTTP(p *httpPlan) *http {
	h := &http{plan: p, length: -1}
	if p.url.Digest != "" {
		h.digest = md5.New()
	}
	return h
}

func (h *http) Open() Turn { return say(h.plan.request) }

func (h *http) Hear(in []byte) Turn {
	if !h.inBody {
		rest, whole, err := h.header(in)
		if err != nil { // keepalived finds a wrong status code in it, too
			return failed(healthcheck.FaultStatus, "%v", err)
		}
		if !whole {
			return Turn{}
		}
		h.inBody, in = true, rest
	}
	h.heard += int64(len(in))
	if h.length >= 0 {
		in = in[:min(int64(len(in)), h.length-h.got)]
	}
	h.got += int64(len(in))
	if h.digest != nil {
		h.digest.Write(in)
	}
	if h.plan.regex != nil {
		h.body = append(h.body, in[:min(len(in), maxMatch-len(h.body))]...)
	}
	if h.heard > maxBody {
		return failed(healthcheck.FaultRead, "a body of more than %d MiB", maxBody>>20)
	}
	return Turn{}
}

// header takes in until the blank line has come, and returns what follows it.
func (h *http) header(in []byte) (rest []byte, whole bool, err error) {
	// Most headers come in one piece: look there before copying anything.
	head := in
	if len(h.head) > 0 {
		h.head = append(h.head, in...)
		head = h.head
	}
	size, end := blankLine(head)
	if size < 0 {
		if len(head) > maxHead {
			return nil, false, fmt.Errorf("a header of more than %d KiB", maxHead>>10)
		}
		if len(h.head) == 0 {
			h.head = append(h.head, in...)
		}
		return nil, false, nil
	}
	h.status, h.length, err = parseHead(head[:size])
	h.head = nil
	return head[end:], true, err
}

// blankLine finds the end of a header: where its last line ends and where the
// body begins. Both are -1 when it is not there yet.
func blankLine(b []byte) (size, end int) {
	crlf, lf := bytes.Index(b, []byte("\r\n\r\n")), bytes.Index(b, []byte("\n\n"))
	switch {
	case crlf >= 0 && (lf < 0 || crlf < lf):
		return crlf, crlf + 4
	case lf >= 0:
		return lf, lf + 2
	}
	return -1, -1
}

// Split cuts a whole answer into its header, with the blank line, and the body
// that a check would see. It fails for what is not HTTP.
func Split(answer []byte) (head, body []byte, err error) {
	size, end := blankLine(answer)
	if size < 0 {
		return nil, nil, fmt.Errorf("not HTTP: %s", quoted(answer))
	}
	_, length, err := parseHead(answer[:size])
	if err != nil {
		return nil, nil, err
	}
	body = answer[end:]
	if length >= 0 && length < int64(len(body)) {
		body = body[:length]
	}
	return answer[:end], body, nil
}

// parseHead reads the two things that matter: the status code and the length
// of the body, -1 if it is not given.
func parseHead(head []byte) (status int, length int64, err error) {
	line, fields, _ := bytes.Cut(head, []byte("\n"))
	status, err = parseStatus(line)
	if err != nil {
		return 0, 0, err
	}
	length = -1
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, []byte("\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(name, []byte("Content-Length")) {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			if err != nil || n < 0 {
				return 0, 0, fmt.Errorf("content length %s", quoted(bytes.TrimSpace(value)))
			}
			length = n
		}
	}
	return status, length, nil
}

// parseStatus reads "HTTP/1.0 200 OK". Others who answer this way, such as
// Shoutcast with "ICY 200 OK", are as welcome.
func parseStatus(line []byte) (int, error) {
	_, rest, ok := bytes.Cut(bytes.TrimRight(line, "\r"), []byte(" "))
	rest = bytes.TrimLeft(rest, " ")
	if !ok || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return 0, fmt.Errorf("not HTTP: %s", quoted(line))
	}
	code, err := strconv.Atoi(string(rest[:3]))
	if err != nil || code < 100 {
		return 0, fmt.Errorf("not HTTP: %s", quoted(line))
	}
	return code, nil
}

func (h *http) Closed() Turn {
	switch {
	case h.inBody:
		return h.judge()
	case len(h.head) > 0:
		return failed(healthcheck.FaultNoData, "connection closed inside the header")
	}
	return failed(healthcheck.FaultNoData, "connection closed without an answer")
}

func (h *http) Silent() healthcheck.Result {
	switch {
	case h.inBody && h.got == h.length:
		return fault(healthcheck.FaultStopped, "connection still open after the body of %d bytes", h.got)
	case h.inBody:
		return fault(healthcheck.FaultStopped, "body stopped after %d bytes", h.got)
	case len(h.head) > 0:
		return fault(healthcheck.FaultStopped, "header stopped after %d bytes", len(h.head))
	}
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}

// judge asks in keepalived's order: status, digest, regular expression.
func (h *http) judge() Turn {
	u := h.plan.url
	if !accepts(u.Status, h.status) {
		t := failed(healthcheck.FaultStatus, "status %d, wanted %s", h.status, wanted(u.Status))
		t.Result.Value = int64(h.status)
		return t
	}
	if h.digest != nil {
		if sum := hex.EncodeToString(h.digest.Sum(nil)); sum != u.Digest {
			return failed(healthcheck.FaultDigest, "digest differs: %s", sum)
		}
	}
	if h.plan.regex == nil {
		return Turn{Done: true, Result: h.passed()}
	}
	if h.plan.regex.linear != nil && len(h.body) <= quickMatch {
		return Turn{Done: true, Result: h.matches()}
	}
	return Turn{Done: true, Judge: h.matches}
}

// matches looks for the regular expression. There is none in nothing, even if it would
// match that.
func (h *http) matches() healthcheck.Result {
	if len(h.body) == 0 {
		if h.plan.url.Regex.NoMatch {
			return h.passed()
		}
		return fault(healthcheck.FaultRegex, "regex has no body to match")
	}
	if err := h.plan.regex.match(h.body); err != nil {
		return fault(healthcheck.FaultRegex, "%v", err)
	}
	return h.passed()
}

// passed tells of a body that was not as long as announced: nothing to call a server
// down for.
func (h *http) passed() healthcheck.Result {
	r := healthcheck.Result{OK: true}
	if h.length >= 0 && h.length != h.heard {
		r.Reason = fmt.Sprintf("content_length (%d) does not match received bytes (%d)", h.length, h.heard)
	}
	return r
}

// accepts reports whether a status code is among those wanted; 200-299 unless
// said otherwise.
func accepts(ranges []healthcheck.StatusRange, code int) bool {
	if len(ranges) == 0 {
		return 200 <= code && code <= 299
	}
	for _, r := range ranges {
		if r.Low <= code && code <= r.High {
			return true
		}
	}
	return false
}

func wanted(ranges []healthcheck.StatusRange) string {
	if len(ranges) == 0 {
		return "200-299"
	}
	var b strings.Builder
	for i, r := range ranges {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d", r.Low)
		if r.High != r.Low {
			fmt.Fprintf(&b, "-%d", r.High)
		}
	}
	return b.String()
}
