package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Renderer writes problems for people. The zero Renderer writes plain text.
type Renderer struct {
	Colour bool // with ANSI colours, for a terminal
}

// maxWidth is how much of a source line is shown at most, in characters.
const maxWidth = 140

// Write writes the problems, one paragraph each:
//
//	keepalived.conf:2:14: error: priority must be 1 to 255, not 300 [number-range]
//	    2 |     priority 300
//	      |              ^^^
//	  help: 255 is for the address owner
func (r Renderer) Write(w io.Writer, problems []Problem) error {
	var b strings.Builder
	for i := range problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		r.problem(&b, &problems[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Text renders one problem.
func (r Renderer) Text(p Problem) string {
	var b strings.Builder
	r.problem(&b, &p)
	return b.String()
}

func (r Renderer) problem(b *strings.Builder, p *Problem) {
	if !p.At.IsZero() {
		b.WriteString(r.paint(bold, p.At.String()+": "))
	}
	b.WriteString(r.paint(severityColour[min(p.Severity, Error)], p.Severity.String()+": "))
	b.WriteString(r.paint(bold, Printable(p.Text)))
	if p.ID != "" {
		b.WriteString(r.paint(faint, " ["+p.ID+"]"))
	}
	b.WriteByte('\n')
	r.source(b, p.At, severityColour[min(p.Severity, Error)])
	if p.Hint != "" {
		for i, line := range strings.Split(Printable(p.Hint), "\n") {
			b.WriteString([]string{"  help: ", "        "}[min(i, 1)] + line + "\n")
		}
	}
	for _, n := range p.Notes {
		b.WriteString("  note: ")
		if !n.At.IsZero() {
			b.WriteString(n.At.String() + ": ")
		}
		b.WriteString(Printable(n.Text) + "\n")
		r.source(b, n.At, faint)
	}
}

// source writes the source line of a span and carets under it.
func (r Renderer) source(b *strings.Builder, at Span, colour string) {
	if at.IsZero() {
		return
	}
	line, column := at.File.Position(int(at.Start))
	text := at.File.LineText(line)
	shown, lead, carets := excerpt(text, column-1, utf8.RuneCountInString(firstLine(at.Text())))
	if strings.TrimSpace(shown) == "" {
		return
	}
	number := strconv.Itoa(line)
	gutter := strings.Repeat(" ", max(5, len(number)))
	fmt.Fprintf(b, "%s | %s\n", gutter[len(number):]+number, shown)
	fmt.Fprintf(b, "%s | %s%s\n", gutter, lead, r.paint(colour, strings.Repeat("^", carets)))
}

func firstLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i]
	}
	return s
}

// excerpt returns what to show of a line whose characters from column on
// (counted from 0) are to be underlined, the blanks that lead to them, and how
// many carets to draw. Lines wider than maxWidth are cut around the place.
func excerpt(text string, column, length int) (shown, lead string, carets int) {
	runes := []rune(text)
	column = min(column, len(runes))
	end := min(column+max(length, 1), len(runes))
	from, to := 0, len(runes)
	if to > maxWidth {
		from = max(0, min(column-maxWidth/3, to-maxWidth))
		to = min(to, from+maxWidth)
		end = min(end, to)
	}
	var show, pad strings.Builder
	if from > 0 {
		show.WriteString("… ")
		pad.WriteString("  ")
	}
	for i, c := range runes[from:to] {
		c = visible(c)
		show.WriteRune(c)
		if from+i >= column {
			continue
		}
		if c != '\t' { // a tab stays, so that carets stand where the word does
			c = ' '
		}
		pad.WriteRune(c)
	}
	if to < len(runes) {
		show.WriteString(" …")
	}
	return strings.TrimRight(show.String(), " \t"), pad.String(), max(1, end-column)
}

// visible replaces characters that cannot be seen by ones that can: whoever
// pasted a no-break space from a web page has to be shown it.
func visible(c rune) rune {
	switch {
	case c == '\t', c == ' ':
		return c
	case c == '\u00a0', c == '\u3000', unicode.Is(unicode.Zs, c):
		return '⍽'
	case c < ' ':
		return '␀' + c
	case c == 0x7f:
		return '␡'
	case !unicode.IsPrint(c):
		return '�'
	}
	return c
}

// Printable replaces what a terminal would not show, or would obey, by a
// visible character; line ends stay.
func Printable(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x7f || s[i] < ' ' && s[i] != '\n' {
			return strings.Map(func(c rune) rune {
				if c == '\n' {
					return c
				}
				return visible(c)
			}, s)
		}
	}
	return s
}

const (
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	reset = "\x1b[0m"
)

var severityColour = [...]string{Info: "\x1b[1;36m", Warning: "\x1b[1;33m", Error: "\x1b[1;31m"}

func (r Renderer) paint(colour, s string) string {
	if !r.Colour {
		return s
	}
	return colour + s + reset
}

type jsonSpan struct {
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

type jsonNote struct {
	jsonSpan
	Text string `json:"text"`
}

type jsonProblem struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Class    string `json:"class"`
	jsonSpan
	Text  string     `json:"text"`
	Hint  string     `json:"hint,omitempty"`
	Notes []jsonNote `json:"notes,omitempty"`
}

func spanToJSON(s Span) jsonSpan {
	if s.IsZero() {
		return jsonSpan{}
	}
	j := jsonSpan{File: s.File.Name}
	j.Line, j.Column = s.File.Position(int(s.Start))
	j.EndLine, j.EndColumn = s.File.Position(int(s.End))
	return j
}

// MarshalJSON gives file, line, column, end_line and end_column (counted from
// 1, in characters, the end exclusive) instead of byte offsets.
func (p Problem) MarshalJSON() ([]byte, error) {
	j := jsonProblem{
		ID: p.ID, Severity: p.Severity.String(), Class: p.Class.String(),
		jsonSpan: spanToJSON(p.At), Text: p.Text, Hint: p.Hint,
	}
	for _, n := range p.Notes {
		j.Notes = append(j.Notes, jsonNote{spanToJSON(n.At), n.Text})
	}
	return json.Marshal(j)
}
