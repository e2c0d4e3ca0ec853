package config

import (
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Element is a keyword of a configuration, or a line of values, as the process
// that acts on it reads it.
type Element struct {
	Keyword  *Keyword // nil for a line of values
	Line     int      // place in Tree.Lines
	End      int      // that of the block's closing brace; 0 if there is none
	Children []*Element
}

// Elements reads the lines once more and returns how the processes go through
// them: the keywords of the top level with what is inside, in the order of the
// file, and the words that are no keywords where they stand. Keywords of a
// block that is refused are among them, though they have no effect. Braces
// that belong to no keyword are left out.
func (r *Reading) Elements() (elements []*Element, unknown []syntax.Word) {
	said := map[diag.Span]bool{}
	for _, role := range [...]Role{Parent, VRRP, Checkers, BFD} {
		rec := &recorder{open: []*Element{{}}}
		d := newDecoder(r.Tree, role, r.mode, r.env)
		d.record, d.goesOn = rec, true
		d.read()
		for _, e := range rec.open[0].Children {
			if owner(e.Keyword) == role {
				elements = append(elements, e)
			}
		}
		for _, w := range rec.unknown {
			if !said[w.At] {
				said[w.At] = true
				unknown = append(unknown, w)
			}
		}
	}
	slices.SortStableFunc(elements, func(a, b *Element) int { return a.Line - b.Line })
	return elements, unknown
}

// owner is the process whose understanding of a keyword of the top level counts.
func owner(k *Keyword) Role {
	for _, role := range [...]Role{BFD, VRRP, Checkers} {
		if k.Role&role != 0 {
			return role
		}
	}
	return Parent
}

// recorder keeps what a decoder comes by; a nil one keeps nothing.
type recorder struct {
	open    []*Element // the blocks being read; the first is the top level
	unknown []syntax.Word
}

// add keeps a keyword or, without one, a line of values.
func (r *recorder) add(k *Keyword, line int) {
	if r == nil {
		return
	}
	in := r.open[len(r.open)-1]
	in.Children = append(in.Children, &Element{Keyword: k, Line: line})
}

// enter begins the block of the keyword added last.
func (r *recorder) enter() {
	if r == nil {
		return
	}
	in := r.open[len(r.open)-1].Children
	r.open = append(r.open, in[len(in)-1])
}

// leave ends a block at a closing brace.
func (r *recorder) leave(end int) {
	if r == nil {
		return
	}
	r.open[len(r.open)-1].End = end
	r.open = r.open[:len(r.open)-1]
}

// lost keeps a word that is no keyword.
func (r *recorder) lost(w syntax.Word) {
	if r != nil {
		r.unknown = append(r.unknown, w)
	}
}

// What a refused block is read into; an unnamed one has an empty name.
func scratchVirtual(d *decoder, at syntax.Word) { d.vs = new(cells).virtual(at.At) }

func scratchReal(d *decoder, at syntax.Word) {
	d.rs = &realDraft{RealServer: &RealServer{At: at.At}}
}

func scratchServerGroup(d *decoder, name syntax.Word) {
	d.serverGroup = &ServerGroup{Name: name.Text, At: name.At}
}

func scratchTrackPing(d *decoder, at syntax.Word) {
	d.newInstance(syntax.Word{Text: d.inst.Name, At: d.inst.At})
	d.inst.TrackPing = &TrackPing{}
}

// refuse passes over a block that has no effect, reading it for its mistakes
// alone. It ends at the brace that matches its opening one.
func (d *decoder) refuse(k *Keyword, a *arg, depth int) {
	from, open := d.pos, d.open
	d.skipBlock()
	if d.pos == from || d.stopped || k.scratch == nil || d.open > open {
		return // there is no block, or nobody knows where it ends
	}
	cfg, s := *d.cfg, *d
	s.cfg, s.g = &cfg, &cfg.Global
	s.lines, s.pos, s.problems = d.lines.First(d.pos), from+1, nil
	s.goesOn, s.refused = true, true
	k.scratch(&s, a.first())
	s.record.enter()
	s.serial++
	s.blocks = append(s.blocks, reading{kw: k, at: a.key.At, serial: s.serial, line: from - 1})
	for s.pos < s.lines.Len() {
		if k.Takes == Sub {
			s.block(k.Block, depth+1)
		} else {
			s.items(k)
		}
	}
	s.record.leave(d.pos - 1)
	d.serial, d.pending, d.astray, d.ahead = s.serial, s.pending, s.astray, s.ahead
	for _, p := range s.problems[:min(len(s.problems), max(0, maxProblems-len(d.problems)))] {
		p.Class = diag.None // keepalived does not look here
		d.problems = append(d.problems, p)
	}
}
