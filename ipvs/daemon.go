package ipvs

import (
	"fmt"
	"net/netip"
	"time"
)

// SyncRole is the direction of a connection synchronisation daemon.
type SyncRole uint8

// The roles, numbered as the kernel numbers them. One daemon of each can run.
const (
	SyncMaster SyncRole = 1 // sends connections
	SyncBackup SyncRole = 2 // receives connections
)

func (r SyncRole) String() string {
	switch r {
	case SyncMaster:
		return "master"
	case SyncBackup:
		return "backup"
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// SyncDaemon describes a kernel thread that sends or receives connections. Zero
// fields are left to the kernel.
type SyncDaemon struct {
	Role      SyncRole
	Interface string
	ID        uint8      // a backup takes only messages with its own ID; 0 takes all
	MaxLen    uint16     // longest message, bytes
	Group     netip.Addr // multicast group, default 224.0.0.81
	Port      uint16     // UDP port, default 8848
	TTL       uint8      // default 1
}

// Timeouts are how long the kernel remembers a connection without packets, in
// whole seconds. Zero means unchanged when they are set.
type Timeouts struct {
	TCP    time.Duration // established
	TCPFin time.Duration // after FIN
	UDP    time.Duration
}
