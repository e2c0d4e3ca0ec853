// Package diag holds what a configuration's readers say about it: problems,
// each pointing at the bytes the operator typed, and their rendering.
package diag

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// File is one configuration file as it was read. It must not be copied once a
// Span points into it.
type File struct {
	Name string // as the operator would name it
	Text string // every byte of the file, or what of it was read

	lines []int32 // offset of each line's first byte, built when first asked for
}

// Span is a half-open range of bytes in a file. The zero Span is nowhere:
// problems that belong to no place in a file (a missing file) carry it.
type Span struct {
	File       *File
	Start, End int32
}

// Severity says how much a problem matters to the operator.
type Severity uint8

// The severities, in rising order.
const (
	Info Severity = iota
	Warning
	Error
)

func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	default:
		return "error"
	}
}

// Class is what keepalived's test mode derives its exit status from.
type Class uint8

// The classes of keepalived's test mode. None never changes its exit status:
// it is the class of everything that only we notice.
const (
	None     Class = iota
	Missing        // a keyword without its argument: reading stops there, status 2
	Fatal          // the daemon could not run, status 4 if nothing of a later class occurred
	Config         // an ordinary error, warning or deprecated word, status 5
	Security       // a script that would run as root unguarded, status 6
	Include        // an include that its check forbids to fail, status 6
	Ends           // the test ends here as if all was well, status 0 unless an argument or an include is missing
)

var classNames = [...]string{"none", "missing", "fatal", "config", "security", "include", "ends"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("Class(%d)", uint8(c))
}

// Problem is one thing to tell the operator.
type Problem struct {
	ID       string // stable and documented, such as "unknown-keyword"
	Severity Severity
	Class    Class
	At       Span   // what the operator typed
	Text     string // what is wrong, in the operator's words
	Hint     string // what to do about it, if we know
	Notes    []Note // other places that explain it
}

// Note points at a place that helps to understand a problem.
type Note struct {
	At   Span
	Text string
}

// ExitStatus is the status with which keepalived's test mode ends after these
// problems: 0, 2, 4, 5 or 6.
func ExitStatus(problems []Problem) int {
	var seen [len(classNames)]bool
	for i := range problems {
		if c := problems[i].Class; int(c) < len(seen) {
			seen[c] = true
		}
	}
	switch {
	case seen[Missing]:
		return 2
	case seen[Include]:
		return 6
	case seen[Ends]:
		return 0
	case seen[Security]:
		return 6
	case seen[Config]:
		return 5
	case seen[Fatal]:
		return 4
	}
	return 0
}

// Sort orders problems by file (in the order in which the files first appear
// among them), then by place, keeping the order of those at the same place.
// Problems without a place come first.
func Sort(problems []Problem) {
	rank := make(map[*File]int)
	for i := range problems {
		f := problems[i].At.File
		if _, ok := rank[f]; f != nil && !ok {
			rank[f] = len(rank) + 1
		}
	}
	sort.SliceStable(problems, func(i, j int) bool {
		a, b := problems[i].At, problems[j].At
		if a.File != b.File {
			return rank[a.File] < rank[b.File]
		}
		return a.Start < b.Start
	})
}

// Count returns how many of the problems are errors, warnings and infos.
func Count(problems []Problem) (errors, warnings, infos int) {
	for i := range problems {
		switch problems[i].Severity {
		case Error:
			errors++
		case Warning:
			warnings++
		default:
			infos++
		}
	}
	return
}

// IsZero reports whether the span is nowhere.
func (s Span) IsZero() bool { return s.File == nil }

// Text returns the bytes of the span.
func (s Span) Text() string {
	if s.File == nil {
		return ""
	}
	return s.File.Text[s.Start:s.End]
}

// To returns the span from the start of s to the end of t. When they lie in
// different files, or t is nowhere, it is s.
func (s Span) To(t Span) Span {
	if s.File != t.File || t.End < s.End {
		return s
	}
	return Span{s.File, s.Start, t.End}
}

// Line returns the line number of the span's start, counted from 1.
func (s Span) Line() int {
	line, _ := s.File.Position(int(s.Start))
	return line
}

// String is "file:line:column", or "" for a span that is nowhere.
func (s Span) String() string {
	if s.File == nil {
		return ""
	}
	line, col := s.File.Position(int(s.Start))
	return fmt.Sprintf("%s:%d:%d", s.File.Name, line, col)
}

// Position returns the line and the column of an offset, both counted from 1;
// columns count characters, not bytes.
func (f *File) Position(offset int) (line, column int) {
	if f == nil {
		return 0, 0
	}
	offset = min(max(offset, 0), len(f.Text))
	f.index()
	line = sort.Search(len(f.lines), func(i int) bool { return int(f.lines[i]) > offset })
	return line, utf8.RuneCountInString(f.Text[f.lines[line-1]:offset]) + 1
}

// Offset returns the offset of a line and column as Position counts them; it
// is clamped to the file.
func (f *File) Offset(line, column int) int {
	f.index()
	line = min(max(line, 1), len(f.lines))
	at := int(f.lines[line-1])
	for i := range f.LineText(line) {
		if column--; column <= 0 {
			return at + i
		}
	}
	return at + len(f.LineText(line))
}

// LineText returns the text of a line (counted from 1) without its line end.
func (f *File) LineText(line int) string {
	f.index()
	if line < 1 || line > len(f.lines) {
		return ""
	}
	start, end := int(f.lines[line-1]), len(f.Text)
	if line < len(f.lines) {
		end = int(f.lines[line]) - 1
	}
	return strings.TrimSuffix(f.Text[start:end], "\r")
}

func (f *File) index() {
	if f.lines != nil {
		return
	}
	f.lines = slices.Grow(f.lines, strings.Count(f.Text, "\n")+1)
	f.lines = append(f.lines, 0)
	for i := 0; ; {
		n := strings.IndexByte(f.Text[i:], '\n')
		if n < 0 {
			return
		}
		i += n + 1
		f.lines = append(f.lines, int32(i))
	}
}
