package logging

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestConsoleLine(t *testing.T) {
	var buf bytes.Buffer
	e := zapcore.Entry{Time: at("2026-11-20T16:01:15Z"), Message: "(VI_1) Entering MASTER STATE"}
	s := &consoleSink{w: &buf}
	s.write(newEntry(e, []zapcore.Field{zap.String("instance", "VI_1")}))
	e.Time, e.Message = at("2026-11-02T06:01:15Z"), "cannot send"
	s.write(newEntry(e, []zapcore.Field{zap.Error(errors.Join(errors.New("network is down"), errors.New("no route")))}))
	s.flush()
	want := "Fri Nov 20 16:01:15 2026: (VI_1) Entering MASTER STATE\n" +
		"Mon Nov  2 06:01:15 2026: cannot send: network is down; no route\n"
	if diff := cmp.Diff(want, buf.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSyslogLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &syslogSink{ident: "Keepalived_vrrp", facility: Local0 + 1, pid: 42, path: path}
	s.write(entry{Level: zapcore.WarnLevel, Time: at("2026-11-20T16:01:15Z"), Message: "two\nlines"})
	defer s.conn.Close()
	buf := make([]byte, 1000)
	n, err := l.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("<%d>Nov 20 16:01:15 Keepalived_vrrp[42]: two lines", 17*8+4)
	if got := string(buf[:n]); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Without a syslog daemon lines are lost, but one that starts later gets the
// lines from then on.
func TestSyslogStartsLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := &syslogSink{ident: "x", pid: 1, path: path}
	s.write(entry{Message: "lost"})
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.retry = time.Time{}
	s.write(entry{Message: "found"})
	defer s.conn.Close()
	buf := make([]byte, 1000)
	n, _ := l.Read(buf)
	if got := string(buf[:n]); !strings.HasSuffix(got, "x[1]: found") {
		t.Errorf("got %q", got)
	}
}

func TestIdent(t *testing.T) {
	for _, tt := range []struct{ ns, inst, want string }{
		{"", "", "Keepalived"},
		{"blue", "", "Keepalived_blue"},
		{"", "one", "Keepalived_one"},
		{"blue", "one", "Keepalived_blue_one"},
	} {
		if got := Ident("Keepalived", tt.ns, tt.inst); got != tt.want {
			t.Errorf("Ident(%q, %q) = %q, want %q", tt.ns, tt.inst, got, tt.want)
		}
	}
}

func TestJournalName(t *testing.T) {
	for in, want := range map[string]string{"instance": "INSTANCE", "advert.late-by": "ADVERT_LATE_BY", "_pid": "PID", "9a": "A"} {
		if got := journalName(in); got != want {
			t.Errorf("journalName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStderrIsJournal(t *testing.T) {
	for _, value := range []string{"", "nonsense", "1:1"} {
		t.Setenv("JOURNAL_STREAM", value)
		if stderrIsJournal() {
			t.Errorf("JOURNAL_STREAM=%q: taken for the journal", value)
		}
	}
}

// stuckSink does not return from write until it is freed.
type stuckSink struct {
	free chan struct{}
	mu   sync.Mutex
	got  []string
}

func (s *stuckSink) flush() {}

func (s *stuckSink) write(e entry) {
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, e.Message)
}

// An output that hangs costs lines, which are counted, but no time.
func TestLoggingNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuckSink{free: make(chan struct{})}
		out := newOutput(s, 0)
		log := zap.New(&core{LevelEnabler: zapcore.InfoLevel, out: out})
		const surplus = 500
		log.Info("first") // taken out of the queue, and stuck
		synctest.Wait()
		for i := range queueLength + surplus {
			log.Info(fmt.Sprint(i))
		}
		log.Debug("not at this level")
		close(s.free)
		out.close(time.Minute)
		if n := len(s.got); n != 1+queueLength+1 {
			t.Fatalf("%d lines came out, want %d", n, 1+queueLength+1)
		}
		if want := fmt.Sprintf("%d log lines were dropped because the log did not keep up", surplus); s.got[1] != want {
			t.Errorf("got %q, want %q", s.got[1], want)
		}
	})
}

