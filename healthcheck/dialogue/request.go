package dialogue

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// requestPlan is an HTTP_CHECK made ready.
type requestPlan struct {
	ask    healthcheck.HTTPRequest
	first  place
	fields [][2]string // of the header
	expect []expectedField
	regex  *pattern
}

// place is what is asked for; redirects change it.
type place struct{ method, scheme, path, host, body string }

type expectedField struct {
	name  string
	value *regexp.Regexp
}

func prepareRequest(ask healthcheck.HTTPRequest, target netip.AddrPort) (Plan, error) {
	if ask.Method == "" {
		ask.Method = "GET"
	}
	p := &requestPlan{ask: ask}
	if err := p.compile(); err != nil {
		return Plan{}, err
	}
	plan := Plan{TLS: ask.TLS, Begin: func(Attempt) Dialogue { return &request{plan: p, to: p.first} }}
	scheme := "http"
	if ask.TLS != nil {
		scheme = "https"
	}
	p.first = place{method: ask.Method, scheme: scheme, path: orSlash(ask.Path), host: orTarget(ask.Host, target), body: ask.Body}
	p.fields = [][2]string{{"user-agent", "holdfast"}, {"accept", "*/*"}}
	if ask.Username != "" {
		secret := base64.StdEncoding.EncodeToString([]byte(ask.Username + ":" + ask.Password))
		p.fields = append(p.fields, [2]string{"authorization", "Basic " + secret})
	}
	for _, h := range ask.Headers {
		p.fields = append(p.fields, [2]string{h.Name, h.Value})
	}
	for _, f := range append(p.fields, [2]string{ask.Method, orSlash(ask.Path) + ask.Host}) {
		if strings.ContainsAny(f[0]+f[1], "\r\n\x00") {
			return Plan{}, fmt.Errorf("HTTP_CHECK: %q has a line break", f[0])
		}
	}
	if ask.HTTP2 && ask.TLS != nil {
		with := *ask.TLS
		with.ALPN = []string{"h2"}
		plan.TLS = &with
	}
	return plan, nil
}

func (p *requestPlan) compile() error {
	for _, h := range p.ask.Expect {
		re, err := regexp.Compile(h.Value)
		if err != nil {
			return fmt.Errorf("header %s: %w", h.Name, err)
		}
		p.expect = append(p.expect, expectedField{strings.ToLower(h.Name), re})
	}
	if p.ask.Regex != nil {
		re, err := compile(*p.ask.Regex)
		if err != nil {
			return err
		}
		p.regex = re
	}
	return nil
}

// http1 is a request in HTTP/1.1.
func (p *requestPlan) http1(to place) []byte {
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", to.method, to.path, to.host)
	for _, f := range p.fields {
		b = fmt.Appendf(b, "%s: %s\r\n", f[0], f[1])
	}
	if to.body != "" {
		b = fmt.Appendf(b, "content-length: %d\r\n", len(to.body))
	}
	return append(append(b, "\r\n"...), to.body...)
}

// http2 is the same for HTTP/2, whose names are in lower case.
func (p *requestPlan) http2(to place, h *h2) []byte {
	fields := [][2]string{{":method", to.method}, {":scheme", to.scheme}, {":path", to.path}, {":authority", to.host}}
	for _, f := range p.fields {
		fields = append(fields, [2]string{strings.ToLower(f[0]), f[1]})
	}
	if to.body == "" {
		return h.request(fields, nil)
	}
	return h.request(append(fields, [2]string{"content-length", strconv.Itoa(len(to.body))}), []byte(to.body))
}

// request is an HTTP_CHECK under way.
type request struct {
	plan      *requestPlan
	to        place
	redirects int // followed

	response
}

// maxInterim is how many interim answers may precede one.
const maxInterim = 10

// response is what has come of an answer.
type response struct {
	h2      h2
	head    []byte
	inBody  bool
	interim int // answers before the real one
	status  int
	fields  []healthcheck.Header // names in lower case
	length  int64                // -1: until the end
	chunks  *chunks              // nil if the body is not chunked
	body    []byte
}

func (r *request) Open() Turn {
	r.response = response{length: -1}
	if !r.plan.ask.HTTP2 {
		return say(r.plan.http1(r.to))
	}
	r.h2.header = func(name, value string) {
		if name == ":status" {
			r.status, _ = strconv.Atoi(value)
		} else {
			r.fields = append(r.fields, healthcheck.Header{Name: name, Value: value})
		}
	}
	r.h2.data = r.take
	return say(r.plan.http2(r.to, &r.h2))
}

func (r *response) take(b []byte) { r.body = append(r.body, b[:min(len(b), maxMatch-len(r.body))]...) }

