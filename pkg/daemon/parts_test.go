package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

func TestPidFilePaths(t *testing.T) {
	for _, tt := range []struct {
		name      string
		given     PidFiles
		proc      config.Process
		namespace string
		want      PidFiles
	}{
		{
			name: "default",
			want: PidFiles{"/run/keepalived.pid", "/run/vrrp.pid", "/run/checkers.pid", "/run/bfd.pid"},
		},
		{
			name: "use_pid_dir",
			proc: config.Process{UsePidDir: true},
			want: PidFiles{
				"/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid",
				"/run/keepalived/checkers.pid", "/run/keepalived/bfd.pid",
			},
		},
		{
			name:      "namespace",
			namespace: "blue",
			want: PidFiles{
				"/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid",
				"/run/keepalived/checkers.pid", "/run/keepalived/bfd.pid",
			},
		},
		{
			name: "instance",
			proc: config.Process{Instance: "X"},
			want: PidFiles{
				"/run/keepalived/keepalived_X.pid", "/run/keepalived/vrrp_X.pid",
				"/run/keepalived/checkers_X.pid", "/run/keepalived/bfd_X.pid",
			},
		},
		{
			name:  "given",
			given: PidFiles{Parent: "/a", BFD: "/b"},
			want:  PidFiles{"/a", "/run/vrrp.pid", "/run/checkers.pid", "/b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.given.withDefaults(tt.proc, tt.namespace)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSockets(t *testing.T) {
	for _, tt := range []struct {
		name                string
		given               PidFiles
		instance, namespace string
		want                []string
	}{
		{name: "default", want: []string{"/run/holdfast/vrrp.sock", "/run/keepalived/vrrp.sock"}},
		{name: "instance", instance: "X", want: []string{"/run/keepalived/vrrp_X.sock"}},
		{name: "namespace", namespace: "blue", want: []string{"/run/keepalived/blue/vrrp.sock"}},
		{name: "both", instance: "X", namespace: "blue", want: []string{"/run/keepalived/blue/vrrp_X.sock"}},
		{name: "given", given: PidFiles{VRRP: "/tmp/v.pid"}, want: []string{"/tmp/v.sock"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Sockets(tt.given, tt.instance, tt.namespace)["vrrp"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "vrrp.pid")
	if pidFileHeld(path) {
		t.Error("a file that does not exist is held")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("99999999999\n"), 0o600); err != nil { // of a dead process
		t.Fatal(err)
	}
	old := unix.Umask(0o177)
	p, err := claimPidFile(path)
	unix.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("mode %v", info.Mode())
	}
	if got := readPid(t, path); got != os.Getpid() {
		t.Errorf("the file says %d, not %d", got, os.Getpid())
	}
	if !pidFileHeld(path) {
		t.Error("not held")
	}
	if _, err := claimPidFile(path); !errors.Is(err, errRunning) {
		t.Errorf("claimed twice: %v", err)
	}
	p.remove()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

// A pid file that somebody has removed, and another process made anew, is that one's.
func TestPidFileOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vrrp.pid")
	one, err := claimPidFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other, err := claimPidFile(path)
	if err != nil {
		t.Fatal(err)
	}
	one.remove()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the other's file is gone: %v", err)
	}
	other.remove()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

// The kernel may need a moment to give up the locks of a process that was killed.
func TestPidFileOfDyingProcess(t *testing.T) {
	killed := exec.Command("true")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	defer killed.Wait()
	if err := unix.Waitid(unix.P_PID, killed.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil { // it is a zombie now
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vrrp.pid")
	p, err := claimPidFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Appendln(nil, killed.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { p.file.Close() })
	next, err := claimPidFile(path)
	if err != nil {
		t.Fatal(err)
	}
	next.remove()
}

func TestPidFileFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "a.pid")
	if err := os.Symlink(precious, link); err != nil {
		t.Fatal(err)
	}
	if _, err := claimPidFile(link); err == nil {
		t.Error("a link was followed")
	}
	if data, _ := os.ReadFile(precious); string(data) != "data" {
		t.Errorf("overwritten: %q", data)
	}
}

func TestLink(t *testing.T) {
	ours, theirs := linkPair(t)
	defer theirs.close()
	archive := strings.Repeat("configuration\n", 100_000)
	file, err := memoryFile(func(w io.Writer) error {
		_, err := io.WriteString(w, archive)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte("x"), 0); err == nil {
		t.Error("the memory file can be changed")
	}
	start := message{Start: &orders{Role: "vrrp", Options: Options{File: "a.conf", Detail: 2}}}
	for _, m := range []struct {
		message
		*os.File
	}{{start, file}, {message{Reload: true}, file}, {message{Ready: true}, nil}} {
		if err := ours.send(m.message, m.File); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []message{start, {Reload: true}} {
		got, f, err := theirs.receive()
		if err != nil || f == nil {
			t.Fatal(err, f)
		}
		if (got.Start == nil) != (want.Start == nil) || got.Reload != want.Reload {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got.Start != nil && (got.Start.Role != "vrrp" || got.Start.Options.File != "a.conf" || got.Start.Options.Detail != 2) {
			t.Errorf("got %+v", got.Start)
		}
		data, err := content(f)
		f.Close()
		if err != nil || data != archive {
			t.Errorf("%d bytes of %d, %v", len(data), len(archive), err)
		}
	}
	if got, f, err := theirs.receive(); err != nil || f != nil || !got.Ready {
		t.Errorf("got %+v, %v, %v", got, f, err)
	}
	ours.close()
	if _, _, err := theirs.receive(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestNewErrors(t *testing.T) {
	problem := func(id, text string, s diag.Severity) diag.Problem {
		return diag.Problem{ID: id, Text: text, Severity: s}
	}
	unknown := problem("unknown-keyword", "no keyword is called foo", diag.Error)
	brace := problem("missing-closing-brace", "a closing brace is missing", diag.Error)
	warning := problem("deprecated", "old spelling", diag.Warning)
	for _, tt := range []struct {
		name         string
		running, now []diag.Problem
		want         int
	}{
		{"good stays good", nil, nil, 0},
		{"good becomes bad", nil, []diag.Problem{brace}, 1},
		{"warnings do not count", nil, []diag.Problem{warning}, 0},
		{"as bad as ever", []diag.Problem{unknown}, []diag.Problem{warning, unknown}, 0},
		{"bad becomes good", []diag.Problem{unknown}, nil, 0},
		{"another error", []diag.Problem{unknown}, []diag.Problem{brace}, 1},
		{"the same error once more", []diag.Problem{unknown}, []diag.Problem{unknown, unknown}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &reading{Reading: &config.Reading{Problems: tt.now}}
			if got := r.newErrors(tt.running); len(got) != tt.want {
				t.Errorf("%d new errors, want %d: %v", len(got), tt.want, got)
			}
		})
	}
}

// linkPair is a link's both ends: the supervisor's and the role's.
func linkPair(t *testing.T) (ours, theirs *link) {
	t.Helper()
	ours, file, err := newLink()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = linkOn(file)
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}