// Details never take the place of what matters more.
func TestDetailsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuckSink{free: make(chan struct{})}
		out := newOutput(s, 0)
		log := zap.New(&core{LevelEnabler: zapcore.DebugLevel, out: out})
		log.Info("first") // taken out of the queue, and stuck
		synctest.Wait()
		for range 2 * queueLength {
			log.Debug("detail")
		}
		log.Info("last")
		close(s.free)
		out.close(time.Minute)
		if last := s.got[len(s.got)-1]; last != "last" {
			t.Errorf("the last line is %q", last)
		}
	})
}

func TestPatientLogging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuckSink{free: make(chan struct{})}
		out := newOutput(s, 2*time.Hour)
		time.AfterFunc(time.Hour, func() { close(s.free) })
		for i := range 2 * queueLength {
			out.put(entry{Message: fmt.Sprint(i)})
		}
		out.close(time.Minute)
		if len(s.got) != 2*queueLength {
			t.Errorf("%d of %d lines came out", len(s.got), 2*queueLength)
		}
	})
}

// Patience ends: an output that hangs costs one caller that much time, and the
// others nothing.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuckSink{free: make(chan struct{})}
		out := newOutput(s, time.Second)
		start := time.Now()
		for range 2 * queueLength {
			out.put(entry{})
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("logging took %v", d)
		}
		close(s.free)
		synctest.Wait()
		out.put(entry{Message: "there is room again"})
		if out.stuck.Load() {
			t.Error("the output is still taken for stuck")
		}
		out.close(time.Minute)
	})
}

func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuckSink{free: make(chan struct{})}
		out := newOutput(s, 0)
		out.put(entry{})
		start := time.Now()
		out.close(time.Second)
		if d := time.Since(start); d != time.Second {
			t.Errorf("close took %v", d)
		}
		close(s.free)
	})
}

func TestFieldsOfWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var buf bytes.Buffer
		out := newOutput(&consoleSink{w: &buf}, 0)
		base := zap.New(&core{LevelEnabler: zapcore.InfoLevel, out: out})
		failed := base.With(zap.Error(os.ErrPermission))
		failed.Info("open")
		base.Info("fine")
		out.close(time.Second)
		got := buf.String()
		if !strings.Contains(got, "open: permission denied\n") || !strings.Contains(got, ": fine\n") {
			t.Errorf("got %q", got)
		}
	})
}

func TestLimiter(t *testing.T) {
	l := Limiter{Interval: time.Minute}
	start := at("2026-11-20T16:00:00Z")
	for i, tt := range []struct {
		after      time.Duration
		key        string
		suppressed int
		ok         bool
	}{
		{0, "a", 0, true},
		{1 * time.Second, "a", 0, false},
		{2 * time.Second, "b", 0, true},
		{3 * time.Second, "a", 0, false},
		{60 * time.Second, "a", 2, true},
		{61 * time.Second, "a", 0, false},
		{62 * time.Second, "b", 0, true},
	} {
		suppressed, ok := l.Allow(tt.key, start.Add(tt.after))
		if suppressed != tt.suppressed || ok != tt.ok {
			t.Errorf("call %d (%s after %v): got %d %v, want %d %v", i, tt.key, tt.after, suppressed, ok, tt.suppressed, tt.ok)
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := Limiter{Interval: time.Minute}
	start := at("2026-11-20T16:00:00Z")
	for i := range 10 * maxKeys {
		l.Allow(fmt.Sprint(i), start)
	}
	if len(l.last) > maxKeys {
		t.Errorf("%d keys are remembered", len(l.last))
	}
	if _, ok := l.Allow("new", start.Add(time.Minute)); !ok {
		t.Error("an old flood still silences a new key")
	}
}
