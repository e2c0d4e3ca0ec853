package track

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ParamMatch is how the parameters of a process are compared.
type ParamMatch uint8

// The ways to compare parameters.
const (
	ParamsIgnored ParamMatch = iota // unless some are given: then exact
	ParamsExact                     // they are the given ones
	ParamsPartial                   // the given ones come first
	ParamsInitial                   // likewise, and the last given one may be a beginning
)

// Process describes the processes that are counted.
type Process struct {
	Name        string // of the tracker
	Path        string // program
	Params      []string
	Match       ParamMatch
	FullCommand bool // compare the command line, not the short name

	Quorum    int // least number of copies
	QuorumMax int // greatest number of copies; negative: no limit

	TerminateDelay time.Duration // how long a verdict from a lost copy must last
	ForkDelay      time.Duration // how long a verdict from a new copy must last
}

// commLen is the length to which the kernel cuts the short name.
const commLen = 15

// byCommand reports that the command line is compared, not the short name.
func (p Process) byCommand() bool {
	return p.FullCommand || len(p.Params) > 0 || p.Match != ParamsIgnored
}

// Matches reports whether a process with that short name and command line is
// meant.
func (p Process) Matches(comm string, argv []string) bool {
	if !p.byCommand() {
		base := filepath.Base(p.Path)
		return comm == base[:min(len(base), commLen)]
	}
	if len(argv) == 0 {
		return false
	}
	name := argv[0]
	if !strings.Contains(p.Path, "/") {
		name = filepath.Base(name)
	}
	return name == p.Path && p.paramsMatch(argv[1:])
}

func (p Process) paramsMatch(have []string) bool {
	n := len(p.Params)
	switch {
	case p.Match == ParamsExact || p.Match == ParamsIgnored && n > 0:
		return slices.Equal(have, p.Params)
	case n == 0:
		return true
	case len(have) < n:
		return false
	case p.Match == ParamsInitial:
		return slices.Equal(have[:n-1], p.Params[:n-1]) && strings.HasPrefix(have[n-1], p.Params[n-1])
	}
	return slices.Equal(have[:n], p.Params)
}

// enough is the verdict on a number of copies.
func (p Process) enough(n int) State {
	return StateOf(n >= p.Quorum && (p.QuorumMax < 0 || n <= p.QuorumMax))
}

// tally counts the copies of one tracked process.
type tally struct {
	spec  Process
	pids  map[int]bool
	delay Delay
}

func newTally(p Process) *tally { return &tally{spec: p, pids: map[int]bool{}} }

// note says whether a process is one of those counted, and reports whether the
// verdict changes at once.
func (t *tally) note(pid int, member bool, now time.Time) bool {
	switch {
	case member == t.pids[pid]:
		return false
	case member:
		t.pids[pid] = true
		return t.judge(t.spec.ForkDelay, now)
	}
	delete(t.pids, pid)
	return t.judge(t.spec.TerminateDelay, now)
}

// replace sets all copies at once, after a complete look.
func (t *tally) replace(pids map[int]bool, now time.Time) bool {
	delay := t.spec.ForkDelay
	if len(pids) < len(t.pids) {
		delay = t.spec.TerminateDelay
	}
	t.pids = pids
	return t.judge(delay, now)
}

func (t *tally) judge(delay time.Duration, now time.Time) bool {
	t.delay.Up, t.delay.Down = delay, delay
	return t.delay.Observe(t.spec.enough(len(t.pids)), now)
}

// event tells the verdict.
func (t *tally) event(now time.Time) Event {
	word := "lost"
	if t.delay.State() == Up {
		word = "gained"
	}
	return Event{
		Kind: KindProcess, Name: t.spec.Name, Changed: true, State: t.delay.State(), At: now,
		Log: []string{"Quorum " + word + " for tracked process " + t.spec.Name},
	}
}
