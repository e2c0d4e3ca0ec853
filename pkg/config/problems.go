package config

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// fault is one kind of problem: every problem of a kind shares its id, its
// severity and what it means for the exit status.
type fault struct {
	ID       string
	Severity diag.Severity
	Class    diag.Class
}

func mistake(id string) fault { return fault{id, diag.Error, diag.Config} }

// add reports a problem at a word.
func (d *decoder) add(f fault, w syntax.Word, text, hint string) {
	if len(d.problems) >= maxProblems && d.problems[maxProblems-1].Class >= f.Class {
		return
	}
	if hint == "" {
		hint = remedy(f.ID)
	}
	d.problems = append(d.problems, diag.Problem{
		ID: f.ID, Severity: f.Severity, Class: f.Class, At: w.At, Text: text, Hint: hint, Notes: w.Via.Notes(),
	})
}

// maxProblems bounds how many problems one process reports: behind that many,
// only graver ones are.
const maxProblems = 10_000

// err reports an ordinary error at a word.
func (d *decoder) err(id string, w syntax.Word, format string, args ...any) {
	d.add(mistake(id), w, fmt.Sprintf(format, args...), "")
}

// adjusted reports a value that is put right and used. keepalived's test counts
// that, but a reload need not be refused for it.
func (d *decoder) adjusted(id string, w syntax.Word, format string, args ...any) {
	d.add(fault{id, diag.Warning, diag.Config}, w, fmt.Sprintf(format, args...), "")
}

// hint adds advice to the problem reported last.
func (d *decoder) hint(format string, args ...any) {
	d.problems[len(d.problems)-1].Hint = fmt.Sprintf(format, args...)
}

// note adds another place to the problem reported last.
func (d *decoder) note(at diag.Span, format string, args ...any) {
	if at.IsZero() {
		return
	}
	p := &d.problems[len(d.problems)-1]
	p.Notes = append(p.Notes, diag.Note{At: at, Text: fmt.Sprintf(format, args...)})
}

// info reports something that changes neither the exit status nor the meaning.
func (d *decoder) info(id string, w syntax.Word, format string, args ...any) {
	d.add(fault{id, diag.Info, diag.None}, w, fmt.Sprintf(format, args...), "")
}

// warn reports a footgun that only we notice.
func (d *decoder) warn(id string, w syntax.Word, format string, args ...any) {
	d.add(fault{id, diag.Warning, diag.None}, w, fmt.Sprintf(format, args...), "")
}

// at reports an ordinary error at a span.
func (d *decoder) at(id string, at diag.Span, format string, args ...any) {
	d.err(id, syntax.Word{At: at}, format, args...)
}

// warnAt reports a footgun at a span.
func (d *decoder) warnAt(id string, at diag.Span, format string, args ...any) {
	d.warn(id, syntax.Word{At: at}, format, args...)
}
