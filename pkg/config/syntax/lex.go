package syntax

import "strings"

// blanks are what separates words. keepalived takes all that the C library
// calls space, which makes a lone CR a blank too.
const blanks = " \t\r\f\v"

// The classes of bytes that reading a line has to look at.
const (
	isBlank   = 1 << iota // separates words
	isBrace               // { or }
	isQuote               // "
	isComment             // # or !
	isEscape              // a backslash, which protects # and !
	isSpecial             // $ ~ @: the line may be more than it seems
	isOdd                 // NUL or not ASCII
)

var class = func() (t [256]uint8) {
	for _, c := range blanks {
		t[c] = isBlank
	}
	t['{'], t['}'] = isBrace, isBrace
	t['"'] = isQuote
	t['#'], t['!'] = isComment, isComment
	t['\\'] = isEscape
	t['$'], t['~'], t['@'] = isSpecial, isSpecial, isSpecial
	t[0] = isOdd
	for c := 0x80; c < 0x100; c++ {
		t[c] = isOdd
	}
	return t
}()

// lineEnd returns how many bytes the physical line at the start of s takes,
// without and with its line end. keepalived reads lines into a buffer of 1024
// bytes: a line that does not fit is not read at all, and what is behind the
// first 1023 bytes of it is a line of its own.
func lineEnd(s string) (text, whole int, long bool) {
	n := strings.IndexByte(s[:min(len(s), maxLine)], '\n')
	switch {
	case n >= 0:
		return n, n + 1, false
	case len(s) >= maxLine:
		return maxLine, maxLine, true
	}
	return len(s), len(s), false
}

// maxLine is the length from which on a line is too long.
const maxLine = 1023

// scan looks over a line once: where its comment starts (or -1), the place of
// a quote without partner (or -1), whether \# or \! occurs before the comment,
// and the union of its classes there.
func scan(s string) (comment, unpaired int, escaped bool, seen uint8) {
	quote := -1
	for i := 0; i < len(s); i++ {
		c := class[s[i]]
		if c == 0 {
			continue
		}
		switch c {
		case isQuote:
			if quote < 0 {
				quote = i
			} else {
				quote = -1
			}
		case isComment:
			if quote < 0 {
				if i == 0 || s[i-1] != '\\' {
					return i, -1, escaped, seen
				}
				escaped = true
			}
		}
		seen |= c
	}
	return -1, quote, escaped, seen
}

// word finds the next word of s from i on: its text is s[start:end], and the
// search for the one after it goes on at next. At a brace or the end of s it
// returns start < 0 and where it stopped. A quote without partner ends the
// line before it.
func word(s string, i int) (start, end, next int, quoted bool) {
	for i < len(s) && class[s[i]] == isBlank {
		i++
	}
	switch {
	case i == len(s), class[s[i]] == isBrace:
		return -1, -1, i, false
	case s[i] == '"':
		n := strings.IndexByte(s[i+1:], '"')
		if n < 0 {
			return -1, -1, len(s), false
		}
		return i + 1, i + 1 + n, i + n + 2, true
	}
	start = i
	for i < len(s) && class[s[i]]&(isBlank|isBrace|isQuote) == 0 {
		i++
	}
	return start, i, i, false
}

// glue removes the blanks in front of a backslash that ends a line: keepalived
// takes it off, to see whether a definition goes on, and puts it back behind
// the last word.
func glue(c *chunk) {
	s := strings.TrimRight(c.s, blanks)
	head, ok := strings.CutSuffix(s, `\`)
	if trimmed := strings.TrimRight(head, blanks); ok && trimmed != "" && len(trimmed) < len(head) {
		c.splice(len(trimmed), len(head), "", nil)
	}
}

// unescape removes the backslash of \# and \! outside quotes.
func unescape(c *chunk) {
	quoted := false
	for i := 0; i < len(c.s); i++ {
		switch {
		case c.s[i] == '"':
			quoted = !quoted
		case class[c.s[i]] == isComment && !quoted && i > 0 && c.s[i-1] == '\\':
			c.splice(i-1, i, "", nil)
			i--
		}
	}
}
