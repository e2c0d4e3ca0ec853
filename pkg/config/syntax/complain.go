package syntax

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// unterminated reports a quote without partner; what follows it is not read.
func (r *reader) unterminated(c chunk, at int) {
	span, via := c.span(at, len(c.s))
	r.problem(diag.Problem{
		ID: "unterminated-quote", Severity: diag.Error, Class: diag.Config, At: span,
		Text: "this quote has no partner on the same line: the rest of the line is lost",
		Hint: `add the closing ", or remove this one; quotes do not reach over lines`,
	}, via)
}

// unreadable reports a line that is too long or has NUL bytes.
func (r *reader) unreadable(c chunk, long bool) {
	at, via := c.span(0, len(c.s))
	if !long {
		nul := strings.IndexByte(c.s, 0)
		at, _ = c.span(nul, nul+1)
		r.problem(diag.Problem{
			ID: "nul-byte", Severity: diag.Error, Class: diag.Config, At: at,
			Text: "this line holds a NUL byte and is not read",
			Hint: "remove it; if there are many, the file may be saved as UTF-16: save it as UTF-8 without a mark",
		}, via)
		return
	}
	if c.off > 0 && c.file.Text[c.off-1] != '\n' {
		return // goes on: said already
	}
	r.problem(diag.Problem{
		ID: "line-too-long", Severity: diag.Error, Class: diag.Config, At: at,
		Text: fmt.Sprintf("this line is longer than %d bytes: that much of it is not read, the rest is taken as lines of their own", maxLine-1),
		Hint: "divide it",
	}, via)
}

// checkRandom reports bounds of ${_RANDOM} that are the wrong way round.
func (r *reader) checkRandom(c *chunk, ref reference) {
	low, high, _ := randomBounds(ref.args)
	if low <= high {
		return
	}
	at, via := c.span(ref.start, ref.end)
	r.problem(diag.Problem{
		ID: "random-bounds", Severity: diag.Error, Class: diag.Config, At: at,
		Text: fmt.Sprintf("the least number, %d, is above the greatest, %d: it is always %[1]d", low, high),
		Hint: fmt.Sprintf("write ${_RANDOM %d %d}", high, low),
	}, via)
}

// tooMuch reports that definitions and generators make too many lines, and
// stops them.
func (r *reader) tooMuch(c chunk) {
	r.made, r.budget = nil, 0
	if slices.ContainsFunc(r.problems, func(p diag.Problem) bool { return p.ID == "too-many-lines" }) {
		return
	}
	at, via := c.span(0, len(c.s))
	r.problem(diag.Problem{
		ID: "too-many-lines", Severity: diag.Error, Class: diag.Config, At: at,
		Text: "definitions and generators make too many lines: the rest of them is not read",
		Hint: "check the bounds of ~SEQ, and that no definition uses itself",
	}, via)
}

// unknownName hints at a name that nobody defined, or that is defined but
// stands where it is not replaced. keepalived takes both as they stand, which
// is right in quoted commands for a shell.
func (r *reader) unknownName(c *chunk, ref reference) {
	if strings.Count(c.s[:ref.start], `"`)%2 == 1 || ref.args != "" {
		return
	}
	if s := c.s[:ref.start]; strings.Contains(s, "~SEQ") || strings.Contains(s, "~LST") {
		return // the generator that starts behind a brace defines it
	}
	at, via := c.span(ref.start, ref.end)
	if d := r.defs[ref.name]; d != nil {
		r.problem(diag.Problem{
			ID: "definition-inside-line", Severity: diag.Warning, At: at,
			Text: fmt.Sprintf("$%s stands for several lines and is replaced only at the end of a line", ref.name),
			Hint: "put what follows it on the next line",
		}, via)
		return
	}
	p := diag.Problem{
		ID: "undefined-name", Severity: diag.Warning, At: at,
		Text: fmt.Sprintf("$%s is not defined and is taken as it stands", ref.name),
		Hint: fmt.Sprintf("define it above with $%s=value, without a blank in front of =", ref.name),
	}
	if ref.braced {
		p.Hint = fmt.Sprintf("define it above with $%s=value; an environment variable is ${_ENV %s}", ref.name, ref.name)
	}
	if near := diag.Suggest(ref.name, slices.Sorted(maps.Keys(r.defs))); near != "" {
		p.Hint = "did you mean $" + near + "?"
	}
	r.problem(p, via)
}

