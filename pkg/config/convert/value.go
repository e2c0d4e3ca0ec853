package convert

import (
	"regexp"
	"strings"
	"sync"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Value is a value of TOML or JSON. Tables keep the order of their members.
type Value struct {
	Kind  Kind
	Text  string  // of a String, or of a Literal as it is written
	List  []Value // of an Array
	Table *Table
	At    diag.Span // where it was typed, if it was read

	before, after []syntax.Comment // of an array's element
	inline        bool             // a table that keeps its place among plain values
}

// Kind says what a value is.
type Kind uint8

// The kinds of values.
const (
	String  Kind = iota
	Literal      // a number or a truth value
	Array
	Tabular // a table
)

// Table is an ordered set of members.
type Table struct {
	Members []*Member
	At      diag.Span // its header
	Rest    []syntax.Comment
}

// Member is a key and its value.
type Member struct {
	Key           string
	KeyAt         diag.Span
	Value         Value
	before, after []syntax.Comment
}

func (t *Table) get(key string) *Member {
	for _, m := range t.Members {
		if m.Key == key {
			return m
		}
	}
	return nil
}

func (t *Table) add(key string, v Value) *Member {
	m := &Member{Key: key, Value: v}
	t.Members = append(t.Members, m)
	return m
}

func text(s string) Value    { return Value{Kind: String, Text: s} }
func literal(s string) Value { return Value{Kind: Literal, Text: s} }

// The keys that stand for the words between a block's keyword and its brace.
const (
	keyName    = "name"
	keyAddress = "address"
	keyPort    = "port"
	keyFwmark  = "fwmark"
	keyGroup   = "group"
	keyArgs    = "args"  // the words as a list, whatever they are
	keyLines   = "lines" // the lines of a block of values that has arguments
)

// hasHeader reports whether a block's keyword is followed by words: then it is
// an array of tables.
func hasHeader(k *config.Keyword) bool { return k.Args != "" }

// isServer reports whether those words are an address and a port.
func isServer(k *config.Keyword) bool { return k.Name == "virtual_server" || k.Name == "real_server" }

// keepsPlace reports whether it matters what stands behind a block: SMTP_CHECK's
// old host block takes the values in effect at its end.
func keepsPlace(k *config.Keyword) bool { return k.Name == "host" }

// Values turns the outline into tables: one for the top level.
func (o *Outline) Values() *Table {
	t := members(o.Nodes)
	t.Rest = o.Rest
	return t
}

// members turns the keywords of one block into members. Keywords that occur
// several times share one.
func members(nodes []*Node) *Table {
	t := new(Table)
	several := map[string]int{}
	for _, n := range nodes {
		several[n.Keyword.Name]++
	}
	for _, n := range nodes {
		k := n.Keyword
		m := t.get(k.Name)
		first := m == nil
		if first {
			m = t.add(k.Name, Value{})
		}
		switch {
		case k.Takes == config.Sub, k.Takes == config.Items && hasHeader(k):
			sub := block(n)
			if first && several[k.Name] == 1 && !hasHeader(k) {
				m.Value = Value{Kind: Tabular, Table: sub, inline: keepsPlace(k)}
				m.before, m.after = n.Before, n.After
				continue
			}
			m.Value.Kind = Array
			m.Value.List = append(m.Value.List, Value{Kind: Tabular, Table: sub, before: n.Before, after: n.After, inline: keepsPlace(k)})
			continue
		case k.Takes == config.Items:
			m.Value.Kind = Array
			m.Value.List = append(m.Value.List, lines(n.Children)...)
		case several[k.Name] > 1:
			v := Value{Kind: Array, before: n.Before, after: n.After}
			for _, w := range n.Words {
				v.List = append(v.List, scalar(k, w))
			}
			m.Value.Kind = Array
			m.Value.List = append(m.Value.List, v)
			continue
		default:
			m.Value = words(k, n.Words)
		}
		m.before = append(m.before, n.Before...)
		m.after = append(append(m.after, n.After...), n.Inside...)
	}
	return t
}

// block turns a block into a table, its header included.
func block(n *Node) *Table {
	t := new(Table)
	header(t, n)
	if n.Keyword.Takes == config.Items {
		t.add(keyLines, Value{Kind: Array, List: lines(n.Children)})
		t.Rest = n.Inside
		return t
	}
	t.Members = append(t.Members, members(n.Children).Members...)
	t.Rest = n.Inside
	return t
}

// header adds the words behind a block's keyword.
func header(t *Table, n *Node) {
	k, w := n.Keyword, n.Words
	switch {
	case len(w) == 0:
	case k.Name == "virtual_server" && len(w) == 2 && (w[0].Text == keyFwmark || w[0].Text == keyGroup):
		t.add(w[0].Text, number(w[1]))
	case isServer(k) && len(w) <= 2 && plain(w[0].Text):
		t.add(keyAddress, text(w[0].Text))
		if len(w) == 2 {
			t.add(keyPort, number(w[1]))
		}
	case hasHeader(k) && !isServer(k) && len(w) == 1:
		t.add(keyName, text(w[0].Text))
	default:
		v := Value{Kind: Array}
		for _, x := range w {
			v.List = append(v.List, text(x.Text))
		}
		t.add(keyArgs, v)
	}
}

// lines turns lines of values into strings, or into lists of words where a
// word holds a blank.
func lines(nodes []*Node) []Value {
	out := make([]Value, len(nodes))
	for i, n := range nodes {
		var joined []string
		exact := false
		list := Value{Kind: Array}
		for _, w := range n.Words {
			joined = append(joined, w.Text)
			exact = exact || !plain(w.Text)
			list.List = append(list.List, text(w.Text))
		}
		if !exact {
			list = text(strings.Join(joined, " "))
		}
		list.before, list.after = n.Before, n.After
		out[i] = list
	}
	return out
}

// words turns a keyword's arguments into a value.
func words(k *config.Keyword, w []syntax.Word) Value {
	switch {
	case k.Takes == config.Flag, len(w) == 0 && (k.Takes == config.Bool || k.Optional):
		return literal("true")
	case len(w) == 1 && (plain(w[0].Text) || !splits(k) || k.IsCommand()):
		return scalar(k, w[0])
	}
	v := Value{Kind: Array}
	for _, x := range w {
		v.List = append(v.List, scalar(k, x))
	}
	return v
}

// splits reports whether a keyword's string is a list of words; else it is a
// single word, blanks and all.
func splits(k *config.Keyword) bool { return k == nil || k.Takes == config.Words }

// plain reports whether a word stays itself when a line is split into words.
func plain(word string) bool { return word != "" && !strings.ContainsAny(word, " \t\r\f\v\"") }

// scalar is one word as a number, a truth value or a string.
func scalar(k *config.Keyword, w syntax.Word) Value {
	if k.IsCommand() {
		return text(w.Text)
	}
	switch k.Takes {
	case config.Int, config.Seconds, config.Millis, config.Words:
		return number(w)
	case config.Bool:
		if w.Text == "true" || w.Text == "false" {
			return literal(w.Text)
		}
	}
	return text(w.Text)
}

// canonical are the numbers that TOML and JSON write as we do.
var canonical = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?$`)
})

func number(w syntax.Word) Value {
	if canonical().MatchString(w.Text) && w.Text != "-0" {
		return literal(w.Text)
	}
	return text(w.Text)
}

// HeaderKeys are the keys that a block's table may have for the words between
// its keyword and its brace.
func HeaderKeys(k *config.Keyword) []string {
	switch {
	case !hasHeader(k):
		return []string{keyArgs}
	case k.Name == "virtual_server":
		return []string{keyAddress, keyPort, keyFwmark, keyGroup, keyArgs}
	case isServer(k):
		return []string{keyAddress, keyPort, keyArgs}
	}
	return []string{keyName, keyArgs}
}
