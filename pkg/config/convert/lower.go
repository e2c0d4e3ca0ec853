package convert

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// IsTOML reports whether a file is written in TOML, by its name.
func IsTOML(name string) bool { return strings.HasSuffix(name, ".toml") }

// Parse reads a configuration in either language into the same tree.
func Parse(name string, o syntax.Options) (*syntax.Tree, []diag.Problem) {
	if !IsTOML(name) {
		return syntax.Parse(name, o)
	}
	file, p := o.Source.Open(name)
	if file == nil {
		return new(syntax.Tree), []diag.Problem{p}
	}
	root, comments, problems := scan(file)
	end := int32(len(file.Text))
	l := lowerer{tree: &syntax.Tree{Files: []*diag.File{file}, End: diag.Span{File: file, Start: end, End: end}}, problems: problems}
	if root != nil {
		l.table(root, config.Root(), nil)
		l.comments(file, comments)
	}
	return l.tree, l.problems
}

// lowerer turns tables into the lines that keepalived's language would have.
type lowerer struct {
	tree     *syntax.Tree
	problems []diag.Problem
}

func (l *lowerer) problem(at diag.Span, id, hint, format string, args ...any) {
	l.problems = append(l.problems, diag.Problem{
		ID: id, Severity: diag.Error, Class: diag.Config, At: at, Text: fmt.Sprintf(format, args...), Hint: hint,
	})
}

func (l *lowerer) brace(kind syntax.Kind, at diag.Span) {
	l.tree.Lines.Append(syntax.Line{Kind: kind, At: at})
}

func (l *lowerer) line(words ...syntax.Word) {
	l.tree.Lines.Append(syntax.Line{Words: words, At: words[0].At.To(words[len(words)-1].At)})
}

// table writes the members of a table; block are the keywords that it may
// hold, header the keys that have been used already.
func (l *lowerer) table(t *Table, block *config.Block, header []string) {
members:
	for _, m := range t.Members {
		for _, h := range header {
			if m.Key == h {
				continue members
			}
		}
		var k *config.Keyword
		if block != nil {
			k = block.Lookup(m.Key)
		}
		l.member(m, k)
	}
}

func (l *lowerer) member(m *Member, k *config.Keyword) {
	key := syntax.Word{Text: m.Key, At: m.KeyAt}
	v := m.Value
	isBlock := k != nil && (k.Takes == config.Sub || k.Takes == config.Items)
	switch {
	case v.Kind == Tabular:
		l.block(key, k, v)
	case v.Kind == Array && len(v.List) > 0 && v.List[0].Kind == Tabular:
		for _, e := range v.List {
			if e.Kind == Tabular {
				l.block(key, k, e)
			}
		}
	case isBlock && v.Kind == Literal && v.Text == "true":
		l.line(key)
		l.brace(syntax.Open, m.KeyAt)
		l.brace(syntax.Close, m.KeyAt)
	case isBlock && v.Kind == Literal && v.Text == "false":
	case isBlock && k.Takes == config.Items && v.Kind == Array:
		l.line(key)
		l.brace(syntax.Open, m.KeyAt)
		l.values(v)
		l.brace(syntax.Close, m.KeyAt)
	case isBlock && k.Takes == config.Items && v.Kind == String:
		l.line(key)
		l.brace(syntax.Open, m.KeyAt)
		l.values(Value{Kind: Array, List: []Value{v}})
		l.brace(syntax.Close, m.KeyAt)
	case isBlock:
		l.problem(v.At, "toml-wants-table", "write a table: ["+m.Key+"]", "%s is a block, not a value", m.Key)
	case v.Kind == Array && hasArrays(v):
		for _, e := range v.List {
			l.line(append([]syntax.Word{key}, l.words(k, e)...)...)
		}
	case v.Kind == Literal && v.Text == "false" && (k == nil || k.Takes != config.Bool):
	default:
		l.line(append([]syntax.Word{key}, l.words(k, v)...)...)
	}
}

func hasArrays(v Value) bool {
	for _, e := range v.List {
		if e.Kind == Array {
			return true
		}
	}
	return false
}

// values writes the lines of a block of values.
func (l *lowerer) values(v Value) {
	for _, e := range v.List {
		if words := l.words(nil, e); len(words) > 0 {
			l.line(words...)
		}
	}
}

// block writes a keyword with a block.
func (l *lowerer) block(key syntax.Word, k *config.Keyword, v Value) {
	if k != nil && k.Takes != config.Sub && k.Takes != config.Items {
		l.problem(key.At, "toml-wants-value", "write: "+k.Name+" = …", "%s is a value, not a table", k.Name)
		return
	}
	words, used := l.header(k, v.Table)
	l.line(append([]syntax.Word{key}, words...)...)
	l.brace(syntax.Open, v.Table.At)
	switch {
	case k == nil:
		l.table(v.Table, nil, used)
	case k.Takes == config.Items:
		if m := v.Table.get(keyLines); m != nil {
			used = append(used, keyLines)
			l.values(m.Value)
		}
		l.table(v.Table, nil, used)
	default:
		l.table(v.Table, k.Block, used)
	}
	l.brace(syntax.Close, v.Table.At)
}

