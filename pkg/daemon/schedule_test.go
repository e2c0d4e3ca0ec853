package daemon

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseSchedule(t *testing.T) {
	east := time.FixedZone("east", 2*3600)
	now := time.Date(2026, 11, 20, 16, 30, 0, 0, east)
	for _, tt := range []struct {
		text  string
		want  string // RFC 3339; empty: refused
		daily bool
	}{
		{"16:30:01", "2026-11-20T16:30:01+02:00", true},
		{" 16:30:00\n", "2026-11-21T16:30:00+02:00", true},
		{"03:00:00", "2026-11-21T03:00:00+02:00", true},
		{"14:30:01Z", "2026-11-20T14:30:01Z", true},
		{"14:30:00 Z", "2026-11-21T14:30:00Z", true},
		{"26-12-24 18:00:00", "2026-12-24T18:00:00+02:00", false},
		{"2026-12-24 18:00:00Z", "2026-12-24T18:00:00Z", false},
		{"2026-02-30 18:00:00", "", false},
		{"24:00:00", "", false},
		{"3:4", "", false},
		{"tomorrow", "", false},
		{"", "", false},
	} {
		at, daily, err := parseSchedule(tt.text, now)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q: accepted as %v", tt.text, at)
			}
			continue
		}
		if got := at.Format(time.RFC3339); err != nil || got != tt.want || daily != tt.daily {
			t.Errorf("%q: %s %v %v, want %s %v", tt.text, got, daily, err, tt.want, tt.daily)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	f.Add("16:30:01")
	f.Add("2026-12-24 18:00:00Z")
	now := time.Date(2026, 11, 20, 16, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		at, daily, err := parseSchedule(text, now)
		if err == nil && daily && (!at.After(now) || at.Sub(now) > 25*time.Hour) {
			t.Errorf("%q: %v", text, at)
		}
	})
}

func TestScheduledReload(t *testing.T) {
	s := newStage(t, "")
	file := s.path("when")
	s.write("global_defs {\n  router_id one\n  reload_time_file " + file + "\n}\n" + forBFD + "\n")
	s.start()
	s.expect("playing one")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("soon\n")
	s.expect(`"soon" is no time to reload at`)
	s.write("global_defs {\n  router_id two\n  reload_time_file " + file + "\n}\n" + forBFD + "\n")
	for ahead := 2 * time.Second; ; ahead *= 2 { // who stands still may read it too late
		write(time.Now().Add(ahead).Format(time.DateTime))
		line := s.expect("eload")
		for strings.Contains(line, "is no time") { // of which half was written
			line = s.expect("eload")
		}
		if strings.Contains(line, "Reload scheduled for ") {
			break
		}
		if ahead > time.Minute {
			t.Fatal(line)
		}
	}
	s.expect("Reloading ...")
	s.expect("playing two")
	waitFor(t, "the file of a single reload is gone", func() bool {
		_, err := os.Stat(file)
		return os.IsNotExist(err)
	})
}
