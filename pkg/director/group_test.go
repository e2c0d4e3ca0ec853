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
		mode   string
		checks []state
		want   bool
	}{
		{"no checks", "", nil, true},
		{"all: one down", "", []state{{true, false}, {false, false}}, false},
		{"all: all up", "all", []state{{true, false}, {true, true}}, true},
		{"any: no checks", "any", nil, true},
		{"any: one up", "any", []state{{true, false}, {false, false}}, true},
		{"any: none up", "any", []state{{false, false}, {false, false}}, false},
		{"any: the critical one down", "any", []state{{true, false}, {false, true}}, false},
		{"any: the critical one up alone", "any", []state{{false, false}, {true, true}}, false},
		{"any: critical ones only", "any", []state{{true, true}, {true, true}}, true},
	}
	for _, tt := range tests {
		s := &server{cfg: &config.RealServer{CheckGroupMode: tt.mode}}
		for _, c := range tt.checks {
			s.checks = append(s.checks, check{up: c.up, spec: healthcheck.Spec{Critical: c.critical}})
		}
		if got := s.healthy(); got != tt.want {
			t.Errorf("%s: healthy is %v", tt.name, got)
		}
	}
}
