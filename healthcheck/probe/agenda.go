package probe

import (
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// agenda says what is to be done when: which check makes its next attempt, and
// which attempt has taken too long. It opens no socket and reads no clock, so
// that all of it can be tried out in no time.
//
// A check is in one of three states: it waits for its time, an attempt of it is
// under way, or neither, when it is suspended or others tell how it stands.
type agenda struct {
	epoch time.Time // of the grid to which times are rounded
	jobs  map[string]*job
	queue queue
}

// entry is what the agenda knows of a check.
type entry struct {
	check     *healthcheck.Check
	suspended bool

	when  time.Time // in the queue
	place int       // in the heap, from 1; 0 is outside

	// The attempt, of which there is never more than one.
	running bool
	attempt uint64 // counts, so that an answer to an abandoned one is known
	began   time.Time
	end     time.Time // for all of it
}

func newAgenda(epoch time.Time) agenda {
	return agenda{epoch: epoch, jobs: make(map[string]*job)}
}

// adopted is a check that was there before, and what its new spec changes.
type adopted struct {
	*job
	step healthcheck.Step
}

// set says which checks there are to be, in no particular order. Those with a
// key that was there before keep their state, and an attempt that is under way
// goes on; that of one that is gone is forgotten. New ones do nothing until
// they are activated.
func (a *agenda) set(specs []healthcheck.Spec, now time.Time) (fresh []*job, kept []adopted, gone []*job) {
	want := make(map[string]bool, len(specs))
	for _, s := range specs {
		want[s.Key] = true
		if j := a.jobs[s.Key]; j != nil {
			kept = append(kept, adopted{j, j.check.Adopt(s, now)})
			continue
		}
		j := &job{fd: -1}
		j.check, j.suspended = healthcheck.NewCheck(s, now), s.Suspended
		a.jobs[s.Key] = j
		fresh = append(fresh, j)
	}
	for key, j := range a.jobs {
		if !want[key] {
			j.running = false
			a.queue.remove(j)
			delete(a.jobs, key)
			gone = append(gone, j)
		}
	}
	return fresh, kept, gone
}

// activate begins to make a check; random is from 0 to 1 and spreads the first
// attempts of many.
func (a *agenda) activate(j *job, now time.Time, random float64) {
	j.suspended = false
	j.check.Start(now, random)
	a.await(j)
}

// suspend stops making a check, and forgets the attempt under way.
func (a *agenda) suspend(j *job) {
	j.suspended, j.running = true, false
	j.check.Suspend()
	a.queue.remove(j)
}

// next takes from the queue what has its turn at now, or returns nil. An
// attempt that is under way has then reached its limit; otherwise it is time
// to begin one.
func (a *agenda) next(now time.Time) *job {
	j := a.queue.first()
	if j == nil || j.when.After(now) {
		return nil
	}
	a.queue.remove(j)
	return j
}

// until is when something has its turn next; zero is never.
func (a *agenda) until() time.Time {
	if j := a.queue.first(); j != nil {
		return j.when
	}
	return time.Time{}
}

// begin notes that an attempt starts. It has no limit yet.
func (a *agenda) begin(j *job, now time.Time) {
	j.check.Begin(now)
	j.running, j.began, j.end = true, now, now.Add(j.check.Spec.Overall())
	j.attempt++
}

// limit gives the attempt under way until t, and not longer than all of it may
// take.
func (a *agenda) limit(j *job, t time.Time) { a.queue.set(j, earlier(t, j.end)) }

// unlimited leaves the attempt under way to somebody else, who keeps its time.
func (a *agenda) unlimited(j *job) { a.queue.remove(j) }

// finish takes the answer to the attempt under way, or for a check that is told
// how it stands, and waits for the next.
func (a *agenda) finish(j *job, now time.Time, r healthcheck.Result) healthcheck.Step {
	if j.running {
		r.Took = now.Sub(j.began)
	}
	j.running = false
	step := j.check.Finish(now, r)
	a.await(j)
	return step
}

// await queues the next attempt of a check.
func (a *agenda) await(j *job) {
	due := j.check.Due()
	if due.IsZero() {
		a.queue.remove(j)
		return
	}
	due = rounded(due, a.epoch, j.check.Spec.DelayLoop)
	j.check.Move(due)
	a.queue.set(j, due)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
