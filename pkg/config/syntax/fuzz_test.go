package syntax

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"

	"github.com/holdfast-lb/holdfast/pkg/config/configtest"
)

// FuzzParse looks for panics, endless work and spans outside their files.
func FuzzParse(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.conf")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "a b\n")
	}
	f.Add("$A=$B\n$B=x${A}\n$A\n$M=\\\n a\\\n $M\n$M", "include main.conf\n")
	f.Add("~SEQ(i,1,9) ~LST({a,b},{1},{2,3}) x${i}$a { include inc.conf\n", "@me y\\#${_RANDOM 3}\"")
	f.Add("$RS=0}$A $A $RS $RS\n$RS", "")       // twice as long each time
	f.Add("~SEQ(0,40)$A=\\", "")                // a generator that ends within a definition
	f.Add("~SEQ(i,8)~LST({a},{0$a})${a}$a", "") // a value that leads back to itself
	f.Fuzz(func(t *testing.T, main, included string) {
		configtest.Bounded(t, func() {
			source := Text("main.conf", main)
			source.Add("inc.conf", included)
			tree, problems := Parse("main.conf", Options{Source: source, ConfigID: "me", MaxLines: 2000})
			for _, l := range tree.Lines.All() {
				_ = l.At.Text()
				if (l.Kind == Plain) != (len(l.Words) > 0) {
					t.Errorf("line of kind %d with %d words", l.Kind, len(l.Words))
				}
				for _, w := range l.Words {
					_ = w.At.Text()
					if w.Via == nil && w.Text != w.At.Text() && len(w.Text) >= len(w.At.Text()) {
						t.Errorf("word %q was typed as %q", w.Text, w.At.Text())
					}
				}
			}
			for _, p := range problems {
				_ = p.At.Text()
				for _, n := range p.Notes {
					_ = n.At.Text()
				}
			}
			nodes, rest := tree.Nodes()
			if got := count(nodes); got != tree.Lines.Len() {
				t.Errorf("%d lines became %d in nodes", tree.Lines.Len(), got)
			}
			_ = rest
		})
	})
}

// count returns how many lines the nodes stand for.
func count(nodes []*Node) (n int) {
	for _, node := range nodes {
		if len(node.Words) > 0 {
			n++
		}
		if !node.Open.IsZero() {
			n++
		}
		if !node.Close.IsZero() {
			n++
		}
		n += count(node.Children)
	}
	return n
}

// FuzzSimple compares the short way through lines of words and braces with the long one.
func FuzzSimple(f *testing.F) {
	f.Add(" a b {c }} d\t{ include_check \v{")
	f.Add("{ random_seed 1 } includes x")
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, _, seen := scan(text); seen&^(isBlank|isBrace) != 0 || len(text) >= maxLine || strings.ContainsAny(text, "#!\n") {
			t.Skip("the long way alone reads this")
		}
		file := &diag.File{Name: "t.conf", Text: text}
		start := func() reader {
			return reader{tree: new(Tree), source: NewSource(nil, "/", nil), files: []open{{file: file, abs: "/t.conf", off: len(text)}}}
		}
		short, long := start(), start()
		c := chunk{s: text, file: file}
		short.simple(&c)
		long.line(chunk{s: text, file: file}, 0, false)
		for i, l := range long.tree.Lines.All() {
			if i >= short.tree.Lines.Len() {
				break
			}
			if got := short.tree.Lines.Line(i); got.At != l.At || got.Kind != l.Kind || got.Text != l.Text {
				t.Errorf("line %d is %+v, want %+v", i, got, l)
			}
		}
		if a, b := show(short.tree), show(long.tree); a != b {
			t.Errorf("got %s, want %s", a, b)
		}
	})
}
