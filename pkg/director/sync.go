package director

import (
	"context"
	"errors"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

// syncStatus says how much this machine has learned of a master's connections.
func (r *role) syncStatus(ctx context.Context) (*control.SyncStatus, error) {
	var st control.SyncStatus
	var kerr error
	err := r.query(ctx, func(ctx context.Context, k ipvs.Kernel) {
		var daemons []ipvs.SyncDaemon
		if daemons, kerr = k.Daemons(ctx); kerr != nil {
			return
		}
		for _, d := range daemons {
			st.Backup = st.Backup || d.Role == ipvs.SyncBackup
		}
		if !st.Backup {
			return
		}
		var all []ipvs.EntryStatus
		all, kerr = k.Status(ctx, nil)
		for _, e := range all {
			for _, d := range e.Destinations {
				st.Connections += uint64(d.Active) + uint64(d.Inactive) + uint64(d.Persistent)
			}
		}
	})
	return &st, errors.Join(err, kerr)
}

// AskSync asks the checkers role that serves the socket at path how many
// connections IPVS knows. The answer is false if this machine does not receive
// those of a master.
func AskSync(ctx context.Context, path string) (connections uint64, receiving bool) {
	c, err := control.Dial(ctx, path)
	if err != nil {
		return 0, false
	}
	defer c.Close()
	var st control.SyncStatus
	if err := c.Call(ctx, control.Sync, nil, &st); err != nil {
		return 0, false
	}
	return st.Connections, st.Backup
}
