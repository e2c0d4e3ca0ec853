package control

import "time"

// CheckersStatus is what the checkers role says of itself when asked for
// [Snapshot].
type CheckersStatus struct {
	Started  time.Time        `json:"started"`
	Counters CheckersCounters `json:"counters"`
	Virtual  []VirtualServer  `json:"virtual_servers"`
}

// SyncStatus is how much a machine has learned of a master's connections.
type SyncStatus struct {
	Backup      bool   `json:"backup"`      // it receives them
	Connections uint64 `json:"connections"` // that IPVS knows, if so
}

// CheckersCounters count since the role started.
type CheckersCounters struct {
	Reconciliations uint64    `json:"reconciliations"`
	Edits           uint64    `json:"edits"` // requests sent to IPVS
	Drift           uint64    `json:"drift"` // changes of others that were undone
	LastDrift       time.Time `json:"last_drift,omitzero"`
}

// VirtualServer is one virtual server as it is.
type VirtualServer struct {
	Name        string       `json:"name"`     // as in the log
	Services    []string     `json:"services"` // in IPVS
	Up          bool         `json:"up"`       // it has its quorum
	Panic       bool         `json:"panic,omitempty"`
	Weight      uint64       `json:"weight"` // of the servers that count
	Quorum      uint32       `json:"quorum"`
	Hysteresis  uint32       `json:"hysteresis,omitempty"`
	Sorry       string       `json:"sorry_server,omitempty"`
	SorryActive bool         `json:"sorry_active,omitempty"`
	Suspended   bool         `json:"suspended,omitempty"` // by ha_suspend
	Traffic     Traffic      `json:"traffic"`
	Real        []RealServer `json:"real_servers"`
}

// RealServer is one real server of one virtual server as it is.
type RealServer struct {
	Name       string    `json:"name"`
	Up         bool      `json:"up"`
	Since      time.Time `json:"since"`
	Reason     string    `json:"reason,omitempty"` // why it is down
	Admin      string    `json:"admin"`            // ready, drain or maint
	DrainUntil time.Time `json:"drain_until,omitzero"`
	Weight     int32     `json:"weight"`     // configured and by its checks
	Configured int       `json:"configured"` // weight in the configuration
	InPool     bool      `json:"in_pool"`
	PoolWeight int32     `json:"pool_weight"`
	Active     uint32    `json:"active"` // connections
	Inactive   uint32    `json:"inactive"`
	Persistent uint32    `json:"persistent"`
	Traffic    Traffic   `json:"traffic"`
	Checks     []Check   `json:"checks,omitempty"`
}

// Traffic are counters of IPVS, summed over the services of a virtual server.
type Traffic struct {
	Connections uint64 `json:"connections"`
	PacketsIn   uint64 `json:"packets_in"`
	PacketsOut  uint64 `json:"packets_out"`
	BytesIn     uint64 `json:"bytes_in"`
	BytesOut    uint64 `json:"bytes_out"`
}

// Check is one health check as it stands.
type Check struct {
	Key       string         `json:"key"`
	Kind      string         `json:"kind"` // its keyword
	Up        bool           `json:"up"`
	Known     bool           `json:"known"` // it has been made once
	Suspended bool           `json:"suspended,omitempty"`
	Since     time.Time      `json:"since"`
	Weight    int            `json:"weight,omitempty"` // added to the server's
	Reason    string         `json:"reason,omitempty"` // of the last failure, while down
	Runs      uint64         `json:"runs"`
	Last      time.Time      `json:"last,omitzero"`
	Took      time.Duration  `json:"took_ns"`
	Next      time.Time      `json:"next,omitzero"`
	Lateness  time.Duration  `json:"lateness_ns"` // the largest
	Failures  []CheckFailure `json:"failures,omitempty"`
}

// CheckFailure is one failed attempt.
type CheckFailure struct {
	At     time.Time     `json:"at"`
	Reason string        `json:"reason"`
	Took   time.Duration `json:"took_ns"`
}

// AdminRequest are the parameters of the methods "drain", "ready" and "maint" of
// the checkers role.
type AdminRequest struct {
	Virtual string        `json:"virtual"` // as in the log, or address:port, "fwmark N", a group's name
	Real    string        `json:"real"`    // as in the log, or address:port
	Timeout time.Duration `json:"timeout_ns,omitempty"`
}

// CheckersTransition is the data of the event "transition" of the checkers role.
type CheckersTransition struct {
	Virtual string `json:"virtual,omitempty"` // of a real server: its virtual server
	Name    string `json:"name"`
	State   string `json:"state"` // UP or DOWN
}