// header returns the words between a block's keyword and its brace, and the
// keys that they come from.
func (l *lowerer) header(k *config.Keyword, t *Table) (words []syntax.Word, used []string) {
	take := func(key string) bool {
		m := t.get(key)
		if m == nil || k != nil && k.Takes == config.Sub && k.Block.Lookup(key) != nil {
			return false
		}
		used = append(used, key)
		if m.Value.Kind == Array {
			for _, e := range m.Value.List {
				words = append(words, l.exact(e))
			}
		} else {
			words = append(words, l.exact(m.Value))
		}
		return true
	}
	if take(keyArgs) || k == nil || !hasHeader(k) {
		return words, used
	}
	if !isServer(k) {
		take(keyName)
		return words, used
	}
	for _, key := range []string{keyFwmark, keyGroup} {
		if m := t.get(key); m != nil && k.Name == "virtual_server" {
			words = append(words, syntax.Word{Text: key, At: m.KeyAt})
			take(key)
			return words, used
		}
	}
	if take(keyAddress) {
		take(keyPort)
	}
	return words, used
}

// words turns a value into words.
func (l *lowerer) words(k *config.Keyword, v Value) []syntax.Word {
	switch v.Kind {
	case Array:
		var words []syntax.Word
		for _, e := range v.List {
			words = append(words, l.argument(k, e))
		}
		return words
	case Literal:
		if v.Text == "true" && (k == nil || k.Takes != config.Bool) {
			return nil
		}
	case String:
		if splits(k) && (k == nil || !k.IsCommand()) {
			return l.split(v)
		}
	}
	return []syntax.Word{l.argument(k, v)}
}

// argument is one value as one word of a keyword. A command may hold quotes.
func (l *lowerer) argument(k *config.Keyword, v Value) syntax.Word {
	if k != nil && k.IsCommand() && v.Kind == String && !strings.ContainsAny(v.Text, "\n\x00") {
		return syntax.Word{Text: v.Text, At: v.At, Quoted: true}
	}
	return l.exact(v)
}

// exact is one value as one word.
func (l *lowerer) exact(v Value) syntax.Word {
	w := syntax.Word{Text: v.Text, At: v.At, Quoted: v.Kind == String && !plain(v.Text)}
	switch v.Kind {
	case Literal:
		w.Text = decimalDigits(v.Text)
	case Array, Tabular:
		l.problem(v.At, "toml-wants-value", "write a string or a number", "this must be a single value")
	}
	if !syntax.CanWrite(w.Text) {
		l.problem(v.At, "toml-unwritable", "leave the character away", "a value may hold neither double quotes nor line ends")
		w.Text = strings.Map(func(r rune) rune {
			if r == '"' || r == '\n' || r == 0 {
				return ' '
			}
			return r
		}, w.Text)
	}
	return w
}

// decimalDigits writes TOML's other ways to write a number as keepalived's one.
func decimalDigits(s string) string {
	s = strings.ReplaceAll(s, "_", "")
	if n, err := strconv.ParseInt(s, 0, 64); err == nil && len(s) > 1 && s[0] == '0' {
		return strconv.FormatInt(n, 10)
	}
	return strings.TrimPrefix(s, "+")
}

// split divides a string into words as a line of text would be.
func (l *lowerer) split(v Value) []syntax.Word {
	typed := v.At.Text() == v.Text // no escapes: offsets are those of the file
	var words []syntax.Word
	for i := 0; i < len(v.Text); {
		start := i
		quoted := v.Text[i] == '"'
		switch {
		case strings.IndexByte(" \t\r\n\f\v", v.Text[i]) >= 0:
			i++
			continue
		case quoted:
			start++
			if n := strings.IndexByte(v.Text[start:], '"'); n >= 0 {
				i = start + n
			} else {
				l.problem(v.At, "unterminated-quote", `add the closing \"`, "a double quote in this string has no partner")
				return words
			}
		default:
			for i < len(v.Text) && strings.IndexByte(" \t\r\n\f\v\"", v.Text[i]) < 0 {
				i++
			}
		}
		w := syntax.Word{Text: v.Text[start:i], At: v.At, Quoted: quoted}
		if typed {
			w.At = diag.Span{File: v.At.File, Start: v.At.Start + int32(start), End: v.At.Start + int32(i)}
		}
		words = append(words, w)
		if quoted {
			i++
		}
	}
	return words
}

// comments puts the comments between the lines, by their places in the file.
func (l *lowerer) comments(file *diag.File, comments []diag.Span) {
	type place struct{ at, line int }
	var places []place
	for i, line := range l.tree.Lines.All() {
		if line.Kind == syntax.Plain {
			places = append(places, place{int(line.At.Start), i})
		}
	}
	sort.SliceStable(places, func(i, j int) bool { return places[i].at < places[j].at })
	for _, at := range comments {
		next := sort.Search(len(places), func(i int) bool { return places[i].at > int(at.Start) })
		c := syntax.Comment{At: at, Next: l.tree.Lines.Len()}
		line := file.Text[strings.LastIndexByte(file.Text[:at.Start], '\n')+1 : at.Start]
		switch c.Tail = strings.Trim(line, " \t\r],") != ""; {
		case c.Tail && next > 0:
			c.Next = places[next-1].line + 1
		case next < len(places):
			c.Next = places[next].line
		}
		l.tree.Comments = append(l.tree.Comments, c)
	}
	sort.SliceStable(l.tree.Comments, func(i, j int) bool { return l.tree.Comments[i].Next < l.tree.Comments[j].Next })
}

// Load parses and reads the main file of that name, in either language.
func Load(name string, o syntax.Options, mode config.Mode, env *config.Env) *config.Reading {
	tree, problems := Parse(name, o)
	r := config.Read(tree, mode, env)
	r.Problems = append(problems, r.Problems...)
	return r
}
