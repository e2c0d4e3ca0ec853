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
	"go.uber.org/zap"
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
		o.Relinquish = map[string]RelinquishFunc{control.VRRP: understudy, control.Checkers: understudy}
		os.Exit(Run(o))
	}
	goleak.VerifyTestMain(m)
}

// understudy gives up what a role held that has ended on its own.
func understudy(cfg *config.Config, memory *os.File, log *zap.Logger) error {
	part, err := io.ReadAll(io.NewSectionReader(memory, 0, 100))
	log.Info(fmt.Sprintf("leaving for %s, of %d services", part, len(cfg.VirtualServers)))
	return err
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
		if part == "once" {
			panic("not again")
		}
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
			switch part {
			case "stubborn":
				<-time.After(time.Minute) // long enough, and no test waits for good for its end
			case "slow":
				<-time.After(time.Second)
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
	forIPVS = "virtual_server 127.0.0.77 80 {\n  real_server 127.0.0.78 80 {\n  }\n}"
)
