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
}

func (p *printer) indent() {
	for range p.depth {
		p.WriteString("    ")
	}
}

func (p *printer) comments(comments []Comment) {
	for _, c := range comments {
		p.indent()
		p.WriteString(c.At.Text())
		p.WriteByte('\n')
	}
}

// tail writes comments behind what is on the line, and ends it.
func (p *printer) tail(comments []Comment) {
	if len(comments) > 0 {
		p.WriteByte(' ')
		p.WriteString(comments[0].At.Text())
		comments = comments[1:]
	}
	p.WriteByte('\n')
	p.comments(comments)
}

func (p *printer) nodes(nodes []*Node) {
	for i, n := range nodes {
		if p.depth == 0 && i > 0 && (n.Block || nodes[i-1].Block) {
			p.WriteByte('\n')
		}
		p.comments(n.Before)
		p.indent()
		if n.Text != "" {
			p.WriteString(n.Text)
			p.tail(n.After)
			continue
		}
		for k, w := range n.Words {
			if k > 0 {
				p.WriteByte(' ')
			}
			p.WriteString(Quote(w.Text, k == 0))
		}
		switch {
		case n.Block && len(n.Words) > 0:
			p.WriteString(" {")
		case n.Block:
			p.WriteByte('{')
		case len(n.Words) == 0:
			p.WriteByte('}')
			p.tail(n.Behind)
			continue
		}
		if !n.Block {
			p.tail(n.After)
			continue
		}
		p.tail(n.After[:min(1, len(n.After))])
		p.depth++
		p.comments(n.After[min(1, len(n.After)):])
		p.nodes(n.Children)
		p.comments(n.Inside)
		p.depth--
		if !n.Close.IsZero() {
			p.indent()
			p.WriteByte('}')
			p.tail(n.Behind)
		}
	}
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
