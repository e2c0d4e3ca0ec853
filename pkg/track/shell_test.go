package track

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
	"github.com/holdfast-lb/holdfast/pkg/script"
	"go.uber.org/goleak"
)

// journal writes down events with the virtual seconds since the start.
type journal struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (j *journal) note(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf("%gs %s", time.Since(j.start).Seconds(), s))
}

func (j *journal) report(ev Event) {
	s := ev.Name
	if ev.Changed {
		s += " " + ev.State.String()
	}
	for _, l := range ev.Log {
		s += " | " + l
	}
	j.note(s)
}

func (j *journal) expect(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !reflect.DeepEqual(j.lines, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(j.lines, "\n\t"), strings.Join(want, "\n\t"))
	}
	j.lines = nil
}

// play returns a program that ends as the results say, one after the other, each
// after the given time; then it goes on like the last one.
func play(j *journal, took time.Duration, results ...script.Result) func(context.Context, script.Command) (script.Result, error) {
	i := 0
	return func(ctx context.Context, c script.Command) (script.Result, error) {
		select {
		case <-ctx.Done():
			return script.Result{}, ctx.Err()
		case <-time.After(took):
		}
		r := results[min(i, len(results)-1)]
		i++
		return r, nil
	}
}

func status(n int) script.Result { return script.Result{Status: n} }

func TestScripts(t *testing.T) {
	base := Script{Name: "chk", Command: script.Command{Args: []string{"/bin/chk"}}, Interval: 2 * time.Second, Rise: 1, Fall: 2}
	failed := base
	failed.InitFail, failed.Rise = true, 3
	for _, c := range []struct {
		name    string
		spec    Script
		took    time.Duration
		results []script.Result
		run     time.Duration
		want    []string
	}{
		{"the first result decides", base, 0, []script.Result{status(0)}, 5 * time.Second, []string{
			"0s chk up | VRRP_Script(chk) succeeded",
		}},
		{"fall and rise", base, 0, []script.Result{status(0), status(1), status(1), status(1), status(0)}, 9 * time.Second, []string{
			"0s chk up | VRRP_Script(chk) succeeded",
			"2s chk | Script `chk` now returning 1",
			"4s chk down | VRRP_Script(chk) failed (exited with status 1)",
			"8s chk up | Script `chk` now returning 0 | VRRP_Script(chk) succeeded",
		}},
		{"timed out", base, 0, []script.Result{{TimedOut: true, Signal: syscall.SIGTERM}}, time.Second, []string{
			"0s chk down | VRRP_Script(chk) timed_out",
		}},
		{"signal", base, 0, []script.Result{{Signal: syscall.SIGSEGV}}, time.Second, []string{
			"0s chk down | VRRP_Script(chk) failed (due to signal 11)",
		}},
		{"init_fail, then the first result decides", failed, 0, []script.Result{status(0)}, time.Second, []string{
			"0s chk up | VRRP_Script(chk) succeeded",
		}},
		{"start to start, overlapped runs are skipped", base, 3 * time.Second, []script.Result{status(0), status(1), status(2)}, 12 * time.Second, []string{
			"3s chk up | VRRP_Script(chk) succeeded",
			"7s chk | Script `chk` now returning 1",
			"11s chk down | Script `chk` now returning 2 | VRRP_Script(chk) failed (exited with status 2)",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &journal{start: time.Now()}
				s := NewScripts(j.report)
				s.run = play(j, c.took, c.results...)
				s.Set([]Script{c.spec})
				time.Sleep(c.run)
				s.Close()
				j.expect(t, c.want...)
			})
		})
	}
}

func TestScriptsAcrossReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{start: time.Now()}
		s := NewScripts(j.report)
		s.run = play(j, 0, status(0))
		spec := Script{Name: "chk", Command: script.Command{Args: []string{"/bin/chk"}}, Interval: 10 * time.Second, Rise: 3, Fall: 2}
		s.Set([]Script{spec})
		time.Sleep(time.Second)
		j.expect(t, "0s chk up | VRRP_Script(chk) succeeded")

		s.Set([]Script{spec}) // the same: not disturbed, so no run before its time
		s.run = play(j, 0, status(1))
		time.Sleep(10 * time.Second)
		j.expect(t)

		spec.Interval = 5 * time.Second // the same command: one failure of two is not enough
		s.Set([]Script{spec})
		time.Sleep(time.Second)
		j.expect(t, "11s chk | Script `chk` now returning 1")

		spec.Command.Args = []string{"/bin/other"} // a new command: the first result decides
		s.Set([]Script{spec})
		time.Sleep(time.Second)
		j.expect(t, "12s chk down | Script `chk` now returning 1 | VRRP_Script(chk) failed (exited with status 1)")
		s.Close()
	})
}

// A run under way when its script is stopped says nothing.
func TestScriptStoppedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{start: time.Now()}
		s := NewScripts(j.report)
		s.run = func(ctx context.Context, _ script.Command) (script.Result, error) {
			<-ctx.Done()
			return script.Result{}, errors.New("stopped")
		}
		s.Set([]Script{{Name: "chk", Interval: time.Second}})
		time.Sleep(time.Second)
		s.Close()
		j.expect(t)
	})
}

// events collects events of a watcher that uses the real system.
type events chan Event

func (e events) next(t *testing.T) Event {
	t.Helper()
	select {
	case ev := <-e:
		return ev
	case <-time.After(30 * time.Second):
		t.Fatal("no event")
		return Event{}
	}
}

func (e events) value(t *testing.T, name string, want int64) {
	t.Helper()
	if ev := e.next(t); ev.Name != name || ev.Value != want || !ev.Changed || ev.Kind != KindFile {
		t.Fatalf("event %+v, want %s with value %d", ev, name, want)
	}
}

func TestFiles(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ev := make(events, 16)
	f, err := NewFiles(func(e Event) { ev <- e })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.pause = 3 * time.Second // a busy machine may stop us between emptying and writing
	f.Set([]File{{"a", path}})
	ev.value(t, "a", 0) // missing counts as 0
	write("5\n")
	ev.value(t, "a", 5)
	write("5 \n") // the same number is no news
	write("-3\n")
	ev.value(t, "a", -3)
	other := filepath.Join(dir, "new")
	if err := errors.Join(os.WriteFile(other, []byte("7"), 0o600), os.Rename(other, path)); err != nil {
		t.Fatal(err)
	}
	ev.value(t, "a", 7)
	write("2147483648") // too large: the number before counts
	if e := ev.next(t); e.Changed || len(e.Log) != 1 || e.Log[0] != "Invalid number 2147483648 read from "+path+" - ignoring" {
		t.Fatalf("event %+v, want a line about the number", e)
	}
	write("") // empty for good
	ev.value(t, "a", 0)
	write("8")
	ev.value(t, "a", 8)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	ev.value(t, "a", 0)

	// A second file of a directory that comes later; the first keeps its state.
	deep := filepath.Join(dir, "later", "g")
	f.Set([]File{{"a", path}, {"b", deep}})
	ev.value(t, "b", 0)
	if err := errors.Join(os.Mkdir(filepath.Dir(deep), 0o700), os.WriteFile(deep, []byte("9"), 0o600)); err != nil {
		t.Fatal(err)
	}
	ev.value(t, "b", 9)
	if err := os.RemoveAll(filepath.Dir(deep)); err != nil {
		t.Fatal(err)
	}
	ev.value(t, "b", 0)
	write("1")
	ev.value(t, "a", 1)
	for i := range 200 { // written in a hurry, it never looks empty
		write(fmt.Sprint(1000 + i))
	}
	for last := int64(1); last != 1199; {
		e := ev.next(t)
		if e.Value < last {
			t.Fatalf("value %d after %d", e.Value, last)
		}
		last = e.Value
	}
	f.Set([]File{{"c", path}})
	ev.value(t, "c", 1199)
}

