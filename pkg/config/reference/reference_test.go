package reference

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/convert"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

const root = "../../../"

// current compares a file with what it should hold, or writes it.
func current(t *testing.T, path, want string) {
	t.Helper()
	name, err := filepath.Rel("testdata", path)
	if err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, want, name, "make docs writes %s anew", path)
}

// TestCurrent proves that the documents say what the keyword table says.
func TestCurrent(t *testing.T) {
	text := diagnosticsText(t)
	current(t, "diagnostics.md", text)
	diagnostics = text
	for path, want := range Files() {
		current(t, root+path, want)
	}
	for _, id := range problemIDs(t) {
		if problem(id) == "" {
			t.Errorf("no golden file shows the problem %s", id)
		}
	}
}

// messageLine is the first line of a rendered problem.
var messageLine = regexp.MustCompile(`(?m)^(?:\S+:\d+:\d+: )?(error|warning|info): .* \[([a-z0-9-]+)\]$`)

// diagnosticsText makes the list of diagnostics out of the golden files: for
// each id the problem as it is shown, from the file named for it if there is
// one.
func diagnosticsText(t *testing.T) string {
	t.Helper()
	type sample struct {
		severity, text string
		named          bool
	}
	samples := map[string]sample{}
	var files []string
	for _, pattern := range []string{"../testdata/messages/*.golden", "../syntax/testdata/*.golden", "../lint/testdata/*.golden", "../convert/testdata/messages/*.golden"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, paragraph := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			if paragraph == "" {
				continue // the file of a good configuration
			}
			m := messageLine.FindStringSubmatch(paragraph)
			if m == nil {
				t.Fatalf("%s: no message in %q", file, paragraph)
			}
			s := sample{m[1], paragraph, strings.TrimSuffix(filepath.Base(file), ".golden") == m[2]}
			if old, ok := samples[m[2]]; !ok || s.named && !old.named {
				samples[m[2]] = s
			}
		}
	}
	ids := make([]string, 0, len(samples))
	for id := range samples {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	var b strings.Builder
	b.WriteString(`# Diagnostics

<!-- Made from the golden files: make docs -->

What can be wrong with a configuration, by the id at the end of each message. Errors and some
warnings decide the exit status of ` + "`-t`" + `. A comment silences a warning or a remark:

` + "```" + `
virtual_ipaddress {
    192.0.2.10/24   # holdfast: ignore vip-prefix
}
# holdfast: ignore-file auth-readable
` + "```" + `

The first form counts for its own line and the next, the second for the whole file.
`)
	for _, id := range ids {
		lines := strings.Split(samples[id].text, "\n")
		for i, l := range lines {
			if r := []rune(l); len(r) > 150 && i > 0 && !strings.Contains(l, ": ") {
				lines[i] = string(r[:149]) + "…"
			}
		}
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n```\n", id, strings.Join(lines, "\n"))
	}
	return b.String()
}

// problemIDs finds the ids in the sources: the first text given to the methods
// that report, and the ID of problems written out.
func problemIDs(t *testing.T) []string {
	t.Helper()
	reporters := []string{"err", "warn", "info", "at", "unusable", "remark", "wrong", "differ", "problem", "mistake"}
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	found := map[string]bool{}
	take := func(e ast.Expr) bool {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return false
		}
		s, _ := strconv.Unquote(lit.Value)
		if !id.MatchString(s) {
			return false
		}
		found[s] = true
		return true
	}
	for _, dir := range []string{"..", "../syntax", "../lint", "../convert"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					name := ""
					switch fn := n.Fun.(type) {
					case *ast.SelectorExpr:
						name = fn.Sel.Name
					case *ast.Ident:
						name = fn.Name
					}
					if slices.Contains(reporters, name) {
						for _, a := range n.Args[:min(2, len(n.Args))] {
							if take(a) {
								break
							}
						}
					}
				case *ast.KeyValueExpr:
					if k, ok := n.Key.(*ast.Ident); ok && k.Name == "ID" {
						take(n.Value)
					}
				case *ast.CompositeLit:
					if k, ok := n.Type.(*ast.Ident); ok && k.Name == "fault" && len(n.Elts) > 0 {
						take(n.Elts[0])
					}
				}
				return true
			})
		}
	}
	if len(found) < 100 {
		t.Fatalf("only %d ids found in the sources", len(found))
	}
	var out []string
	for s := range found {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}

func TestExplain(t *testing.T) {
	for _, tt := range []struct{ word, path, want string }{
		{"priority", "", "base priority"},
		{"priority", "vrrp_instance", "range     1..255"},
		{"weight", "virtual_server/real_server", "virtual_server > real_server"},
		{"weight", "real_server", "virtual_server > real_server"},
		{"vip-prefix", "", "help: write"},
		{"lb_algo", "", "virtual_server 192.0.2.80 80 {\n            lb_algo wlc\n        }"},
	} {
		got, err := Explain(tt.word, tt.path)
		if err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %v\n%s\nwant %q in it", tt.word, tt.path, err, got, tt.want)
		}
	}
	if _, err := Explain("prioritty", ""); err == nil || !strings.Contains(err.Error(), "did you mean priority?") {
		t.Errorf("got %v", err)
	}
	if _, err := Explain("priority", "global_defs"); err == nil {
		t.Error("priority was found in global_defs")
	}
}

// TestEveryKeyword explains all of them, and reads every example.
func TestEveryKeyword(t *testing.T) {
	for _, e := range entries() {
		if e.Doc == "" {
			t.Errorf("%s has no documentation", e.full())
		}
		if _, err := Explain(e.Name, e.path); err != nil {
			t.Error(err)
		}
		text := e.inContext()
		if text == "" {
			continue
		}
		tree, problems := syntax.Parse("x.conf", syntax.Options{Source: syntax.Text("x.conf", text)})
		r := config.Read(tree, config.Test, &config.Env{})
		for _, p := range append(problems, r.Problems...) {
			switch p.ID {
			case "unknown-keyword", "missing-argument", "unexpected-brace", "extra-closing-brace", "missing-closing-brace",
				"unclosed-block", "missing-opening-brace", "number-out-of-range", "invalid-number", "unknown-word":
				t.Errorf("the example of %s:\n%s\n%s", e.full(), text, diag.Renderer{}.Text(p))
			}
		}
	}
}

// TestSchema proves that the schema describes what convert writes.
func TestSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal([]byte(Schema()), &schema); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(root + "examples/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../convert/testdata/words.conf") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		read := config.Load("x.conf", syntax.Options{Source: syntax.Text("x.conf", string(text))}, config.Test, nil)
		out, err := convert.JSON(convert.Read(read).Values())
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(out, &value); err != nil {
			t.Fatal(err)
		}
		validate(t, schema["$defs"].(map[string]any), schema, value, filepath.Base(file))
	}
}

// validate checks the parts of JSON schema that Schema uses.
func validate(t *testing.T, defs, schema map[string]any, value any, path string) bool {
	if ref, ok := schema["$ref"].(string); ok {
		return validate(t, defs, defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), value, path)
	}
	if any, ok := schema["anyOf"].([]any); ok {
		_, array := value.([]interface{})
		for _, s := range any {
			s := s.(map[string]interface{})
			if isArray := s["type"] == "array"; isArray == array || s["$ref"] == "#/$defs/words" && array {
				return validate(t, defs, s, value, path)
			}
		}
		t.Errorf("%s: nothing fits", path)
		return false
	}
	kind := map[bool]string{}
	switch v := value.(type) {
	case map[string]any:
		kind[true] = "object"
		props, _ := schema["properties"].(map[string]any)
		for k, x := range v {
			p, ok := props[k].(map[string]any)
			if !ok {
				t.Errorf("%s: no %s in the schema", path, k)
				continue
			}
			validate(t, defs, p, x, path+"/"+k)
		}
	case []any:
		kind[true] = "array"
		if items, ok := schema["items"].(map[string]any); ok {
			for _, x := range v {
				validate(t, defs, items, x, path+"[]")
			}
		}
	case string:
		kind[true] = "string"
	case bool:
		kind[true] = "boolean"
	case float64:
		kind[true] = "number"
		if v == float64(int64(v)) {
			kind[false] = "integer"
		}
	}
	types, ok := schema["type"].([]any)
	if !ok {
		types = []any{schema["type"]}
	}
	for _, x := range types {
		if x == kind[true] || x == kind[false] {
			return true
		}
	}
	t.Errorf("%s: a %s, want %v", path, kind[true], types)
	return false
}
