package logging

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap/zapcore"
)

// queueLength is how many entries may wait for a slow output.
const queueLength = 2048

// entry is one line of the log on its way out: what the outputs show of a
// [zapcore.Entry], for thousands may be on their way.
type entry struct {
	Level   zapcore.Level
	Time    time.Time
	Message string
	fields  []zapcore.Field
}

func newEntry(e zapcore.Entry, fields []zapcore.Field) entry {
	return entry{e.Level, e.Time, e.Message, fields}
}

// text is the entry for outputs without fields.
func (e entry) text() string {
	for _, f := range e.fields {
		if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType {
			return e.Message + ": " + strings.ReplaceAll(err.Error(), "\n", "; ") // several were joined
		}
	}
	return e.Message
}

// sink is where entries go in the end. Only its output's goroutine uses it.
type sink interface {
	write(entry)
	flush() // writes what write has kept, when there is nothing more to do at once
}

// core hands entries to an output. It is immutable and so safe for all.
type core struct {
	zapcore.LevelEnabler
	fields []zapcore.Field
	out    *output
}

func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{c.LevelEnabler, append(c.fields[:len(c.fields):len(c.fields)], fields...), c.out}
}

func (c *core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	// The caller may use its slice again, so the entry gets one of its own.
	all := make([]zapcore.Field, 0, len(c.fields)+len(fields))
	all = append(append(all, c.fields...), fields...)
	c.out.put(newEntry(e, all))
	return nil
}

func (c *core) Sync() error { return nil }

// output owns a sink: one goroutine writes what the queue holds.
type output struct {
	patience time.Duration
	stuck    atomic.Bool // a line has waited in vain since the queue last had room
	queue    chan entry
	dropped  atomic.Int64 // entries that found the queue full, not yet reported
	stop     chan struct{}
	stopped  chan struct{}
}

func newOutput(s sink, patience time.Duration) *output {
	o := &output{
		patience: patience,
		queue:    make(chan entry, queueLength),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	go o.run(s)
	return o
}

// put queues an entry, or counts it as dropped. Details leave half of the queue
// to what matters more.
func (o *output) put(e entry) {
	if o.patience == 0 && e.Level == zapcore.DebugLevel && len(o.queue) > queueLength/2 {
		o.dropped.Add(1)
		return
	}
	select {
	case o.queue <- e:
		o.stuck.Store(false)
		return
	default:
	}
	if o.patience > 0 && !o.stuck.Load() {
		limit := time.NewTimer(o.patience)
		defer limit.Stop()
		select {
		case o.queue <- e:
			return
		case <-limit.C:
			o.stuck.Store(true)
		}
	}
	o.dropped.Add(1)
}

func (o *output) run(s sink) {
	defer close(o.stopped)
	for {
		select {
		case e := <-o.queue:
			o.write(s, e)
			o.drain(s)
		case <-o.stop:
			o.drain(s)
			return
		}
	}
}

// drain writes what is queued already.
func (o *output) drain(s sink) {
	defer s.flush()
	for {
		select {
		case e := <-o.queue:
			o.write(s, e)
		default:
			return
		}
	}
}

// write writes an entry, and after it how many others had to go.
func (o *output) write(s sink, e entry) {
	s.write(e)
	if n := o.dropped.Swap(0); n > 0 {
		s.write(entry{
			Level:   zapcore.WarnLevel,
			Time:    time.Now(),
			Message: fmt.Sprintf("%d log lines were dropped because the log did not keep up", n),
		})
	}
}

// close writes what is queued and returns, after limit at the latest.
func (o *output) close(limit time.Duration) {
	close(o.stop)
	select {
	case <-o.stopped:
	case <-time.After(limit):
	}
}
