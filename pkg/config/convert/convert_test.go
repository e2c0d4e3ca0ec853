package convert

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// machine is one on which every interface, account and program exists, so that
// nothing of a configuration is dropped for what the machine lacks.
func machine() *config.Env {
	return &config.Env{
		Hostname: "lb", CPUs: 2,
		Link: func(name string) (config.Link, bool) {
			return config.Link{Index: 1, Addr4: netip.MustParseAddr("198.51.100.1"), LinkLocal: netip.MustParseAddr("fe80::1")}, name != "lo"
		},
		User:        func(string) (uint32, uint32, bool) { return 65534, 65534, true },
		Group:       func(string) (uint32, bool) { return 65534, true },
		ResolveHost: func(string) (netip.Addr, bool) { return netip.Addr{}, true },
	}
}

// meaning is a typed configuration without places.
var meaning = cmp.Options{
	cmp.Exporter(func(reflect.Type) bool { return true }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b diag.Span) bool { return true }),
	cmp.Comparer(func(a, b syntax.Word) bool { return a.Text == b.Text }),
	cmp.Comparer(func(a, b *config.Keyword) bool { return a == b }),
	cmpopts.SortSlices(func(a, b config.Linkbeat) int { return strings.Compare(a.Interface, b.Interface) }), // a set
}

func read(name string, o syntax.Options) (*syntax.Tree, *config.Reading) {
	tree, _ := Parse(name, o)
	return tree, config.Read(tree, config.Test, machine())
}

func readText(name, text string) (*syntax.Tree, *config.Reading) {
	return read(name, syntax.Options{Source: syntax.Text(name, text)})
}

func loadText(name, text string) *config.Reading {
	return Load(name, syntax.Options{Source: syntax.Text(name, text)}, config.Test, machine())
}

// roundTrip takes a configuration to normalised text and to TOML and back, and
// compares what they mean.
func roundTrip(t *testing.T, name string, o syntax.Options) {
	t.Helper()
	_, want := read(name, o)
	outline := Read(want)
	for _, form := range []struct{ name, text string }{
		{"normal.conf", outline.Text()},
		{"normal.toml", TOML(outline.Values())},
	} {
		_, got := readText(form.name, form.text)
		for _, p := range got.Problems {
			if strings.HasPrefix(p.ID, "toml-") {
				t.Errorf("%s", diag.Renderer{}.Text(p))
			}
		}
		if d := cmp.Diff(want.Config, got.Config, meaning); d != "" {
			t.Errorf("%s means something else as %s:\n%s\n%s", name, form.name, d, form.text)
			return
		}
		if a, b := outline.Text(), Read(got).Text(); form.name == "normal.conf" && a != b {
			t.Errorf("%s: printed twice:\n%s", name, cmp.Diff(a, b))
		}
	}
}

// TestRoundTrip reads every example and every file of the test data, and, if
// HOLDFAST_CORPUS names a corpus, its configurations and broken files too.
func TestRoundTrip(t *testing.T) {
	folders := []string{"../../../examples", "testdata"}
	if corpus := os.Getenv("HOLDFAST_CORPUS"); corpus != "" {
		folders = append(folders, filepath.Join(corpus, "configs"), filepath.Join(corpus, "broken"))
	}
	var files []string
	for _, folder := range folders {
		more, err := filepath.Glob(filepath.Join(folder, "*.conf"))
		if err != nil || len(more) == 0 {
			t.Fatalf("no configurations in %s: %v", folder, err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir, err := filepath.Abs(filepath.Dir(file))
			if err != nil {
				t.Fatal(err)
			}
			source := syntax.NewSource(os.DirFS("/"), dir, nil)
			roundTrip(t, filepath.Base(file), syntax.Options{Source: source, ConfigID: "lb"})
		})
	}
}
