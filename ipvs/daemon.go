package ipvs

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
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

// satisfies says whether a running daemon is as wanted. What is not said of it was
// left to the kernel.
func (d SyncDaemon) satisfies(want SyncDaemon) bool {
	return d.Role == want.Role && d.Interface == want.Interface && d.ID == want.ID &&
		(want.MaxLen == 0 || d.MaxLen == want.MaxLen) &&
		(!want.Group.IsValid() || d.Group == want.Group) &&
		(want.Port == 0 || d.Port == want.Port) &&
		(want.TTL == 0 || d.TTL == want.TTL)
}

// SetDaemons stops the synchronisation daemons that are not wanted and starts
// those that do not run. A daemon that runs as wanted is not disturbed. It does
// all it can and returns what failed.
func SetDaemons(ctx context.Context, k Kernel, want []SyncDaemon) error {
	have, err := k.Daemons(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, h := range have {
		if !slices.ContainsFunc(want, h.satisfies) {
			failed = append(failed, k.StopDaemon(ctx, h))
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h SyncDaemon) bool { return h.satisfies(w) }) {
			failed = append(failed, k.StartDaemon(ctx, w))
		}
	}
	return errors.Join(failed...)
}

// Timeouts are how long the kernel remembers a connection without packets, in
// whole seconds. Zero means unchanged when they are set.
type Timeouts struct {
	TCP    time.Duration // established
	TCPFin time.Duration // after FIN
	UDP    time.Duration
}
