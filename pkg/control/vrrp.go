package control

import (
	"net/netip"
	"time"
)

// VRRPSnapshot is the answer of the vrrp role to "snapshot".
type VRRPSnapshot struct {
	Began     time.Time      `json:"began"`
	Instances []VRRPInstance `json:"instances"`
	Groups    []VRRPGroup    `json:"groups,omitempty"`
	Trackers  []VRRPTracker  `json:"trackers,omitempty"`
	Lateness  AdvertLateness `json:"advert_lateness"`
}

// VRRPInstance is one virtual router.
type VRRPInstance struct {
	Name         string       `json:"name"`
	Interface    string       `json:"interface,omitempty"`
	VRID         uint8        `json:"vrid"`
	Family       string       `json:"family"` // inet or inet6
	Version      int          `json:"version"`
	Group        string       `json:"group,omitempty"`
	State        string       `json:"state"`
	Since        time.Time    `json:"since"`
	Priority     int          `json:"priority"`          // in effect
	BasePriority int          `json:"base_priority"`     // as configured
	Source       netip.Addr   `json:"source,omitzero"`   // of our adverts
	Master       netip.Addr   `json:"master,omitzero"`   // whom a backup follows
	Interval     float64      `json:"advert_interval"`   // seconds
	MasterEvery  float64      `json:"master_interval"`   // seconds, learned
	Reasons      []string     `json:"reasons,omitempty"` // why it is in FAULT
	Waiting      bool         `json:"waiting,omitempty"` // for the first result of a tracker
	Standby      bool         `json:"standby,omitempty"` // by the operator
	Behind       bool         `json:"behind,omitempty"`  // it does not preempt before IPVS knows the master's connections
	Conflict     netip.Addr   `json:"conflict,omitzero"` // who is master beside us
	Cause        string       `json:"conflict_cause,omitempty"`
	ConflictTime float64      `json:"conflict_seconds"` // in all, with two masters
	SendError    string       `json:"send_error,omitempty"`
	Addresses    []string     `json:"addresses"`
	Counters     VRRPCounters `json:"counters"`
}

// VRRPCounters are the statistics of an instance since its start, or since
// they were cleared.
type VRRPCounters struct {
	AdvertsReceived uint64            `json:"adverts_received"`
	AdvertsSent     uint64            `json:"adverts_sent"`
	BecameMaster    uint64            `json:"became_master"`
	ReleasedMaster  uint64            `json:"released_master"`
	ZeroReceived    uint64            `json:"priority_zero_received"`
	ZeroSent        uint64            `json:"priority_zero_sent"`
	Dropped         map[string]uint64 `json:"dropped,omitempty"` // by reason
}

// VRRPGroup is one sync group.
type VRRPGroup struct {
	Name    string   `json:"name"`
	State   string   `json:"state"`
	Members []string `json:"members"`
}

// VRRPTracker is one thing that priorities depend on.
type VRRPTracker struct {
	Kind  string `json:"kind"` // script, file, process, bfd or ping
	Name  string `json:"name"`
	State string `json:"state"` // up, down, unknown, or the number in a file
}

// AdvertLateness is by how much the regular adverts of masters missed their
// instant.
type AdvertLateness struct {
	Count   uint64    `json:"count"`
	Sum     float64   `json:"sum_seconds"`
	Max     float64   `json:"max_seconds"`
	Bounds  []float64 `json:"bounds_seconds"` // upper bounds of the buckets
	Buckets []uint64  `json:"buckets"`        // not cumulative; one more than bounds
}

// VRRPTransition is the data of the events "transition" and
// "group-transition".
type VRRPTransition struct {
	Instance string   `json:"instance,omitempty"`
	Group    string   `json:"group,omitempty"`
	From     string   `json:"from"`
	To       string   `json:"to"`
	Priority int      `json:"priority,omitempty"`
	Reasons  []string `json:"reasons,omitempty"`
}

// VRRPConflict is the data of the events "conflict" and "conflict-resolved":
// another router is, or no longer is, master beside us.
type VRRPConflict struct {
	Instance string     `json:"instance"`
	Peer     netip.Addr `json:"peer"`
	Priority int        `json:"priority,omitempty"`
	Cause    string     `json:"cause,omitempty"`   // likely
	Seconds  float64    `json:"seconds,omitempty"` // how long it lasted
}

// StandbyRequest is what "standby" and "resume" of the vrrp role take.
type StandbyRequest struct {
	Instance string  `json:"instance,omitempty"`    // empty: all
	For      float64 `json:"for_seconds,omitempty"` // 0: until resume
}
