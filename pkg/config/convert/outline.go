// Package convert writes a configuration in another form: as normalised text,
// as TOML, as JSON. It also reads TOML, into the same lines that the text is
// read into, so that one decoder serves both languages.
package convert

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Node is a keyword of a configuration, or a line of values.
type Node struct {
	Keyword  *config.Keyword // nil for a line of values
	Words    []syntax.Word   // what follows the keyword, or the values
	Children []*Node         // of a block: keywords, or lines of values
	At       diag.Span
	Before   []syntax.Comment // comments on the lines above
	After    []syntax.Comment // comments on the same line
	Inside   []syntax.Comment // comments in front of the closing brace

	line, end int    // in the tree: the keyword, the end of the block
	quote     string // around a command
}

// Outline is what a configuration says, as [config.Reading.Elements] tells it:
// words that are no keywords, and braces that belong to none, are left out.
type Outline struct {
	Nodes   []*Node
	Rest    []syntax.Comment // at the end
	Unknown []syntax.Word    // keywords that mean nothing where they stand

	used syntax.Feature
	main *diag.File
}

// Losses says what the other form of a configuration would lose: features that
// are replaced by what they give here and now, and words without a meaning.
func (o *Outline) Losses(features, unknown bool) (problems []diag.Problem) {
	if o.used != 0 && features {
		problems = append(problems, diag.Problem{
			ID: "convert-expands", Severity: diag.Error, At: diag.Span{File: o.main},
			Text: "this configuration uses " + o.used.String() + ": converted, it has only what they give on this machine now",
			Hint: "add --expand if that is what you want (and --config-id for another machine)",
		})
	}
	for _, w := range o.Unknown {
		if unknown {
			problems = append(problems, diag.Problem{
				ID: "convert-drops", Severity: diag.Error, At: w.At, Text: w.Text + " has no meaning here and would be lost",
				Hint: "correct it, or add --drop to leave such words out", Notes: w.Via.Notes(),
			})
		}
	}
	var walk func(nodes []*Node)
	walk = func(nodes []*Node) {
		for _, n := range nodes {
			for _, w := range n.Words {
				if !utf8.ValidString(w.Text) {
					problems = append(problems, diag.Problem{
						ID: "convert-not-utf8", Severity: diag.Error, At: w.At, Text: "this word is not valid UTF-8, which TOML requires",
						Hint: "convert the file first: iconv -f LATIN1 -t UTF-8",
					})
				}
			}
			walk(n.Children)
		}
	}
	walk(o.Nodes)
	return problems
}

// Read makes the outline of what has been read.
func Read(r *config.Reading) *Outline {
	o := &Outline{used: r.Tree.Used}
	if len(r.Tree.Files) > 0 {
		o.main = r.Tree.Files[0]
	}
	var elements []*config.Element
	elements, o.Unknown = r.Elements()
	o.Nodes = nodes(elements, &r.Tree.Lines)
	o.comments(r.Tree)
	return o
}

// nodes gives elements their words.
func nodes(elements []*config.Element, lines *syntax.Lines) []*Node {
	var out []*Node
	for _, e := range elements {
		l := lines.Line(e.Line)
		n := &Node{Keyword: e.Keyword, Words: l.Words, At: l.At, line: e.Line, end: e.End}
		if k := e.Keyword; k != nil {
			n.Words = l.Words[1:]
			if k.IsCommand() && !n.command(&l) {
				continue
			}
		}
		n.Children = nodes(e.Children, lines)
		out = append(out, n)
	}
	return out
}

// comments hands the comments of the tree to the nodes.
func (o *Outline) comments(tree *syntax.Tree) {
	type place struct {
		line  int
		node  *Node
		close bool
	}
	var places []place
	var walk func(nodes []*Node)
	walk = func(nodes []*Node) {
		for _, n := range nodes {
			places = append(places, place{n.line, n, false})
			walk(n.Children)
			if n.end > 0 {
				places = append(places, place{n.end, n, true})
			}
		}
	}
	walk(o.Nodes)
	for _, c := range tree.Comments {
		next := sort.Search(len(places), func(i int) bool { return places[i].line >= c.Next })
		switch {
		case c.Tail && next > 0:
			n := places[next-1].node
			n.After = append(n.After, c)
		case next == len(places):
			o.Rest = append(o.Rest, c)
		case places[next].close:
			n := places[next].node
			n.Inside = append(n.Inside, c)
		default:
			n := places[next].node
			n.Before = append(n.Before, c)
		}
	}
}

// command takes the words of a command from the line as it was typed: first the
// command, whole, then the account. It returns false if they have no effect.
func (n *Node) command(l *syntax.Line) bool {
	if l.Text == "" || len(n.Words) == 0 && !strings.ContainsAny(l.Text, `"'`) {
		return true
	}
	c := config.SplitCommandLine(l)
	if !c.Given {
		return false
	}
	at := l.At
	if len(n.Words) > 0 {
		at = n.Words[0].At
	}
	n.quote = c.Quote
	n.Words = append([]syntax.Word{{Text: c.Command, Quoted: true, At: at}}, c.Account...)
	return true
}

// commandText writes a command and its account.
func (n *Node) commandText() string {
	out := []string{n.Keyword.Name}
	for i, w := range n.Words {
		text := w.Text
		switch {
		case i > 0:
			text = syntax.Quote(text, false)
		case n.quote != "":
			text = n.quote + text + n.quote
		case syntax.Quote(text, false) != text:
			text = `"` + text + `"`
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// Text writes the outline in keepalived's language, one keyword on a line.
func (o *Outline) Text() string {
	return syntax.Format(toSyntax(o.Nodes), o.Rest)
}

func toSyntax(nodes []*Node) []*syntax.Node {
	out := make([]*syntax.Node, len(nodes))
	for i, n := range nodes {
		s := &syntax.Node{Words: n.Words, Before: n.Before, After: n.After, Inside: n.Inside}
		if k := n.Keyword; k != nil {
			if k.IsCommand() {
				s.Text = n.commandText()
			}
			s.Words = slices.Insert(slices.Clone(n.Words), 0, syntax.Word{Text: k.Name})
			if k.Takes == config.Sub || k.Takes == config.Items {
				s.Block, s.Open, s.Close = true, n.At, n.At
				s.Children = toSyntax(n.Children)
			}
		}
		out[i] = s
	}
	return out
}
