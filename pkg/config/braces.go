package config

import (
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// unclosed guesses which blocks lack their closing brace: those that are
// indented deeper than a brace that closes them, where a block further out has
// just that indentation; and those that are open at the end.
func unclosed(lines *syntax.Lines) (blocks []diag.Span) {
	type block struct {
		at     diag.Span // its keyword
		indent int
	}
	var open []block
	for i, l := range lines.All() {
		switch l.Kind {
		case syntax.Open:
			at := l.At
			if i > 0 && lines.Kind(i-1) == syntax.Plain {
				at = lines.Line(i - 1).At
			}
			open = append(open, block{at, indent(at)})
		case syntax.Close:
			n := len(open) - 1
			if n < 0 {
				continue
			}
			if col := indent(l.At); startsLine(l.At) && open[n].indent > col {
				k := n
				for k > 0 && open[k].indent > col {
					k--
				}
				if open[k].indent == col {
					for _, b := range open[k+1:] {
						blocks = append(blocks, b.at)
					}
					n = k
				}
			}
			open = open[:n]
		}
	}
	for _, b := range open {
		blocks = append(blocks, b.at)
	}
	return blocks
}

// indent is how far the line of a span is indented, with tabs of eight.
func indent(at diag.Span) int {
	n := 0
	for _, c := range []byte(lead(at)) {
		switch c {
		case ' ':
			n++
		case '\t':
			n += 8 - n%8
		default:
			return n
		}
	}
	return n
}

// startsLine reports whether nothing but blanks is in front of a span.
func startsLine(at diag.Span) bool { return strings.Trim(lead(at), " \t") == "" }

// lead is what stands in front of a span on its line.
func lead(at diag.Span) string {
	if at.File == nil {
		return ""
	}
	text := at.File.Text[:at.Start]
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// stretch is a piece of a file.
type stretch struct {
	file     *diag.File
	from, to int32
}

// understood is what one process made of blocks without an opening brace.
type understood struct {
	stretches []stretch
	said      map[said]bool // what it complained about
}

// said is a complaint, apart from its words.
type said struct {
	id string
	at diag.Span
}

func (d *decoder) understood() understood {
	u := understood{stretches: d.braceless}
	if len(d.braceless) > 0 {
		u.said = make(map[said]bool, len(d.problems))
		for _, p := range d.problems {
			u.said[said{p.ID, p.At}] = true
		}
	}
	return u
}

// has reports whether the process read the place of a problem without
// complaining.
func (u *understood) has(p *diag.Problem) bool {
	for _, s := range u.stretches {
		if p.At.File == s.file && p.At.Start >= s.from && p.At.Start <= s.to {
			return !u.said[said{p.ID, p.At}]
		}
	}
	return false
}

// quarrels drops problems with braces that follow from another one: what the
// processes say that a block does not concern when its opening brace is
// missing, and a closing brace that is only missing because an opening one is
// too many.
func quarrels(problems []diag.Problem, views []understood, lines *syntax.Lines) []diag.Problem {
	depth, unexpected := 0, 0
	for i := range lines.Len() {
		switch lines.Kind(i) {
		case syntax.Open:
			depth++
		case syntax.Close:
			depth--
		}
	}
	for i := range problems {
		if problems[i].ID == "unexpected-brace" {
			unexpected++
		}
	}
	return slices.DeleteFunc(problems, func(p diag.Problem) bool {
		switch p.ID {
		case "unknown-keyword", "unexpected-brace", "extra-closing-brace":
			return slices.ContainsFunc(views, func(u understood) bool { return u.has(&p) })
		case "missing-closing-brace":
			return unexpected > 0 && unexpected >= depth
		}
		return false
	})
}
