package config

import (
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// named reports whether a block has its name, one word; otherwise it is skipped.
func (d *decoder) named(a *arg) bool {
	if len(a.words) == 1 {
		return true
	}
	if a.given {
		d.err("extra-words", a.words[1], "the name of a %s is one word; the whole block is ignored", a.kw.Name)
		d.hint("remove what stands behind the name, or put it all into double quotes")
		return false
	}
	d.err("missing-name", a.key, "%s needs a name", a.kw.Name)
	d.hint("write: %s NAME {", a.kw.Name)
	return false
}

// nameOrStop is named for the blocks whose missing name ends the reading.
func (d *decoder) nameOrStop(a *arg) bool {
	if !a.given {
		d.missing(a.kw, a)
	}
	return a.given
}

// duplicate reports the second thing of a name; it is skipped.
func (d *decoder) duplicate(a *arg, first diag.Span) bool {
	d.err("duplicate-name", a.words[0], "%s %s is defined already; this one is ignored", a.kw.Name, a.words[0].Text)
	d.note(first, "the first one")
	return false
}
