package config

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func (d *decoder) openChecker(a *arg, kind CheckKind) bool {
	c := d.cells.checker(kind, a.key.At)
	switch kind {
	case CheckHTTP, CheckSSL:
		c.HTTP = &HTTPCheck{}
	case CheckSMTP:
		c.SMTP = &SMTPCheck{Helo: "smtpchecker.keepalived.org"}
	case CheckDNS:
		c.DNS = &DNSCheck{Type: 6, Name: "."}
	case CheckMisc:
		c.Misc = &MiscCheck{}
	case CheckUDP:
		c.UDP = &UDPCheck{MaxReply: DefaultMaxReply}
	case CheckFile:
		c.File = &FileCheck{}
	}
	d.chk = c
	return true
}

// endChecker keeps the checker if it is complete.
func endChecker(d *decoder) {
	c, at := d.chk, syntax.Word{At: d.chk.At}
	d.checkTLS()
	d.chk = nil
	switch c.Kind {
	case CheckMisc:
		var ok bool
		if c.Misc.Command, ok = d.newCommand(c.textAt, c.text); c.Misc.Command == nil {
			if !ok {
				return
			}
			d.err("missing-script", at, "MISC_CHECK has no misc_path; it is ignored")
			d.hint(`write: misc_path "/path/to/program arguments"`)
			return
		}
		if !d.runAs(c.Misc.Command, c.textAt, c.user) {
			return
		}
	case CheckHTTP, CheckSSL:
		if len(c.HTTP.URLs) == 0 {
			d.err("missing-url", at, "the check has no url; it is ignored")
			d.hint("add: url { path / }")
			return
		}
	case CheckBFD:
		if c.BFD == "" {
			d.err("missing-name", at, "BFD_CHECK has no name; it is ignored")
			return
		}
	case CheckFile:
		if c.File.File == "" {
			d.err("missing-file", at, "FILE_CHECK has no track_file; it is ignored")
			return
		}
	case CheckSMTP:
		if len(c.hosts) > 0 {
			for _, h := range c.hosts {
				h.given.inherit(c.given)
				h.SMTP.Helo, h.TLS = c.SMTP.Helo, c.TLS
				d.rs.checkers = append(d.rs.checkers, h)
			}
			return
		}
	}
	if u := c.UDP; u != nil && u.MinReply > u.MaxReply {
		d.err("reply-length", at, "min_reply_length %d is above max_reply_length %d: the check always fails", u.MinReply, u.MaxReply)
	}
	if c.Kind != CheckMisc && c.Kind != CheckBFD && c.Kind != CheckFile && !d.completeTarget(c) {
		return
	}
	d.rs.checkers = append(d.rs.checkers, c)
}

// openHost starts one of the hosts of an old SMTP_CHECK: a check of its own.
func openHost(d *decoder, a *arg) bool {
	d.host = d.chk
	d.chk = &checkerDraft{Checker: &Checker{Kind: CheckSMTP, At: a.key.At, SMTP: &SMTPCheck{}}}
	return true
}

func endHost(d *decoder) {
	if c := d.chk; d.completeTarget(c) {
		d.host.hosts = append(d.host.hosts, c)
	}
	d.chk = d.host
}

func openURL(d *decoder, a *arg) bool {
	d.url = &URL{At: a.key.At}
	return true
}

func endURL(d *decoder) {
	u := d.url
	d.checkRegex()
	if u.Path == "" {
		d.err("missing-path", syntax.Word{At: u.At}, "the url has no path; it is ignored")
		d.hint("add: path /")
		return
	}
	d.chk.HTTP.URLs = append(d.chk.HTTP.URLs, *u)
}

func setHTTPProtocol(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "1.0":
		d.chk.HTTP.Protocol = HTTP10
	case "1.0C", "1.0c":
		d.chk.HTTP.Protocol = HTTP10C
	case "1.1":
		d.chk.HTTP.Protocol = HTTP11
	default:
		d.unknownWord(a.words[0], "1.0", "1.0C", "1.1")
	}
}

