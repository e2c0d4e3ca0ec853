package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/configtest"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/lint"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// FuzzDecode looks for panics and endless work in decoding, cross checks, dumps
// and footguns.
func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"testdata/messages/*.conf", "../../examples/*.conf", "convert/testdata/*.conf"} {
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
	machine, typed, checks := testMachine(), testMachine(), testMachine()
	typed.Keep, checks.Keep = config.KeepTyped, config.KeepChecks
	f.Fuzz(func(t *testing.T, text string) {
		configtest.Bounded(t, func() {
			o := syntax.Options{Source: syntax.Text("t.conf", text), MaxLines: 1000}
			for _, mode := range []config.Mode{config.Test, config.Start} {
				r := config.Load("t.conf", o, mode, machine)
				sameSaid(t, r, config.Load("t.conf", o, mode, checks))
				again := config.Load("t.conf", o, mode, typed)
				sameSaid(t, r, again)
				sameServices(t, r.Config, again.Config)
				_ = r.DumpData()
				for _, p := range lint.Tidy(lint.Silence(append(r.Problems, lint.Check(r.Config)...), r.Tree.Comments)) {
					_ = p.At.Text()
				}
				lint.Compare(r.Config, r.Config)
			}
		})
	})
}

// sameServices compares the virtual servers of two readings of a text.
func sameServices(t *testing.T, whole, typed *config.Config) {
	t.Helper()
	inOneFile := func(a, b *diag.File) bool { return a == b || a != nil && b != nil && a.Name == b.Name }
	if d := cmp.Diff(whole.VirtualServers, typed.VirtualServers, cmp.Comparer(inOneFile),
		cmp.AllowUnexported(config.VirtualServer{}, config.Command{}), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); d != "" {
		t.Errorf("without the drafts the virtual servers are others:\n%s", d)
	}
}

// sameSaid compares what a reading that does not keep all says with what the whole one says.
func sameSaid(t *testing.T, whole, brief *config.Reading) {
	t.Helper()
	said := func(r *config.Reading) []string {
		var all []string
		for _, p := range r.Problems {
			if p.ID != "script-security-off" { // points at the first script, of any
				all = append(all, p.ID+" "+p.At.String()+" "+p.Text)
			}
		}
		slices.Sort(all)
		return all
	}
	if d := cmp.Diff(said(whole), said(brief)); d != "" {
		t.Errorf("a reading that keeps less says something else:\n%s", d)
	}
	if whole.Config.HasCheckers() != brief.Config.HasCheckers() {
		t.Error("a reading that keeps less does not know that there are virtual servers, or makes them up")
	}
}
