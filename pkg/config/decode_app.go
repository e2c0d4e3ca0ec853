package config

import (
	"regexp"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// openApp starts a check of one of our own kinds.
func (d *decoder) openApp(a *arg, kind CheckKind) bool {
	d.openChecker(a, kind)
	d.chk.App = &AppCheck{}
	d.url = &d.chk.App.Page
	return true
}

// endApp keeps the check if it is complete.
func endApp(d *decoder) {
	c, at := d.chk, syntax.Word{At: d.chk.At}
	app := c.App
	d.checkRegex()
	d.checkTLS()
	switch {
	case c.Kind == CheckRadius && app.Secret == "":
		d.err("missing-secret", at, "RADIUS_CHECK has no secret; it is ignored")
		return
	case c.Kind == CheckSendExpect && !expects(app.Exchanges):
		d.err("missing-expect", at, "SEND_EXPECT_CHECK expects nothing; it is ignored")
		d.hint("add: expect \"regular expression\"")
		return
	case c.Kind == CheckSIP && c.TLS != nil:
		app.TCP = true
	}
	d.chk = nil
	if d.completeTarget(c) {
		d.rs.checkers = append(d.rs.checkers, c)
	}
}

func expects(all []Exchange) bool {
	for i := range all {
		if all[i].Expect != "" {
			return true
		}
	}
	return false
}

// chkTLS are the TLS settings of the check.
func (d *decoder) chkTLS() *CheckTLS {
	if d.chk.TLS == nil {
		d.chk.TLS = &CheckTLS{}
	}
	return d.chk.TLS
}

// checkTLS drops settings that nothing uses.
func (d *decoder) checkTLS() {
	if t := d.chk.TLS; t != nil && !t.On {
		d.warn("tls-off", syntax.Word{At: d.chk.At}, "there are settings for TLS, but TLS is off")
		d.hint("add: tls")
		d.chk.TLS = nil
	}
}

func setRole(d *decoder, a *arg) {
	switch w := a.words[0]; w.Text {
	case "master", "replica":
		d.chk.App.Role = w.Text
	default:
		d.unknownWord(w, "master", "replica")
	}
}

func setSIPTransport(d *decoder, a *arg) {
	switch w := a.words[0]; w.Text {
	case "udp", "tcp":
		d.chk.App.TCP = w.Text == "tcp"
	default:
		d.unknownWord(w, "udp", "tcp")
	}
}

// pair is a name and the rest of the line.
func (d *decoder) pair(a *arg) (name, value string, ok bool) {
	if !d.need(a.words, 1) {
		return "", "", false
	}
	rest := make([]string, 0, len(a.words)-1)
	for _, w := range a.words[1:] {
		rest = append(rest, w.Text)
	}
	return strings.TrimSuffix(a.words[0].Text, ":"), strings.Join(rest, " "), true
}

func addHeader(d *decoder, a *arg, to *[]Header) {
	name, value, ok := d.pair(a)
	if !ok {
		return
	}
	if to == &d.chk.App.Expect && !d.goodRegex(a.words[1], value) {
		return
	}
	*to = append(*to, Header{name, value})
}

func addJSON(d *decoder, a *arg) {
	if path, value, ok := d.pair(a); ok {
		d.chk.App.JSON = append(d.chk.App.JSON, JSONValue{path, value})
	}
}

func (d *decoder) exchange(e Exchange) { d.chk.App.Exchanges = append(d.chk.App.Exchanges, e) }

func addSendHex(d *decoder, a *arg) {
	if data, _, ok := d.hexData(a.words, false); ok {
		d.exchange(Exchange{Send: data})
	}
}

func addExpect(d *decoder, a *arg) {
	if d.goodRegex(a.words[0], a.text) {
		d.exchange(Exchange{Expect: a.text})
	}
}

func setReject(d *decoder, a *arg) {
	all := d.chk.App.Exchanges
	if len(all) == 0 || all[len(all)-1].Expect == "" {
		d.err("reject-without-expect", a.key, "reject belongs to an expect on the line above")
		return
	}
	if d.goodRegex(a.words[0], a.text) {
		all[len(all)-1].Reject = a.text
	}
}

// goodRegex reports whether a regular expression of ours, which is RE2, can be
// used.
func (d *decoder) goodRegex(w syntax.Word, text string) bool {
	if _, err := regexp.Compile(text); err != nil {
		d.err("invalid-regex", w, "%v", err)
		return false
	}
	return text != ""
}

// unescapeText resolves the escapes of text to send.
func unescapeText(d *decoder, a *arg) []byte {
	s := a.text
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '0':
			out = append(out, 0)
		case '\\', '"':
			out = append(out, s[i])
		case 'x':
			data, _, ok := d.hexData([]syntax.Word{{Text: s[i+1 : min(i+3, len(s))], At: a.words[0].At, Via: a.words[0].Via}}, false)
			if !ok {
				return nil
			}
			out = append(out, data...)
			i += 2
		default:
			out = append(out, '\\', s[i])
		}
	}
	return out
}