func setPath(d *decoder, a *arg) {
	if d.url.Path != "" {
		d.err("duplicate-keyword", a.key, "the url has the path %s already; this one replaces it", d.url.Path)
	}
	d.url.Path = a.text
}

func setDigest(d *decoder, a *arg) {
	w := a.words[0]
	b, err := hex.DecodeString(w.Text)
	if err != nil || len(b) != 16 {
		d.err("invalid-digest", w, "a digest is 32 hexadecimal digits")
		d.hint("holdfast genhash -s SERVER -p PORT -u PATH prints it")
		return
	}
	d.url.Digest, d.url.DigestGiven = [16]byte(b), true
}

func setStatus(d *decoder, a *arg) {
	for _, w := range a.words {
		low, high, both := strings.Cut(w.Text, "-")
		if !both {
			high = low
		}
		n, err1 := strconv.Atoi(low)
		m, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || n < 100 || m > 599 || n > m {
			d.err("invalid-status", w, "%q is not a status code or a range of them", w.Text)
			d.hint("status codes are 100 to 599, ranges such as 200-299")
			continue
		}
		d.url.Status = append(d.url.Status, StatusRange{n, m})
	}
}

func setRegex(d *decoder, a *arg) {
	text, more := a.words[0].Text, a.words[1:]
	if a.kw.IsCommand() { // keepalived reads it as it reads commands
		var ok bool
		if text, more, ok = d.commandLine(a.line); !ok {
			return
		}
		d.lostBackslash(a.words[0], text)
		text = unescape(text)
	}
	if len(more) > 0 {
		d.err("invalid-regex", more[0], "a regular expression is one word")
		d.hint("put it into double quotes")
		return
	}
	if d.url.Regex != "" {
		d.err("duplicate-keyword", a.key, "the url has a regular expression already; this one replaces it")
	}
	d.url.Regex, d.regexAt = text, a.words[0]
}

// lostBackslash warns of a regular expression that means something else than its
// writer thought.
func (d *decoder) lostBackslash(w syntax.Word, text string) {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if i++; strings.IndexByte("dDwWsSBAZzGhHNpPQER", text[i]) >= 0 {
			d.warn("lost-backslash", w, "\\%c is read as %c here, as keepalived does", text[i], text[i])
			d.hint("write the backslash twice: \\\\%c", text[i])
			return
		}
	}
}

// checkRegex reports an expression that cannot be used, once its options are
// known.
func (d *decoder) checkRegex() {
	if d.url.Regex == "" || d.env.Regex == nil {
		return
	}
	if err := d.env.Regex(d.url.Regex, d.url.RegexOptions); err != nil {
		// keepalived finds out when it first checks, so it is no reason to
		// refuse the file.
		d.add(fault{"invalid-regex", diag.Error, diag.None}, d.regexAt, err.Error(), "")
	}
}

var regexOptions = []string{
	"allow_empty_class", "alt_bsux", "auto_callout", "caseless", "dollar_endonly", "dotall", "dupnames", "extended",
	"firstline", "match_unset_backref", "multiline", "never_ucp", "never_utf", "no_auto_capture", "no_auto_possess",
	"no_dotstar_anchor", "no_start_optimize", "ucp", "ungreedy", "utf", "never_backslash_c", "alt_circumflex",
	"alt_verbnames", "use_offset_limit",
}

func setRegexOptions(d *decoder, a *arg) {
	for _, w := range a.words {
		if !slices.Contains(regexOptions, w.Text) {
			d.warn("unknown-regex-option", w, "%q is not an option of a regular expression; it is ignored", w.Text)
			d.hintClosest(w.Text, regexOptions)
			continue
		}
		d.url.RegexOptions = append(d.url.RegexOptions, w.Text)
	}
}

func setRegexOffset(d *decoder, a *arg, to *int) {
	if a.given {
		*to = d.regexNumber(a.words[0])
	}
}