func (r *request) Hear(in []byte) Turn {
	if r.plan.ask.HTTP2 {
		out, ended, err := r.h2.hear(in)
		switch {
		case err != nil:
			return failed(healthcheck.FaultRead, "%v", err)
		case !ended:
			return say(out)
		}
		return r.judge()
	}
	if !r.inBody {
		r.head = append(r.head, in...)
		size, end := blankLine(r.head)
		switch {
		case size < 0 && len(r.head) > maxHead:
			return failed(healthcheck.FaultRead, "a header of more than %d KiB", maxHead>>10)
		case size < 0:
			return Turn{}
		}
		if err := r.header(r.head[:size]); err != nil {
			return failed(healthcheck.FaultRead, "%v", err)
		}
		if r.status < 200 && r.status != 101 { // an interim answer: the real one follows
			if r.interim++; r.interim > maxInterim {
				return failed(healthcheck.FaultRead, "more than %d interim answers", maxInterim)
			}
			rest := bytes.Clone(r.head[end:])
			r.head, r.fields = nil, nil
			if len(rest) == 0 {
				return Turn{}
			}
			return r.Hear(rest)
		}
		r.inBody, in, r.head = true, r.head[end:], nil
	}
	if r.chunks != nil {
		r.chunks.hear(in, r.take)
	} else {
		r.take(in)
	}
	if r.whole() {
		return r.judge()
	}
	return Turn{}
}

// whole reports whether nothing more of the body is to come, or to be kept.
func (r *request) whole() bool {
	return r.to.method == "HEAD" || len(r.body) == maxMatch ||
		r.chunks != nil && r.chunks.done || r.length >= 0 && int64(len(r.body)) >= r.length
}

func (r *request) header(head []byte) (err error) {
	if r.status, r.length, err = parseHead(head); err != nil {
		return err
	}
	if r.status == 204 || r.status == 304 || r.status == 101 {
		r.length = 0
	}
	_, fields, _ := bytes.Cut(head, []byte("\n"))
	for _, line := range bytes.Split(fields, []byte("\n")) {
		name, value, ok := strings.Cut(string(line), ":")
		if !ok {
			continue
		}
		h := healthcheck.Header{Name: strings.ToLower(strings.TrimSpace(name)), Value: strings.TrimSpace(value)}
		r.fields = append(r.fields, h)
		if h.Name == "transfer-encoding" && strings.EqualFold(h.Value, "chunked") {
			r.chunks, r.length = &chunks{}, -1
		}
	}
	return nil
}

func (r *request) Closed() Turn {
	switch {
	case r.inBody:
		return r.judge()
	case len(r.head) == 0:
		return failed(healthcheck.FaultNoData, "connection closed without an answer")
	}
	return failed(healthcheck.FaultRead, "connection closed inside the header")
}

func (r *request) Silent() healthcheck.Result {
	if r.inBody {
		return fault(healthcheck.FaultReadTimeout, "body stopped after %d bytes", len(r.body))
	}
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}

// judge looks at the status, the header, and then the body.
func (r *request) judge() Turn {
	ask := r.plan.ask
	if r.redirected() {
		return Turn{Again: true}
	}
	if !accepts(ask.Status, r.status) {
		t := failed(healthcheck.FaultStatus, "status %d, wanted %s", r.status, wanted(ask.Status))
		t.Result.Value = int64(r.status)
		return t
	}
	for _, want := range r.plan.expect {
		if err := r.has(want); err != nil {
			return failed(healthcheck.FaultReply, "%v", err)
		}
	}
	if r.length >= 0 && int64(len(r.body)) > r.length {
		r.body = r.body[:r.length]
	}
	if len(ask.JSON) == 0 && r.plan.regex == nil {
		return passed()
	}
	return Turn{Done: true, Judge: r.bodyIsGood}
}

func (r *request) has(want expectedField) error {
	for _, f := range r.fields {
		if f.Name == want.name && want.value.MatchString(f.Value) {
			return nil
		}
	}
	return fmt.Errorf("no header %s: %s", want.name, want.value)
}

func (r *request) bodyIsGood() healthcheck.Result {
	if len(r.plan.ask.JSON) > 0 {
		var doc any
		if err := json.Unmarshal(r.body, &doc); err != nil {
			return fault(healthcheck.FaultReply, "body is not JSON: %v", err)
		}
		for _, want := range r.plan.ask.JSON {
			got, err := lookup(doc, want.Path)
			if err != nil {
				return fault(healthcheck.FaultReply, "JSON %s: %v", want.Path, err)
			}
			if got != want.Value {
				return fault(healthcheck.FaultReply, "JSON %s is %s, wanted %q", want.Path, quoted([]byte(got)), want.Value)
			}
		}
	}
	if r.plan.regex != nil {
		if err := r.plan.regex.match(r.body); err != nil {
			return fault(healthcheck.FaultRegex, "%v", err)
		}
	}
	return healthcheck.Result{OK: true}
}

var errNotThere = errors.New("not there")

// lookup finds the value at a path, as text.
func lookup(doc any, path string) (string, error) {
	for _, name := range strings.Split(strings.TrimPrefix(path, "."), ".") {
		switch at := doc.(type) {
		case map[string]any:
			v, ok := at[name]
			if !ok {
				return "", errNotThere
			}
			doc = v
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return "", errNotThere
			}
			doc = at[i]
		default:
			return "", errNotThere
		}
	}
	switch v := doc.(type) {
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	text, err := json.Marshal(doc)
	return string(text), err
}
