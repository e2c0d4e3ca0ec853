package probe

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The queue against a model: a map of times.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		jobs := make([]*job, 8)
		for i := range jobs {
			jobs[i] = &job{}
		}
		model := make(map[*job]time.Time)
		epoch := time.Now()
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				j := rapid.SampledFrom(jobs).Draw(t, "job")
				at := epoch.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "at")) * time.Second)
				q.set(j, at)
				model[j] = at
			},
			"remove": func(t *rapid.T) {
				j := rapid.SampledFrom(jobs).Draw(t, "job")
				q.remove(j)
				delete(model, j)
			},
			"": func(t *rapid.T) {
				first := q.first()
				if (first == nil) != (len(model) == 0) || len(q.heap) != len(model) {
					t.Fatalf("%d queued, want %d", len(q.heap), len(model))
				}
				for _, at := range model {
					if at.Before(first.when) {
						t.Fatalf("first is at %v, but one is at %v", first.when, at)
					}
				}
				for i, j := range q.heap {
					if j.place != i+1 || !slices.Contains(jobs, j) {
						t.Fatalf("job at %d thinks it is at %d", i, j.place-1)
					}
				}
			},
		})
	})
}

func TestDueTimesAreRounded(t *testing.T) {
	epoch := time.Now()
	for _, tt := range []struct{ due, pause, want time.Duration }{
		{1009 * time.Millisecond, 5120 * time.Millisecond, time.Second},
		{1019 * time.Millisecond, 5120 * time.Millisecond, time.Second},
		{1020 * time.Millisecond, 5120 * time.Millisecond, 1020 * time.Millisecond},
		{1009 * time.Millisecond, time.Hour, time.Second},
		{1700 * time.Microsecond, 256 * time.Millisecond, time.Millisecond},
		{1001, 0, 1001},
	} {
		if got := rounded(epoch.Add(tt.due), epoch, tt.pause).Sub(epoch); got != tt.want {
			t.Errorf("due at %v, pause %v: %v, want %v", tt.due, tt.pause, got, tt.want)
		}
	}
}
