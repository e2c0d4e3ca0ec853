package daemon

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPauses(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name string
		ran  []time.Duration
		want []time.Duration
	}{
		{"an accident", []time.Duration{time.Hour}, []time.Duration{0}},
		{"accidents", []time.Duration{time.Hour, time.Minute, time.Hour}, []time.Duration{0, 0, 0}},
		{
			"a series",
			[]time.Duration{0, s, s, s, s, s, s, s, s, s},
			[]time.Duration{0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s, 60 * s},
		},
		{
			"a series that ends",
			[]time.Duration{s, s, s, time.Minute, s, s},
			[]time.Duration{0, s, 2 * s, 0, 0, s},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b backoff
			var got []time.Duration
			for _, ran := range tt.ran {
				got = append(got, b.pause(ran))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	var b backoff
	for range 10_000 { // no overflow, ever
		if p := b.pause(0); p < 0 || p > maxPause {
			t.Fatalf("pause %v", p)
		}
	}
}
