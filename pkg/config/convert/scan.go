package convert

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// scan reads a TOML document into tables that know where everything stands.
// The toml package judges the document; scan only has to find its way through
// one that is known to be valid.
func scan(file *diag.File) (*Table, []diag.Span, []diag.Problem) {
	var anything map[string]any
	if _, err := toml.Decode(file.Text, &anything); err != nil {
		return nil, nil, []diag.Problem{badTOML(file, err)}
	}
	s := scanner{file: file, text: file.Text}
	root := &Table{}
	s.document(root)
	return root, s.comments, nil
}

func badTOML(file *diag.File, err error) diag.Problem {
	p := diag.Problem{
		ID: "toml-syntax", Severity: diag.Error, Class: diag.Config,
		At: diag.Span{File: file}, Text: err.Error(), Hint: "the format is that of https://toml.io",
	}
	var pe toml.ParseError
	if errors.As(err, &pe) {
		p.Text = pe.Message
		start := min(max(pe.Position.Start, 0), len(file.Text))
		end := min(start+max(pe.Position.Len, 0), len(file.Text))
		p.At.Start, p.At.End = int32(start), int32(end)
	}
	return p
}

// scanner walks through a valid document. Whatever it meets, it goes on, so
// that it ends on any input.
type scanner struct {
	file     *diag.File
	text     string
	pos      int
	comments []diag.Span
}

func (s *scanner) span(from int) diag.Span {
	return diag.Span{File: s.file, Start: int32(from), End: int32(s.pos)}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// accept passes over a string if it is next.
func (s *scanner) accept(what string) bool {
	if strings.HasPrefix(s.text[s.pos:], what) {
		s.pos += len(what)
		return true
	}
	return false
}

// space passes over blanks, line ends and comments.
func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		case '#':
			from := s.pos
			if n := strings.IndexByte(s.text[s.pos:], '\n'); n >= 0 {
				s.pos += n
			} else {
				s.pos = len(s.text)
			}
			at := s.span(from)
			at.End = at.Start + int32(len(strings.TrimRight(s.text[from:s.pos], "\r")))
			s.comments = append(s.comments, at)
		default:
			return
		}
	}
}

func (s *scanner) document(root *Table) {
	here := root
	for s.space(); s.pos < len(s.text); s.space() {
		from := s.pos
		switch {
		case s.accept("[["):
			here = s.header(root, from, true)
		case s.accept("["):
			here = s.header(root, from, false)
		default:
			s.pair(here)
		}
		if s.pos == from {
			s.pos++
		}
	}
}

// header reads the path of a table and returns the table.
func (s *scanner) header(root *Table, from int, array bool) *Table {
	path := s.key()
	s.accept("]")
	if array {
		s.accept("]")
	}
	t := root
	for i, k := range path {
		m := t.get(k.text)
		if m == nil {
			m = t.add(k.text, Value{})
			m.KeyAt = k.at
			m.Value.Kind = Tabular
			if array && i == len(path)-1 {
				m.Value.Kind = Array
			}
		}
		if i == len(path)-1 && array {
			m.Value.List = append(m.Value.List, Value{Kind: Tabular, Table: &Table{At: s.span(from)}, At: s.span(from)})
		}
		if m.Value.Kind == Array && len(m.Value.List) > 0 {
			t = m.Value.List[len(m.Value.List)-1].Table
		} else {
			if m.Value.Table == nil {
				m.Value.Table = &Table{At: k.at}
				m.Value.At = k.at
			}
			t = m.Value.Table
		}
		if t == nil { // not in a valid document
			t = &Table{}
		}
	}
	return t
}

type part struct {
	text string
	at   diag.Span
}

// key reads a dotted key.
func (s *scanner) key() (path []part) {
	for {
		s.blanks()
		from := s.pos
		var text string
		if c := s.peek(); c == '"' || c == '\'' {
			text = s.str().Text
		} else {
			for s.pos < len(s.text) && strings.IndexByte(" \t.=]\r\n", s.text[s.pos]) < 0 {
				s.pos++
			}
			text = s.text[from:s.pos]
		}
		path = append(path, part{text, s.span(from)})
		s.blanks()
		if !s.accept(".") {
			return path
		}
	}
}

