package syntax

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"gotest.tools/v3/golden"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// TestMessages compares what testdata/*.conf is told with what is in the
// .golden file beside it. A file is named for the problem it shows.
func TestMessages(t *testing.T) {
	names, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(names) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range names {
		id := strings.TrimSuffix(filepath.Base(name), ".conf")
		t.Run(id, func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			main := id + ".conf"
			fsys := fstest.MapFS{
				"etc/" + main:      {Data: text, Mode: 0o644},
				"etc/present.conf": {Data: []byte("\n"), Mode: 0o644},
				"etc/script.conf":  {Data: []byte("\n"), Mode: 0o755},
				"etc/sub/a.conf":   {Data: []byte("\n"), Mode: 0o644},
				"etc/fifo.conf":    {Mode: fs.ModeNamedPipe | 0o644},
			}
			if id == "no-config-file" {
				delete(fsys, "etc/"+main)
			}
			for i := range maxNested + 1 { // a chain of files, each including the next
				fsys[fmt.Sprintf("etc/chain%d.conf", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "include chain%d.conf\n", i+1), Mode: 0o644}
			}
			_, problems := Parse(main, Options{Source: NewSource(fsys, "/etc", nil), MaxLines: 1000})
			if len(problems) == 0 || !strings.HasPrefix(id, problems[0].ID) {
				t.Fatalf("the first problem is not the one the file is named for: %v", problems)
			}
			var got strings.Builder
			if err := (diag.Renderer{}).Write(&got, problems); err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, got.String(), id+".golden")
		})
	}
}
