package healthcheck

import (
	"testing"
	"time"
)

func TestScriptIsMeasuredStartToStart(t *testing.T) {
	for _, tt := range []struct {
		name string
		took time.Duration
		next time.Duration // after the start
	}{
		{"quick", 100 * time.Millisecond, 2 * time.Second},
		{"as long as the period", 2 * time.Second, 2 * time.Second},
		{"longer: the next comes at once", 5 * time.Second, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCheck(spec(Misc{}), epoch)
			c.Start(epoch, 0)
			start := c.Due()
			c.Begin(start)
			c.Finish(start.Add(tt.took), good)
			if got := c.Due().Sub(start); got != tt.next {
				t.Errorf("next run %v after the start, want %v", got, tt.next)
			}
		})
	}
}

func TestRetryOfAScriptIsMeasuredStartToStart(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		300 * time.Millisecond: time.Second, 3 * time.Second: 3 * time.Second,
	} {
		c := NewCheck(spec(Misc{}), epoch)
		c.Finish(epoch, good)
		c.Begin(epoch)
		c.Finish(epoch.Add(took), Result{Fault: FaultReadTimeout})
		if got := c.Due().Sub(epoch); got != want {
			t.Errorf("after %v: retry %v after the start, want %v", took, got, want)
		}
	}
}

func TestStartIsSpreadOverWarmup(t *testing.T) {
	s := with(spec(TCP{}), func(s *Spec) { s.Warmup = 10 * time.Second })
	for random, want := range map[float64]time.Duration{0: time.Second, 0.5: 6 * time.Second, 1: 11 * time.Second} {
		c := NewCheck(s, epoch)
		c.Start(epoch, random)
		if got := c.Due().Sub(epoch); got != want {
			t.Errorf("Start(%g): due after %v, want %v", random, got, want)
		}
	}
}
