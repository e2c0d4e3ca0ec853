package probe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// timed is a spec of a check that asks for nothing in particular.
func timed(key string, loop time.Duration) healthcheck.Spec {
	return healthcheck.Spec{
		Key: key, Ask: healthcheck.TCP{},
		Timing: healthcheck.Timing{DelayLoop: loop, ConnectTimeout: time.Second},
	}
}

// only takes in one check, makes it active, and returns it.
func only(a *agenda, s healthcheck.Spec, now time.Time, random float64) *job {
	fresh, _, _ := a.set([]healthcheck.Spec{s}, now)
	a.activate(fresh[0], now, random)
	return fresh[0]
}

func TestFirstAttemptComesAfterASecondAndAPartOfWarmup(t *testing.T) {
	epoch := time.Now()
	for _, tt := range []struct {
		warmup time.Duration
		random float64
		want   time.Duration
	}{
		{0, 0.5, time.Second},
		{10 * time.Second, 0, time.Second},
		{10 * time.Second, 0.5, 6 * time.Second},
		{10 * time.Second, 1, 11 * time.Second},
	} {
		a := newAgenda(epoch)
		s := timed("rs", 5120*time.Millisecond)
		s.Warmup = tt.warmup
		only(&a, s, epoch, tt.random)
		if got := a.until().Sub(epoch); got != tt.want {
			t.Errorf("warmup %v, random %v: first attempt after %v, want %v", tt.warmup, tt.random, got, tt.want)
		}
	}
}

func TestPauseIsFromTheEndOfAnAttempt(t *testing.T) {
	epoch := time.Now()
	a := newAgenda(epoch)
	j := only(&a, timed("rs", 5120*time.Millisecond), epoch, 0)
	a.begin(a.next(epoch.Add(time.Second)), epoch.Add(2*time.Second))
	if !a.until().IsZero() {
		t.Fatalf("something is due at %v while the attempt is under way", a.until())
	}
	step := a.finish(j, epoch.Add(2500*time.Millisecond), healthcheck.Result{OK: true})
	if took := step.Event.Result.Took; took != 500*time.Millisecond {
		t.Errorf("took %v, want 500ms", took)
	}
	// It was a second late, which is no reason for the next ones to be.
	if got := a.until().Sub(epoch); got != 6620*time.Millisecond {
		t.Errorf("next attempt after %v, want 6.62s", got)
	}
	if late := j.check.Status().Lateness; late != time.Second {
		t.Errorf("lateness %v, want 1s", late)
	}
}

func TestLimitOfAStepIsNoLaterThanThatOfTheAttempt(t *testing.T) {
	epoch := time.Now()
	a := newAgenda(epoch)
	j := only(&a, timed("rs", time.Second), epoch, 0)
	start := epoch.Add(time.Second)
	a.begin(a.next(start.Add(maxGrain)), start)
	for i, want := range []time.Duration{1, 2, 3, 4, 4, 4} {
		now := start.Add(time.Duration(i) * time.Second)
		a.limit(j, now.Add(time.Second))
		if got := a.until().Sub(start); got != want*time.Second {
			t.Errorf("step %d: limit after %v, want %v", i, got, want*time.Second)
		}
	}
	if a.next(start.Add(4*time.Second-1)) != nil || a.next(start.Add(4*time.Second)) != j {
		t.Error("the limit is not reached after 4s")
	}
}

func TestReloadKeepsTheTurnOfACheck(t *testing.T) {
	epoch := time.Now()
	a := newAgenda(epoch)
	x, y := timed("x", 5*time.Second), timed("y", 5*time.Second)
	j := only(&a, x, epoch, 0)
	due := a.until()
	x.RealWeight = 7
	fresh, kept, gone := a.set([]healthcheck.Spec{y, x}, epoch.Add(time.Second))
	if len(fresh) != 1 || len(kept) != 1 || len(gone) != 0 || kept[0].job != j || j.check.Spec.RealWeight != 7 {
		t.Fatalf("y added: %d new, %d kept, %d gone", len(fresh), len(kept), len(gone))
	}
	if !a.until().Equal(due) {
		t.Errorf("x is due at %v, was %v", a.until(), due)
	}
	a.begin(a.next(due), due)
	if _, _, gone = a.set([]healthcheck.Spec{y}, due); len(gone) != 1 || gone[0] != j || j.running {
		t.Errorf("x gone: %d gone, its attempt under way: %v", len(gone), j.running)
	}
}

