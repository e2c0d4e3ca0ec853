package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// TOML writes a table as a TOML document.
func TOML(t *Table) string {
	w := tomlWriter{}
	w.table(t, nil)
	w.comments(t.Rest, "")
	return strings.TrimLeft(w.String(), "\n")
}

type tomlWriter struct{ strings.Builder }

func (w *tomlWriter) comments(comments []syntax.Comment, indent string) {
	for _, c := range comments {
		w.WriteString(indent + tomlComment(c) + "\n")
	}
}

func tomlComment(c syntax.Comment) string {
	var b strings.Builder
	b.WriteString("#")
	text := strings.TrimLeft(c.At.Text(), "#!")
	if text != "" && text[0] != ' ' {
		b.WriteByte(' ')
	}
	for _, r := range text { // TOML refuses what cannot be seen
		if r < ' ' && r != '\t' || r == 0x7f {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (w *tomlWriter) tail(comments []syntax.Comment) {
	for i, c := range comments {
		if i > 0 {
			w.WriteString("\n")
		} else {
			w.WriteString(" ")
		}
		w.WriteString(tomlComment(c))
	}
	w.WriteString("\n")
}

// table writes the plain members of a table, then those that are tables.
func (w *tomlWriter) table(t *Table, path []string) {
	for _, m := range t.Members {
		if !isTables(m.Value) {
			w.comments(m.before, "")
			w.WriteString(tomlKey(m.Key) + " = ")
			w.value(m.Value, "")
			w.tail(m.after)
		}
	}
	if path != nil {
		w.comments(t.Rest, "")
	}
	for _, m := range t.Members {
		if !isTables(m.Value) {
			continue
		}
		here := append(path[:len(path):len(path)], tomlKey(m.Key))
		name := strings.Join(here, ".")
		if m.Value.Kind == Tabular {
			w.WriteString("\n")
			w.comments(m.before, "")
			w.WriteString("[" + name + "]")
			w.tail(m.after)
			w.table(m.Value.Table, here)
			continue
		}
		for _, v := range m.Value.List {
			w.WriteString("\n")
			w.comments(v.before, "")
			w.WriteString("[[" + name + "]]")
			w.tail(v.after)
			w.table(v.Table, here)
		}
	}
}

func isTables(v Value) bool {
	if v.Kind == Array && len(v.List) > 0 {
		v = v.List[0]
	}
	return v.Kind == Tabular && !v.inline
}

func (w *tomlWriter) value(v Value, indent string) {
	switch v.Kind {
	case String:
		w.WriteString(tomlString(v.Text))
	case Literal:
		w.WriteString(v.Text)
	case Array:
		w.array(v, indent)
	case Tabular:
		w.WriteString("{")
		for i, m := range v.Table.Members {
			if i > 0 {
				w.WriteString(",")
			}
			w.WriteString(" " + tomlKey(m.Key) + " = ")
			w.value(m.Value, indent)
		}
		w.WriteString(" }")
	}
}

// array writes short lists on one line, and those of lines of values, or with
// comments, one element on a line.
func (w *tomlWriter) array(v Value, indent string) {
	if short(v) {
		w.WriteString("[")
		for i, e := range v.List {
			if i > 0 {
				w.WriteString(", ")
			}
			w.value(e, indent)
		}
		w.WriteString("]")
		return
	}
	w.WriteString("[\n")
	deeper := indent + "    "
	for _, e := range v.List {
		w.comments(e.before, deeper)
		w.WriteString(deeper)
		w.value(e, deeper)
		w.WriteString(",")
		w.tail(e.after)
	}
	w.WriteString(indent + "]")
}

func short(v Value) bool {
	size := 0
	for _, e := range v.List {
		if len(e.before)+len(e.after) > 0 || e.Kind == Array && len(v.List) > 1 {
			return false
		}
		size += len(e.Text)
	}
	return len(v.List) < 2 || size < 50
}

// tomlKey quotes a key if need be.
func tomlKey(s string) string {
	for _, c := range s {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return tomlString(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

// tomlString writes a basic string; a string with backslashes and no single
// quote is easier to read as a literal one.
func tomlString(s string) string {
	if strings.Contains(s, `\`) && !strings.ContainsFunc(s, func(r rune) bool { return r == '\'' || r < ' ' || r == 0x7f }) {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// JSON writes a table as JSON; comments are lost.
func JSON(t *Table) ([]byte, error) {
	var raw, out bytes.Buffer
	if err := writeJSON(&raw, Value{Kind: Tabular, Table: t}); err != nil {
		return nil, err
	}
	if err := json.Indent(&out, raw.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// writeJSON writes a value, keeping the order of members.
func writeJSON(b *bytes.Buffer, v Value) error {
	switch v.Kind {
	case String:
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		return e.Encode(v.Text)
	case Literal:
		b.WriteString(v.Text)
	case Array:
		b.WriteByte('[')
		for i, e := range v.List {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case Tabular:
		b.WriteByte('{')
		for i, m := range v.Table.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, text(m.Key)); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeJSON(b, m.Value); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	}
	return nil
}
