package dialogue

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// pattern is a compiled regular expression of keepalived's language, PCRE2.
// What Go's engine understands the same way runs in linear time; the rest
// (look-around, back references, the meaning of $) in one that backtracks,
// with a limit on its time.
type pattern struct {
	linear *regexp.Regexp
	back   *regexp2.Regexp
	ask    healthcheck.Regex
	utf    bool
}

// backtracking limits one match of the engine that backtracks.
const backtracking = time.Second

// CheckRegex says why a regular expression cannot be used, or nil.
func CheckRegex(r healthcheck.Regex) error {
	_, err := compile(r)
	return err
}

func compile(r healthcheck.Regex) (*pattern, error) {
	p := &pattern{ask: r}
	has := func(option string) bool { return slices.Contains(r.Options, option) }
	p.utf = has("utf")
	if !has("extended") && !has("firstline") && r.MinOffset == 0 && (!strings.Contains(r.Pattern, "$") || has("dollar_endonly")) {
		flags := ""
		for _, o := range []struct{ name, flag string }{{"caseless", "i"}, {"multiline", "m"}, {"dotall", "s"}, {"ungreedy", "U"}} {
			if has(o.name) {
				flags += o.flag
			}
		}
		if flags != "" {
			flags = "(?" + flags + ")"
		}
		if re, err := regexp.Compile(flags + r.Pattern); err == nil {
			p.linear = re
			return p, nil
		}
	}
	if has("ungreedy") {
		return nil, fmt.Errorf("regex %q: ungreedy is not supported together with what this expression uses", r.Pattern)
	}
	var opts regexp2.RegexOptions
	for _, o := range []struct {
		name string
		opt  regexp2.RegexOptions
	}{
		{"caseless", regexp2.IgnoreCase},
		{"multiline", regexp2.Multiline},
		{"dotall", regexp2.Singleline},
		{"extended", regexp2.IgnorePatternWhitespace},
		{"no_auto_capture", regexp2.ExplicitCapture},
	} {
		if has(o.name) {
			opts |= o.opt
		}
	}
	text := posixClasses.Replace(r.Pattern)
	if has("dollar_endonly") {
		text = strings.ReplaceAll(text, "$", `\z`)
	}
	if !p.utf {
		text = string(runes([]byte(text), false))
	}
	re, err := regexp2.Compile(text, opts)
	if err != nil {
		return nil, fmt.Errorf("regex %q: %w", r.Pattern, err)
	}
	re.MatchTimeout = backtracking
	p.back = re
	return p, nil
}

// posixClasses spells out [[:digit:]] and its like, which regexp2 misreads.
var posixClasses = strings.NewReplacer(
	"[:alnum:]", "0-9A-Za-z", "[:alpha:]", "A-Za-z", "[:blank:]", ` \t`, "[:cntrl:]", `\x00-\x1f\x7f`,
	"[:digit:]", "0-9", "[:graph:]", "!-~", "[:lower:]", "a-z", "[:print:]", " -~",
	"[:punct:]", `!-/:-@\[-`+"`"+`{-~`, "[:space:]", `\s`, "[:upper:]", "A-Z", "[:word:]", `\w`, "[:xdigit:]", "0-9A-Fa-f",
)

// match reports whether body is as the check wants it.
func (p *pattern) match(body []byte) error {
	start, err := p.find(body)
	if err != nil {
		return err
	}
	if start >= 0 && p.ask.MaxOffset > 0 && start > p.ask.MaxOffset {
		start = -1
	}
	switch {
	case start >= 0 && p.ask.NoMatch:
		return fmt.Errorf("regex matches at byte %d, but must not", start)
	case start < 0 && !p.ask.NoMatch:
		return fmt.Errorf("regex does not match the body of %d bytes", len(body))
	}
	return nil
}

// find returns where the first match starts, or -1.
func (p *pattern) find(body []byte) (int, error) {
	if p.linear != nil {
		if loc := p.linear.FindIndex(body); loc != nil {
			return loc[0], nil
		}
		return -1, nil
	}
	if p.ask.MinOffset > len(body) {
		return -1, nil
	}
	// Without the utf option a byte is a character, for offsets too.
	m, err := p.back.FindRunesMatchStartingAt(runes(body, p.utf), p.ask.MinOffset)
	if err != nil {
		return -1, fmt.Errorf("regex took longer than %v", backtracking)
	}
	if m == nil {
		return -1, nil
	}
	if slices.Contains(p.ask.Options, "firstline") {
		if nl := strings.IndexByte(string(body), '\n'); nl >= 0 && m.Index > nl {
			return -1, nil
		}
	}
	return m.Index, nil
}

func runes(b []byte, utf bool) []rune {
	if utf {
		return []rune(string(b))
	}
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return r
}
