package config

import (
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// arg is a keyword's arguments, read as its declaration says.
type arg struct {
	kw    *Keyword
	line  *syntax.Line
	key   syntax.Word
	words []syntax.Word // behind the keyword
	given bool          // there is at least one

	n    int64         // Int
	dur  time.Duration // Seconds, Millis
	on   bool          // Bool
	text string        // Text
	addr netip.Addr    // Addr
	cmd  *Command      // Exec
}

// first is the first argument, or the keyword itself: something to point at.
func (a *arg) first() syntax.Word {
	if len(a.words) > 0 {
		return a.words[0]
	}
	return a.key
}

// value reads the arguments as the declaration says; false means that there is
// nothing to take.
func (d *decoder) value(k *Keyword, l *syntax.Line, a *arg) bool {
	if !a.given {
		switch {
		case k.Takes == Flag || k.Optional:
			return true
		case k.Takes == Bool:
			a.on = true
			return true
		}
		d.missing(k, a)
		return false
	}
	if k.Alone && len(a.words) > 1 {
		d.err("extra-words", a.words[1], "%s takes one word; the line is ignored", k.Name)
		return false
	}
	w := a.words[0]
	var ok bool
	switch k.Takes {
	case Bool:
		if a.on, ok = boolean(w.Text); !ok {
			d.err("invalid-boolean", w, "%q is neither true nor false", w.Text)
			d.hint("write true, on, yes, false, off or no, or nothing for true")
		}
	case Int:
		a.n, ok = d.integer(w, k.Min, k.Max)
	case Seconds:
		a.dur, ok = d.micros(w, 6, k.Min, k.Max)
	case Millis:
		a.dur, ok = d.micros(w, 3, k.Min, k.Max)
	case Text:
		a.text, ok = w.Text, true
	case Addr:
		a.addr, ok = d.address(w)
	case Exec:
		a.cmd, ok = d.command(l, a)
	default:
		ok = true
	}
	return ok
}

// missing reports a keyword without its argument. Most of them end the reading
// at once.
func (d *decoder) missing(k *Keyword, a *arg) {
	f := fault{"missing-argument", diag.Error, diag.Missing}
	if k.Lax {
		f.Class = diag.Config
	} else {
		d.stop()
	}
	d.add(f, a.key, k.Name+" needs an argument", "write: "+k.Name+" "+k.Synopsis())
}

// need reports the argument i of a line as missing if it is; reading stops then.
func (d *decoder) need(words []syntax.Word, i int) bool {
	if i < len(words) {
		return true
	}
	w := words[len(words)-1]
	d.add(fault{"missing-argument", diag.Error, diag.Missing}, w, "something is missing behind "+w.Text, "")
	d.stop()
	return false
}

// address reads an IP address; an IPv6 one may not carry a zone. A prefix
// length or the end of a range behind it is passed over, as keepalived does.
func (d *decoder) address(w syntax.Word) (netip.Addr, bool) {
	text, rest := w.Text, ""
	if n := strings.IndexAny(text, "/-"); n >= 0 {
		text, rest = text[:n], text[n:]
	}
	addr, ok := parseAddr(text)
	switch {
	case !ok:
		d.err("invalid-address", w, "%q is not an IP address", w.Text)
		d.hintAddress(w.Text)
	case rest != "":
		d.warn("address-trailing-text", w, "only one address can stand here: %s is meant, and %q is ignored", addr, rest)
		d.hint("write %s", addr)
	}
	return addr, ok
}

func parseAddr(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	return addr, true
}
