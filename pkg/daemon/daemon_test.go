package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

// The test binary is also the program under test: with testOptions in its
// environment it is a daemon, and under a role's name that role.
const testOptions = "HOLDFAST_TEST_OPTIONS"

func TestMain(m *testing.M) {
	if IsRole(os.Args) {
		os.Exit(RunRole(map[string]RoleFunc{control.VRRP: actor, control.Checkers: actor, control.BFD: actor}))
	}
	if text := os.Getenv(testOptions); text != "" {
		var o Options
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			panic(err)
		}
		o.Args = os.Args
		os.Exit(Run(o))
	}
	goleak.VerifyTestMain(m)
}

// coded is an error that brings its exit code.
type coded int

func (c coded) Error() string { return fmt.Sprintf("code %d", int(c)) }
func (c coded) ExitCode() int { return int(c) }

// actor is a role that does what router_id tells it to.
func actor(ctx context.Context, r Room) error {
	part := r.Config.Global.RouterID
	switch part {
	case "panic":
		r.Ready()
		panic("the plot is lost")
	case "stillborn":
		panic("what a world")
	case "fatal":
		return errors.New("no such kernel")
	case "config":
		return coded(ExitConfig)
	case "permission":
		return fmt.Errorf("open socket: %w", os.ErrPermission)
	case "later":
		r.Ready()
		return errors.New("something broke")
	}
	if memory, _ := io.ReadAll(io.NewSectionReader(r.Memory, 0, 100)); len(memory) > 0 {
		r.Log.Info("remembering " + string(memory))
	}
	if _, err := r.Memory.WriteAt([]byte(part), 0); err != nil {
		return err
	}
	r.Ready()
	r.Log.Info("playing " + part)
	for {
		select {
		case c := <-r.Reload:
			part = c.Global.RouterID
			r.Log.Info("playing " + part)
		case s := <-r.Signals:
			r.Log.Info("dumping for " + s.String())
		case <-ctx.Done():
			if part == "stubborn" {
				select {}
			}
			r.Log.Info("leaving")
			return nil
		}
	}
}

// stage is a daemon under test with its files.
type stage struct {
	t      *testing.T
	dir    string
	opt    Options
	cmd    *exec.Cmd
	lines  chan string
	kept   []string // lines that nobody has asked for yet
	notify *net.UnixConn
}

func newStage(t *testing.T, conf string) *stage {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, as the daemon does")
	}
	s := &stage{t: t, dir: t.TempDir()}
	s.opt = Options{
		File: s.path("keepalived.conf"), Roles: config.Everyone, Foreground: true, Console: true, NoSyslog: true,
		PidFiles: PidFiles{s.path("parent.pid"), s.path("vrrp.pid"), s.path("checkers.pid"), s.path("bfd.pid")},
	}
	s.write(conf)
	return s
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) write(conf string) {
	s.t.Helper()
	if err := os.WriteFile(s.path("keepalived.conf"), []byte(conf), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// command is the daemon's command, not started.
func (s *stage) command() *exec.Cmd {
	text, err := json.Marshal(s.opt)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), testOptions+"="+string(text))
	return cmd
}

// start starts the daemon, with files open; whatever the test does, it is gone
// at its end.
func (s *stage) start(open ...string) {
	s.t.Helper()
	s.cmd = s.command()
	for _, path := range open {
		f, err := os.Create(path)
		if err != nil {
			s.t.Fatal(err)
		}
		defer f.Close()
		s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, f)
	}
	s.listenToNotify()
	out, err := s.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := make(chan string, 10_000)
	s.lines = lines
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			lines <- in.Text()
		}
	}()
	s.t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // the roles follow
		<-done
		_ = s.cmd.Wait()
	})
}

