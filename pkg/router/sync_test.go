package router

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/vrrp"
)

func TestCatchUp(t *testing.T) {
	for _, c := range []struct {
		name    string
		samples []uint64
		waiting bool
	}{
		{"nothing said", nil, true},
		{"nobody is connected", []uint64{0, 0, 0, 0, 0}, false},
		{"too early", []uint64{0, 0, 0, 0}, true},
		{"still growing", []uint64{100, 200, 300, 400, 500, 600}, true},
		{"settled", []uint64{1000, 5000, 9000, 9010, 9020, 9030, 9040, 9050}, false},
		{"settled too short", []uint64{1000, 5000, 9000, 9010, 9020, 9030, 9040}, true},
		{"grows after it has settled", []uint64{10, 10, 10, 10, 10, 10, 20}, false},
		{"connections end", []uint64{9000, 8000, 7000, 6000, 5000, 4000}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u catchUp
			u.begin(time.Unix(1, 0))
			for _, n := range c.samples {
				u.sample(n)
			}
			if u.waiting() != c.waiting {
				t.Errorf("waiting: %v, want %v", u.waiting(), c.waiting)
			}
		})
	}
}

func TestCatchUpGivesUp(t *testing.T) {
	var u catchUp
	now := time.Unix(1, 0)
	u.begin(now)
	if u.giveUp(now.Add(syncPatience - 1)) {
		t.Error("gives up early")
	}
	if !u.giveUp(now.Add(syncPatience)) || u.waiting() {
		t.Error("does not give up")
	}
}

// A backup that starts, or comes back, follows a master of lower priority until
// its IPVS has caught up; then it takes over.
func TestPreemptAfterSync(t *testing.T) {
	cfg := &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 1)}}
	cfg.Instances[0].PreemptAfterSync = true
	cfg.Global.LVS.SyncDaemon = &config.SyncDaemon{Interface: "eth0", Instance: "A"}
	r := still(t, cfg, eth(1, "eth0", true))
	a := r.instances[0]
	follows := func() bool {
		t.Helper()
		r.reassess()
		before := a.election.machine.Deadline()
		r.handle(a.election, vrrp.Advert{From: netip.MustParseAddr("192.0.2.2"), Priority: 50, Interval: time.Second})
		return a.election.machine.Deadline().After(before)
	}
	caughtUp := func() {
		for n := range syncCalm + 1 { // the first one is growth
			if more := r.sampleSync(7, true, time.Now()); more != (n < syncCalm) {
				t.Errorf("sample %d: more are wanted: %v", n, more)
			}
		}
	}
	r.begins(a.election, time.Time{})
	if !follows() {
		t.Error("preempts before IPVS has caught up")
	}
	caughtUp()
	if follows() {
		t.Error("does not preempt although IPVS has caught up")
	}
	r.facts.links = map[string]bool{"eth0": false}
	r.reassess()
	r.facts.links = nil
	if !follows() {
		t.Error("preempts after a fault, before IPVS has caught up again")
	}
	cfg.Instances[0].PreemptAfterSync = false
	if follows() {
		t.Error("waits without preempt_after_sync")
	}
}
