package healthcheck

import (
	"testing"
	"time"
)

// flapping plays a network that is gone for a part of every ten seconds of a minute, and
// well before and after. It returns how often the server went down, and whether it is up
// at the end.
func flapping(s Spec, gone time.Duration) (downs int, up bool) {
	start := time.Unix(1e9, 0)
	c := NewCheck(s, start)
	c.Start(start, 0)
	for now := c.Due(); now.Before(start.Add(3 * time.Minute)); now = c.Due() {
		at := now.Sub(start) - time.Minute
		r := good
		if at >= 0 && at < time.Minute && at%(10*time.Second) < gone {
			r = refused
		}
		c.Begin(now)
		if st := c.Finish(now, r); st.Event.Turned && !st.Event.Up {
			downs++
		}
	}
	return downs, c.Up()
}

func TestNetworkThatFlapsForAMinute(t *testing.T) {
	quick := spec(TCP{}) // every 2 s, and 2 retries a second apart
	tests := []struct {
		name  string
		spec  Spec
		gone  time.Duration
		downs int
	}{
		{"outages that retries outlast take nothing away", quick, 2 * time.Second, 0},
		{"each longer outage takes the server away once, and it comes back", quick, 5 * time.Second, 6},
		{"without retries each outage counts", with(quick, func(s *Spec) { s.Retry = 0 }), 2 * time.Second, 6},
		{"fall in place of retries forgives as many periods", with(quick, func(s *Spec) { s.Retry, s.Fall = 0, 3 }), 4 * time.Second, 0},
		{"rise keeps it away until the network is calm", with(quick, func(s *Spec) { s.Rise = 5 }), 5 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if downs, up := flapping(tt.spec, tt.gone); downs != tt.downs || !up {
				t.Errorf("down %d times, at last up: %v; want %d times, and up", downs, up, tt.downs)
			}
		})
	}
}
