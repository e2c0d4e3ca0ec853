package syntax

import (
	"sort"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// chunk is a line, or the rest of one, that knows where its text was typed.
// Most chunks are a piece of one file; those with replaced text carry segments.
type chunk struct {
	s    string
	file *diag.File // without segs, s is file.Text[off:]
	off  int32
	via  *Origin // how the whole chunk came here
	segs []seg   // sorted by pos; the first starts at or before 0
}

// seg says where the text of a chunk from pos up to the next segment is from.
type seg struct {
	pos   int32     // place in the chunk
	at    diag.Span // typed: where pos was typed; else the whole place it stands for
	typed bool      // each byte was typed in at.File, from at.Start on
	use   diag.Span // of replaced text: the $NAME that it replaces, in the outermost line
	via   *Origin   // of replaced text, if all of a word is from it: where it was used
	def   *Origin   // of replaced text, if a part of a word is from it: where it was defined
}

// verbatim reports whether the chunk is a piece of one file and nothing else.
func (c *chunk) verbatim() bool { return c.segs == nil && c.via == nil }

// from returns the chunk without its first n bytes.
func (c chunk) from(n int) chunk {
	c.s = c.s[n:]
	if c.segs == nil {
		c.off += int32(n)
		return c
	}
	i := c.seg(int32(n))
	segs := make([]seg, len(c.segs)-i)
	for j, g := range c.segs[i:] {
		g.pos -= int32(n)
		segs[j] = g
	}
	c.segs = segs
	return c
}

// to returns the first n bytes of the chunk.
func (c chunk) to(n int) chunk {
	c.s = c.s[:n]
	return c
}

// trim returns the chunk without blanks at both ends.
func (c chunk) trim() chunk {
	from, to := 0, len(c.s)
	for to > 0 && class[c.s[to-1]] == isBlank {
		to--
	}
	for from < to && class[c.s[from]] == isBlank {
		from++
	}
	c.s = c.s[:to]
	if from > 0 {
		return c.from(from)
	}
	return c
}

// seg returns the index of the segment that holds a place.
func (c *chunk) seg(pos int32) int {
	return max(0, sort.Search(len(c.segs), func(i int) bool { return c.segs[i].pos > pos })-1)
}

// span returns where the bytes from a to b were typed, and how they came here.
func (c *chunk) span(a, b int) (diag.Span, *Origin) {
	if c.segs == nil {
		return diag.Span{File: c.file, Start: c.off + int32(a), End: c.off + int32(b)}, c.via
	}
	i, j := c.seg(int32(a)), c.seg(int32(max(a, b-1)))
	if g := &c.segs[i]; i == j && g.typed {
		d := g.at.Start - g.pos
		via := g.via
		if via == nil {
			via = c.via
		}
		return diag.Span{File: g.at.File, Start: d + int32(a), End: d + int32(b)}, via
	}
	var via *Origin
	for k := i; k <= j && via == nil; k++ {
		via = c.segs[k].def
	}
	if via == nil {
		via = c.via
	}
	return c.place(a, i, false).To(c.place(b, j, true)), via
}

// place is where a byte stands in the outermost line; for the end of a range
// the byte before counts.
func (c *chunk) place(pos, i int, end bool) diag.Span {
	g := &c.segs[i]
	if !g.use.IsZero() {
		return g.use
	}
	if !g.typed {
		return g.at
	}
	p := g.at.Start + int32(pos) - g.pos
	if end {
		return diag.Span{File: g.at.File, Start: p - 1, End: p}
	}
	return diag.Span{File: g.at.File, Start: p, End: p + 1}
}

// segments returns the chunk's segments, making one if there is none.
func (c *chunk) segments() []seg {
	if c.segs != nil {
		return c.segs
	}
	return []seg{{at: diag.Span{File: c.file, Start: c.off, End: c.off + int32(len(c.s))}, typed: true}}
}

// splice removes the bytes from a to b and puts others in their place, whose
// segments count from 0.
func (c *chunk) splice(a, b int, s string, with []seg) {
	old := c.segments()
	tail := *c
	tail.segs = old
	segs := make([]seg, 0, len(old)+len(with)+1)
	for _, g := range old {
		if int(g.pos) < a {
			segs = append(segs, g)
		}
	}
	if len(s) > 0 {
		for _, g := range with {
			g.pos += int32(a)
			segs = append(segs, g)
		}
	}
	if b < len(c.s) {
		t := tail.from(b)
		for k, g := range t.segs {
			if k == 0 && g.pos < 0 { // starts within what was cut: begin it at the cut
				if g.typed {
					g.at.Start -= g.pos
				}
				g.pos = 0
			}
			g.pos += int32(a + len(s))
			segs = append(segs, g)
		}
	}
	if len(segs) == 0 {
		segs = old[:1]
	}
	c.s = c.s[:a] + s + c.s[b:]
	c.segs = segs
}
