package dump

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

func TestStatePath(t *testing.T) {
	for _, tt := range []struct {
		name, file, namespace, instance string
		use                             bool
		tmpdir                          string
		process                         string
		want                            string
	}{
		{name: "vrrp", process: VRRP, want: "/tmp/keepalived.data"},
		{name: "checkers", process: Checkers, want: "/tmp/keepalived_check.data"},
		{name: "elsewhere", process: Parent, tmpdir: "/var/tmp", want: "/var/tmp/keepalived_parent.data"},
		{name: "TMPDIR is relative", process: BFD, tmpdir: "tmp", want: "/tmp/keepalived_bfd.data"},
		{name: "an instance, without the keyword", instance: "foo", process: Parent, want: "/tmp/keepalived_parent.data"},
		{name: "instance", instance: "foo", use: true, process: Parent, want: "/tmp/keepalived_parent.foo.data"},
		{name: "namespace", namespace: "ns", use: true, want: "/tmp/keepalived.ns.data"},
		{name: "both", namespace: "ns", instance: "foo", use: true, process: BFD, want: "/tmp/keepalived_bfd.ns_foo.data"},
		{name: "neither", use: true, want: "/tmp/keepalived.data"},
		{name: "named", file: "/x/y.txt", process: Checkers, want: "/x/y_check.txt"},
		{name: "named, with an instance", file: "/x/y.txt", instance: "foo", use: true, want: "/x/y.foo.txt"},
		{name: "named without extension", file: "/x.d/y", process: Parent, want: "/x.d/y_parent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TMPDIR", tt.tmpdir)
			c := &config.Config{Process: config.Process{NetNamespace: tt.namespace, Instance: tt.instance}}
			c.Global.StateDumpFile, c.Global.DataUseInstance = tt.file, tt.use
			if got := StatePath(c, tt.process); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"long text", "short"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Mkdir(filepath.Join(dir, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	if Replace(filepath.Join(dir, "directory"), nil) == nil {
		t.Error("a directory was replaced")
	}
	if left, _ := fs.Glob(os.DirFS(dir), ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
