package vrrp

import (
	"testing"
)

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name          string
		weight        int
		reverse, good bool
		want          Verdict
	}{
		{"weight 0, good", 0, false, true, Verdict{}},
		{"weight 0, bad", 0, false, false, Verdict{Fault: true}},
		{"weight 0 reversed, good", 0, true, true, Verdict{Fault: true}},
		{"weight 0 reversed, bad", 0, true, false, Verdict{}},
		{"positive, good", 10, false, true, Verdict{Weight: 10}},
		{"positive, bad", 10, false, false, Verdict{}},
		{"negative, good", -10, false, true, Verdict{}},
		{"negative, bad", -10, false, false, Verdict{Weight: -10}},
		{"positive reversed, good", 10, true, true, Verdict{Weight: -10}},
		{"positive reversed, bad", 10, true, false, Verdict{}},
		{"negative reversed, good", -10, true, true, Verdict{}},
		{"negative reversed, bad", -10, true, false, Verdict{Weight: 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Judge(c.weight, c.reverse, c.good); got != c.want {
				t.Errorf("Judge(%d, %v, %v) = %+v, want %+v", c.weight, c.reverse, c.good, got, c.want)
			}
		})
	}
	for _, c := range []struct {
		name    string
		weight  int
		reverse bool
		value   int64
		want    Verdict
	}{
		{"product", 2, false, 30, Verdict{Weight: 60}},
		{"reversed", 2, true, 30, Verdict{Weight: -60}},
		{"too high", 10, false, 1 << 60, Verdict{Weight: 253}},
		{"lowest", 1, false, -253, Verdict{Weight: -253}},
		{"too low", 1, false, -254, Verdict{Fault: true}},
		{"far too low", -254, false, 1 << 62, Verdict{Fault: true}},
		{"weight 0", 0, false, 0, Verdict{}},
		{"weight 0, any value", 0, false, 7, Verdict{Fault: true}},
	} {
		t.Run("file, "+c.name, func(t *testing.T) {
			if got := JudgeNumber(c.weight, c.reverse, c.value); got != c.want {
				t.Errorf("JudgeNumber(%d, %v, %d) = %+v, want %+v", c.weight, c.reverse, c.value, got, c.want)
			}
		})
	}
	for _, c := range []struct {
		base    uint8
		weights int
		want    uint8
	}{{100, 0, 100}, {100, 253, 254}, {100, -253, 1}, {255, -253, 255}, {1, -1, 1}} {
		if got := Effective(c.base, c.weights); got != c.want {
			t.Errorf("Effective(%d, %d) = %d, want %d", c.base, c.weights, got, c.want)
		}
	}
}
