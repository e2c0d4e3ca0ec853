package healthcheck

import (
	"net/netip"
	"testing"
	"time"
)

func TestDefinition(t *testing.T) {
	a := spec(three)
	same := with(a, func(s *Spec) {
		s.Key, s.For, s.Also, s.RealWeight = "x", Name{"y", "z"}, []Name{{"v", "w"}}, 7
		s.Warmup = time.Hour
	})
	if a.Definition() != same.Definition() {
		t.Error("names are part of the definition")
	}
	for name, other := range map[string]Spec{
		"kind":   spec(TCP{}),
		"url":    spec(HTTP{URLs: []URL{{Path: "/a"}}}),
		"tls":    spec(HTTP{TLS: &TLS{}, URLs: three.URLs}),
		"retry":  with(a, func(s *Spec) { s.Retry = 7 }),
		"target": with(a, func(s *Spec) { s.Target = netip.MustParseAddrPort("10.9.0.1:81") }),
	} {
		if a.Definition() == other.Definition() {
			t.Errorf("%s is not part of the definition", name)
		}
	}
}

func BenchmarkDefinition(b *testing.B) {
	s := spec(TCP{})
	for b.Loop() {
		s.Definition()
	}
}