func (s *stage) listenToNotify() {
	path := s.path("notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	s.notify = conn
	s.cmd.Env = append(s.cmd.Env, "NOTIFY_SOCKET="+path)
}

// told waits for a message to systemd that starts with want.
func (s *stage) told(want string) {
	s.t.Helper()
	_ = s.notify.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 1000)
	n, err := s.notify.Read(buf)
	if err != nil {
		s.t.Fatalf("waiting for %s: %v", want, err)
	}
	if got := string(buf[:n]); !strings.HasPrefix(got, want) {
		s.t.Errorf("systemd was told %q, want %s", got, want)
	}
}

// expect waits for a log line that contains text, and returns it. Lines come
// from several processes, so their order means little: what is not asked for
// is kept for later.
func (s *stage) expect(text string) string {
	s.t.Helper()
	matches := func(line string) bool { return strings.Contains(line, text) }
	if i := slices.IndexFunc(s.kept, matches); i >= 0 {
		line := s.kept[i]
		s.kept = slices.Delete(s.kept, i, i+1)
		return line
	}
	deadline := time.After(15 * time.Second)
	for {
		select {
		case line, ok := <-s.lines:
			switch {
			case !ok:
				s.t.Fatalf("the daemon ended without saying %q; it said\n%s", text, strings.Join(s.kept, "\n"))
			case matches(line):
				return line
			}
			s.kept = append(s.kept, line)
		case <-deadline:
			s.t.Fatalf("no %q in\n%s", text, strings.Join(s.kept, "\n"))
		}
	}
}

func (s *stage) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end of the daemon and returns its exit code and the rest
// of what it said.
func (s *stage) ends() (code int, said string) {
	s.t.Helper()
	for line := range s.lines {
		s.kept = append(s.kept, line)
	}
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode(), strings.Join(s.kept, "\n")
}

func readPid(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSuffix(string(data), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// pidIn is the process number at the end of a line "…, pid=N".
func pidIn(t *testing.T, line string) int {
	t.Helper()
	_, text, _ := strings.Cut(line, "pid=")
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return pid
}

// waitFor waits until something is true.
func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 2e6}, nil)
	}
}

func conf(part string, blocks ...string) string {
	return "global_defs {\n  router_id " + part + "\n}\n" + strings.Join(blocks, "\n") + "\n"
}

// Blocks that give a role something to do.
const (
	forVRRP = "static_ipaddress {\n  127.0.0.77/32 dev lo\n}"
	forBFD  = "bfd_instance B {\n  neighbor_ip 127.0.0.9\n}"
)

func TestStartAndStop(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP, forBFD))
	s.start()
	s.expect("Starting Keepalived v2.4.3 (holdfast")
	s.expect("Configuration file " + s.opt.File)
	vrrp := pidIn(t, s.expect("Starting VRRP child process, pid="))
	bfd := pidIn(t, s.expect("Starting BFD child process, pid="))
	s.expect("Startup complete")
	s.told("READY=1\nMAINPID=" + strconv.Itoa(s.cmd.Process.Pid))

	for path, want := range map[string]int{"parent.pid": s.cmd.Process.Pid, "vrrp.pid": vrrp, "bfd.pid": bfd} {
		if got := readPid(t, s.path(path)); got != want {
			t.Errorf("%s says %d, want %d", path, got, want)
		}
	}
	if _, err := os.Stat(s.path("checkers.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a role without configuration was started: %v", err)
	}
	if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", vrrp)); string(args) != "holdfast: vrrp\x00" {
		t.Errorf("the role's name is %q", args)
	}
	if c, err := control.Dial(t.Context(), s.path("vrrp.sock")); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}

	s.signal(unix.SIGTERM)
	s.told("STOPPING=1")
	code, said := s.ends()
	if code != 0 || strings.Count(said, "leaving") != 2 || !strings.Contains(said, "Stopped Keepalived v2.4.3") {
		t.Errorf("code %d after\n%s", code, said)
	}
	left, _ := filepath.Glob(s.path("*.pid"))
	socks, _ := filepath.Glob(s.path("*.sock"))
	if len(left)+len(socks) > 0 {
		t.Errorf("left behind: %v %v", left, socks)
	}
}

