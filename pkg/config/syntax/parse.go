package syntax

import (
	"path"
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Parse reads a configuration, all that it includes, and everything that can
// be said about it without knowing the keywords. It always returns a tree; one
// without files if the main file could not be read.
func Parse(name string, o Options) (*Tree, []diag.Problem) {
	r := reader{
		tree: new(Tree), source: o.Source, id: o.ConfigID,
		defs: map[string]*definition{}, budget: o.MaxLines, random: o.Source.Seed,
	}
	if r.budget <= 0 {
		r.budget = DefaultMaxLines
	}
	if o.AllConfig {
		r.check = checkAll
	}
	r.openMain(name)
	for r.next() {
	}
	if len(r.tree.Files) > 0 {
		f := r.tree.Files[0]
		r.tree.End = diag.Span{File: f, Start: int32(len(f.Text)), End: int32(len(f.Text))}
	}
	return r.tree, r.problems
}

// reader turns files into logical lines. Lines that definitions and generators
// made are read before the file goes on; an included file is read after them,
// and before the rest of the file that includes it.
type reader struct {
	tree     *Tree
	problems []diag.Problem
	source   *Source
	id       string // the configuration id
	check    check  // what plain include lines demand
	defs     map[string]*definition
	made     []maker // stack of what is to be read before the files
	files    []open  // stack of files being read
	words    []Word  // of the line being read
	budget   int     // lines that may still be made
	random   uint64
	odd      map[oddity]bool // characters that were complained about
}

// open is a file being read.
type open struct {
	file *diag.File
	abs  string // its path
	off  int    // where its next line starts
}

// maker makes lines: those of a definition, or of a generator.
type maker struct {
	lines []chunk // what a multi-line definition has left
	gen   *generator
	depth int
}

func (r *reader) openMain(name string) {
	file, p := r.source.Open(name)
	if file == nil {
		r.problems = append(r.problems, p)
		return
	}
	r.push(file, r.source.abs(r.source.dir, name))
}

func (r *reader) push(f *diag.File, abs string) {
	if slices.Contains(r.tree.Files, f) {
		r.budget -= strings.Count(f.Text, "\n")
	} else {
		r.tree.Files = append(r.tree.Files, f)
		r.tree.Lines.grow(strings.Count(f.Text, "\n") + strings.Count(f.Text, "{") + 8)
		r.lookOver(f)
	}
	r.files = append(r.files, open{file: f, abs: abs})
}

// next reads one physical line, or one that was made. It returns false at the
// end of everything.
func (r *reader) next() bool {
	if n := len(r.made) - 1; n >= 0 {
		line, depth, ok := r.make(&r.made[n])
		if !ok {
			r.made = r.made[:n]
			return true
		}
		if r.budget--; r.budget < 0 {
			r.tooMuch(line)
			return true
		}
		_, _, _, seen := scan(line.s)
		r.line(line, depth, seen&isSpecial != 0)
		return true
	}
	if len(r.files) == 0 {
		return false
	}
	comments := len(r.tree.Comments)
	line, seen, ok := r.physical()
	if !ok {
		r.files = r.files[:len(r.files)-1]
		return true
	}
	if seen&^(isBlank|isBrace) == 0 {
		r.simple(&line)
	} else {
		r.line(line, 0, seen&isSpecial != 0)
	}
	if comments < len(r.tree.Comments) && r.tree.Comments[comments].Tail {
		r.tree.Comments[comments].Next = r.tree.Lines.Len()
	}
	return true
}

// simple reads a line of a file that holds nothing but words and braces, as
// nearly all do.
func (r *reader) simple(c *chunk) {
	s := strings.TrimRight(c.s, blanks)
	for i := 0; i < len(s); {
		from := i
		switch class[s[i]] {
		case isBlank:
			i++
		case isBrace:
			i++
			r.tree.Lines.typed(braceKind(s[from]), c.file, c.off+int32(from), 1)
		default:
			if concernsReader(s[i:]) {
				r.line(c.from(i), 0, false)
				return
			}
			for i < len(s) && class[s[i]] != isBrace {
				i++
			}
			r.tree.Lines.typed(Plain, c.file, c.off+int32(from), i-from)
		}
	}
}

func braceKind(c byte) Kind {
	if c == '{' {
		return Open
	}
	return Close
}

// concernsReader reports whether a line may be one that the reader itself follows.
func concernsReader(s string) bool {
	return strings.HasPrefix(s, "include") || strings.HasPrefix(s, "random_seed")
}

// make returns the next line of a maker.
func (r *reader) make(m *maker) (line chunk, depth int, ok bool) {
	if m.gen != nil {
		ok = m.gen.makeNext(r)
		return m.gen.text, m.depth, ok
	}
	if len(m.lines) == 0 {
		return chunk{}, 0, false
	}
	line, m.lines = m.lines[0], m.lines[1:]
	return line, m.depth, true
}

// physical returns the next line of the current file without its comment, and
// the classes of its bytes; false at the end of the file.
func (r *reader) physical() (line chunk, seen uint8, ok bool) {
	f := &r.files[len(r.files)-1]
	rest := f.file.Text[f.off:]
	if rest == "" {
		return chunk{}, 0, false
	}
	text, whole, long := lineEnd(rest)
	line = chunk{s: rest[:text], file: f.file, off: int32(f.off)}
	f.off += whole
	if whole == len(rest) && rest[whole-1] != '\n' && !long { // a NUL ends a line that nothing else ends
		line.s, _, _ = strings.Cut(line.s, "\x00")
	}
	comment, unpaired, escaped, seen := scan(line.s)
	code := line.s
	if comment >= 0 {
		code = code[:comment]
	}
	if long || seen&isOdd != 0 && strings.IndexByte(code, 0) >= 0 {
		r.unreadable(line, long)
		return chunk{file: f.file}, 0, true
	}
	if comment >= 0 {
		at := line.from(comment).trim()
		line.s = line.s[:comment]
		r.tree.Comments = append(r.tree.Comments, Comment{
			At:   diag.Span{File: at.file, Start: at.off, End: at.off + int32(len(at.s))},
			Next: r.tree.Lines.Len(), Tail: strings.Trim(line.s, blanks) != "",
		})
	}
	if unpaired >= 0 {
		r.unterminated(line, unpaired)
	}
	if seen&isEscape != 0 {
		glue(&line)
	}
	if escaped {
		unescape(&line)
	}
	if seen&isOdd != 0 {
		r.oddCharacters(line)
	}
	return line, seen, true
}

// line reads one line without comment: a condition, a definition, a generator,
// an include, or keywords and braces. Replacing $NAME may turn a line into
// any of these; special is set if the line holds a $, ~ or @.
func (r *reader) line(c chunk, depth int, special bool) {
	for replaced := false; ; {
		if c = c.trim(); c.s == "" {
			return
		}
		if special {
			if c.s[0] == '@' {
				var keep bool
				if c, keep = r.condition(c); !keep || c.s == "" {
					return
				}
			}
			if r.define(c) || r.generate(c, depth) {
				return
			}
			if !replaced {
				replaced = true
				var rest []chunk
				var changed bool
				if c, rest, changed = r.replace(c); changed {
					if len(rest) > 0 {
						r.stack(maker{lines: rest, depth: depth + 1}, rest[0].via)
					}
					c = r.afterReplacing(c)
					continue
				}
			}
		}
		if name, keyword, ok := includeLine(c.s); ok {
			r.include(c, name, keyword)
			return
		}
		c = c.from(r.logical(c))
	}
}

// afterReplacing does to a line with replaced names what was done to it before.
func (r *reader) afterReplacing(c chunk) chunk {
	glue(&c)
	comment, unpaired, _, _ := scan(c.s)
	if comment >= 0 {
		return c.to(comment)
	}
	if unpaired >= 0 {
		r.unterminated(c, unpaired)
	}
	return c
}

// stack adds a maker, used as its origin says, unless they are nested too deep.
func (r *reader) stack(m maker, via *Origin) {
	if m.depth > maxDepth {
		r.made = nil
		r.problem(diag.Problem{
			ID: "definition-recursive", Severity: diag.Error, Class: diag.Config, At: via.At,
			Text: "this multi-line definition contains itself",
			Hint: "a definition may use others, but not itself, not even by way of others",
		}, via.Up)
		return
	}
	r.made = append(r.made, m)
}

// maxDepth is how deep multi-line definitions and generators may be nested.
const maxDepth = 64

// condition decides on a line that starts with @ID or @^ID, and returns what
// is behind it.
func (r *reader) condition(c chunk) (rest chunk, keep bool) {
	n := strings.IndexAny(c.s, blanks)
	if n < 0 {
		return c, false
	}
	r.tree.Used |= Conditions
	id, not := strings.CutPrefix(c.s[1:n], "^")
	return c.from(n).trim(), (id == r.id) != not
}

// logical reads one logical line: the words up to a brace, or the brace. It
// returns how many bytes it used.
func (r *reader) logical(c chunk) int {
	words, used := split(&c, r.words[:0])
	r.words = words
	if len(words) > 0 {
		r.emit(words, c.to(used))
		return used
	}
	if used < len(c.s) {
		r.brace(braceKind(c.s[used]), c.from(used).to(1))
		used++
	}
	return used
}

// emit adds a line of words, which are kept by whoever reads them next.
func (r *reader) emit(words []Word, c chunk) {
	switch k := &words[0]; {
	case k.Quoted && len(words) == 1 && (k.Text == "{" || k.Text == "}"): // quotes do not hide a brace that is alone
		r.tree.Lines.Append(Line{Kind: braceKind(k.Text[0]), At: k.At, Via: k.Via})
		return
	case k.Text == "include_check":
		r.includeCheck(words[1:])
	case k.Text == "random_seed" && len(words) > 1:
		r.seed(words[1].Text)
	}
	if c.verbatim() {
		r.tree.Lines.typed(Plain, c.file, c.off, len(c.s))
	} else {
		r.tree.Lines.Append(plain(slices.Clone(words), c.s))
	}
}

// brace adds a brace.
func (r *reader) brace(kind Kind, c chunk) {
	if c.verbatim() {
		r.tree.Lines.typed(kind, c.file, c.off, 1)
		return
	}
	at, via := c.span(0, 1)
	r.tree.Lines.Append(Line{Kind: kind, At: at, Via: via})
}

// dir is the directory of the file being read.
func (r *reader) dir() string {
	if len(r.files) == 0 {
		return r.source.dir
	}
	return path.Dir(r.files[len(r.files)-1].abs)
}

// problem adds a problem, with notes on how its place came to be read.
func (r *reader) problem(p diag.Problem, via *Origin) {
	p.Notes = append(p.Notes, via.Notes()...)
	r.problems = append(r.problems, p)
}
