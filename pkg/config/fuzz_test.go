package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/configtest"
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
	machine := testMachine()
	f.Fuzz(func(t *testing.T, text string) {
		configtest.Bounded(t, func() {
			o := syntax.Options{Source: syntax.Text("t.conf", text), MaxLines: 1000}
			for _, mode := range []config.Mode{config.Test, config.Start} {
				r := config.Load("t.conf", o, mode, machine)
				_ = r.DumpData()
				for _, p := range lint.Tidy(lint.Silence(append(r.Problems, lint.Check(r.Config)...), r.Tree.Comments)) {
					_ = p.At.Text()
				}
				lint.Compare(r.Config, r.Config)
			}
		})
	})
}
