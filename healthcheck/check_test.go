package healthcheck

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAdoptRecomputesTheWeight(t *testing.T) {
	s := with(spec(Misc{Dynamic: true}), func(s *Spec) { s.RealWeight = 10 })
	c := NewCheck(s, epoch)
	c.Finish(epoch, Result{Fault: FaultExit, Value: 42})
	if st := c.Adopt(s, epoch); st.Tell {
		t.Errorf("the same spec changed something: %+v", st)
	}
	s.RealWeight = 20
	if st := c.Adopt(s, epoch); !st.Tell || st.Event.Weight != 20 || !st.Event.Up {
		t.Errorf("status 42, weight 20: %s, want up with weight 20", eventText(st.Event))
	}
}

// An answer that changes nothing does not keep the weight from following its base.
func TestAdoptAfterAnAnswerThatDoesNotCount(t *testing.T) {
	for name, r := range map[string]Result{
		"nothing is known":          {Fault: FaultLocal},
		"a failure that is retried": {Fault: FaultSignal},
	} {
		s := with(spec(Misc{Dynamic: true}), func(s *Spec) { s.RealWeight, s.Retry = 10, 1 })
		c := NewCheck(s, epoch)
		c.Finish(epoch, Result{Fault: FaultExit, Value: 42})
		c.Finish(epoch, r)
		s.RealWeight = 20
		if st := c.Adopt(s, epoch); !st.Tell || st.Event.Weight != 20 || !st.Event.Up {
			t.Errorf("%s: status 42, weight 20: %s, want up with weight 20", name, eventText(st.Event))
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	c := NewCheck(with(spec(TCP{}), func(s *Spec) { s.Retry = 0 }), epoch)
	for i := range 20 {
		r := good
		if i%2 == 0 {
			r = refused
			r.Reason = fmt.Sprint(i)
		}
		c.Finish(epoch.Add(time.Duration(i)*time.Second), r)
	}
	st := c.Status()
	if len(st.Transitions) != kept || len(st.Failures) != kept || st.Failures[kept-1].Reason != "18" {
		t.Errorf("kept %d transitions, failures %v; want the last %d", len(st.Transitions), st.Failures, kept)
	}
}

// Whatever the answers: the check is always scheduled again, never sooner than
// its pauses say, events alternate, and good answers bring it up.
func TestAnyAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asks := []Question{TCP{}, three, SMTP{}, DNS{}, Misc{Dynamic: true}, UDP{}, Ping{}}
		s := with(spec(rapid.SampledFrom(asks).Draw(t, "ask")), func(s *Spec) {
			s.Retry = rapid.IntRange(0, 3).Draw(t, "retry")
			s.Rise = rapid.IntRange(0, 3).Draw(t, "rise")
			s.Fall = rapid.IntRange(0, 3).Draw(t, "fall")
			s.Alpha = rapid.Bool().Draw(t, "alpha")
			s.LogAllFailures = rapid.Bool().Draw(t, "log all")
		})
		c := NewCheck(s, epoch)
		c.Start(epoch, 0)
		up := c.Up()
		step := func(r Result) {
			now := c.Due()
			c.Begin(now)
			st := c.Finish(now, r)
			if st.Event.Turned == (st.Event.Up == up) && st.Tell {
				t.Fatalf("was up=%v, event %s", up, eventText(st.Event))
			}
			up = c.Up()
			if wait := c.Due().Sub(now); wait < min(s.DelayLoop, s.DelayBeforeRetry) {
				t.Fatalf("next attempt after %v", wait)
			}
		}
		for range rapid.IntRange(0, 40).Draw(t, "answers") {
			r := good
			if rapid.Bool().Draw(t, "bad") {
				r = Result{Fault: Fault(rapid.IntRange(1, int(FaultState)).Draw(t, "fault")), Value: 3}
			}
			step(r)
		}
		for range (1 + len(three.URLs)) * (max(s.Rise, 1) + 1) {
			step(good)
		}
		if !c.Up() {
			t.Fatal("only good answers, but still down")
		}
	})
}
