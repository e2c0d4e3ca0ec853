package convert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// TestMessages compares what the files of testdata/messages are told with the
// .golden files beside them: TOML by its reader, the others by its writer.
func TestMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/messages/*.[tc]o*")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var problems []diag.Problem
			if IsTOML(name) {
				problems = loadText(name, string(text)).Problems
			} else {
				_, r := readText(name, string(text))
				problems = Read(r).Losses(true, true)
			}
			id := strings.TrimSuffix(name, filepath.Ext(name))
			if len(problems) == 0 || problems[0].ID != id {
				t.Errorf("the first problem is not %s: %v", id, problems)
			}
			var got strings.Builder
			if err := (diag.Renderer{}).Write(&got, problems); err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, got.String(), "messages/"+id+".golden")
		})
	}
}
