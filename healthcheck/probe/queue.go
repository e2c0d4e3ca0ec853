package probe

import "time"

// maxGrain is to what due times are rounded, so that checks which come due about
// together are made together: one wake-up for all of them, which costs more than a
// check does. Short pauses are rounded less.
const maxGrain = 20 * time.Millisecond

// rounded is a due time on the grid that fits the pause before it, or less than a step
// sooner. The grid divides the pause, so that a check with an answer within a step keeps
// its place.
func rounded(due, epoch time.Time, pause time.Duration) time.Time {
	grain := pause / max(256, pause/maxGrain)
	if grain <= 0 {
		return due
	}
	return epoch.Add(due.Sub(epoch).Truncate(grain))
}

// queue holds what is to be done when, in a heap. Each job is in it at most
// once: with the time of its next attempt, or with the time at which the
// running one has taken too long.
type queue struct{ heap []*job }

// set puts the job into the queue for t, or moves it there.
func (q *queue) set(j *job, t time.Time) {
	j.when = t
	if j.place == 0 {
		q.heap = append(q.heap, j)
		j.place = len(q.heap)
		q.up(j.place - 1)
		return
	}
	q.down(j.place - 1)
	q.up(j.place - 1)
}

// remove takes the job out, if it is there.
func (q *queue) remove(j *job) {
	if j.place == 0 {
		return
	}
	i, last := j.place-1, len(q.heap)-1
	q.swap(i, last)
	q.heap[last] = nil
	q.heap = q.heap[:last]
	j.place = 0
	if i < last {
		q.down(i)
		q.up(i)
	}
}

// first is the job that is due first, or nil.
func (q *queue) first() *job {
	if len(q.heap) == 0 {
		return nil
	}
	return q.heap[0]
}

func (q *queue) less(a, b int) bool { return q.heap[a].when.Before(q.heap[b].when) }

func (q *queue) swap(a, b int) {
	q.heap[a], q.heap[b] = q.heap[b], q.heap[a]
	q.heap[a].place, q.heap[b].place = a+1, b+1
}

func (q *queue) up(i int) {
	for i > 0 && q.less(i, (i-1)/2) {
		q.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (q *queue) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			return
		}
		if child+1 < len(q.heap) && q.less(child+1, child) {
			child++
		}
		if !q.less(child, i) {
			return
		}
		q.swap(i, child)
		i = child
	}
}