// What the daemon was started with open reaches no role.
func TestNothingIsInherited(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.start(s.path("secret1"), s.path("secret2"), s.path("secret3"), s.path("secret4"), s.path("secret5"))
	s.expect("Startup complete")
	fds := fmt.Sprintf("/proc/%d/fd", readPid(t, s.path("bfd.pid")))
	list, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range list {
		if to, _ := os.Readlink(filepath.Join(fds, fd.Name())); strings.HasPrefix(to, s.path("secret")) {
			t.Errorf("the role has descriptor %s", fd.Name())
		}
	}
}

// Directories are made for all to look into, whatever the umask of files.
func TestDirectories(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.opt.PidFiles.BFD = s.path("some/where/bfd.pid")
	s.start()
	s.expect("Startup complete")
	for path, want := range map[string]os.FileMode{
		"some": 0o755, "some/where": 0o755, "some/where/bfd.pid": 0o644, "some/where/bfd.sock": 0o600, "parent.pid": 0o644,
	} {
		info, err := os.Stat(s.path(path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestProcessNames(t *testing.T) {
	s := newStage(t, "global_defs {\n  router_id quiet\n  process_names\n  bfd_process_name watcher\n}\n"+forVRRP+"\n"+forBFD+"\n")
	s.start()
	s.expect("Startup complete")
	for file, want := range map[string]string{"parent.pid": "keepalived", "vrrp.pid": "keepalived_vrrp", "bfd.pid": "watcher"} {
		got, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", readPid(t, s.path(file))))
		if err != nil || string(got) != want+"\n" {
			t.Errorf("%s: the process is called %q, %v; want %s", file, got, err, want)
		}
	}
}

// Real-time priority, niceness and processors are a role's from its first
// instruction on, on all of its threads.
func TestScheduling(t *testing.T) {
	s := newStage(t, "global_defs {\n  router_id quiet\n  vrrp_rt_priority 20\n  bfd_priority -7\n  bfd_cpu_affinity 0\n}\n"+forVRRP+"\n"+forBFD+"\n")
	s.start()
	s.expect("Startup complete")
	for _, pid := range threads(t, readPid(t, s.path("vrrp.pid"))) {
		attr, err := unix.SchedGetAttr(pid, 0)
		if err != nil || attr.Policy != unix.SCHED_RR || attr.Priority != 20 {
			t.Errorf("vrrp thread %d: %+v, %v", pid, attr, err)
		}
	}
	for _, pid := range threads(t, readPid(t, s.path("bfd.pid"))) {
		attr, err := unix.SchedGetAttr(pid, 0)
		if err != nil || attr.Policy != unix.SCHED_NORMAL || attr.Nice != -7 {
			t.Errorf("bfd thread %d: %+v, %v", pid, attr, err)
		}
		var cpus unix.CPUSet
		if err := unix.SchedGetaffinity(pid, &cpus); err != nil || cpus.Count() != 1 || !cpus.IsSet(0) {
			t.Errorf("bfd thread %d may use %d processors, %v", pid, cpus.Count(), err)
		}
	}
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	attr, err := unix.SchedGetAttr(s.cmd.Process.Pid, 0)
	if err != nil || attr.Policy != own.Policy || attr.Nice != own.Nice {
		t.Errorf("supervisor: %+v, %v", attr, err)
	}
}

func threads(t *testing.T, pid int) []int {
	t.Helper()
	dirs, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, d := range dirs {
		id, err := strconv.Atoi(d.Name())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// A signal that comes while the daemon starts is not the end of it.
func TestSignalsDuringTheStart(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.start()
	pid := pidIn(t, s.expect("Starting BFD child process, pid="))
	s.signal(unix.SIGHUP)
	s.signal(SignalData)
	waitFor(t, "the role catches signals", func() bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		return !strings.Contains(string(status), "SigCgt:\t0000000000000000")
	})
	s.expect("playing quiet")
	s.expect("Reload complete")
	if s.signal(unix.SIGTERM); s.cmd.ProcessState != nil {
		t.Error("it ended by itself")
	}
	if code, said := s.ends(); code != 0 || strings.Contains(said, "died") {
		t.Errorf("code %d after\n%s", code, said)
	}
}

func TestSecondDaemon(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	s.expect("Startup complete")
	for _, tt := range []struct {
		name   string
		change func(*Options)
	}{
		{"same pid file", func(*Options) {}},
		{"same pid file of a role", func(o *Options) { o.PidFiles.Parent = s.path("other.pid") }},
	} {
		other := *s
		tt.change(&other.opt)
		out, err := other.command().CombinedOutput()
		if err != nil || !strings.Contains(string(out), "daemon is already running") {
			t.Errorf("%s: %v, %s", tt.name, err, out)
		}
	}
}

func TestDeadRoleComesBack(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	first := pidIn(t, s.expect("Starting VRRP child process, pid="))
	s.expect("playing quiet")
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expect(fmt.Sprintf("Vrrp child process(%d) died: Respawning", first))
	second := pidIn(t, s.expect("Starting VRRP child process, pid="))
	s.expect("remembering quiet")
	s.expect("playing quiet")
	if got := readPid(t, s.path("vrrp.pid")); got != second || second == first {
		t.Errorf("pid file says %d, started was %d after %d", got, second, first)
	}
	s.signal(unix.SIGTERM)
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}
}

func TestDontRespawn(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.opt.DontRespawn = true
	s.start()
	s.expect("Startup complete")
	if err := unix.Kill(readPid(t, s.path("bfd.pid")), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.expect("died")
	s.signal(unix.SIGTERM)
	if code, said := s.ends(); code != 0 || strings.Count(said, "Starting BFD") > 1 {
		t.Errorf("code %d after\n%s", code, said)
	}
}

// A role that keeps dying is paused, and before a long pause its successor
// gives up what it held.
func TestSeriesOfDeaths(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	s.expect("Startup complete")
	for range 3 {
		s.expect("playing quiet")
		pid := readPid(t, s.path("vrrp.pid"))
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.expect("died: Respawning")
	}
	s.expect("giving up what the dead process held")
	s.expect("playing quiet")
	s.expect("leaving")
	began := time.Now()
	s.expect("playing quiet")
	if d := time.Since(began); d < time.Second {
		t.Errorf("back after %v already", d)
	}
}

func TestPanicIsLoggedAndSurvived(t *testing.T) {
	s := newStage(t, conf("panic", forBFD))
	s.start()
	s.expect("BFD process: panic: the plot is lost")
	s.expect("BFD child process(")
	s.write(conf("quiet", forBFD))
	s.signal(unix.SIGHUP)
	s.expect("Reload complete")
	s.expect("playing quiet")
}

// A role that dies before it is ready keeps neither the others from working
// nor the operator from mending the configuration.
func TestRoleThatNeverStarts(t *testing.T) {
	s := newStage(t, conf("stillborn", forBFD))
	s.start()
	s.expect("died: Respawning")
	s.told("READY=1")
	s.write(conf("quiet", forBFD))
	s.signal(unix.SIGHUP)
	s.expect("playing quiet")
}

func TestErrorAfterReadyIsNotPermanent(t *testing.T) {
	s := newStage(t, conf("later", forBFD))
	s.start()
	s.expect("cannot go on: something broke")
	s.expect("died: Respawning")
}

func TestPermanentErrors(t *testing.T) {
	for part, want := range map[string]struct {
		code int
		log  string
	}{
		"fatal":      {ExitFatal, "BFD exited with permanent error FATAL. Terminating"},
		"config":     {ExitConfig, "BFD exited with permanent error CONFIG. Terminating"},
		"permission": {ExitPermission, "BFD exited with permanent error missing permission. Terminating"},
	} {
		t.Run(part, func(t *testing.T) {
			s := newStage(t, conf(part, forBFD))
			s.start()
			s.expect(want.log)
			if code, _ := s.ends(); code != want.code {
				t.Errorf("code %d, want %d", code, want.code)
			}
		})
	}
}

func TestReload(t *testing.T) {
	s := newStage(t, "")
	checks := s.path("checks")
	conf := func(part string, blocks ...string) string {
		return "global_defs {\n  router_id " + part + "\n  reload_check_config " + checks + "\n}\n" + strings.Join(blocks, "\n") + "\n"
	}
	s.write(conf("one", forBFD))
	s.start()
	s.expect("playing one")
	s.told("READY=1")

	s.write(conf("two", forBFD, "nonsense {", "}"))
	s.signal(unix.SIGHUP)
	s.told("RELOADING=1\nMONOTONIC_USEC=")
	s.expect("Reloading ...")
	if line := s.expect("nonsense"); !strings.Contains(line, "keepalived.conf:8:1") {
		t.Errorf("the mistake is not located: %s", line)
	}
	s.expect("New config failed validation, see " + checks)
	s.expect("Reload refused")
	s.told("READY=1")
	if text, err := os.ReadFile(checks); err != nil || !strings.Contains(string(text), "nonsense") {
		t.Errorf("%v: %s", err, text)
	}

	s.write(conf("three", forBFD, forVRRP))
	s.signal(unix.SIGHUP)
	s.expect("Starting VRRP child process")
	s.expect("playing three")
	s.expect("playing three")
	s.told("RELOADING=1")
	s.told("READY=1")

	s.write(conf("four", forVRRP))
	s.signal(unix.SIGHUP)
	s.expect("Reload complete")
	waitFor(t, "the bfd role is gone", func() bool {
		_, err := os.Stat(s.path("bfd.pid"))
		return errors.Is(err, os.ErrNotExist)
	})

	if err := unix.Kill(readPid(t, s.path("vrrp.pid")), unix.SIGHUP); err != nil { // the role passes it on
		t.Fatal(err)
	}
	s.expect("Reload complete")

	if err := os.Remove(s.opt.File); err != nil {
		t.Fatal(err)
	}
	s.signal(unix.SIGHUP)
	s.expect("Reload refused")
}

func TestSignalsArePassedOn(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP, forBFD))
	s.start()
	s.expect("Startup complete")
	s.signal(SignalData)
	s.expect("dumping for user defined signal 1")
	s.expect("dumping for user defined signal 1")
	for _, sig := range []syscall.Signal{SignalStats, SignalStatsClear, SignalJSON} {
		s.signal(sig)
		s.expect("dumping for " + sig.String())
	}
	s.signal(unix.SIGINT)
	if code, said := s.ends(); code != 0 || strings.Contains(said, "dumping") {
		t.Errorf("code %d after\n%s", code, said)
	}
}

// Roles whose supervisor was killed leave by themselves, in good order.
func TestSupervisorDies(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP))
	s.start()
	s.expect("Startup complete")
	s.signal(unix.SIGKILL)
	s.expect("the supervisor is gone, stopping")
	s.expect("leaving")
	waitFor(t, "the role's pid file is gone", func() bool {
		_, err := os.Stat(s.path("vrrp.pid"))
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestStubbornRoleIsKilled(t *testing.T) {
	s := newStage(t, "child_wait_time 1\n"+conf("stubborn", forBFD))
	s.start()
	s.expect("playing stubborn")
	s.signal(unix.SIGTERM)
	s.expect("BFD process does not end, killing it")
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}
}

func TestRefusedConfiguration(t *testing.T) {
	for _, tt := range []struct {
		name, conf string
		code       int
	}{
		{"interface missing", "vrrp_instance V {\n  interface nope0\n  virtual_router_id 5\n  virtual_ipaddress {\n    192.0.2.1\n  }\n}\n", ExitConfig},
		{"no virtual_router_id", "vrrp_instance V {\n  interface lo\n  virtual_ipaddress {\n    192.0.2.1\n  }\n}\n", ExitConfig},
		{"include that must exist", "includem nothing.conf\n", ExitNoFile},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, tt.conf)
			s.start()
			s.expect("The configuration cannot be run")
			if code, _ := s.ends(); code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
		})
	}
	t.Run("file missing", func(t *testing.T) {
		s := newStage(t, "")
		s.opt.File = s.path("missing.conf")
		s.opt.Console = false
		s.start()
		s.expect("cannot read the configuration file") // on the terminal although not logged there
		if code, _ := s.ends(); code != ExitNoFile {
			t.Errorf("code %d", code)
		}
	})
}

