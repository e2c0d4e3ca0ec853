// Package logging builds the logger of a process: to journald with structured
// fields when systemd connected our standard error to the journal, to syslog
// otherwise, and to standard error as well when the operator asks for it.
//
// Logging does not block the caller, or only for as long as it is told to. Each
// output has a goroutine and a bounded queue; lines that do not fit are counted,
// and the count is logged when there is room again.
//
// The journal gets every field of an entry. Syslog and the console get the
// message alone, followed by the error if the entry has one: messages that
// administrators search for stay as keepalived words them.
package logging

import (
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Options says where to log and how much.
type Options struct {
	Ident    string        // name of the process in the log, such as Keepalived_vrrp
	Facility int           // syslog facility code, 0 to 23
	Console  bool          // to standard error, too (-l)
	NoSyslog bool          // neither syslog nor journal (-G)
	Patience time.Duration // how long a line waits for a slow output before it is dropped
	Level    zapcore.Level // lowest level that is logged
}

// Facility codes of syslog that options name.
const (
	User   = 1
	Daemon = 3
	Local0 = 16
)

// Ident is the name under which a process logs: base, then the network
// namespace and the instance name where there are any.
func Ident(base, namespace, instance string) string {
	for _, part := range []string{namespace, instance} {
		if part != "" {
			base += "_" + part
		}
	}
	return base
}

// Open returns the logger and the function that flushes and closes it, waiting
// at most as long as told.
func Open(o Options) (*zap.Logger, func(time.Duration)) {
	var cores []zapcore.Core
	var outputs []*output
	add := func(s sink) {
		out := newOutput(s, o.Patience)
		outputs = append(outputs, out)
		cores = append(cores, &core{LevelEnabler: o.Level, out: out})
	}
	journal := !o.NoSyslog && stderrIsJournal()
	switch {
	case o.NoSyslog:
	case journal:
		add(&journalSink{ident: o.Ident, facility: o.Facility})
	default:
		add(&syslogSink{ident: o.Ident, facility: o.Facility, pid: os.Getpid(), path: "/dev/log"})
	}
	if o.Console && !journal { // else every line would be there twice
		add(&consoleSink{w: os.Stderr})
	}
	if len(cores) == 0 {
		return zap.NewNop(), func(time.Duration) {}
	}
	return zap.New(zapcore.NewTee(cores...)), func(limit time.Duration) {
		deadline := time.Now().Add(limit)
		for _, out := range outputs {
			out.close(time.Until(deadline))
		}
	}
}
