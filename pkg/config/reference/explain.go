package reference

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// diagnostics explains every problem by its id, with an example of each. It is
// made from the golden files of the tests.
//
//go:embed diagnostics.md
var diagnostics string

// Explain returns what there is to know about a keyword, or about a problem by
// its id. A keyword that stands in several blocks is explained for each, unless
// the path of one is given (such as virtual_server/real_server) or the end of
// it.
func Explain(word, path string) (string, error) {
	var found []entry
	for _, e := range entries() {
		if e.Name == word && (path == "" || e.path == path || strings.HasSuffix(e.path, "/"+path)) {
			found = append(found, e)
		}
	}
	if len(found) == 0 && path == "" {
		if text := problem(word); text != "" {
			return text, nil
		}
	}
	if len(found) == 0 {
		hint := ""
		if path != "" {
			hint = " in " + path
		}
		if near := diag.Suggest(word, Names()); near != "" {
			hint += ": did you mean " + near + "?"
		}
		return "", fmt.Errorf("there is no keyword %s%s", word, hint)
	}
	var b strings.Builder
	for i, e := range merged(found) {
		if i > 0 {
			b.WriteString("\n")
		}
		e.explain(&b)
	}
	return b.String(), nil
}

// place is a keyword that means the same in several blocks.
type place struct {
	entry
	also []string
}

// merged unites entries that say the same.
func merged(list []entry) (out []place) {
next:
	for _, e := range list {
		for i := range out {
			o := &out[i]
			if o.Doc == e.Doc && o.synopsis() == e.synopsis() && o.Default == e.Default {
				o.also = append(o.also, e.where())
				continue next
			}
		}
		out = append(out, place{entry: e})
	}
	return out
}

func (p place) explain(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n\n", p.synopsis())
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "    %-9s %s\n", label, text)
		}
	}
	line("meaning", p.Doc)
	line("block", p.where())
	for _, also := range p.also {
		line("", also)
	}
	line("default", p.Default)
	line("range", p.Range())
	line("unit", p.Unit)
	line("acts on", byWhom(p.Role))
	line("status", p.status())
	if p.Block != nil {
		if names := p.Block.Names(); len(names) > 0 {
			line("holds", wrap(strings.Join(names, " "), 60, "              "))
		}
	}
	if ex := p.inContext(); ex != "" {
		fmt.Fprintf(b, "\n    example\n\n        %s\n", strings.ReplaceAll(ex, "\n", "\n        "))
	}
}

// wrap breaks a text at blanks.
func wrap(s string, width int, indent string) string {
	var b strings.Builder
	col := 0
	for i, w := range strings.Fields(s) {
		switch {
		case i == 0:
		case col+1+len(w) > width:
			b.WriteString("\n" + indent)
			col = 0
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(w)
		col += len(w)
	}
	return b.String()
}

// problem returns the explanation of a problem, or "".
func problem(id string) string {
	_, text, ok := strings.Cut("\n"+diagnostics, "\n## "+id+"\n")
	if !ok {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n## ")
	text = strings.NewReplacer("```text\n", "", "```\n", "").Replace(strings.Trim(text, "\n") + "\n")
	return id + "\n\n" + text
}

// List returns an overview of all blocks and their keywords.
func List() string {
	var b strings.Builder
	var walk func(path string, block *config.Block)
	walk = func(path string, block *config.Block) {
		var names []string
		for _, k := range block.All() {
			names = append(names, k.Name)
		}
		fmt.Fprintf(&b, "%s\n    %s\n\n", entry{path: path, Keyword: &config.Keyword{}}.where(), wrap(strings.Join(names, " "), 74, "    "))
		for _, k := range block.All() {
			if k.Takes == config.Sub && k.Block != nil {
				walk(strings.TrimPrefix(strings.TrimPrefix(path+"/"+k.Name, config.RootPath), "/"), k.Block)
			}
		}
	}
	walk(config.RootPath, config.Root())
	return b.String()
}
