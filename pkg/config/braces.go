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

// strayed reports a keyword of a block further out that stands in this one
// because this one is not closed: the file has more opening braces than closing
// ones, and the keyword is not indented deeper than the block. It is said once
// for a block; everything else about braces follows from it.
func (d *decoder) strayed(w syntax.Word) bool {
	n := len(d.blocks) - 1
	if n < 0 || d.preview || len(d.astray) > maxAdvice || indent(w.At) > indent(d.blocks[n].at) || d.surplus() <= 0 {
		return false
	}
	outer, k := n, (*Keyword)(nil)
	for k == nil && outer >= 0 {
		b := &rootBlock
		if outer--; outer >= 0 {
			b = d.blocks[outer].kw.Block
		}
		k = b.Lookup(w.Text)
	}
	if k == nil {
		return false
	}
	end := d.blockEnd(d.pos)
	d.astray = append(d.astray, stretch{w.At.File, w.At.Start, end.End})
	if d.blocks[n].astray {
		return true
	}
	for i := outer + 1; i <= n; i++ {
		d.blocks[i].astray = true
	}
	at := d.blocks[n].at
	for _, b := range unclosed(d.lines) {
		if b.File == at.File && b.Start > at.Start && b.End <= w.At.Start {
			at = b
		}
	}
	if at != d.blamed {
		d.blamed = at
		name := strings.Fields(at.Text())[0]
		d.err("unclosed-block", w, "%s begins before %s is closed", w.Text, name)
		d.hint("write the closing brace of %s in front of this line", name)
		d.note(at, "the block that is not closed")
	}
	if outer < 0 {
		d.lookAhead(k, d.pos-1)
	}
	return true
}

// misread tells what follows from an unknown keyword with a block: its opening
// brace does not count, so each closing brace up to the end of the block of the
// top level closes a block too early. That is said once, instead of what is
// wrong with each line then.
func (d *decoder) misread(meant string) {
	if d.pos >= d.lines.Len() || d.lines.Kind(d.pos) != syntax.Open || len(d.astray) > maxAdvice {
		return
	}
	if d.preview {
		d.skipBlock()
		return
	}
	from, end := d.lines.Line(d.pos).At, d.blockEnd(d.pos)
	root, line := rootBlock.Lookup(meant), d.pos-1
	if len(d.blocks) > 0 {
		outer := &d.blocks[0]
		root, line = outer.kw, outer.line
		if e := d.blockEnd(outer.line + 1); e.File == end.File && e.End > end.End {
			end = e
		}
		if outer.astray {
			root = nil
		}
		outer.astray = true
	}
	d.astray = append(d.astray, stretch{from.File, from.Start, end.End})
	d.note(end, "up to here nothing is read as it is meant")
	if root != nil {
		d.lookAhead(root, line)
	}
}

// ended is a block and where it ended.
type ended struct {
	kw *Keyword
	at diag.Span // the brace
}

// leftOut reports a closing brace in the middle of a block of the top level:
// what stands behind it belongs to the block, and there are more closing braces
// than opening ones. All up to the second one follows from it.
func (d *decoder) leftOut(w syntax.Word) bool {
	c := d.closed
	if len(d.blocks) > 0 || c.kw == nil || c.kw.Block.Lookup(w.Text) == nil || len(d.astray) > maxAdvice || d.surplus() >= 0 {
		return false
	}
	d.closed = ended{}
	end, open := d.pos, 0
	for ; end < d.lines.Len() && open >= 0; end++ {
		switch d.lines.Kind(end) {
		case syntax.Open:
			open++
		case syntax.Close:
			open--
		}
	}
	d.astray = append(d.astray, stretch{c.at.File, c.at.End, d.lines.Line(end - 1).At.End})
	d.at("extra-closing-brace", c.at, "this brace closes %s, but what follows belongs to it", c.kw.Name)
	d.hint("remove it")
	d.note(w.At, "this belongs into %s", c.kw.Name)
	return true
}

// surplus is how many more opening braces than closing ones there are.
func (d *decoder) surplus() int {
	if d.balance == nil {
		n := depth(d.lines)
		d.balance = &n
	}
	return *d.balance
}

// depth is how many blocks are open behind the last line.
func depth(lines *syntax.Lines) (n int) {
	for i := range lines.Len() {
		switch lines.Kind(i) {
		case syntax.Open:
			n++
		case syntax.Close:
			n--
		}
	}
	return n
}

// blockEnd is the end of the block that begins at a line, or of the one before
// that if none does.
func (d *decoder) blockEnd(line int) diag.Span {
	ahead := decoder{lines: d.lines, pos: line}
	ahead.skipBlock()
	return d.lines.Line(ahead.pos - 1).At
}

// lookAhead reads the block of the top level that begins at a line as it will
// be read once the braces are in order, for what else is wrong with it.
func (d *decoder) lookAhead(k *Keyword, line int) {
	if k.Takes != Sub && k.Takes != Items {
		return
	}
	p := &decoder{lines: d.lines, pos: line, end: d.end, role: k.Role, mode: d.mode, env: d.env, cfg: &Config{}, preview: true}
	p.cfg.Global = defaultGlobal(d.env)
	p.g, p.account = &p.cfg.Global, d.account
	l := p.next()
	a := arg{kw: k, line: l, key: l.Words[0], words: l.Words[1:], given: len(l.Words) > 1}
	p.enter(k, &a, 0)
	for _, problem := range p.problems {
		switch problem.ID {
		case "unknown-track", "unknown-track-group", "missing-closing-brace": // what was defined above is not known here
			continue
		}
		problem.Class = diag.None // the processes do not see it yet
		d.ahead = append(d.ahead, problem)
	}
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

func (s *stretch) holds(at diag.Span) bool {
	return at.File == s.file && at.Start >= s.from && at.Start <= s.to
}

// understood is what one process made of blocks without an opening brace.
type understood struct {
	stretches []stretch
	said      map[said]bool // what it complained about
	astray    []stretch
}

// said is a complaint, apart from its words.
type said struct {
	id string
	at diag.Span
}

func (d *decoder) understood() understood {
	u := understood{stretches: d.braceless, astray: d.astray}
	if len(d.braceless) > 0 {
		u.said = make(map[said]bool, len(d.problems))
		for _, p := range d.problems {
			u.said[said{p.ID, p.At}] = true
		}
	}
	return u
}

// has reports whether the process read the place of a problem without
// complaining, or knows why it is in disorder.
func (u *understood) has(p *diag.Problem) bool {
	for _, s := range u.stretches {
		if s.holds(p.At) {
			return !u.said[said{p.ID, p.At}]
		}
	}
	return slices.ContainsFunc(u.astray, func(s stretch) bool { return s.holds(p.At) })
}

// quarrels drops problems with braces that follow from another one: what the
// processes say that a block does not concern when its opening brace is
// missing, and a closing brace that is only missing because an opening one is
// too many.
func quarrels(problems []diag.Problem, views []understood, lines *syntax.Lines) []diag.Problem {
	unexpected, unclosed := 0, false
	for i := range problems {
		switch problems[i].ID {
		case "unexpected-brace":
			unexpected++
		case "unclosed-block":
			unclosed = true
		}
	}
	depth := depth(lines)
	return slices.DeleteFunc(problems, func(p diag.Problem) bool {
		switch p.ID {
		case "unknown-keyword", "unexpected-brace", "extra-closing-brace":
			return slices.ContainsFunc(views, func(u understood) bool { return u.has(&p) })
		case "missing-closing-brace":
			return unclosed || unexpected > 0 && unexpected >= depth
		}
		return false
	})
}
