package main

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/bfd"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

func TestShowStatus(t *testing.T) {
	now := time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)
	before := func(d time.Duration) time.Time { return now.Add(-d) }
	vrrp := control.VRRPSnapshot{
		Began: before(49 * time.Hour),
		Instances: []control.VRRPInstance{
			{
				Name: "VI_1", State: "MASTER", Since: before(90 * time.Second), Priority: 150, BasePriority: 100,
				VRID: 51, Interface: "eth0", Addresses: []string{"192.0.2.1/32"}, Conflict: netip.MustParseAddr("192.0.2.9"),
				Cause: "look for a firewall",
			},
			{
				Name: "VI_22", State: "FAULT", Since: before(5 * time.Second), Priority: 100, BasePriority: 100,
				VRID: 52, Interface: "eth1", Reasons: []string{"interface eth1 is down"}, Standby: true,
			},
			{
				Name: "VI_3", State: "BACKUP", Since: before(3 * time.Hour), Priority: 90, BasePriority: 90,
				VRID: 53, Master: netip.MustParseAddr("192.0.2.7"),
			},
		},
		Groups:   []control.VRRPGroup{{Name: "G", State: "MASTER", Members: []string{"VI_1", "VI_3"}}},
		Trackers: []control.VRRPTracker{{Kind: "script", Name: "chk", State: "up"}},
		Lateness: control.AdvertLateness{Count: 10, Sum: 0.001, Max: 0.0005},
	}
	checkers := control.CheckersStatus{
		Started: before(time.Minute),
		Virtual: []control.VirtualServer{{
			Name: "[192.0.2.1]:tcp:80", Up: true, Weight: 1, Quorum: 1, Sorry: "[10.0.0.9]:tcp:80", SorryActive: true, Suspended: true,
			Real: []control.RealServer{
				{Name: "[10.0.0.2]:tcp:80", Up: true, Since: before(time.Minute), Admin: "drain", DrainUntil: now.Add(time.Minute), PoolWeight: 1, Active: 3, Inactive: 40},
				{Name: "[10.0.0.3]:tcp:80", Since: before(12 * time.Second), Reason: "connection refused", Admin: "ready"},
			},
		}},
	}
	sessions := []bfd.Status{{Name: "B1", State: "Up", Neighbor: netip.MustParseAddr("192.0.2.2")}}
	answers := make(map[string]json.RawMessage)
	for role, v := range map[string]any{control.VRRP: vrrp, control.Checkers: checkers, control.BFD: sessions} {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		answers[role] = raw
	}
	var b strings.Builder
	if err := showStatus(&b, answers, now); err != nil {
		t.Fatal(err)
	}
	want := `vrrp, up 2d01h
  VI_1        MASTER  1m30s  priority 150 (100 configured)  vrid 51 on eth0, 192.0.2.1/32
                        192.0.2.9 is master, too: look for a firewall
  VI_22       FAULT   5s  priority 100  vrid 52 on eth1
                        because interface eth1 is down
                        on standby; holdfast resume VI_22 ends it
  VI_3        BACKUP  3h00m  priority 90  vrid 53, master 192.0.2.7
  group G     MASTER         VI_1 VI_3
  script chk  up
  adverts late by 0.1 ms on average, 0.5 ms at most, of 10
checkers, up 1m00s
  [192.0.2.1]:tcp:80  up  weight 1 of 1
    sorry server [10.0.0.9]:tcp:80 serves
    not checked while another machine holds the address
    [10.0.0.2]:tcp:80  up    weight 1  3 active, 40 inactive  1m00s, drain for 1m0s
    [10.0.0.3]:tcp:80  DOWN  weight 0  0 active, 0 inactive   12s: connection refused
bfd
  B1  Up  192.0.2.2
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
