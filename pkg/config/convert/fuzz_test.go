package convert

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/configtest"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func seeds(f *testing.F, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
}

// FuzzRoundTrip takes configurations to normalised text and to TOML, and back.
func FuzzRoundTrip(f *testing.F) {
	seeds(f, "testdata/*.conf", "../../../examples/*.conf", "../testdata/messages/*.conf")
	f.Fuzz(func(t *testing.T, text string) {
		configtest.Bounded(t, func() {
			o := syntax.Options{Source: syntax.Text("t.conf", text), MaxLines: 1000}
			tree, want := read("t.conf", o)
			if !expressible(tree) {
				t.Skip("cannot be written down")
			}
			if diag.ExitStatus(want.Problems) == 2 {
				t.Skip("reading stopped in the middle")
			}
			outline := Read(want)
			if len(outline.Losses(false, false)) > 0 || slices.ContainsFunc(outline.Unknown, func(w syntax.Word) bool { return w.Text == "{" }) {
				t.Skip("cannot be written down")
			}
			for _, form := range []struct{ name, text string }{
				{"normal.conf", outline.Text()},
				{"normal.toml", TOML(outline.Values())},
			} {
				_, got := readText(form.name, form.text)
				if d := cmp.Diff(want.Config, got.Config, meaning); d != "" {
					t.Fatalf("means something else as %s:\n%s\n%s", form.name, d, form.text)
				}
			}
		})
	})
}

// expressible reports whether every word can be written, if need be with
// definitions, without being replaced.
func expressible(tree *syntax.Tree) bool {
	for _, l := range tree.Lines.All() {
		size := 80
		for _, w := range l.Words {
			size += len(w.Text) + 3
			if strings.Contains(w.Text, "$") || !syntax.CanWrite(w.Text) {
				return false
			}
		}
		if size > 20_000 {
			return false
		}
	}
	return true
}

// FuzzTOML looks for panics and endless work in reading TOML.
func FuzzTOML(f *testing.F) {
	seeds(f, "testdata/messages/*.toml")
	tree, _ := syntax.Parse("words.conf", syntax.Options{Source: syntax.NewSource(os.DirFS("testdata"), "/", nil)})
	f.Add(TOML(Read(config.Read(tree, config.Test, machine())).Values()))
	f.Add("a.b.\"c d\" = [[1, 2], {x = '''y'''}, 1979-05-27T07:32:00Z]\n[[e.f]]\ng = \"\\u00e9\\\n  \"\n")
	f.Fuzz(func(t *testing.T, text string) {
		configtest.Bounded(t, func() {
			tree, r := readText("t.toml", text)
			for _, l := range tree.Lines.All() {
				_ = l.At.Text()
				for _, w := range l.Words {
					_ = w.At.Text()
				}
			}
			for _, p := range r.Problems {
				_ = p.At.Text()
			}
		})
	})
}
