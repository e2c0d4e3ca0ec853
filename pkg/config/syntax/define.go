package syntax

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// definition is what a name stands for: one line, or several.
type definition struct {
	lines []chunk
	at    diag.Span
	note  string // what to say about at
}

// define reads a line that is a definition, with the lines that continue it.
func (r *reader) define(c chunk) bool {
	n := definitionName(c.s)
	if n == 0 {
		return false
	}
	r.tree.Used |= Definitions
	at, _ := c.span(0, n)
	d := &definition{at: at, note: c.s[:n] + " is defined here"}
	value, more := continues(c.from(n + 1))
	for {
		if value.s != "" {
			d.lines = append(d.lines, value)
		}
		if !more {
			break
		}
		value, more = r.continued()
	}
	r.defs[c.s[1:n]] = d
	return true
}

// continues returns a line of a definition without the backslash at its end,
// and whether it has one.
func continues(c chunk) (_ chunk, more bool) {
	c = c.trim()
	s, more := strings.CutSuffix(c.s, `\`)
	return c.to(len(s)).trim(), more
}

// continued returns the next line of a definition. Its comment is gone by then,
// so a line that is only a comment ends the definition, even if a backslash
// stands at the end of the comment.
func (r *reader) continued() (_ chunk, more bool) {
	for n := len(r.made) - 1; n >= 0; n = len(r.made) - 1 {
		line, _, ok := r.make(&r.made[n])
		if !ok {
			r.made = r.made[:n]
			continue
		}
		if r.budget--; r.budget < 0 {
			r.tooMuch(line)
			return chunk{}, false
		}
		return continues(line)
	}
	if len(r.files) == 0 {
		return chunk{}, false
	}
	line, _, _ := r.physical()
	return continues(line)
}

// definitionName returns the length of $NAME if s starts with $NAME=, else 0.
func definitionName(s string) int {
	if s == "" || s[0] != '$' {
		return 0
	}
	if n := 1 + nameLen(s[1:]); n > 1 && n < len(s) && s[n] == '=' {
		return n
	}
	return 0
}

// nameLen returns the length of the name that s starts with.
func nameLen(s string) int {
	i := 0
	for i < len(s) && (s[i] == '_' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || i > 0 && s[i] >= '0' && s[i] <= '9') {
		i++
	}
	return i
}

// reference is a $NAME or ${NAME arguments} in a line.
type reference struct {
	start, end int
	name, args string
	braced     bool
}

// nextReference finds the next reference in s from i on. Without braces, a
// name counts only in front of a blank, a comma, ")" or the end.
func nextReference(s string, i int) (ref reference, ok bool) {
	for ; ; i++ {
		n := strings.IndexByte(s[i:], '$')
		if n < 0 {
			return ref, false
		}
		i += n
		rest := s[i+1:]
		if inner, braced := strings.CutPrefix(rest, "{"); braced {
			n := nameLen(inner)
			end := strings.IndexByte(inner[n:], '}')
			if n == 0 || end < 0 || end > 0 && strings.IndexByte(blanks, inner[n]) < 0 {
				continue
			}
			return reference{i, i + 2 + n + end + 1, inner[:n], strings.Trim(inner[n:n+end], blanks), true}, true
		}
		n = nameLen(rest)
		if n > 0 && (n == len(rest) || strings.IndexByte(" \t,)\r\f\v", rest[n]) >= 0) {
			return reference{start: i, end: i + 1 + n, name: rest[:n]}, true
		}
	}
}

// maxReplace bounds how often names are replaced in one line: a definition that
// uses itself would never end. So does one of which a line is full after so many
// times as manyReplaced.
const (
	maxReplace   = 512
	manyReplaced = 64
)

// replace replaces all names in a line, also those in the replaced text. If
// the line ends with the name of a multi-line definition, the first of its
// lines takes that place and the others are returned.
func (r *reader) replace(c chunk) (_ chunk, rest []chunk, changed bool) {
	typed := c
	for i, count := 0, 0; ; count++ {
		ref, ok := nextReference(c.s, i)
		if !ok {
			return c, rest, changed
		}
		last := strings.Trim(c.s[ref.end:], blanks) == ""
		lines, def, ok := r.lookup(ref, last)
		if !ok {
			i = ref.start + 1
			r.unknownName(&c, ref)
			continue
		}
		if def == nil && ref.name == "_RANDOM" {
			r.checkRandom(&c, ref)
		}
		full := tooLong(&c, ref, lines)
		if full && count < manyReplaced {
			i = ref.start + 1
			r.unreplaced(&c, ref)
			continue
		}
		if count == maxReplace || full {
			span, via := c.span(ref.start, ref.end)
			class := diag.None // keepalived goes on when the line is full
			if len(c.s) < len(typed.s)+count {
				class = diag.Config // the line does not grow: keepalived never comes to an end
			}
			r.problem(diag.Problem{
				ID: "definition-recursive", Severity: diag.Error, Class: class, At: span,
				Text: fmt.Sprintf("$%s never comes to an end: its value leads back to itself", ref.name),
				Hint: "a definition may use others, but not itself, not even by way of others",
			}, via)
			return typed, nil, false
		}
		here := put(&c, ref, lines, def)
		if len(lines) > 1 {
			rest = append(bodies(lines[1:], here), rest...)
		}
		i, changed = ref.start, true
	}
}

// tooLong reports whether a line would be too long with a reference replaced:
// keepalived leaves the reference as it stands then.
func tooLong(c *chunk, ref reference, lines []chunk) bool {
	n := len(c.s) - (ref.end - ref.start)
	if len(lines) > 0 {
		n += len(lines[0].s)
	}
	return n > maxLine
}

// put replaces a reference by the first of the lines. It returns the origin of
// what was typed in the definition.
func put(c *chunk, ref reference, lines []chunk, def *definition) *Origin {
	use, up := c.span(ref.start, ref.end)
	if len(lines) == 0 {
		c.splice(ref.start, ref.end, "", nil)
		return nil
	}
	outer := use
	if c.segs != nil {
		if u := c.segs[c.seg(int32(ref.start))].use; !u.IsZero() {
			outer = u
		}
	}
	value := lines[0]
	if def == nil { // a predefined name: nobody typed its value
		origin := &Origin{Text: fmt.Sprintf("$%s is %q here", ref.name, value.s), Up: up}
		c.splice(ref.start, ref.end, value.s, []seg{{at: use, use: outer, via: origin, def: origin}})
		return origin
	}
	if strings.Count(c.s[:ref.start], `"`)%2 == 0 { // a comment in a value ends with the value
		if comment, _, _, _ := scan(value.s); comment >= 0 {
			value = value.to(comment)
		}
	}
	here := &Origin{Text: "used here", At: use, Up: up}
	there := &Origin{Text: def.note, At: def.at, Up: up}
	segs := append([]seg(nil), value.segments()...)
	for k := range segs {
		segs[k].use, segs[k].via, segs[k].def = outer, here, there
	}
	c.splice(ref.start, ref.end, value.s, segs)
	return here
}

