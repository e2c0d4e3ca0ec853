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

// line begins a line. What does not fit one is put into definitions.
func (p *printer) line(text string) {
	indent := strings.Repeat("    ", p.depth)
	if room := maxLine - 1 - len(indent); len(text) > room {
		var definitions []string
		definitions, text = shorten(text, room)
		for _, d := range definitions {
			p.write(d)
			p.newline()
		}
	}
	p.write(indent)
	p.write(text)
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
			p.line(words(n.Words))
			p.tail(n.After)
		}
	}
}

// block writes a line with the block that follows it.
func (p *printer) block(n *Node) {
	p.line(strings.TrimLeft(words(n.Words)+" {", " "))
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

// words writes words with a blank between them.
func words(words []Word) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w.Text, i == 0)
	}
	return strings.Join(quoted, " ")
}

// Quote returns a word as it has to be written, in double quotes if need be; a
// keyword that would be taken for a condition, a definition, a generator or an
// include needs them too. A word with a double quote or a line end cannot be
// written: see [CanWrite].
func Quote(word string, keyword bool) string {
	if word == "" || strings.ContainsAny(word, "#!{}"+blanks) ||
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
