package netlab

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// tools are the programs that the lab runs, by their Debian packages.
var tools = map[string]string{
	"ip":         "iproute2",
	"ipvsadm":    "ipvsadm",
	"keepalived": "keepalived",
	"modprobe":   "kmod",
}

// Missing names what this machine lacks for the lab, in words for people.
func Missing() []string {
	out := missingNative()
	if inside() || nativeIPVS() {
		return out
	}
	for _, what := range missingGuest() {
		out = append(out, "IPVS in the kernel or "+what)
	}
	return out
}

// missingGuest names what is missing for a guest.
func missingGuest() []string {
	var out []string
	for tool, pkg := range map[string]string{"linux.uml": "user-mode-linux", "gcc": "gcc"} {
		if _, err := lookPath(tool); err != nil {
			out = append(out, "Debian package "+pkg)
		}
	}
	return out
}

// missingNative names what is missing for a lab without IPVS.
func missingNative() []string {
	var out []string
	if os.Geteuid() != 0 {
		out = append(out, "root")
	}
	for tool, pkg := range tools {
		if _, err := lookPath(tool); err != nil {
			out = append(out, "Debian package "+pkg)
		}
	}
	return out
}

// Require ends the test unless this machine can run the lab: it fails with
// HOLDFAST_LAB=require in the environment, and is skipped otherwise.
func Require(t testing.TB) {
	t.Helper()
	orSkip(t, Missing())
}

// orSkip ends the test if something is missing, as Require does.
func orSkip(t testing.TB, missing []string) {
	t.Helper()
	if len(missing) == 0 {
		return
	}
	Lacks(t, strings.Join(missing, ", "))
}

// Lacks ends the test, for it needs what this machine does not have: as a failure with
// HOLDFAST_LAB=require in the environment, and as skipped otherwise.
func Lacks(t testing.TB, what string) {
	t.Helper()
	if required() {
		t.Fatal("this machine lacks ", what)
	}
	t.Skip("this machine lacks ", what)
}

func required() bool { return os.Getenv("HOLDFAST_LAB") == "require" }

// lookPath also finds what Debian installs for root alone.
func lookPath(tool string) (string, error) {
	if p, err := exec.LookPath(tool); err == nil {
		return p, nil
	}
	return exec.LookPath("/usr/sbin/" + tool)
}
