package config

import (
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// decoder reads the logical lines as one process does: each process knows all
// keywords, but follows only the blocks that concern it and skips the others
// by counting braces. With braces in disorder the processes may therefore
// understand a file differently, as they do in keepalived.
type decoder struct {
	lines *syntax.Lines
	pos   int             // next line
	line  syntax.Line     // the one being read
	buf   [16]syntax.Word // its words: whoever keeps them copies them
	end   diag.Span
	role  Role
	mode  Mode
	env   *Env

	cfg      *Config
	problems []diag.Problem
	stopped  bool // an argument was missing: nothing further is read
	goesOn   bool // read on nevertheless
	refused  bool // what is being read has no effect
	open     int  // blocks still open at the end of the file
	unopened int  // blocks closed by a brace that were not opened by one

	blocks    []reading      // the blocks being read
	serial    int            // of the block entered last
	braceless []stretch      // blocks without an opening brace
	astray    []stretch      // what stands in a block only because that is not closed
	closed    ended          // of the top level
	blamed    diag.Span      // the block last said not to be closed
	ahead     []diag.Problem // of what is astray, once it is not
	balance   *int           // see surplus
	preview   bool           // what is read is only looked at, as if braces were in order

	pending map[*Keyword]bool // without effect, and said so
	record  *recorder

	state // what is being read
}

// read decodes everything below the top level.
func (d *decoder) read() {
	d.block(&rootBlock, 0)
	if d.open > 0 && !d.stopped {
		f := mistake("missing-closing-brace")
		if d.open <= d.unopened { // there are as many of either kind
			f.Class = diag.None
		}
		d.add(f, syntax.Word{At: d.end}, plural(d.open, "closing brace is", "closing braces are")+" missing at the end of the file", "")
		for _, at := range unclosed(d.lines) {
			d.note(at, "the block that begins here is not closed")
		}
	}
}

// block reads keywords of b up to the closing brace of a block, or, at depth
// 0, to the end.
func (d *decoder) block(b *Block, depth int) {
	for d.pos < d.lines.Len() && !d.stopped {
		l := d.next()
		switch l.Kind {
		case syntax.Open:
			d.err("unexpected-brace", syntax.Word{At: l.At, Via: l.Via}, "this opening brace follows no keyword that takes a block")
			d.hint("put the block's keyword in front of it, or remove the brace")
			if d.pos > 1 && d.lines.Kind(d.pos-2) == syntax.Plain {
				d.hint("the word in front of it takes no block here: what is inside is read as if the brace were not there")
			}
		case syntax.Close:
			if depth > 0 {
				if depth == 1 {
					d.closed = ended{d.blocks[0].kw, l.At}
				}
				return
			}
			d.err("extra-closing-brace", syntax.Word{At: l.At, Via: l.Via}, "this closing brace closes nothing")
			d.hint("remove it, or look for an opening brace missing above")
		default:
			d.keyword(b, l, depth)
		}
	}
	if depth > 0 && !d.stopped {
		d.open++
	}
}

// next reads the next line, which stays valid until it is called again.
func (d *decoder) next() *syntax.Line {
	d.line = d.lines.Read(d.pos, d.buf[:0])
	d.pos++
	return &d.line
}

// keyword reads one keyword, and its block if it has one.
func (d *decoder) keyword(b *Block, l *syntax.Line, depth int) {
	k := b.Lookup(l.Words[0].Text)
	if k == nil {
		d.unknown(b, l)
		d.record.lost(l.Words[0])
		return
	}
	if depth == 0 && k.Role != 0 && k.Role&d.role == 0 {
		d.skipBlock()
		return
	}
	d.record.add(k, d.pos-1)
	if k.Old {
		d.err("deprecated-keyword", l.Words[0], "%s is an old spelling", k.Name)
		d.hint("use %s instead", k.Use)
	}
	if k.Pending {
		d.notYet(k, l.Words[0])
	}
	if k.Twice != LastCounts && d.twice(k, l.Words[0]) {
		return
	}
	a := &d.arg // one for all lines: nothing keeps it
	*a = arg{kw: k, line: l, key: l.Words[0], words: l.Words[1:], given: len(l.Words) > 1}
	switch k.Takes {
	case Sub, Items:
		d.enter(k, a, depth)
	default:
		if k.Takes == Exec && !k.Optional && !a.given && l.Text != "" && strings.ContainsAny(l.Text, `"'`) {
			d.commandLine(l) // a quote that is not closed swallowed the command
			return
		}
		said := len(d.problems)
		switch {
		case d.value(k, l, a):
			k.set(d, a)
			if len(d.problems) == said {
				d.swallowed(b, k, a)
			}
		case k.bad != nil && !d.stopped:
			k.bad(d)
		}
	}
}

// notYet says once that a keyword is kept but does nothing in this version.
func (d *decoder) notYet(k *Keyword, w syntax.Word) {
	if d.pending[k] {
		return
	}
	if d.pending == nil {
		d.pending = make(map[*Keyword]bool)
	}
	d.pending[k] = true
	d.info("not-in-effect", w, "%s is not in effect yet", k.Name)
}

// twice reports a keyword that the block had already. It returns true if the
// first one counts.
func (d *decoder) twice(k *Keyword, w syntax.Word) bool {
	this := given{k, d.blocks[len(d.blocks)-1].serial}
	first, again := d.given[this]
	if !again {
		if d.given == nil {
			d.given = make(map[given]diag.Span)
		}
		d.given[this] = w.At
		return false
	}
	if k.Twice == FirstCounts {
		d.err("duplicate-keyword", w, "%s is given already; this one is ignored", k.Name)
	} else {
		d.err("duplicate-keyword", w, "%s is given already; this one replaces it", k.Name)
	}
	d.note(first, "the first one")
	return k.Twice == FirstCounts
}

// given is a keyword in a block.
type given struct {
	keyword *Keyword
	block   int // its serial
}

// reading is a block that is being read. Blocks that a definition or a generator
// makes have the same place, so each has a number too.
type reading struct {
	kw     *Keyword
	at     diag.Span // its keyword
	serial int
	line   int  // its number among all lines
	astray bool // it is known that braces are in disorder in it
}

// enter reads a block.
func (d *decoder) enter(k *Keyword, a *arg, depth int) {
	if k.open != nil && !k.open(d, a) {
		d.refuse(k, a, depth)
		return
	}
	if d.stopped {
		return
	}
	braced := d.pos < d.lines.Len() && d.lines.Kind(d.pos) == syntax.Open
	if k.Takes == Items && k.Args == "" && a.given && braced {
		d.err("extra-words", a.words[0], "%s takes nothing in front of its opening brace; this is ignored", k.Name)
		d.hint("write each value on a line of its own between the braces")
	}
	start, key := d.pos, a.key
	if braced {
		d.pos++
	} else if d.pos < d.lines.Len() || k.Takes == Sub {
		d.unbraced(k, a)
	}
	d.serial++
	d.blocks = append(d.blocks, reading{kw: k, at: key.At, serial: d.serial, line: start - 1})
	d.record.enter()
	if k.Takes == Sub {
		d.block(k.Block, depth+1)
	} else {
		d.items(k)
	}
	d.blocks = d.blocks[:len(d.blocks)-1]
	d.record.leave(d.pos - 1)
	if !braced && d.pos > start {
		d.unopened++
		d.braceless = append(d.braceless, stretch{key.At.File, key.At.Start, d.lines.Line(d.pos - 1).At.End})
	}
	if k.end != nil && !d.stopped {
		k.end(d)
	}
}

// unbraced reports a block without its opening brace. Of a list of values
// keepalived notices only the words that stand in front of it.
func (d *decoder) unbraced(k *Keyword, a *arg) {
	d.err("missing-opening-brace", a.key, "%s must be followed by an opening brace", k.Name)
	switch {
	case k.Takes == Sub:
		d.hint("write: %s … {", k.Name)
	case a.given && k.Args == "":
		d.hint("write: %s { %s }", k.Name, a.words[0].Text)
	default:
		d.hint("write: %s {", k.Name)
		d.problems[len(d.problems)-1].Class = diag.None
	}
}

// items reads the lines of a value block.
func (d *decoder) items(k *Keyword) {
	lost := false // behind what must be the end of the block
	for d.pos < d.lines.Len() && !d.stopped {
		l := d.next()
		switch l.Kind {
		case syntax.Close:
			return
		case syntax.Open:
			brace := syntax.Word{Text: "{", At: l.At, Via: l.Via}
			d.record.lost(brace) // no file with balanced braces can say it
			d.item(k, []syntax.Word{brace}, lost)
		default:
			d.record.add(nil, d.pos-1)
			lost = lost || d.strayed(l.Words[0])
			d.item(k, l.Words, lost)
		}
	}
	d.open++
}

func (d *decoder) item(k *Keyword, words []syntax.Word, lost bool) {
	said := len(d.problems)
	k.item(d, words)
	if lost && !d.stopped {
		d.problems = d.problems[:min(said, len(d.problems))]
	}
}

// skipBlock passes over the block that begins at the next line, if one does.
func (d *decoder) skipBlock() {
	if d.pos >= d.lines.Len() || d.lines.Kind(d.pos) != syntax.Open {
		return
	}
	depth := 0
	for ; d.pos < d.lines.Len(); d.pos++ {
		switch d.lines.Kind(d.pos) {
		case syntax.Open:
			depth++
		case syntax.Close:
			if depth--; depth == 0 {
				d.pos++
				return
			}
		}
	}
	d.open++
}

// stop ends the reading.
func (d *decoder) stop() { d.stopped = !d.goesOn }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
