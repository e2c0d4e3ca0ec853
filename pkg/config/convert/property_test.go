package convert

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// TestRoundTripProperty makes configurations out of the table of keywords, with
// arguments that mostly fit, and takes them to normalised text and to TOML and
// back: the lines stay the same, and so does what they mean.
func TestRoundTripProperty(t *testing.T) {
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		must(t, seed.Value.Set("20")) // always the same ones: FuzzRoundTrip looks for others
	}
	rapid.Check(t, func(t *rapid.T) {
		w := writer{t: t}
		w.block(config.Root(), 1)
		tree, want := readText("t.conf", w.String())

		printed, _ := readText("t.conf", syntax.Format(tree.Nodes()))
		if d := cmp.Diff(said(tree), said(printed)); d != "" {
			t.Fatalf("other lines when printed:\n%s\n%s", d, w.String())
		}
		if diag.ExitStatus(want.Problems) == 2 {
			return // reading stopped in the middle, which depends on the order
		}
		outline := Read(want)
		for _, form := range []struct{ name, text string }{
			{"normal.conf", outline.Text()},
			{"normal.toml", TOML(outline.Values())},
		} {
			_, got := readText(form.name, form.text)
			if d := cmp.Diff(want.Config, got.Config, meaning); d != "" {
				t.Fatalf("means something else as %s:\n%s\n%s\nfrom\n%s", form.name, d, form.text, w.String())
			}
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// said are the lines of a tree without places.
func said(tree *syntax.Tree) (lines []string) {
	for _, l := range tree.Lines.All() {
		line := fmt.Sprint(l.Kind)
		for _, w := range l.Words {
			line += fmt.Sprintf(" %q", w.Text)
		}
		lines = append(lines, line)
	}
	return lines
}

// writer draws a configuration.
type writer struct {
	strings.Builder
	t *rapid.T
}

func (w *writer) draw(from ...string) string { return rapid.SampledFrom(from).Draw(w.t, "word") }

func (w *writer) block(b *config.Block, depth int) {
	once := map[string]bool{} // in TOML a keyword has one place in its block
	for range rapid.IntRange(0, 6).Draw(w.t, "lines") {
		k := rapid.SampledFrom(b.All()).Draw(w.t, "keyword")
		if once[k.Name] {
			continue
		}
		once[k.Name] = true
		w.keyword(k, depth)
		if k.Takes == config.Sub && k.Args != "" && rapid.Bool().Draw(w.t, "another") {
			w.keyword(k, depth)
		}
	}
}

func (w *writer) keyword(k *config.Keyword, depth int) {
	indent := strings.Repeat("\t", depth-1)
	w.WriteString(indent + k.Name + " " + w.arguments(k))
	switch k.Takes {
	case config.Sub:
		w.WriteString(w.draw(" {\n", "{ # why\n", "\n{\n"))
		w.block(k.Block, depth+1)
		w.WriteString(indent + "}")
	case config.Items:
		w.WriteString(" {\n")
		for range rapid.IntRange(0, 3).Draw(w.t, "items") {
			w.WriteString(indent + "\t" + w.item(k) + "\n")
		}
		w.WriteString(indent + "}")
	}
	w.WriteString(w.draw("\n", " # a comment\n", "\n\n! another\n"))
}

// arguments are what may stand behind a keyword.
func (w *writer) arguments(k *config.Keyword) string {
	switch k.Takes {
	case config.Flag:
		return ""
	case config.Bool:
		return w.draw("", "true", "false", "on", "off", "yes", "no", "maybe")
	case config.Int:
		return fmt.Sprint(rapid.Int64Range(k.Min-1, min(k.Max, k.Min+500)+1).Draw(w.t, "number"))
	case config.Seconds, config.Millis:
		return w.draw("1", "0.5", "2.25", "10", "007", ".5", "x")
	case config.Addr:
		return w.draw(addresses...)
	case config.Exec:
		return w.draw(commands...) + w.draw("", " root", " nobody nogroup")
	case config.Sub, config.Items:
		if k.Args == "" {
			return ""
		}
		if strings.HasSuffix(k.Name, "_server") {
			return w.draw(addresses...) + w.draw("", " 80", " http")
		}
		return w.draw(names...)
	}
	if k.IsCommand() {
		return w.draw(commands...)
	}
	return w.line(append(names, addresses...), 1, 3)
}

// item is a line of values: something, and options of the block.
func (w *writer) item(k *config.Keyword) string {
	from := append(names, addresses...)
	first := w.line(from, 1, 2)
	if k.Block == nil {
		return first
	}
	return first + " " + w.line(append(from, k.Block.Names()...), 0, 4)
}

func (w *writer) line(from []string, least, most int) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), least, most).Draw(w.t, "words"), " ")
}

var (
	addresses = []string{
		"192.0.2.1", "192.0.2.10/24", "198.51.100.7", "2001:db8::1", "2001:db8::2/64", "fe80::1", "224.0.0.18", "default", "192.0.2.300", "192.0.2.4-9",
	}
	names = []string{
		"eth0", "VI_1", "web", "MASTER", "BACKUP", "PASS", "rr", "wlc", "NAT", "TCP", "fwmark 7", "group web", "80", "443", "all", "none",
		`"a b"`, `"a#b!c"`, `a\#b`, `""`, `"{x}"`, "'q", `back\slash`, `"~SEQ"`, "é", "/usr/bin/true", "0", "-1", "1.5",
	}
	commands = []string{
		"/usr/bin/true", `"/usr/bin/true a b"`, `"/usr/bin/true 'a b' c\\d"`, `'/usr/bin/true "a b"'`, `"/usr/bin/true #x"`, "</dev/tcp/192.0.2.1/80",
	}
)
