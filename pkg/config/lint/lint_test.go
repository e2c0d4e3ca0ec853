package lint

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// load reads a file of the test data for a machine that has all it names.
func load(t *testing.T, name string) *config.Reading {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	env := &config.Env{
		Hostname: "lb", CPUs: 2,
		Link: func(name string) (config.Link, bool) {
			return config.Link{Index: 1, Addr4: netip.MustParseAddr("198.51.100.1"), LinkLocal: netip.MustParseAddr("fe80::1")}, true
		},
		User:  func(string) (uint32, uint32, bool) { return 65534, 65534, true },
		Group: func(string) (uint32, bool) { return 65534, true },
		Lstat: func(string) (config.FileInfo, bool) { return config.FileInfo{Mode: 0o755}, true },
		Stat:  func(string) (config.FileInfo, bool) { return config.FileInfo{Mode: 0o755}, true },
	}
	return config.Load(name, syntax.Options{Source: syntax.Text(name, string(text))}, config.Test, env)
}

// told compares problems with the golden file of that name.
func told(t *testing.T, name string, problems []diag.Problem) {
	t.Helper()
	var got strings.Builder
	if err := (diag.Renderer{}).Write(&got, problems); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, got.String(), name+".golden")
}

// TestCheck reads each file of the test data, which is named for the footgun it
// shows and has no other fault.
func TestCheck(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".conf")
		if strings.HasPrefix(name, "peer-") && name != "peer-is-self" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := load(t, name+".conf")
			for _, p := range r.Problems {
				if p.Severity == diag.Error {
					t.Errorf("%s", diag.Renderer{}.Text(p))
				}
			}
			problems := Check(r.Config)
			if len(problems) != 1 || !strings.HasPrefix(name, problems[0].ID) {
				t.Errorf("want one problem %s, got %v", name, problems)
			}
			told(t, name, problems)
		})
	}
}

// TestCompare reads pairs of files, this router's and its peer's.
func TestCompare(t *testing.T) {
	files, err := filepath.Glob("testdata/peer-*.here.conf")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".here.conf")
		t.Run(name, func(t *testing.T) {
			here, there := load(t, name+".here.conf"), load(t, name+".there.conf")
			problems := Compare(here.Config, there.Config)
			for _, p := range problems {
				if !strings.HasPrefix(name, p.ID) {
					t.Errorf("unexpected: %s", diag.Renderer{}.Text(p))
				}
			}
			if len(problems) == 0 && name != "peer-good" {
				t.Error("nothing was found")
			}
			told(t, name, problems)
		})
	}
}

func TestSilence(t *testing.T) {
	const text = `# holdfast: ignore-file c
a # holdfast: ignore x, y
# holdfast: ignore z
b
c
! holdfast:ignore x
d
# holdfast: ignore
`
	tree, _ := syntax.Parse("t.conf", syntax.Options{Source: syntax.Text("t.conf", text)})
	for _, tt := range []struct {
		line, id string
		severity diag.Severity
		silent   bool
	}{
		{"a", "x", diag.Warning, true},
		{"a", "y", diag.Info, true},
		{"a", "z", diag.Warning, false},
		{"b", "z", diag.Warning, true},
		{"b", "x", diag.Warning, false},
		{"c", "c", diag.Warning, true},
		{"d", "x", diag.Warning, true},
		{"d", "x", diag.Error, false},
		{"d", "y", diag.Warning, false},
	} {
		for _, l := range tree.Lines.All() {
			if l.Words[0].Text != tt.line {
				continue
			}
			left := Silence([]diag.Problem{{ID: tt.id, Severity: tt.severity, At: l.At}}, tree.Comments)
			if silent := len(left) == 0; silent != tt.silent {
				t.Errorf("%s %v on line %s: silent %v, want %v", tt.id, tt.severity, tt.line, silent, tt.silent)
			}
		}
	}
}

func TestTidy(t *testing.T) {
	f := &diag.File{Name: "f", Text: "abcdefg\u00a0h"}
	span := func(a, b int32) diag.Span { return diag.Span{File: f, Start: a, End: b} }
	got := Tidy([]diag.Problem{
		{ID: "unknown-keyword", Severity: diag.Error, Class: diag.Config, At: span(3, 6)},
		{ID: "lookalike-character", Severity: diag.Warning, At: span(4, 5)},
		{ID: "undefined-name", Severity: diag.Warning, At: span(0, 2)},
		{ID: "unknown-keyword", Severity: diag.Error, Class: diag.Config, At: span(0, 2)},
		{ID: "unknown-keyword", Severity: diag.Error, Class: diag.Config, At: span(2, 3)},
		{ID: "unknown-keyword", Severity: diag.Error, Class: diag.Config, At: span(6, 10)},
	})
	want := []diag.Problem{
		{ID: "undefined-name", Severity: diag.Error, Class: diag.Config, At: span(0, 2)},
		{ID: "unknown-keyword", Severity: diag.Error, Class: diag.Config, At: span(2, 3)},
		{ID: "lookalike-character", Severity: diag.Error, Class: diag.Config, At: span(4, 5)},
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b diag.Span) bool { return a == b })); d != "" {
		t.Error(d)
	}
}
