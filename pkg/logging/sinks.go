package logging

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
)

// severity is the syslog severity of a level.
func severity(l zapcore.Level) int {
	switch {
	case l >= zapcore.DPanicLevel:
		return 2 // critical
	case l == zapcore.ErrorLevel:
		return 3
	case l == zapcore.WarnLevel:
		return 4
	default: // keepalived logs its details with the same severity as the rest
		return 6
	}
}

// consoleSink writes lines as keepalived's -l does, many at once when there are
// many.
type consoleSink struct {
	w    io.Writer
	kept []byte
}

func (s *consoleSink) write(e entry) {
	const plenty = 16 << 10
	s.kept = e.Time.AppendFormat(s.kept, time.ANSIC)
	s.kept = append(append(append(s.kept, ": "...), e.text()...), '\n')
	if len(s.kept) > plenty {
		s.flush()
	}
}

func (s *consoleSink) flush() {
	if len(s.kept) > 0 {
		_, _ = s.w.Write(s.kept)
		s.kept = s.kept[:0]
	}
}

// syslogSink speaks RFC 3164 to the local syslog daemon. It connects when there is something
// to say, so that a syslog daemon may start later than we do, or again.
type syslogSink struct {
	ident    string
	facility int
	pid      int
	path     string // of the syslog daemon's socket
	conn     net.Conn
	retry    time.Time // no attempt to connect before
}

func (s *syslogSink) write(e entry) {
	line := fmt.Appendf(nil, "<%d>%s %s[%d]: %s", s.facility<<3|severity(e.Level),
		e.Time.Format(time.Stamp), s.ident, s.pid, strings.ReplaceAll(e.text(), "\n", " "))
	for range 2 { // once more on a fresh connection: the daemon may have restarted
		if s.conn == nil && !s.connect(e.Time) {
			return
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := s.conn.Write(line); err == nil {
			return
		}
		s.conn.Close()
		s.conn = nil
	}
}

func (s *syslogSink) flush() {}

// connect connects, unless it could not a moment ago. It goes by the times of the
// entries: without a syslog daemon there may be many of them.
func (s *syslogSink) connect(now time.Time) bool {
	if now.Before(s.retry) {
		return false
	}
	conn, err := net.Dial("unixgram", s.path)
	if err != nil {
		s.retry = now.Add(time.Second)
		return false
	}
	s.conn = conn
	return true
}

// journalSink writes to journald with all fields.
type journalSink struct {
	ident    string
	facility int
}

func (s *journalSink) write(e entry) {
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range e.fields {
		f.AddTo(enc)
	}
	vars := make(map[string]string, len(enc.Fields)+2)
	for name, value := range enc.Fields {
		vars[journalName(name)] = fmt.Sprint(value)
	}
	vars["SYSLOG_IDENTIFIER"] = s.ident
	vars["SYSLOG_FACILITY"] = fmt.Sprint(s.facility)
	_ = journal.Send(e.text(), journal.Priority(severity(e.Level)), vars)
}

func (s *journalSink) flush() {}

// journalName turns a field's name into one that journald takes: capitals,
// digits and underscores, not starting with an underscore.
func journalName(name string) string {
	return strings.TrimLeft(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		default:
			return '_'
		}
	}, name), "_0123456789")
}

// stderrIsJournal reports whether systemd connected our standard error to the
// journal: $JOURNAL_STREAM holds the device and inode of that stream.
func stderrIsJournal() bool {
	var dev, ino uint64
	if n, _ := fmt.Sscanf(os.Getenv("JOURNAL_STREAM"), "%d:%d", &dev, &ino); n != 2 {
		return false
	}
	var st unix.Stat_t
	return unix.Fstat(2, &st) == nil && uint64(st.Dev) == dev && st.Ino == ino
}
