package healthcheck

import (
	"math"
	"time"
)

// startDelay is how long after the start of the process the first check comes,
// before the random part of it.
const startDelay = time.Second

// kept is how many transitions and failures a check remembers.
const kept = 5

// Check is one check in progress: what is asked, and where the verdict stands.
// It owns no goroutine and reads no clock: the same calls always give the same
// answers. The caller asks when [Check.Due] has come, says so with Begin, and
// hands the answer to Finish.
type Check struct {
	Spec Spec

	up      bool
	ran     bool   // a first run has been completed
	retries int    // used in this run
	streak  int    // completed runs in a row that disagree with up
	weight  int    // added to the real server's weight
	weighed Result // which weight comes of

	url     int  // HTTP: the URL to ask for next
	failing bool // HTTP: that URL was the reason to go down; a full pass follows its success

	due     time.Time // zero: nothing is scheduled
	started time.Time
	slip    time.Duration // how late that was, and is made up for by the next run

	runs        uint64
	since       time.Time
	last        Result
	lastAt      time.Time
	transitions []Transition
	failures    []Failure
	lateness    time.Duration
}

// Step is what came of an answer.
type Step struct {
	Event Event
	Tell  bool   // whether Event is news
	Lines []Line // for the log
}

// NewCheck returns a check that has not asked yet: up, unless it is alpha.
func NewCheck(s Spec, now time.Time) *Check {
	return &Check{Spec: s, up: !s.Alpha, since: now}
}

// Start schedules the first attempt; random is from 0 to 1. Checks that are
// told about changes, FILE_CHECK and BFD_CHECK, have no schedule.
func (c *Check) Start(now time.Time, random float64) {
	if c.told() {
		return
	}
	c.due = now.Add(startDelay + time.Duration(random*float64(c.Spec.Warmup)))
}

// told reports whether others say how it stands, so that nothing is asked.
func (c *Check) told() bool {
	switch c.Spec.Ask.(type) {
	case File, BFD:
		return true
	}
	return false
}

// Suspend cancels what is scheduled. The verdict stays.
func (c *Check) Suspend() { c.due = time.Time{}; c.retries = 0 }

// Due is when the next attempt is to be made; zero means not by itself.
func (c *Check) Due() time.Time { return c.due }

// Move puts the next attempt, if one is scheduled, at a time that suits the caller.
func (c *Check) Move(due time.Time) {
	if !c.due.IsZero() {
		c.due = due
	}
}

// Up is the present verdict.
func (c *Check) Up() bool { return c.up }

// Last is the answer to the last attempt.
func (c *Check) Last() Result { return c.last }

// URL is the index of the URL that the next attempt of an HTTP check asks for.
func (c *Check) URL() int { return c.url }

// Begin notes that an attempt starts.
func (c *Check) Begin(now time.Time) {
	c.slip = 0
	if !c.due.IsZero() {
		late := max(0, now.Sub(c.due))
		c.lateness = max(c.lateness, late)
		// What a pause of the machine brought together is not to stay together. But
		// after a long one, or where there is more to do than can be done, the pauses
		// are not cut short.
		if late < c.Spec.DelayLoop/2 {
			c.slip = late
		}
	}
	c.started, c.due = now, time.Time{}
}

// pause is the time until the next run, after one that began when it should have.
func (c *Check) pause() time.Duration { return c.Spec.DelayLoop - c.slip }

// Finish takes the answer to the attempt and schedules the next one.
func (c *Check) Finish(now time.Time, r Result) Step {
	r = c.judge(r)
	c.runs++
	c.last, c.lastAt = r, now
	if r.Fault == FaultLocal {
		c.due = now.Add(c.Spec.DelayLoop)
		return Step{Lines: c.forAll(func(n Name) []Line { return c.rescheduling(n, r) })}
	}
	if r.OK {
		return c.succeeded(now, r)
	}
	c.failures = remember(c.failures, Failure{now, r.Reason, r.Took})
	return c.failed(now, r)
}

// judge settles what only the check knows of an answer: whether an exit status
// or a tracked number is good.
func (c *Check) judge(r Result) Result {
	switch ask := c.Spec.Ask.(type) {
	case Misc:
		if ask.Dynamic && r.Fault == FaultExit && r.Value >= 2 && r.Value <= 255 {
			r.OK, r.Fault, r.Reason = true, FaultNone, ""
		}
	case File:
		if _, ok := ask.effect(r.Value); !ok {
			r.OK, r.Fault = false, FaultState
		}
	}
	return r
}

// weighs is what an answer adds to the real server's weight.
func (c *Check) weighs(r Result) int {
	if !r.OK {
		return 0
	}
	switch ask := c.Spec.Ask.(type) {
	case Misc:
		if ask.Dynamic && r.Value >= 2 {
			return int(r.Value) - 2 - c.Spec.RealWeight
		}
	case File:
		w, _ := ask.effect(r.Value)
		return w
	}
	return 0
}

// effect is what the number in the file means: a part of the weight, or down.
func (f File) effect(value int64) (weight int, up bool) {
	if f.Weight == 0 {
		return 0, (value == 0) != f.Reverse
	}
	// Both factors fit in 32 bits, so the product cannot overflow.
	w := clamp32(value) * clamp32(f.Weight)
	if f.Reverse {
		w = -w
	}
	if w <= math.MinInt32 {
		return 0, false
	}
	return int(min(w, math.MaxInt32)), true
}

func clamp32(v int64) int64 { return min(max(v, math.MinInt32), math.MaxInt32) }

