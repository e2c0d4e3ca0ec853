package director

import (
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

func TestCheckGroups(t *testing.T) {
	type state struct{ up, critical bool }
	tests := []struct {
		name   string
		any    bool
		checks []state
		want   bool
	}{
		{"no checks", false, nil, true},
		{"all: one down", false, []state{{true, false}, {false, false}}, false},
		{"all: all up", false, []state{{true, false}, {true, true}}, true},
		{"any: no checks", true, nil, true},
		{"any: one up", true, []state{{true, false}, {false, false}}, true},
		{"any: none up", true, []state{{false, false}, {false, false}}, false},
		{"any: the critical one down", true, []state{{true, false}, {false, true}}, false},
		{"any: the critical one up alone", true, []state{{false, false}, {true, true}}, false},
		{"any: critical ones only", true, []state{{true, true}, {true, true}}, true},
	}
	for _, tt := range tests {
		s := &server{cfg: &config.RealServer{AnyCheck: tt.any}}
		for _, c := range tt.checks {
			s.checks = append(s.checks, check{up: c.up, spec: healthcheck.Spec{Critical: c.critical}})
		}
		if got := s.healthy(); got != tt.want {
			t.Errorf("%s: healthy is %v", tt.name, got)
		}
	}
}
