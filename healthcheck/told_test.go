package healthcheck

import (
	"math"
	"testing"
)

func TestTrackFile(t *testing.T) {
	tests := []struct {
		name   string
		ask    File
		value  int64
		up     bool
		weight int
	}{
		{"value times weight", File{Weight: 2}, 5, true, 10},
		{"reversed", File{Weight: 2, Reverse: true}, 5, true, -10},
		{"weight 0, zero", File{}, 0, true, 0},
		{"weight 0, anything else", File{}, -1, false, 0},
		{"weight 0 reversed, zero", File{Reverse: true}, 0, false, 0},
		{"weight 0 reversed, anything else", File{Reverse: true}, -1, true, 0},
		{"the most negative product is down", File{Weight: 1}, math.MinInt32, false, 0},
		{"so is a lower one", File{Weight: 1000}, -1 << 40, false, 0},
		{"one above is a weight", File{Weight: 1}, math.MinInt32 + 1, true, math.MinInt32 + 1},
		{"a huge one is bounded", File{Weight: math.MaxInt32}, 1 << 40, true, math.MaxInt32},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCheck(spec(tt.ask), epoch)
			c.Start(epoch, 1)
			if !c.Due().IsZero() {
				t.Error("a file is told about, not asked")
			}
			st := c.Finish(epoch, Result{OK: true, Value: tt.value})
			if st.Event.Up != tt.up || st.Event.Weight != tt.weight {
				t.Errorf("value %d: %s, want up=%v weight=%d", tt.value, eventText(st.Event), tt.up, tt.weight)
			}
		})
	}
}

func TestTrackFileLines(t *testing.T) {
	c := NewCheck(spec(File{Name: "tf"}), epoch)
	for i, tt := range []struct {
		value int64
		want  string
	}{
		{0, ""},
		{1, "([10.9.0.1]:tcp:80): tracked file tf now FAULT state"},
		{2, ""},
		{0, "([10.9.0.1]:tcp:80): tracked file tf leaving FAULT state"},
	} {
		got := ""
		for _, l := range c.Finish(epoch, Result{OK: true, Value: tt.value}).Lines {
			got += l.Text
		}
		if got != tt.want {
			t.Errorf("step %d, value %d: %q, want %q", i, tt.value, got, tt.want)
		}
	}
}

func TestBFDFollowsTheSession(t *testing.T) {
	c := NewCheck(spec(BFD{Session: "s"}), epoch)
	st := c.Finish(epoch, Result{Fault: FaultState, Reason: "session is down"})
	if !st.Tell || st.Event.Up || st.Lines[0].Text != "BFD check of [s] RS([10.9.0.1]:tcp:80) is DOWN" {
		t.Errorf("down: %+v", st)
	}
	st = c.Finish(epoch, good)
	if !st.Tell || !st.Event.Up || st.Lines[0].Text != "BFD check of [s] RS([10.9.0.1]:tcp:80) is UP" {
		t.Errorf("up: %+v", st)
	}
}
