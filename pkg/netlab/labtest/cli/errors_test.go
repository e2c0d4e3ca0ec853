// Package cli_test holds the scenarios of an operator's mistakes: what the daemon says,
// with which exit status, and that nothing is half done afterwards.
package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func TestMain(m *testing.M) { netlab.MainNative(m) }

const good = `vrrp_instance VI {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 0.1
    version 3
    virtual_ipaddress {
        10.5.0.50/24
    }
}
`

// host is a machine with eth0.
func host(t *testing.T) (*netlab.Lab, *netlab.Namespace) {
	t.Helper()
	netlab.Require(t)
	l := netlab.New(t)
	h := l.Namespace("host")
	l.Switch("sw").Connect(h, "eth0", "10.5.0.1/24")
	return l, h
}

// The file is checked with -t and with holdfast check: each mistake is told with its
// place, and the exit status is keepalived's.
func TestMistakesInTheFile(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		status         int
		want           string // regular expression; ^ and $ are those of a line
	}{
		{"right", "", "", 0, ``},
		{"missing brace", "        10.5.0.50/24\n    }\n", "        10.5.0.50/24\n", 5, `keepalived\.conf:\d+:\d+: .*(brace|\}|\{)`},
		{"unknown keyword", "priority 100", "piority 100", 5, `keepalived\.conf:5:5: .*piority`},
		{"did you mean", "priority 100", "piority 100", 5, `priority`},
		{"bad address", "10.5.0.50/24", "10.5.0.500/24", 5, `keepalived\.conf:9:9: .*10\.5\.0\.500`},
		{"priority out of range", "priority 100", "priority 300", 5, `keepalived\.conf:5:14: .*(300|255)`},
		{"missing argument", "priority 100", "priority", 2, `keepalived\.conf:5:\d+: .*priority`},
		{"no such interface", "eth0", "eth7", 5, `keepalived\.conf:3:15: .*eth7`},
		{"port out of range", good, "virtual_server 10.5.0.50 70000 {\n lb_algo rr\n lb_kind NAT\n real_server 10.5.0.2 80 {\n weight 1\n }\n}\n", 5, `keepalived\.conf:1:\d+: .*70000`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, h := host(t)
			file := filepath.Join(t.TempDir(), "keepalived.conf")
			text := strings.Replace(good, tt.old, tt.new, 1)
			if tt.old != "" && text == good {
				t.Fatalf("the file does not contain %q", tt.old)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := h.Command(netlab.Holdfast(t), "-t", "-f", file)
			if got := status(err); got != tt.status {
				t.Errorf("-t ends with %d, want %d:\n%s", got, tt.status, out)
			}
			if tt.want == "" {
				if out != "" {
					t.Errorf("-t complains about a right file:\n%s", out)
				}
				return
			}
			if !regexp.MustCompile("(?m)" + tt.want).MatchString(out) {
				t.Errorf("-t says\n%s\nwant %s", out, tt.want)
			}
			out, err = h.Command(netlab.Holdfast(t), "check", file)
			if status(err) == 0 || !regexp.MustCompile("(?m)"+tt.want).MatchString(out) {
				t.Errorf("check ends with %d and says\n%s\nwant %s", status(err), out, tt.want)
			}
		})
	}
}

// A daemon whose file names no usable router does not start: the status says so, and
// nothing is left behind.
func TestDoesNotStart(t *testing.T) {
	for _, tt := range []struct {
		name, conf string
		status     int
		want       string
	}{
		{"missing argument", strings.Replace(good, "virtual_router_id 51", "virtual_router_id", 1), 2, `virtual_router_id`},
		{"no such interface", strings.Replace(good, "eth0", "eth7", 1), 2, `eth7`},
		{"no interface", strings.Replace(good, "interface eth0", "", 1), 2, `interface`},
		{"no VRID", strings.Replace(good, "virtual_router_id 51", "", 1), 2, `virtual_router_id|VRID|router id`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, h := host(t)
			d := h.Daemon(netlab.Holdfast(t), tt.conf, "-P")
			if got := d.Wait(10 * time.Second); got != tt.status {
				t.Errorf("exit status %d, want %d:\n%s", got, tt.status, d.Log())
			}
			if !regexp.MustCompile(tt.want).MatchString(d.Log()) {
				t.Errorf("the log does not say %q:\n%s", tt.want, d.Log())
			}
			if h.Has("10.5.0.50") {
				t.Error("the address is there")
			}
			left, err := filepath.Glob(filepath.Join(d.Dir, "*.pid"))
			if err != nil || len(left) > 0 {
				t.Errorf("pid files are left: %v %v", left, err)
			}
		})
	}
}

