package config_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func TestScriptThroughLink(t *testing.T) {
	const mode = fs.ModeDir | 0o755
	files := map[string]config.FileInfo{
		"/":               {Mode: mode},
		"/usr":            {Mode: mode},
		"/usr/bin":        {Mode: mode},
		"/usr/bin/probe":  {Mode: 0o755},
		"/bin":            {Mode: fs.ModeSymlink | 0o777, Link: "usr/bin"},
		"/bin/probe":      {Mode: 0o755},
		"/open":           {Mode: fs.ModeDir | 0o777},
		"/open/probe":     {Mode: 0o755},
		"/into":           {Mode: fs.ModeSymlink | 0o777, Link: "/open"},
		"/into/probe":     {Mode: 0o755},
		"/theirs":         {Mode: fs.ModeSymlink | 0o777, Link: "/usr/bin", UID: 1000},
		"/theirs/probe":   {Mode: 0o755},
		"/round":          {Mode: fs.ModeSymlink | 0o777, Link: "/round"},
		"/round/probe":    {Mode: 0o755},
		"/nowhere":        {Mode: fs.ModeSymlink | 0o777, Link: "/gone"},
		"/nowhere/probe":  {Mode: 0o755},
		"/usr/bin/nested": {Mode: fs.ModeSymlink | 0o777, Link: "probe"},
		"/usr/bin/lax":    {Mode: fs.ModeSymlink | 0o777, Link: "/open/probe"},
	}
	for _, tt := range []struct {
		name, file, global string
		want               string // the problem that is reported; empty: the script runs
	}{
		{"no link", "/usr/bin/probe", "", ""},
		{"a linked directory", "/bin/probe", "", "script-symlink"},
		{"a linked directory, allowed", "/bin/probe", "use_symlink_paths", ""},
		{"a linked file", "/usr/bin/nested", "", ""},
		{"a linked file, allowed", "/usr/bin/nested", "use_symlink_paths", ""},
		{"a linked file that others can change", "/usr/bin/lax", "", "script-insecure"},
		{"a redirection", "</dev/tcp/127.0.0.1/80", "", ""},
		{"allowed, into a directory that others can write to", "/into/probe", "use_symlink_paths", "script-insecure"},
		{"allowed, a link that somebody else can turn", "/theirs/probe", "use_symlink_paths", "script-insecure"},
		{"allowed, a link to itself", "/round/probe", "use_symlink_paths", "script-symlink"},
		{"allowed, a link to nothing", "/nowhere/probe", "use_symlink_paths", "script-not-found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			machine := testMachine()
			machine.Lstat = func(p string) (config.FileInfo, bool) { f, ok := files[p]; return f, ok }
			machine.Stat = func(p string) (config.FileInfo, bool) {
				return config.FileInfo{Mode: 0o755}, strings.HasSuffix(p, "probe") || files[p].Link != ""
			}
			text := "global_defs {\nenable_script_security\nscript_user root\n" + tt.global + "\n}\n" +
				"vrrp_script s {\nscript \"" + tt.file + "\"\n}\n" +
				"vrrp_instance I {\ninterface eth0\nvirtual_router_id 1\npriority 100\nvirtual_ipaddress {\n192.0.2.1\n}\ntrack_script {\ns\n}\n}\n"
			r := config.Load("t.conf", syntax.Options{Source: syntax.Text("t.conf", text)}, config.Test, machine)
			runs := len(r.Config.Scripts) == 1
			if runs != (tt.want == "") {
				t.Errorf("the script runs: %v\n%v", runs, r.Problems)
			}
			for _, p := range r.Problems {
				if strings.HasPrefix(p.ID, "script-") && p.ID != tt.want {
					t.Errorf("got %s: %s", p.ID, p.Text)
				}
			}
		})
	}
}
