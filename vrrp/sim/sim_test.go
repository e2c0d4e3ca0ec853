package sim

import (
	"os"
	"strconv"
	"testing"
)

// SIM_SEED=n plays one schedule and prints everything that happened.
func TestSchedules(t *testing.T) {
	if s := os.Getenv("SIM_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(Trace(seed))
		if err := Run(seed); err != nil {
			t.Error(err)
		}
		return
	}
	n := uint64(schedules)
	if testing.Short() {
		n = 3000
	}
	t.Logf("%d schedules, seeds 0 to %d", n, n-1)
	failed := 0
	for seed := range n {
		if err := Run(seed); err != nil {
			t.Errorf("%v (SIM_SEED=%d go test -v -run TestSchedules ./vrrp/sim shows it)", err, seed)
			if failed++; failed == 10 {
				t.Fatal("enough")
			}
		}
	}
}

func TestReplay(t *testing.T) {
	for seed := range uint64(50) {
		if a, b := Trace(seed), Trace(seed); a != b {
			t.Fatalf("seed %d played twice gives two stories", seed)
		}
	}
}
