package config

import (
	"math"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Numbers are decimal. A leading blank (within quotes) or + is allowed, a sign
// only where the range reaches below zero.

const (
	maxInt32  = 1<<31 - 1
	maxUint32 = 1<<32 - 1
	maxMicros = 1<<63 - 1 // keepalived's own limit is as far away
)

// digits splits s into its sign, its leading digits and the rest.
func digits(s string) (neg bool, num, rest string) {
	s = strings.TrimLeft(s, " \t")
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return neg, s[:n], s[n:]
}

// atoi converts digits; ok is false if they exceed 18 places.
func atoi(num string) (n int64, ok bool) {
	num = strings.TrimLeft(num, "0")
	if len(num) > 18 {
		return 0, false
	}
	for _, c := range []byte(num) {
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// integer reads w as an integer within low..high and reports what is wrong.
func (d *decoder) integer(w syntax.Word, low, high int64) (int64, bool) {
	neg, num, rest := digits(w.Text)
	if num == "" && w.Text != "" { // "" is 0
		d.err("invalid-number", w, "%q is not a number", w.Text)
		return 0, false
	}
	if rest != "" && !d.tolerate(w, rest) {
		d.err("invalid-number", w, "%q is not a whole number", w.Text)
		d.hintNumber(w.Text, rest)
		return 0, false
	}
	n, ok := atoi(num)
	if neg {
		n = -n
	}
	if !ok || n < low || n > high {
		d.err("number-out-of-range", w, "%s is outside the range %d to %d", strings.TrimSpace(w.Text), low, high)
		return 0, false
	}
	return n, true
}

// tolerate reports whether text behind a number may be ignored: a running
// daemon does that, the test mode does not.
func (d *decoder) tolerate(w syntax.Word, rest string) bool {
	if d.mode != Start || rest[0] == '.' {
		return false
	}
	d.warn("number-trailing-text", w, "the text %q behind the number in %q is ignored", rest, w.Text)
	return true
}

func (d *decoder) hintNumber(text, rest string) {
	switch {
	case strings.HasPrefix(rest, "x") || strings.HasPrefix(rest, "X"):
		d.hint("numbers are decimal here: write it without 0x")
	case rest[0] == '.' || rest[0] == ',':
		d.hint("this keyword takes whole numbers only")
	default:
		d.hint("write only the number: %s", strings.TrimSuffix(text, rest))
	}
}

// micros reads w as a decimal number with at most places decimals and returns
// it in units of 10^-6 (times 10^6/10^scale): seconds for scale 6, and
// milliseconds for scale 3. low and high bound it in microseconds.
func (d *decoder) micros(w syntax.Word, scale int, low, high int64) (time.Duration, bool) {
	neg, whole, rest := digits(w.Text)
	var frac string
	if rest != "" && rest[0] == '.' {
		_, frac, rest = splitDigits(rest[1:])
	}
	if whole == "" && frac == "" && w.Text != "" { // "" is 0
		d.err("invalid-number", w, "%q is not a number", w.Text)
		return 0, false
	}
	if rest != "" && !d.tolerate(w, rest) {
		d.err("invalid-number", w, "%q is not a number", w.Text)
		d.hintDecimal(w.Text, rest, scale)
		return 0, false
	}
	n, ok := atoi(whole)
	if ok = ok && n < 1<<43; !ok || neg && n+boolInt(strings.Trim(frac, "0") != "") > 0 {
		d.rangeError(w, scale, low, high)
		return 0, false
	}
	for i := range scale {
		n *= 10
		if i < len(frac) {
			n += int64(frac[i] - '0')
		}
	}
	if len(frac) > scale {
		d.err("number-too-precise", w, "%s has more than %d decimal places", w.Text, scale)
		if frac[scale] >= '5' {
			n++
		}
	}
	if n < low || n > high {
		d.rangeError(w, scale, low, high)
		return 0, false
	}
	return time.Duration(min(n, int64(math.MaxInt64/time.Microsecond))) * time.Microsecond, true
}

func (d *decoder) rangeError(w syntax.Word, scale int, low, high int64) {
	d.err("number-out-of-range", w, "%s is outside the range %s to %s",
		strings.TrimSpace(w.Text), decimal(low, scale), decimal(high, scale))
}

func (d *decoder) hintDecimal(text, rest string, scale int) {
	v, err := time.ParseDuration(text)
	switch {
	case rest[0] == ',':
		d.hint("the decimal mark is a point: %s", strings.Replace(text, ",", ".", 1))
	case err == nil && scale == 3:
		d.hint("this is in milliseconds: write %s", decimal(v.Microseconds(), 3))
	case err == nil:
		d.hint("this is in seconds: write %s", decimal(v.Microseconds(), 6))
	default:
		d.hint("write only the number: %s", strings.TrimSuffix(text, rest))
	}
}

func splitDigits(s string) (string, string, string) {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return "", s[:n], s[n:]
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// boolean reads a word for true or false.
func boolean(s string) (value, ok bool) {
	switch s {
	case "true", "on", "yes":
		return true, true
	case "false", "off", "no":
		return false, true
	}
	return false, false
}
