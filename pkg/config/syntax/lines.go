package syntax

import (
	"iter"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Lines are logical lines. Of a line that stands in a file as it is read, which
// nearly all do, only the place is kept, and it is split into words again each
// time it is asked for: a long configuration then takes little more memory than
// its text.
type Lines struct {
	places []place
	files  []*diag.File // that places are in
	made   []Line       // the lines that no file holds in one piece
}

// place is where a line stands.
type place struct {
	start  int32 // in its file; of a made line: its index
	file   int32 // index of the file, or made
	length uint16
	kind   Kind
}

// made is the file of lines that were made.
const made = -1

// Len is how many lines there are.
func (l *Lines) Len() int { return len(l.places) }

// Kind is what line i is.
func (l *Lines) Kind(i int) Kind { return l.places[i].kind }

// First returns the first n lines.
func (l *Lines) First(n int) *Lines {
	return &Lines{places: l.places[:n:n], files: l.files, made: l.made}
}

// Line returns line i.
func (l *Lines) Line(i int) Line { return l.Read(i, nil) }

// Read returns line i. Its words may be in buf, from its start on.
func (l *Lines) Read(i int, buf []Word) Line {
	p := &l.places[i]
	if p.file == made {
		return l.made[p.start]
	}
	file := l.files[p.file]
	c := chunk{s: file.Text[p.start : int(p.start)+int(p.length)], file: file, off: p.start}
	if p.kind != Plain {
		at, _ := c.span(0, len(c.s))
		return Line{Kind: p.kind, At: at}
	}
	words, _ := split(&c, buf[:0])
	return plain(words, c.s)
}

// plain is the line of some words.
func plain(words []Word, text string) Line {
	return Line{Words: words, Text: text, At: words[0].At.To(words[len(words)-1].At)}
}

// All iterates over the lines and their indexes.
func (l *Lines) All() iter.Seq2[int, Line] {
	return func(yield func(int, Line) bool) {
		for i := range l.places {
			if !yield(i, l.Line(i)) {
				return
			}
		}
	}
}

// Append adds a line, which it keeps.
func (l *Lines) Append(line Line) {
	l.places = append(l.places, place{start: int32(len(l.made)), file: made, kind: line.Kind})
	l.made = append(l.made, line)
}

// typed adds a line that stands in a file as it is read, from start on.
func (l *Lines) typed(kind Kind, file *diag.File, start int32, length int) {
	n := len(l.files) - 1
	if n < 0 || l.files[n] != file {
		if n = slices.Index(l.files, file); n < 0 {
			n = len(l.files)
			l.files = append(l.files, file)
		}
	}
	l.places = append(l.places, place{start: start, file: int32(n), length: uint16(length), kind: kind})
}

// grow makes room for n more lines.
func (l *Lines) grow(n int) { l.places = slices.Grow(l.places, n) }

// split appends the words of a chunk up to a brace to words. It returns how
// many bytes it used.
func split(c *chunk, words []Word) ([]Word, int) {
	for i := 0; ; {
		start, end, next, quoted := word(c.s, i)
		i = next
		if start < 0 {
			return words, i
		}
		w := Word{Text: c.s[start:end], Quoted: quoted}
		w.At, w.Via = c.span(start, end)
		words = append(words, w)
	}
}