func TestNoFile(t *testing.T) {
	_, h := host(t)
	out, err := h.Command(netlab.Holdfast(t), "-n", "-l", "-f", "/nonexistent/keepalived.conf", "-p", filepath.Join(t.TempDir(), "pid"))
	if got := status(err); got != 6 || !strings.Contains(out, "/nonexistent/keepalived.conf") {
		t.Errorf("exit status %d, want 6:\n%s", got, out)
	}
}

func TestUnknownOption(t *testing.T) {
	_, h := host(t)
	out, err := h.Command(netlab.Holdfast(t), "--no-such-option")
	if got := status(err); got != 1 || !strings.Contains(out, "no-such-option") {
		t.Errorf("exit status %d, want 1:\n%s", got, out)
	}
}

// A second daemon with the same pid files sees that it is not needed.
func TestSecondDaemon(t *testing.T) {
	l, h := host(t)
	d := h.Daemon(netlab.Holdfast(t), good, "-P")
	l.Eventually(5*time.Second, "the address", func() bool { return h.Has("10.5.0.50") })
	out, err := h.Command(netlab.Holdfast(t), "-n", "-l", "-P", "-f", d.Config,
		"-p", filepath.Join(d.Dir, "parent.pid"), "-r", filepath.Join(d.Dir, "vrrp.pid"))
	if got := status(err); got != 0 || !strings.Contains(out, "already running") {
		t.Errorf("exit status %d, want 0:\n%s", got, out)
	}
	l.Never(500*time.Millisecond, "the first daemon was disturbed", func() bool { return !d.Alive() || !h.Has("10.5.0.50") })
}

func TestNotRoot(t *testing.T) {
	_, h := host(t)
	bin := readable(t, netlab.Holdfast(t))
	conf := filepath.Join(filepath.Dir(bin), "keepalived.conf")
	if err := os.WriteFile(conf, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := h.Command("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
		bin, "-n", "-l", "-P", "-f", conf, "-p", filepath.Join(filepath.Dir(bin), "pid"))
	if got := status(err); got == 0 || !regexp.MustCompile(`(?i)root|permission|privilege|capabilit`).MatchString(out) {
		t.Errorf("exit status %d:\n%s", got, out)
	}
}

// readable copies a program to where everybody may run it.
func readable(t *testing.T, program string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "holdfast-lab-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "holdfast")
	data, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(path, data, 0o755)
	}
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Without IPVS in the kernel the daemon says so and ends with keepalived's status.
func TestNoIPVS(t *testing.T) {
	if _, err := os.Stat("/proc/net/ip_vs"); err == nil {
		t.Log("this kernel has IPVS: there is nothing to see")
		return
	}
	_, h := host(t)
	d := h.Daemon(netlab.Holdfast(t), "virtual_server 10.5.0.50 80 {\n lb_algo rr\n lb_kind NAT\n real_server 10.5.0.2 80 {\n weight 1\n }\n}\n", "-C")
	if got := d.Wait(10 * time.Second); got != 1 {
		t.Errorf("exit status %d, want 1:\n%s", got, d.Log())
	}
	if !regexp.MustCompile(`IPVS`).MatchString(d.Log()) {
		t.Errorf("the log does not name IPVS:\n%s", d.Log())
	}
}

// Files of the daemon carry what keepalived's do.
func TestPidFiles(t *testing.T) {
	l, h := host(t)
	d := h.Daemon(netlab.Holdfast(t), good, "-P")
	l.Eventually(5*time.Second, "the address", func() bool { return h.Has("10.5.0.50") })
	b, err := os.ReadFile(filepath.Join(d.Dir, "parent.pid"))
	if err != nil || string(b) != fmt.Sprintf("%d\n", d.Pid()) {
		t.Errorf("the pid file holds %q (%v), the process is %d", b, err, d.Pid())
	}
	if role := d.RolePid("vrrp"); role == 0 || role == d.Pid() {
		t.Errorf("the vrrp process is %d", role)
	}
	if code := d.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if left, _ := filepath.Glob(filepath.Join(d.Dir, "*.pid")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// status is a finished command's exit status.
func status(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		return exit.ExitCode()
	}
	return -1
}
