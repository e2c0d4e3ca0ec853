package syntax

import "strings"

// Format writes nodes as text that Parse reads as the same lines, with the
// comments of the nodes and those at the end. Conditions, definitions, includes
// and generators are gone from the nodes: the text has their results.
func Format(nodes []*Node, rest []Comment) string {
	var p printer
	p.nodes(nodes)
	p.comments(rest)
	return p.String()
}

// printer writes one logical line on each line.
type printer struct {
	strings.Builder
	depth int
	used  int // bytes on the line that has been begun
}

func (p *printer) write(s string) {
	p.WriteString(s)
	p.used += len(s)
}

func (p *printer) newline() {
	p.WriteByte('\n')
	p.used = 0
}

// line begins a line: indented if it fits.
func (p *printer) line(text string) {
	if 4*p.depth+len(text) < maxLine {
		p.write(strings.Repeat("    ", p.depth))
	} else if len(text) >= maxLine {
		text = p.squeeze(text)
	}
	p.write(text)
}

// squeeze makes room in a line by a definition of a part of it: a line in which
// names are replaced may be a byte longer than one that is typed.
func (p *printer) squeeze(text string) string {
	const name, enough, plenty = "_", 16, 256
	for i := 0; i < len(text); {
		n := strings.IndexAny(text[i:], `"#!\$`+blanks)
		if n < 0 {
			n = len(text) - i
		}
		if n >= enough {
			n = min(n, plenty)
			p.write("$" + name + "=" + text[i:i+n])
			p.newline()
			return text[:i] + "${" + name + "}" + text[i+n:]
		}
		i += n + 1
	}
	return text
}

func (p *printer) comments(comments []Comment) {
	for _, c := range comments {
		text := c.At.Text()
		if 4*p.depth+len(text) < maxLine {
			p.write(strings.Repeat("    ", p.depth))
		}
		p.write(text)
		p.newline()
	}
}

// tail writes comments behind what is on the line, and ends it.
func (p *printer) tail(comments []Comment) {
	if len(comments) > 0 {
		if text := comments[0].At.Text(); p.used+1+len(text) < maxLine {
			p.write(" " + text)
			comments = comments[1:]
		}
	}
	p.newline()
	p.comments(comments)
}

func (p *printer) nodes(nodes []*Node) {
	for i, n := range nodes {
		if p.depth == 0 && i > 0 && (n.Block || nodes[i-1].Block) {
			p.newline()
		}
		p.comments(n.Before)
		switch {
		case n.Text != "":
			p.line(n.Text)
			p.tail(n.After)
		case n.Block:
			p.block(n)
		case len(n.Words) == 0:
			p.line("}")
			p.tail(n.Behind)
		default:
			p.line(p.words(n.Words))
			p.tail(n.After)
		}
	}
}

// block writes a line with the block that follows it.
func (p *printer) block(n *Node) {
	text := p.words(n.Words)
	switch {
	case text == "":
		p.line("{")
	case len(text)+len(" {") < maxLine:
		p.line(text + " {")
	default:
		p.line(text)
		p.newline()
		p.line("{")
	}
	p.tail(n.After[:min(1, len(n.After))])
	p.depth++
	p.comments(n.After[min(1, len(n.After)):])
	p.nodes(n.Children)
	p.comments(n.Inside)
	p.depth--
	if !n.Close.IsZero() {
		p.line("}")
		p.tail(n.Behind)
	}
}

// words writes words with a blank between them: quoted where need be, or, if
// that takes too much room, with backslashes in front of what starts comments
// and no blanks where quotes divide the words.
func (p *printer) words(words []Word) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(Quote(w.Text, i == 0))
	}
	if b.Len() < maxLine {
		return b.String()
	}
	b.Reset()
	quoted := true
	for i, w := range words {
		text := escape(w.Text, i == 0)
		after := quoted
		if quoted = text[0] == '"'; !quoted && !after {
			b.WriteByte(' ')
		}
		b.WriteString(text)
	}
	return b.String()
}

// escape is Quote, but prefers a backslash to quotes.
func escape(word string, keyword bool) string {
	plain := strings.NewReplacer("#", "", "!", "").Replace(word)
	if plain == "" || strings.Contains(word, `\`) || Quote(plain, keyword) != plain {
		return Quote(word, keyword)
	}
	return strings.NewReplacer("#", `\#`, "!", `\!`).Replace(word)
}

// Quote returns a word as it has to be written, in double quotes if need be; a
// keyword that would be taken for a condition, a definition, a generator or an
// include needs them too, and so does a backslash, which at the end of a line
// joins the word in front of it. A word with a double quote or a line end cannot be
// written: see [CanWrite].
func Quote(word string, keyword bool) string {
	if word == "" || word == `\` || strings.ContainsAny(word, "#!{}"+blanks) ||
		keyword && (strings.IndexByte("@$~", word[0]) >= 0 || isInclude(word)) {
		return `"` + word + `"`
	}
	return word
}

func isInclude(word string) bool {
	_, ok := checkLetters[word]
	return ok
}

// CanWrite reports whether the language can express a word.
func CanWrite(word string) bool { return !strings.ContainsAny(word, "\"\n\x00") }
