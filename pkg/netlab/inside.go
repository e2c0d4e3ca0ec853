package netlab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Main is for packages whose tests all need a kernel with IPVS:
//
//	func TestMain(m *testing.M) { netlab.Main(m) }
//
// It runs the whole test binary once on such a kernel, natively or in a guest, and exits
// with its status.
func Main(m *testing.M) {
	runMain(m, Missing, func() (int, error) {
		return runTests(context.Background(), !nativeIPVS(), atOnce(6, guestFlags(os.Args[1:], "")), os.Stdout)
	})
}

// MainNative is for packages whose tests need namespaces and daemons but no IPVS. The
// test binary runs once more on this machine's kernel, as the first process of fresh
// namespaces: whatever its tests start ends with it, however it ends.
func MainNative(m *testing.M) {
	runMain(m, missingNative, func() (int, error) {
		c, err := self(atOnce(12, os.Args[1:]), os.Stdout)
		if err != nil {
			return 0, err
		}
		return c.runNative(context.Background())
	})
}

func runMain(m *testing.M, missing func() []string, again func() (int, error)) {
	what := strings.Join(missing(), ", ")
	switch {
	case inside():
		os.Exit(m.Run())
	case what != "" && required():
		fmt.Println("netlab: missing", what)
		os.Exit(1)
	case what != "":
		os.Exit(m.Run()) // each test that needs the lab is skipped by Require
	}
	code, err := again()
	if err != nil {
		fmt.Println("netlab:", err)
		code = 1
	}
	os.Exit(code)
}

// InGuest runs body on a kernel with IPVS, in a process that is alone in fresh network
// and process namespaces: this test is executed again there, natively or in a guest,
// and its result becomes the result of t. Each call costs a start of about two seconds,
// so put what belongs together into subtests of one test. In a test binary moved by
// [Main] body is simply called.
func InGuest(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if inside() && haveIPVS() {
		body(t)
		return
	}
	Require(t)
	again(t, !nativeIPVS())
}

// OnOwnKernel is InGuest for what namespaces do not keep apart, such as the clock, and
// for drivers that a machine may lack: it takes a guest even where the machine's kernel
// has IPVS. All of a test binary's calls should be in one test.
func OnOwnKernel(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if inGuest() {
		body(t)
		return
	}
	Require(t)
	orSkip(t, missingGuest())
	again(t, true)
}

// again executes this test in another process, natively or in a guest, and takes over
// its result.
func again(t *testing.T, guest bool) {
	t.Helper()
	ctx := context.Background()
	if d, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, d.Add(-time.Second))
		defer cancel()
	}
	var out bytes.Buffer
	code, err := runTests(ctx, guest, guestFlags(os.Args[1:], exactly(t.Name())), &out)
	text := strings.TrimSpace(out.String())
	switch {
	case err != nil:
		t.Fatalf("%s\n%v", text, err)
	case code != 0:
		t.Fatalf("in the guest:\n%s", text)
	case !strings.Contains(text, "--- PASS: "+t.Name()):
		t.Fatalf("the test did not run in the guest:\n%s", text)
	default:
		t.Logf("in the guest:\n%s", text)
	}
}

// Run is for programs: it calls main on a kernel with IPVS, in a process of its own with
// this program's arguments, and returns the exit status.
func Run(main func() int) int { return runAgain(main, Missing, (*command).run) }

// RunNative is Run on this machine's kernel, with IPVS or without.
func RunNative(main func() int) int { return runAgain(main, missingNative, (*command).runNative) }

func runAgain(main func() int, missing func() []string, run func(*command, context.Context) (int, error)) int {
	if inside() {
		return main()
	}
	if what := missing(); len(what) > 0 {
		fmt.Fprintf(os.Stderr, "missing %s\n", strings.Join(what, ", "))
		return 1
	}
	c, err := self(os.Args[1:], os.Stdout)
	if err == nil {
		var code int
		if code, err = run(c, context.Background()); err == nil {
			return code
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// runTests runs this test binary on a kernel of its own, or on this machine's.
func runTests(ctx context.Context, guest bool, args []string, out io.Writer) (int, error) {
	c, err := self(args, out)
	switch {
	case err != nil:
		return 0, err
	case !guest:
		return c.runNative(ctx)
	case raceEnabled:
		path, remove, err := buildWithoutRace()
		if err != nil {
			return 0, err
		}
		defer remove()
		c.Path = path
	}
	return c.runGuest(ctx)
}

// self describes this program with other arguments.
func self(args []string, out io.Writer) (*command, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return &command{Path: path, Args: args, Env: outside(os.Environ()), Dir: dir, out: out}, nil
}

// outside is the environment without the mark of where this process is.
func outside(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, envInside+"=") })
}

// buildWithoutRace compiles the tests of the current directory's package again for the
// guest. The outer binary keeps the race detector for all tests that need no guest.
func buildWithoutRace() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "holdfast-guest-test-")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "guest.test")
	build := exec.Command("go", "test", "-c", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("build the tests for the guest: %w: %s", err, out)
	}
	return path, func() { os.RemoveAll(dir) }, nil
}

// guestFlags adapts the flags of this test binary for its copy in the guest, where files
// that go test reads afterwards cannot be written. A non-empty run replaces -test.run.
func guestFlags(args []string, run string) []string {
	drop := regexp.MustCompile(`^-test\.(testlogfile|coverprofile|gocoverdir|outputdir|cpuprofile|memprofile|blockprofile|mutexprofile|trace|fuzz.*)=`)
	replace := regexp.MustCompile(`^-test\.(run|v|count|skip)(=|$)`)
	var out []string
	for _, a := range args {
		if drop.MatchString(a) || run != "" && replace.MatchString(a) {
			continue
		}
		out = append(out, a)
	}
	if run != "" {
		out = append(out, "-test.run="+run, "-test.v=true", "-test.count=1")
	}
	return out
}

// atOnce lets more tests run in parallel than there are processors, as the lab's tests
// wait most of the time.
func atOnce(n int, args []string) []string {
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-test.parallel=") }) {
		return args
	}
	return append(slices.Clone(args), fmt.Sprintf("-test.parallel=%d", n))
}

// exactly returns the -test.run pattern that matches this test alone.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}
