package healthcheck

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func wanted(key, real string, ask Question) Spec {
	s := spec(ask)
	s.Key, s.For = key, Name{real, "vs"}
	return s
}

func keysOf(events []Event) (keys []string) {
	for _, ev := range events {
		keys = append(keys, ev.Key)
	}
	return keys
}

func TestSharing(t *testing.T) {
	var s Sharing
	a, b, c := wanted("a", "rs1", TCP{}), wanted("b", "rs2", TCP{}), wanted("c", "rs1", three)
	run, known := s.Set([]Spec{a, b, c})
	if len(run) != 2 || len(known) != 0 {
		t.Fatalf("three wanted, two alike: made %d, known %v", len(run), known)
	}
	tcp := run[0]
	if d := cmp.Diff([]Name{{"rs2", "vs"}}, tcp.Also); d != "" || tcp.For.Real != "rs1" {
		t.Errorf("names of the shared check: %v, %s", tcp.For, d)
	}
	if got := keysOf(s.Spread(Event{Key: tcp.Key, Up: true, First: true})); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("its event is for %v, want a and b", got)
	}
	if got := s.Spread(Event{Key: "gone"}); got != nil {
		t.Errorf("event of an unknown check: %v", got)
	}

	t.Run("a newcomer learns what is known", func(t *testing.T) {
		d := wanted("d", "rs4", TCP{})
		_, known := s.Set([]Spec{d, b, c})
		if !cmp.Equal(keysOf(known), []string{"d"}) || !known[0].Up || !known[0].First {
			t.Errorf("known: %+v, want the state for d", known)
		}
		if got := keysOf(s.Spread(Event{Key: tcp.Key})); !cmp.Equal(got, []string{"d", "b"}) {
			t.Errorf("event is for %v, want d and b", got)
		}
	})
	t.Run("suspended when nobody needs it", func(t *testing.T) {
		steps := []struct {
			key                   string
			on, suspend, changing bool
		}{
			{"d", true, false, false},
			{"d", true, false, false},
			{"b", true, true, true},
			{"d", false, false, true},
			{"b", false, false, false},
			{"nobody", true, false, false},
		}
		for i, st := range steps {
			key, suspend, change := s.Suspend(st.key, st.on)
			if change != st.changing || change && (key != tcp.Key || suspend != st.suspend) {
				t.Errorf("step %d: %q %v %v, want %+v", i, key, suspend, change, st)
			}
		}
	})
}

func TestSuspendedCheckWakesForANewcomer(t *testing.T) {
	var s Sharing
	a, b := wanted("a", "rs1", TCP{}), wanted("b", "rs2", TCP{})
	a.Suspended = true
	if run, _ := s.Set([]Spec{a}); !run[0].Suspended {
		t.Error("suspended by its only user, but made")
	}
	if run, _ := s.Set([]Spec{a, b}); run[0].Suspended {
		t.Error("needed by a newcomer, but suspended")
	}
	if key, suspend, change := s.Suspend("b", true); !change || !suspend || key != s.of["a"] {
		t.Errorf("suspended by both: %q %v %v", key, suspend, change)
	}
}

func TestNotShared(t *testing.T) {
	s := Sharing{Off: true}
	if run, _ := s.Set([]Spec{wanted("a", "rs1", TCP{}), wanted("b", "rs2", TCP{})}); len(run) != 2 {
		t.Errorf("made %d checks, want 2", len(run))
	}
}

func TestDynamicWeightIsNotShared(t *testing.T) {
	var s Sharing
	run, _ := s.Set([]Spec{wanted("a", "rs1", Misc{Dynamic: true}), wanted("b", "rs2", Misc{Dynamic: true})})
	if len(run) != 2 {
		t.Errorf("made %d checks, want one for each weight", len(run))
	}
}
