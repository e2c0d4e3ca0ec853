package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func shell(text string, args ...string) Command {
	return Command{Args: append([]string{"/bin/sh", "-c", text, "sh"}, args...)}
}

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		name string
		cmd  Command
		want Result
		text string
	}{
		{"success", shell("exit 0"), Result{}, "exited with status 0"},
		{"status", shell("exit 3"), Result{Status: 3}, "exited with status 3"},
		{"signal", shell("kill -USR1 $$"), Result{Signal: syscall.SIGUSR1}, "exited due to signal 10"},
		{"arguments are not split", shell(`test "$#:$1" = "2:a  b;c"`, "a  b;c", "d"), Result{}, "exited with status 0"},
		{"standard files are /dev/null", shell(`for f in 0 1 2; do test "$(readlink /proc/$$/fd/$f)" = /dev/null || exit 9; done`), Result{}, "exited with status 0"},
		{"looked up in PATH", Command{Args: []string{"true"}}, Result{}, "exited with status 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Run(t.Context(), tt.cmd)
			if err != nil || got != tt.want {
				t.Errorf("%v = %+v, %v; want %+v", tt.cmd, got, err, tt.want)
			}
			if got.String() != tt.text {
				t.Errorf("text %q, want %q", got, tt.text)
			}
		})
	}
}

func TestCannotStart(t *testing.T) {
	for _, args := range [][]string{nil, {"/no/such/program"}, {"/etc/passwd"}} {
		if _, err := Run(t.Context(), Command{Args: args}); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestEnvironment(t *testing.T) {
	// The environment is read once, so it is set for this whole process.
	out := filepath.Join(t.TempDir(), "env")
	if r, err := Run(t.Context(), shell(`env > "$1"; umask >> "$1"; ps -o pgid= -p $$ >> "$1"; echo $$ >> "$1"`, out)); err != nil || !r.OK() {
		t.Fatal(r, err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for _, line := range lines {
		for _, bad := range []string{"LD_PRELOAD=", "LD_LIBRARY_PATH=", "IFS="} {
			if strings.HasPrefix(line, bad) {
				t.Errorf("the script got %s", line)
			}
		}
	}
	if !bytes.Contains(data, []byte("HOLDFAST_TEST=passed on\n")) {
		t.Error("the rest of the environment is missing")
	}
	pgid, pid := strings.TrimSpace(lines[len(lines)-2]), lines[len(lines)-1]
	if pgid != pid {
		t.Errorf("process %s is in group %s", pid, pgid)
	}
}

func init() {
	for k, v := range map[string]string{
		"HOLDFAST_TEST": "passed on", "LD_PRELOAD": "", "LD_LIBRARY_PATH": "/nowhere", "IFS": "x",
	} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
}

func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to run programs as another user")
	}
	cmd := shell(`test "$(id -u):$(id -g)" = 65534:65534 && grep -q "^Groups:[[:space:]]*65534[[:space:]]*$" /proc/self/status`)
	cmd.User = &User{UID: 65534, GID: 65534}
	if r, err := Run(t.Context(), cmd); err != nil || !r.OK() {
		t.Error(r, err)
	}
}

// gone waits until the process with the pid in file is no more.
func gone(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) { // dead; init may take a moment to notice
			return
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
	}
	t.Errorf("process %d still lives", pid)
}

func TestTimeout(t *testing.T) {
	dir := t.TempDir()
	t.Run("whole group goes", func(t *testing.T) {
		child := filepath.Join(dir, "child")
		cmd := shell(`(trap "" TERM; while :; do sleep 1; done) & echo $! > "$1"; wait`, child)
		r, _ := untilMade(t, cmd, child)
		if !r.TimedOut || r.Signal != syscall.SIGTERM || r.String() != "timed out" {
			t.Errorf("got %+v", r)
		}
		gone(t, child)
	})
	t.Run("SIGKILL for who ignores SIGTERM", func(t *testing.T) {
		ready := filepath.Join(dir, "ready")
		r, took := untilMade(t, shell(`trap "" TERM; echo > "$1"; while :; do sleep 1; done`, ready), ready)
		if !r.TimedOut || r.Signal != syscall.SIGKILL {
			t.Errorf("got %+v", r)
		}
		if took < killDelay {
			t.Errorf("killed after %v", took)
		}
	})
}

// untilMade runs a program that makes a file before it hangs, with more and more time
// until it has come to that, and says how the last run ended and how long it took.
func untilMade(t *testing.T, c Command, file string) (r Result, took time.Duration) {
	t.Helper()
	for c.Timeout = 200 * time.Millisecond; ; c.Timeout *= 2 {
		began := time.Now()
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if made, _ := os.ReadFile(file); len(made) > 0 || c.Timeout > time.Minute {
			return r, time.Since(began)
		}
	}
}

func TestCancel(t *testing.T) {
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := Start(ctx, shell("sleep 1000"))
	if err != nil {
		t.Fatal(err)
	}
	cancel(why)
	if r, err := p.Wait(); !errors.Is(err, why) {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := Start(ctx, shell("exit 0")); !errors.Is(err, why) {
		t.Errorf("started although cancelled: %v", err)
	}
}

// A daemon with real-time priority gives none of it to scripts, and keeps its
// own.
func TestRealTimePriorityIsNotPassedOn(t *testing.T) {
	const inside = "HOLDFAST_TEST_REALTIME"
	if os.Getenv(inside) == "" {
		if os.Geteuid() != 0 {
			t.Skip("needs root to set a real-time priority")
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("chrt", "-r", "10", self, "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), inside+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	for range 3 {
		r, err := Run(t.Context(), shell(`test "$(ps -o cls= -p $$ | tr -d ' ')" = TS`))
		if err != nil || !r.OK() {
			t.Error(r, err)
		}
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(id, 0)
		if err != nil || attr.Policy != unix.SCHED_RR || attr.Flags&unix.SCHED_FLAG_RESET_ON_FORK != 0 {
			t.Errorf("thread %d: %+v, %v", id, attr, err)
		}
	}
}

func TestPool(t *testing.T) {
	const slots, jobs = 3, 12
	pool := NewPool(slots)
	var running, most atomic.Int32
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			// The count is taken outside, so it is never below the truth.
			r, err := pool.run(t.Context(), shell("sleep 0.02"), func(ctx context.Context, c Command) (Result, error) {
				n := running.Add(1)
				defer running.Add(-1)
				for {
					m := most.Load()
					if n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				return Run(ctx, c)
			})
			if err != nil || !r.OK() {
				t.Error(r, err)
			}
		})
	}
	wg.Wait()
	if most.Load() != slots {
		t.Errorf("%d ran at once, want %d", most.Load(), slots)
	}
	full := NewPool(1)
	full.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := full.Run(ctx, shell("exit 0")); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a slot ended with %v", err)
	}
}

func TestWith(t *testing.T) {
	base := Command{Args: append(make([]string, 0, 8), "a")}
	one, two := base.With("1"), base.With("2")
	if one.String() != "'a' '1'" || two.String() != "'a' '2'" || base.String() != "'a'" {
		t.Error(base, one, two)
	}
}
