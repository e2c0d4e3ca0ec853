package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/daemon"
)

// The test binary is also the program under test.
const asProgram = "HOLDFAST_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if daemon.IsRole(os.Args) || os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args))
	}
	os.Exit(m.Run())
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = "holdfast"
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// call runs the program to its end.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := program(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandLine(t *testing.T) {
	good := writeFile(t, "good.conf", "global_defs {\n  router_id x\n}\n")
	bad := writeFile(t, "bad.conf", "global_defs {\n  router_ident x\n}\n")
	missing := filepath.Join(t.TempDir(), "missing.conf")
	for _, tt := range []struct {
		args           string
		code           int
		stdout, stderr string // what they contain
	}{
		{"--version", 0, "", "Keepalived v2.4.3 (holdfast "},
		{"-v", 0, "", "--enable-json"},
		{"--help", 0, "--use-file FILE", ""},
		{"--signum=JSON", 0, "36\n", ""},
		{"--signum STATS_CLEAR", 0, "63\n", ""},
		{"--signum=NOPE", 1, "", "Unknown sigfunc NOPE"},
		{"--nope", 1, "", "unknown option --nope"},
		{"-f", 1, "", "missing parameter for option -f"},
		{"-t -f " + good, 0, "", ""},
		{"-t -f " + bad, 5, "", bad + ":2:3: error: "},
		{"-f " + good + " -t surplus", 0, "", "Unexpected argument(s)"},
		{"-t -f " + missing, 0, "", missing},
		{"-n -f " + missing, 6, "", missing},
		{"statu", 2, "", `"statu" is not a command: did you mean status?`},
		{"start", 2, "", `holdfast --help shows the commands`},
		{"-T", 1, "", "Usage: genhash"},
		{"--genhash -s", 1, "", "Usage: genhash"},
		{"genhash -s 127.0.0.1 -p 1 -u /", 1, "", "connection refused"},
		{"drain one", 2, "", "Usage: holdfast drain VIRTUAL REAL"},
		{"status --nope", 2, "", "Usage: holdfast status"},
		{"status --instance none", 1, "", "holdfast is not running here"},
		{"standby --instance none --for 5m", 1, "", "not running"},
		{"standby --for soon", 2, "", `invalid duration "soon"`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := call(t, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d\nstdout %q\nstderr %q", code, tt.code, stdout, stderr)
			}
		})
	}
}

func TestConfigTestToFile(t *testing.T) {
	bad := writeFile(t, "bad.conf", "global_defs {\n  router_ident x\n}\n")
	log := filepath.Join(t.TempDir(), "log")
	code, _, stderr := call(t, "-f", bad, "-t"+log)
	data, err := os.ReadFile(log)
	if err != nil || code != 5 || stderr != "" || !strings.Contains(string(data), "router_ident") {
		t.Errorf("exit code %d, %v\nstderr %q\nfile %q", code, err, stderr, data)
	}
}

// A daemon in a network namespace of its own, seen through the subcommands.
func TestRunningDaemon(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, as the daemon does")
	}
	dir := t.TempDir()
	conf := writeFile(t, "keepalived.conf", `
global_defs {
  router_id LB
}
static_ipaddress {
  192.0.2.1/32 dev lo
}
bfd_instance B1 {
  neighbor_ip 127.0.0.9
  source_ip 127.0.0.1
}
`)
	pid := func(name string) string { return filepath.Join(dir, name+".pid") }
	cmd := program("-nlGD", "-f", conf, "-p", pid("parent"), "-r", pid("vrrp"), "-c", pid("checkers"), "-b", pid("bfd"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(syscall.SIGTERM)
	defer time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() }).Stop()
	for in := bufio.NewScanner(out); ; {
		if !in.Scan() {
			t.Fatal("the daemon does not start")
		}
		if strings.Contains(in.Text(), "Startup complete") {
			break
		}
	}
	place := []string{"-r", pid("vrrp"), "-c", pid("checkers"), "-b", pid("bfd")}

	code, stdout, stderr := call(t, append([]string{"status"}, place...)...)
	if code != 0 || !strings.Contains(stdout, "vrrp, up ") || !strings.Contains(stdout, "B1") || strings.Contains(stdout, "checkers") {
		t.Errorf("status: %d\n%s\n%s", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, append([]string{"status", "--json"}, place...)...)
	var answers map[string]any
	if err := json.Unmarshal([]byte(stdout), &answers); code != 0 || err != nil || answers["vrrp"] == nil || answers["bfd"] == nil {
		t.Errorf("status --json: %d, %v\n%s\n%s", code, err, stdout, stderr)
	}
	if code, _, stderr = call(t, append([]string{"standby", "NOPE"}, place...)...); code != 1 || !strings.Contains(stderr, "NOPE") {
		t.Errorf("standby of nothing: %d %s", code, stderr)
	}
	if code, _, stderr = call(t, append([]string{"drain", "a", "b"}, place...)...); code != 1 || !strings.Contains(stderr, "checkers role") {
		t.Errorf("drain without checkers: %d %s", code, stderr)
	}
	if code, _, stderr = call(t, "-n", "-f", conf, "-p", pid("parent")); code != 0 || !strings.Contains(stderr, "daemon is already running") {
		t.Errorf("second daemon: %d %s", code, stderr)
	}
}
