package config

import (
	"strings"
)

// splitCommand splits a command line as keepalived does: blanks separate,
// '…' and "…" group, and a backslash escapes.
func splitCommand(s string) (argv []string, ok bool) {
	var word strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			in = true
			i += escape(&word, s[i+1:])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, in = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if in {
				argv = append(argv, word.String())
				word.Reset()
				in = false
			}
		default:
			in = true
			word.WriteByte(c)
		}
	}
	if in {
		argv = append(argv, word.String())
	}
	return argv, quote == 0
}

// unescape resolves the escapes of text that is not split.
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i += escape(&out, s[i+1:])
		} else {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// escape writes the character that the text behind a backslash stands for and
// returns how long that text is.
func escape(to *strings.Builder, s string) int {
	if i := strings.IndexByte("abEfnrtv", s[0]); i >= 0 {
		to.WriteByte("\a\b\x1b\f\n\r\t\v"[i])
		return 1
	}
	number := func(s string, base, most int) (n, used int) {
		for used < len(s) && used < most {
			v := strings.IndexByte("0123456789abcdef", lower(s[used]))
			if v < 0 || v >= base {
				break
			}
			n = n*base + v
			used++
		}
		return n, used
	}
	switch {
	case s[0] == 'x':
		if n, used := number(s[1:], 16, 2); used > 0 {
			to.WriteByte(byte(n))
			return used + 1
		}
	case s[0] == 'c' && len(s) > 1:
		to.WriteByte(s[1] & 0x1f)
		return 2
	case '0' <= s[0] && s[0] <= '7':
		n, used := number(s, 8, 3)
		to.WriteByte(byte(n))
		return used
	}
	to.WriteByte(s[0])
	return 1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}
