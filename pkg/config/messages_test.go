package config_test

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/lint"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// testMachine has the interfaces lo, eth0 and eth1, the users root and nobody,
// /usr/bin/true, and /etc/lax/check.sh, which everybody can write.
func testMachine() *config.Env {
	stat := func(path string) (config.FileInfo, bool) {
		switch path {
		case "/usr/bin/true":
			return config.FileInfo{Mode: 0o755}, true
		case "/etc/lax/check.sh":
			return config.FileInfo{Mode: 0o777}, true
		case "/", "/usr", "/usr/bin", "/etc", "/etc/lax":
			return config.FileInfo{Mode: fs.ModeDir | 0o755}, true
		}
		return config.FileInfo{}, false
	}
	return &config.Env{
		Hostname: "lb", CPUs: 2, Path: []string{"/usr/bin"}, Lstat: stat, Stat: stat,
		Link: func(name string) (config.Link, bool) {
			i := slices.Index([]string{"", "lo", "eth0", "eth1"}, name)
			return config.Link{Index: i, Loopback: name == "lo", Addr4: netip.MustParseAddr("198.51.100.1")}, i > 0
		},
		Namespace: func(string) (func(string) (config.Link, bool), bool) { return nil, false },
		User: func(name string) (uint32, uint32, bool) {
			return map[string]uint32{"nobody": 65534}[name], map[string]uint32{"nobody": 65534}[name], name == "root" || name == "nobody"
		},
		Group: func(name string) (uint32, bool) { return 65534, name == "nogroup" },
	}
}

// TestMessages compares what testdata/messages/*.conf are told with the .golden
// files beside them. A file is named for what it shows.
func TestMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/messages/*.conf")
	if err != nil || len(files) < 120 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".conf")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			mode := config.Test
			if name == "number-trailing-text" {
				mode = config.Start
			}
			r := config.Load(name+".conf", syntax.Options{Source: syntax.Text(name+".conf", string(text))}, mode, testMachine())
			var got strings.Builder
			problems := lint.Tidy(r.Problems)
			if err := (diag.Renderer{}).Write(&got, problems); err != nil {
				t.Fatal(err)
			}
			if len(problems) == 0 {
				t.Error("there is no problem")
			}
			for _, p := range problems {
				if p.Hint == "" {
					t.Errorf("no advice: %s", diag.Renderer{}.Text(p))
				}
			}
			golden.Assert(t, got.String(), "messages/"+name+".golden")
		})
	}
}