func TestScriptsAtStartAndStop(t *testing.T) {
	s := newStage(t, "")
	script := s.path("note.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho $1 >> "+s.path("notes")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("global_defs {\n  router_id quiet\n  script_user root\n  startup_script \"" + script + " start\"\n" +
		"  shutdown_script \"" + script + " stop\"\n}\n" + forBFD + "\n")
	s.start()
	s.expect("Starting BFD child process")
	if notes, _ := os.ReadFile(s.path("notes")); string(notes) != "start\n" {
		t.Errorf("before the roles: %q", notes)
	}
	s.expect("playing quiet")
	s.signal(unix.SIGTERM)
	s.ends()
	if notes, _ := os.ReadFile(s.path("notes")); string(notes) != "start\nstop\n" {
		t.Errorf("in the end: %q", notes)
	}
}

func TestNothingToDo(t *testing.T) {
	s := newStage(t, conf("quiet"))
	s.start()
	s.expect("keepalived has no configuration to run")
	s.told("READY=1")
	s.signal(unix.SIGTERM)
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}
}

func TestOnlySomeRoles(t *testing.T) {
	s := newStage(t, conf("quiet", forVRRP, forBFD))
	s.opt.Roles = config.Parent | config.VRRP
	s.start()
	s.expect("playing quiet")
	s.signal(unix.SIGTERM)
	if _, said := s.ends(); strings.Contains(said, "BFD") {
		t.Errorf("BFD was started:\n%s", said)
	}
}