// A pause of the machine makes many checks late together. They do not stay together.
func TestChecksKeepTheirDistance(t *testing.T) {
	epoch := time.Now()
	a := newAgenda(epoch)
	specs := make([]healthcheck.Spec, 50)
	want := make([]time.Duration, len(specs))
	for i := range specs {
		specs[i] = timed(fmt.Sprint(i), 5120*time.Millisecond)
		specs[i].Warmup = 100 * time.Millisecond * time.Duration(i)
		want[i] = 6120*time.Millisecond + specs[i].Warmup
	}
	fresh, _, _ := a.set(specs, epoch)
	for _, j := range fresh {
		a.activate(j, epoch, 1)
	}
	turns := func(from, to time.Duration) (at []time.Duration) {
		for ; from < to; from += time.Millisecond {
			now := epoch.Add(from)
			for j := a.next(now); j != nil; j = a.next(now) {
				at = append(at, from)
				a.begin(j, now)
				a.finish(j, now.Add(time.Millisecond), healthcheck.Result{OK: true})
			}
		}
		return at
	}
	turns(3*time.Second, 6120*time.Millisecond) // nothing moved before
	if got := turns(6120*time.Millisecond, 11120*time.Millisecond); !slices.Equal(got, want) {
		t.Errorf("second turns after %v, want %v", got, want)
	}
}

// By chance, many of ten thousand checks are due together. However long it takes to start
// them all, nobody is put off for it, or there would be ever more of them.
func TestCrowdsDoNotGrow(t *testing.T) {
	const count, period = 10_000, 5 * time.Second
	const start, look = 400 * time.Microsecond, 20 * time.Microsecond // with what the servers take
	epoch := time.Now()
	a := newAgenda(epoch)
	random := rand.New(rand.NewPCG(1, 2))
	specs := make([]healthcheck.Spec, count)
	for i := range specs {
		specs[i] = timed(fmt.Sprint(i), period)
		specs[i].Warmup = period
	}
	fresh, _, _ := a.set(specs, epoch)
	for _, j := range fresh {
		a.activate(j, epoch, random.Float64())
	}
	turn := make(map[*job]time.Duration, count) // of each in its round
	for _, j := range fresh {
		turn[j] = j.when.Sub(epoch) % period
	}
	clock := epoch
	for until := epoch.Add(10 * period); clock.Before(until); {
		now := clock
		var asked []*job
		for range batch {
			j := a.next(now)
			if j == nil {
				break
			}
			a.begin(j, now)
			asked = append(asked, j)
			clock = clock.Add(start)
		}
		if len(asked) == 0 {
			clock = a.until()
			continue
		}
		clock = clock.Add(look)
		for _, j := range asked {
			a.finish(j, clock, healthcheck.Result{OK: true})
			if got := j.when.Sub(epoch) % period; got != turn[j] {
				t.Fatalf("after %v the turn of %s is %v into the round, was %v", clock.Sub(epoch), j.check.Spec.Key, got, turn[j])
			}
		}
	}
}

// world of one agenda: any order of reloads, suspensions, answers and pauses,
// also of the machine itself.
type timetable struct {
	agenda
	now   time.Time
	began map[*job]int // attempts seen
}

func (w *timetable) begin(t *rapid.T, j *job) {
	switch {
	case w.jobs[j.check.Spec.Key] != j:
		t.Fatalf("%s is made, but nobody wants it", j.check.Spec.Key)
	case j.suspended:
		t.Fatalf("%s is made, but is suspended", j.check.Spec.Key)
	case w.now.Before(j.check.Due()):
		t.Fatalf("%s is made %v too early", j.check.Spec.Key, j.check.Due().Sub(w.now))
	}
	w.agenda.begin(j, w.now)
	w.began[j]++
	if rapid.Bool().Draw(t, "limited") {
		w.limit(j, w.now.Add(j.check.Spec.ConnectTimeout))
	}
}

func (w *timetable) answer(t *rapid.T, j *job) {
	result := healthcheck.Result{OK: rapid.Bool().Draw(t, "ok")}
	if !result.OK {
		result.Fault = rapid.SampledFrom([]healthcheck.Fault{healthcheck.FaultLocal, healthcheck.FaultConnect}).Draw(t, "fault")
	}
	w.finish(j, w.now, result)
}