func (c *Check) succeeded(now time.Time, r Result) Step {
	c.retries = 0
	var lines []Line
	if h, ok := c.Spec.Ask.(HTTP); ok {
		u := h.URLs[c.url]
		if !c.ran && r.Reason != "" {
			lines = c.forAll(func(n Name) []Line { return remark(n, u, r) })
		}
		if !c.up {
			lines = append(lines, c.forAll(func(n Name) []Line { return urlSuccess(n, u) })...)
		}
		if !c.passed(h) {
			c.due = now.Add(c.pause())
			if h.FastRecovery && !(c.up && c.ran) {
				c.due = now
			}
			return Step{Lines: lines}
		}
	}
	c.schedule(now)
	first := !c.ran
	st := c.conclude(now, r)
	if first || st.Event.Turned {
		lines = append(lines, c.forAll(func(n Name) []Line { return c.success(n, st.Event.Turned) })...)
	}
	st.Lines = lines
	return st
}

// passed moves on to the next URL and reports whether a whole pass is done.
func (c *Check) passed(h HTTP) bool {
	if c.failing {
		c.failing, c.url = false, 0
		return false
	}
	c.url++
	if c.url < len(h.URLs) {
		return false
	}
	c.url = 0
	return true
}

func (c *Check) failed(now time.Time, r Result) Step {
	was, first := c.up, !c.ran
	if c.mayRetry() {
		c.retries++
		c.due = now.Add(c.Spec.DelayBeforeRetry)
		if _, ok := c.Spec.Ask.(Misc); ok {
			c.due = c.afterStart(c.Spec.DelayBeforeRetry, now)
		}
		if c.up && c.Spec.LogAllFailures {
			return Step{Lines: c.forAll(func(n Name) []Line { return c.attemptFailed(n, r, true) })}
		}
		return Step{}
	}
	c.schedule(now)
	st := c.conclude(now, r)
	if _, ok := c.Spec.Ask.(HTTP); ok {
		c.failing = c.failing || st.Event.Turned || first
		c.due = now.Add(max(c.Spec.DelayLoop, c.Spec.DelayBeforeRetry))
	}
	if was && c.Spec.LogAllFailures {
		st.Lines = c.forAll(func(n Name) []Line { return c.attemptFailed(n, r, false) })
	}
	if st.Event.Turned || first {
		st.Lines = append(st.Lines, c.forAll(func(n Name) []Line { return c.verdict(n, r, was, first) })...)
	}
	c.retries = 0
	return st
}

// mayRetry reports whether a failed attempt is followed by another one before
// it counts. The first run needs only one failure, and what is down already
// is asked once per period; but SMTP_CHECK always retries, and TCP_CHECK after
// its first run. There is nothing to retry where the check is told.
func (c *Check) mayRetry() bool {
	if c.retries >= c.Spec.Retry || c.told() {
		return false
	}
	switch c.Spec.Ask.(type) {
	case SMTP:
		return true
	case TCP:
		return c.ran
	}
	return c.up && c.ran
}

// schedule sets the time of the next run.
func (c *Check) schedule(now time.Time) {
	switch c.Spec.Ask.(type) {
	case File, BFD: // they are told
	case Misc:
		c.due = c.afterStart(c.pause(), now)
	default:
		c.due = now.Add(c.pause())
	}
}

// afterStart is a pause after the start of the last attempt, or now if that has passed:
// programs are measured start to start, and never run twice at once.
func (c *Check) afterStart(pause time.Duration, now time.Time) time.Time {
	if due := c.started.Add(pause); due.After(now) {
		return due
	}
	return now
}

// conclude counts a completed run and turns the verdict when it is time.
func (c *Check) conclude(now time.Time, r Result) Step {
	first := !c.ran
	c.ran = true
	need := c.Spec.rise()
	if c.up {
		need = c.Spec.fall()
		if first { // nothing good is known of it yet
			need = 1
		}
	}
	if c.told() {
		need = 1
	}
	turned := false
	if r.OK == c.up {
		c.streak = 0
	} else if c.streak++; c.streak >= need {
		turned, c.up, c.streak, c.since = true, r.OK, 0, now
		c.transitions = remember(c.transitions, Transition{now, r.OK, r.Reason})
	}
	weight := c.weight
	if r.OK || !c.up { // a failure that does not count yet changes nothing
		weight, c.weighed = c.weighs(r), r
	}
	tell := first || turned || weight != c.weight
	c.weight = weight
	return Step{
		Tell: tell,
		Event: Event{
			Key: c.Spec.Key, Up: c.up, First: first, Turned: turned,
			Weight: weight, Result: r, At: now,
		},
	}
}

// Adopt takes over a new spec with the same key, such as one with another
// configured weight, and keeps the state.
func (c *Check) Adopt(s Spec, now time.Time) Step {
	c.Spec = s
	weight := c.weighs(c.weighed)
	if !c.ran || weight == c.weight {
		return Step{}
	}
	c.weight = weight
	return Step{Tell: true, Event: Event{Key: s.Key, Up: c.up, Weight: weight, Result: c.last, At: now}}
}

// Status is the check as an operator sees it.
func (c *Check) Status() Status {
	return Status{
		Keyword: c.Spec.Ask.Keyword(), For: c.Spec.For, Also: c.Spec.Also,
		Up: c.up, Known: c.ran, Since: c.since, Weight: c.weight, Next: c.due,
		Runs: c.runs, Last: c.last, LastAt: c.lastAt, Lateness: c.lateness,
		Transitions: append([]Transition(nil), c.transitions...),
		Failures:    append([]Failure(nil), c.failures...),
	}
}

func remember[T any](list []T, v T) []T {
	if len(list) == kept {
		copy(list, list[1:])
		list[kept-1] = v
		return list
	}
	return append(list, v)
}