// In the background: the command ends once the daemon is up, which is then in
// a session of its own.
func TestDetached(t *testing.T) {
	s := newStage(t, conf("quiet", forBFD))
	s.opt.Foreground, s.opt.Console = false, false
	if out, err := s.command().CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pid := readPid(t, s.path("parent.pid"))
	readPid(t, s.path("bfd.pid")) // it is up
	if sid, err := unix.Getsid(pid); err != nil || sid != pid {
		t.Errorf("session %d of process %d, %v", sid, pid, err)
	}
	for fd, want := range map[string]string{"fd/0": "/dev/null", "fd/2": "/dev/null", "cwd": "/"} {
		if got, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, fd)); got != want {
			t.Errorf("%s is %s, want %s", fd, got, want)
		}
	}
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the daemon is gone", func() bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) })

	s.write(conf("fatal", forBFD))
	err := s.command().Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != ExitFatal {
		t.Errorf("a failed start ended with %v", err)
	}
}

func TestNamespace(t *testing.T) {
	name := fmt.Sprintf("hfd%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "netns", "del", name).Run()
		_ = os.RemoveAll(filepath.Join(pidDir, name))
	})
	s := newStage(t, "net_namespace "+name+"\n"+conf("quiet", forBFD))
	s.opt.PidFiles = PidFiles{}
	s.start()
	s.expect("playing quiet")
	pid := readPid(t, filepath.Join(pidDir, name, "bfd.pid")) // in the role's eyes /run/keepalived/bfd.pid
	want, err := os.Stat(filepath.Join(netnsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(got, want) {
		t.Error("the role is not in the namespace")
	}
	s.signal(unix.SIGTERM)
	if code, _ := s.ends(); code != 0 {
		t.Errorf("code %d", code)
	}

	missing := newStage(t, "net_namespace "+name+"x\n"+conf("quiet", forBFD))
	missing.start()
	missing.expect("network namespace " + name + "x: no such file or directory")
	if code, _ := missing.ends(); code != 0 {
		t.Errorf("code %d, keepalived's is 0", code)
	}
}