// A directory that is replaced again and again leaves no watch behind.
func TestReplacedDirectory(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "dir", "file")
	values := make(chan int64, 10)
	f, err := NewFiles(func(ev Event) { values <- ev.Value })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := range 3 {
		if err := os.Rename(filepath.Dir(path), filepath.Join(parent, fmt.Sprint("old", n))); err != nil && n > 0 {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, fmt.Append(nil, n+1), 0o600); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			f.Set([]File{{Name: "f", Path: path}})
		}
		for <-values != int64(n+1) {
		}
	}
	var info []byte
	_, ok := netlab.Poll(10*time.Second, func() bool {
		info, _ = os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", f.fd))
		return strings.Count(string(info), "inotify wd:") == 1
	})
	if !ok {
		t.Errorf("not one directory is watched:\n%s", info)
	}
}

func TestFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir, filepath.Join(dir, "missing"), "/dev/zero"} {
		if v := Value(path); v != 0 {
			t.Errorf("%s holds %d", path, v)
		}
	}
}

func TestInitFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, step := range []struct {
		value     int
		overwrite bool
		want      int64
	}{{5, false, 5}, {6, false, 5}, {-7, true, -7}} {
		if err := InitFile(path, step.value, step.overwrite); err != nil {
			t.Fatal(err)
		}
		if v := Value(path); v != step.want {
			t.Errorf("%+v: holds %d", step, v)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "target"), link); err != nil {
		t.Fatal(err)
	}
	if err := InitFile(link, 1, true); err == nil {
		t.Error("a symbolic link was followed")
	}
}

// sleeper starts a process with a command line of its own.
func sleeper(t *testing.T, word string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "60"+word)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// TestProcesses runs with the kernel's events, if it has them, without, and with such as
// are over at once.
func TestProcesses(t *testing.T) {
	for _, mode := range []string{"events", "polling", "events that end"} {
		t.Run(mode, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			dial := func() (*os.File, error) { return nil, errNoConnector }
			switch mode {
			case "events that end":
				dial = func() (*os.File, error) {
					r, w, err := os.Pipe()
					if err == nil {
						err = w.Close()
					}
					return r, err
				}
			case "events":
				probe, err := dialConnector(0)
				if err != nil {
					t.Skip("no process events here: ", err)
				}
				probe.Close()
				dial = func() (*os.File, error) { return dialConnector(1 << 20) }
			}
			ev := make(events, 16)
			p := newProcesses(dial, func(e Event) { ev <- e })
			defer p.Close()
			word := fmt.Sprintf(".%d", os.Getpid())
			p.Set([]Process{{Name: "p", Path: "sleep", Params: []string{"60" + word}, Match: ParamsExact, Quorum: 1, QuorumMax: -1}})
			expect := func(want State, line string) {
				t.Helper()
				if e := ev.next(t); e.State != want || e.Name != "p" || len(e.Log) != 1 || e.Log[0] != line {
					t.Fatalf("event %+v, want %v", e, want)
				}
			}
			expect(Down, "Quorum lost for tracked process p")
			cmd := sleeper(t, word)
			expect(Up, "Quorum gained for tracked process p")
			killed := time.Now()
			_ = cmd.Process.Kill()
			expect(Down, "Quorum lost for tracked process p")
			t.Logf("death noticed after %v", time.Since(killed))
		})
	}
}

func TestLinkbeat(t *testing.T) {
	netlab.Require(t)
	lab := netlab.New(t)
	ns := lab.Namespace("host")
	port := lab.Switch("lan").Connect(ns, "eth0", "192.0.2.1/24")
	ev := make(events, 16)
	var b *Linkbeat
	if err := ns.Do(func() (err error) { b, err = NewLinkbeat(func(e Event) { ev <- e }); return err }); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.Set([]Beat{{Interface: "eth0"}})
	expect := func(name, want string) {
		t.Helper()
		if e := ev.next(t); e.Name != name || len(e.Log) != 1 || e.Log[0] != want {
			t.Fatalf("event %+v, want %s", e, want)
		}
	}
	expect("eth0", "Linkbeat reports eth0 up")
	port.Unplug()
	expect("eth0", "Linkbeat reports eth0 down")
	b.Set([]Beat{{Interface: "eth0", Method: "IOCTL"}, {Interface: "nosuch"}})
	expect("eth0", "Linkbeat reports eth0 down")
	expect("nosuch", "Linkbeat reports nosuch down")
	port.Plug()
	expect("eth0", "Linkbeat reports eth0 up")
}