// pass lets time pass and does what is due.
func (w *timetable) pass(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
	for seen := make(map[*job]bool); ; {
		j := w.next(w.now)
		switch {
		case j == nil:
			return
		case j.running:
			w.finish(j, w.now, tooLong(time.Second))
		case seen[j] && j.check.Spec.DelayLoop > 0:
			t.Fatalf("%s has two turns at once", j.check.Spec.Key)
		default:
			seen[j] = true
			w.begin(t, j)
		}
	}
}

func (w *timetable) reload(t *rapid.T) {
	var specs []healthcheck.Spec
	runs := make(map[string]uint64)
	for i := range 5 {
		if !rapid.Bool().Draw(t, "wanted") {
			continue
		}
		s := timed(fmt.Sprint(i), time.Duration(i+1)*time.Second)
		s.Retry, s.DelayBeforeRetry = i%3, time.Second
		s.Suspended = rapid.Bool().Draw(t, "suspended")
		if i == 4 {
			s.Ask = healthcheck.BFD{Session: "s"}
		}
		specs = append(specs, s)
		if j := w.jobs[s.Key]; j != nil {
			runs[s.Key] = j.check.Status().Runs
		}
	}
	fresh, kept, gone := w.set(specs, w.now)
	if len(fresh)+len(kept) != len(specs) || len(kept) != len(runs) || len(w.jobs) != len(specs) {
		t.Fatalf("%d wanted: %d new, %d kept, %d in all", len(specs), len(fresh), len(kept), len(w.jobs))
	}
	for _, j := range fresh {
		if !j.suspended {
			w.activate(j, w.now, 0.5)
		}
	}
	for _, j := range kept {
		if got := j.check.Status().Runs; got != runs[j.check.Spec.Key] {
			t.Fatalf("%s had %d runs, now %d", j.check.Spec.Key, runs[j.check.Spec.Key], got)
		}
		w.switched(j.job, j.check.Spec.Suspended)
	}
	for _, j := range gone {
		if j.running || j.place != 0 {
			t.Fatalf("%s is gone, but not from the queue", j.check.Spec.Key)
		}
	}
}

func (w *timetable) switched(j *job, off bool) {
	switch {
	case off == j.suspended:
	case off:
		w.suspend(j)
	default:
		w.activate(j, w.now, 0)
	}
}

// consistent looks whether each check is in exactly one of its states.
func (w *timetable) consistent(t *rapid.T) {
	queued := 0
	for key, j := range w.jobs {
		due := j.check.Due()
		_, told := j.check.Spec.Ask.(healthcheck.BFD)
		switch {
		case j.suspended || told:
			if j.running || j.place != 0 || !due.IsZero() {
				t.Fatalf("%s waits for nothing, but: running %v, place %d, due %v", key, j.running, j.place, due)
			}
		case j.running:
			if !due.IsZero() || j.place != 0 && j.when.After(j.end) {
				t.Fatalf("%s is under way until %v, but is due at %v and limited to %v", key, j.end, due, j.when)
			}
		case j.place == 0 || !j.when.Equal(due):
			t.Fatalf("%s is due at %v, but its turn is at %v, place %d", key, due, j.when, j.place)
		}
		if j.place != 0 {
			queued++
		}
	}
	if queued != len(w.queue.heap) {
		t.Fatalf("%d in the queue, %d belong there", len(w.queue.heap), queued)
	}
}

func TestAnyOrderOfEventsKeepsTheAgendaConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epoch := time.Now()
		w := &timetable{agenda: newAgenda(epoch), now: epoch, began: make(map[*job]int)}
		pick := func(t *rapid.T) *job {
			return w.jobs[fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "check"))]
		}
		t.Repeat(map[string]func(*rapid.T){
			"time passes": w.pass,
			"reload":      w.reload,
			"answer": func(t *rapid.T) {
				if j := pick(t); j != nil && j.running {
					w.answer(t, j)
				}
			},
			"suspend": func(t *rapid.T) {
				if j := pick(t); j != nil {
					w.switched(j, rapid.Bool().Draw(t, "off"))
				}
			},
			"": w.consistent,
		})
		for _, j := range w.jobs {
			if runs := j.check.Status().Runs; runs > uint64(w.began[j]) {
				t.Fatalf("%d answers to %d attempts", runs, w.began[j])
			}
		}
	})
}