// bodies are the lines of a multi-line definition behind the first.
func bodies(lines []chunk, via *Origin) []chunk {
	out := make([]chunk, len(lines))
	for k, l := range lines {
		l.via = via
		out[k] = l
	}
	return out
}

// lookup finds what a reference stands for. A multi-line definition counts
// only at the end of a line. Predefined names have no definition.
func (r *reader) lookup(ref reference, last bool) (lines []chunk, def *definition, ok bool) {
	if d := r.defs[ref.name]; d != nil {
		if ref.args != "" || len(d.lines) > 1 && !last {
			return nil, nil, false
		}
		return d.lines, d, true
	}
	if ref.name[0] != '_' {
		return nil, nil, false
	}
	value, ok := r.predefined(ref)
	if !ok {
		return nil, nil, false
	}
	if value == "" {
		return nil, nil, true
	}
	return []chunk{{s: value}}, nil, true
}

// predefined is the value of the names that keepalived defines.
func (r *reader) predefined(ref reference) (string, bool) {
	r.tree.Used |= Environment
	switch ref.name {
	case "_RANDOM":
		return r.randomNumber(ref.args)
	case "_ENV":
		if ref.args == "" {
			return "", false
		}
		value, _ := r.source.lookupEnv(ref.args)
		return strings.ReplaceAll(value, "\n", " "), true
	}
	if ref.args != "" {
		return "", false
	}
	switch ref.name {
	case "_PWD":
		return r.dir(), true
	case "_INSTANCE":
		return r.id, true
	case "_HASH":
		return "#", true
	case "_BANG":
		return "!", true
	}
	return "", false
}

// randomNumber is ${_RANDOM}, ${_RANDOM max} or ${_RANDOM min max}.
func (r *reader) randomNumber(args string) (string, bool) {
	low, high, ok := randomBounds(args)
	if !ok {
		return "", false
	}
	high = max(low, high)
	// splitmix64: as good as needed, and the same everywhere for one seed
	r.random += 0x9e3779b97f4a7c15
	z := r.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return strconv.FormatUint(low+(z^z>>31)%(high-low+1), 10), true
}

func randomBounds(args string) (low, high uint64, ok bool) {
	words := strings.Fields(args)
	if len(words) == 0 {
		return 0, 32767, true
	}
	if len(words) > 2 {
		return 0, 0, false
	}
	var bounds [2]uint64
	for i, w := range words {
		n, err := strconv.ParseUint(w, 10, 31)
		if err != nil {
			return 0, 0, false
		}
		bounds[i] = n
	}
	if len(words) == 1 {
		return 0, bounds[0], true
	}
	return bounds[0], bounds[1], true
}

func (r *reader) seed(s string) {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		r.random = n
	}
}