// unreplaced reports a name that is not replaced for lack of room.
func (r *reader) unreplaced(c *chunk, ref reference) {
	at, via := c.span(ref.start, ref.end)
	r.problem(diag.Problem{
		ID: "replaced-too-long", Severity: diag.Error, At: at,
		Text: fmt.Sprintf("with the value of $%s the line would be longer than %d bytes: it is not replaced", ref.name, maxLine),
		Hint: "divide the line, or make a definition of several lines that each end with a backslash",
	}, via)
}

// oddity is a kind of lookalike, and where it was met.
type oddity struct {
	file *diag.File
	what string
}

// lookalikes are the characters that editors and web pages put in the place of
// others; keepalived takes each for a letter.
var lookalikes = map[rune]string{
	'\u00a0': "a no-break space, which is no blank", '\u202f': "a narrow no-break space, which is no blank",
	'\u3000': "a full-width space, which is no blank", '\u200b': "a zero-width space, which is part of the word",
	'\u2060': "a word joiner, which is part of the word", '\ufeff': "a byte order mark, which is part of the word",
	'｛': "a full-width brace, which is no brace", '｝': "a full-width brace, which is no brace",
	'“': "a curly quote, which quotes nothing", '”': "a curly quote, which quotes nothing", '„': "a curly quote, which quotes nothing",
	'＃': "a full-width #, which starts no comment", '！': "a full-width !, which starts no comment",
}

// HasLookalike reports whether a word holds a character that looks like one with
// a meaning, or like none at all.
func HasLookalike(word string) bool {
	return strings.ContainsFunc(word, func(c rune) bool { return c >= 0x80 && lookalikes[c] != "" })
}

// oddCharacters reports lookalikes outside quotes, each kind once in a file.
func (r *reader) oddCharacters(c chunk) {
	quoted := false
	for i, char := range c.s {
		if char == '"' {
			quoted = !quoted
		}
		what, ok := lookalikes[char]
		if !ok || quoted || r.odd[oddity{c.file, what}] {
			continue
		}
		if r.odd == nil {
			r.odd = map[oddity]bool{}
		}
		r.odd[oddity{c.file, what}] = true
		at, via := c.span(i, i+utf8.RuneLen(char))
		p := diag.Problem{
			ID: "lookalike-character", Severity: diag.Warning, At: at,
			Text: fmt.Sprintf("this is %s (U+%04X)", what, char),
			Hint: "replace it by the plain character; the same one may stand at other places too",
		}
		if char == '\ufeff' && at.Start == 0 {
			p.ID, p.Text = "byte-order-mark", "the file starts with a byte order mark, which makes the first word unknown"
			p.Hint = "save the file as UTF-8 without a mark (vim: :set nobomb)"
		}
		r.problem(p, via)
	}
}

// lookOver reports what concerns a file as a whole.
func (r *reader) lookOver(f *diag.File) {
	if strings.IndexByte(f.Text, '\n') >= 0 {
		return
	}
	if i := strings.IndexByte(f.Text, '\r'); i >= 0 && i < len(f.Text)-1 {
		r.problem(diag.Problem{
			ID: "cr-line-ends", Severity: diag.Warning, At: diag.Span{File: f, Start: int32(i), End: int32(i) + 1},
			Text: "the lines of this file end in CR alone, so that it is a single line",
			Hint: `convert it: tr '\r' '\n' < FILE`,
		}, nil)
	}
}