// regexNumber reads a number that keepalived does not check.
func (d *decoder) regexNumber(w syntax.Word) int {
	neg, num, rest := digits(w.Text)
	n, ok := atoi(num)
	if num == "" || rest != "" || neg || !ok || n > maxInt32 {
		d.warn("invalid-regex-number", w, "%q is not a number of bytes; it is ignored", w.Text)
		return 0
	}
	return int(n)
}

func setRegexStack(d *decoder, a *arg) {
	for i, w := range a.words[:min(len(a.words), 2)] {
		d.url.RegexStack[i] = d.regexNumber(w)
	}
}

// dnsTypes are the record types that DNS_CHECK may ask for.
var dnsTypes = map[string]uint16{
	"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "RRSIG": 46, "DNSKEY": 48,
}

func setDNSType(d *decoder, a *arg) {
	t, ok := dnsTypes[strings.ToUpper(a.words[0].Text)]
	if !ok {
		d.unknownWord(a.words[0], "A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY")
		return
	}
	d.chk.DNS.Type = t
}

func setDNSName(d *decoder, a *arg) {
	// keepalived takes a first label of one character for an empty one.
	name := a.words[0].Text
	bad := len(name) > 255 || len(name) > 1 && name[1] == '.'
	for l := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		bad = bad || l == "" && name != "."
	}
	if bad {
		d.err("invalid-dns-name", a.words[0], "%q is not a name that DNS can ask for", name)
		return
	}
	d.chk.DNS.Name = name
}

// setPayload reads hexadecimal digits, blanks between them allowed. None at all leave
// what is sent by default, as keepalived does.
func setPayload(d *decoder, a *arg) {
	data, _, ok := d.hexData(a.words, false)
	if ok && len(data) > 0 {
		d.chk.UDP.Payload, d.chk.UDP.PayloadGiven = data, true
	}
}

func setRequireReply(d *decoder, a *arg) {
	d.chk.UDP.RequireReply = true
	if !a.given {
		return
	}
	data, mask, ok := d.hexData(a.words, true)
	if ok {
		d.chk.UDP.Reply, d.chk.UDP.ReplyMask = data, mask
	}
}

// hexData reads pairs of hexadecimal digits; with wild, x stands for any digit
// and has no bits in the mask.
func (d *decoder) hexData(words []syntax.Word, wild bool) (data, mask []byte, ok bool) {
	half := 0
	for _, w := range words {
		for _, c := range []byte(w.Text) {
			v, m := strings.IndexByte("0123456789abcdef", lower(c)), byte(0xf)
			switch {
			case c == ' ' || c == '\t':
				continue
			case wild && lower(c) == 'x':
				v, m = 0, 0
			case v < 0:
				d.err("invalid-hex", w, "%q is not hexadecimal", w.Text)
				return nil, nil, false
			}
			if half == 0 {
				data, mask = append(data, byte(v)<<4), append(mask, m<<4)
			} else {
				data[len(data)-1] |= byte(v)
				mask[len(mask)-1] |= m
			}
			half ^= 1
		}
	}
	return data, mask, true
}

func setBFDName(d *decoder, a *arg) {
	for _, b := range d.cfg.BFD {
		if b.Name == a.words[0].Text {
			d.chk.BFD = b.Name
			return
		}
	}
	d.err("unknown-track", a.words[0], "there is no bfd_instance %s above this line", a.words[0].Text)
}

func setCheckFile(d *decoder, a *arg) {
	var names []string
	for _, f := range d.cfg.TrackFiles {
		if f.Name == a.text {
			d.chk.File.File = f.Name
			if !d.chk.weightGiven {
				d.chk.File.Weight, d.chk.File.Reverse = f.Weight, f.Reverse
			}
			return
		}
		names = append(names, f.Name)
	}
	d.err("unknown-track", a.words[0], "there is no track_file %s above this line", a.text)
	d.hintClosest(a.text, names)
}

func (d *decoder) fileWeight(a *arg) {
	before := d.chk.File.Weight
	d.weight(a, &d.chk.File.Weight, &d.chk.File.Reverse, maxInt32)
	d.chk.weightGiven = d.chk.weightGiven || d.chk.File.Weight != before
}