func (s *scanner) blanks() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.pos++
	}
}

// pair reads key = value into a table.
func (s *scanner) pair(t *Table) {
	path := s.key()
	for _, k := range path[:len(path)-1] {
		m := t.get(k.text)
		if m == nil {
			m = t.add(k.text, Value{Kind: Tabular, Table: &Table{At: k.at}, At: k.at})
			m.KeyAt = k.at
		}
		if t = m.Value.Table; t == nil {
			t = &Table{}
		}
	}
	s.accept("=")
	s.blanks()
	last := path[len(path)-1]
	m := t.add(last.text, s.value())
	m.KeyAt = last.at
}

func (s *scanner) value() Value {
	from := s.pos
	switch c := s.peek(); {
	case c == '"' || c == '\'':
		return s.str()
	case s.accept("["):
		v := Value{Kind: Array}
		for s.space(); s.pos < len(s.text) && s.peek() != ']'; s.space() {
			at := s.pos
			v.List = append(v.List, s.value())
			s.space()
			s.accept(",")
			if s.pos == at {
				s.pos++
			}
		}
		s.accept("]")
		v.At = s.span(from)
		return v
	case s.accept("{"):
		v := Value{Kind: Tabular, Table: &Table{}}
		for s.space(); s.pos < len(s.text) && s.peek() != '}'; s.space() {
			at := s.pos
			s.pair(v.Table)
			s.space()
			s.accept(",")
			if s.pos == at {
				s.pos++
			}
		}
		s.accept("}")
		v.At = s.span(from)
		v.Table.At = v.At
		return v
	}
	for s.pos < len(s.text) && strings.IndexByte(",]}#\r\n\t", s.text[s.pos]) < 0 {
		s.pos++
	}
	s.pos = from + len(strings.TrimRight(s.text[from:s.pos], " "))
	return Value{Kind: Literal, Text: s.text[from:s.pos], At: s.span(from)}
}

// str reads a string of any of the four kinds. Its place is that of what
// stands between the quotes.
func (s *scanner) str() Value {
	quote := s.text[s.pos : s.pos+1]
	if long := strings.Repeat(quote, 3); s.accept(long) {
		if !s.accept("\n") {
			s.accept("\r\n")
		}
		return s.until(long, quote == `"`)
	}
	s.pos++
	return s.until(quote, quote == `"`)
}

// until reads up to the closing quotes.
func (s *scanner) until(end string, escapes bool) Value {
	from := s.pos
	var b strings.Builder
	for s.pos < len(s.text) && !strings.HasPrefix(s.text[s.pos:], end) {
		if escapes && s.text[s.pos] == '\\' {
			s.escape(&b)
			continue
		}
		b.WriteByte(s.text[s.pos])
		s.pos++
	}
	v := Value{Kind: String, At: s.span(from)}
	s.accept(end)
	for len(end) == 3 && strings.HasPrefix(s.text[s.pos:], end[:1]) { // quotes in front of the closing ones
		b.WriteString(end[:1])
		s.pos++
	}
	v.Text = b.String()
	return v
}

// escapes are the escapes of one letter.
const escapeFrom, escapeTo = `btnfre"\`, "\b\t\n\f\r\x1b\"\\"

// escape reads one escape.
func (s *scanner) escape(b *strings.Builder) {
	s.pos++
	c := s.peek()
	s.pos = min(s.pos+1, len(s.text))
	if i := strings.IndexByte(escapeFrom, c); i >= 0 {
		b.WriteByte(escapeTo[i])
		return
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if digits == 0 { // a line that continues: blanks and line ends are passed over
		for strings.IndexByte(" \t\r\n", s.peek()) >= 0 && s.pos < len(s.text) {
			s.pos++
		}
		return
	}
	end := min(s.pos+digits, len(s.text))
	if n, err := strconv.ParseUint(s.text[s.pos:end], 16, 32); err == nil && utf8.ValidRune(rune(n)) {
		b.WriteRune(rune(n))
	}
	s.pos = end
}
