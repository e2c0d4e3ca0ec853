// Package track watches the things that the priority of a virtual router may
// depend on: scripts, files, processes, the link state of interfaces and witnesses. Each
// watcher is a source of events: it reports what it sees to one function and
// knows nothing of virtual routers.
//
// The parts that decide (how many results make a verdict, what number a file
// holds, which process is meant, how long a change must last) are pure and
// tested without a clock; [Scripts], [Files], [Processes], [Linkbeat] and [Pings] are
// the thin shells around them. All follow the same pattern: Set says what to watch,
// keeps what did not change, and may be called again after a reload; it never
// waits for a report. Close ends everything and waits, so by then the function
// that is reported to must no longer wait for whoever closes.
package track

import "time"

// Kind is what an event is about.
type Kind uint8

// The kinds of tracked things.
const (
	KindScript Kind = iota + 1
	KindFile
	KindProcess
	KindLink
	KindPing
)

func (k Kind) String() string {
	names := [...]string{"unknown", "script", "file", "process", "link", "witness"}
	return names[min(int(k), len(names)-1)%len(names)]
}

// State is the verdict on a tracked thing.
type State uint8

// The verdicts.
const (
	Unknown State = iota // no result yet
	Up
	Down
)

func (s State) String() string {
	switch s {
	case Up:
		return "up"
	case Down:
		return "down"
	}
	return "unknown"
}

// StateOf is Up or Down.
func StateOf(up bool) State {
	if up {
		return Up
	}
	return Down
}

// Event is what a watcher saw.
type Event struct {
	Kind Kind
	Name string
	// Changed says that State or Value is another one than in the event before.
	// Without it there are only lines to log.
	Changed bool
	State   State // of all but files
	Value   int64 // of files
	At      time.Time
	// Log are lines for the administrator, in keepalived's words.
	Log []string
}
