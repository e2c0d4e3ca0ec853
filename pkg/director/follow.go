package director

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	netkernel "github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
)

// redial is the pause before the bfd role's socket is tried again.
const redial = time.Second

// followBFD passes the states of BFD sessions to BFD_CHECKs until ctx ends. The
// bfd role repeats them every second, so there is nothing to ask for.
func (r *role) followBFD(ctx context.Context) error {
	for r.opt.BFDSocket != "" && ctx.Err() == nil {
		err := r.hearBFD(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Debug("BFD sessions are not known", zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
	return nil
}

func (r *role) hearBFD(ctx context.Context) error {
	c, err := control.Dial(ctx, r.opt.BFDSocket)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Events(ctx, func(e control.Event) error {
		var sessions []struct {
			Name     string `json:"name"`
			Up       bool   `json:"up"`
			Checkers bool   `json:"checkers"`
		}
		if e.Kind != "bfd" {
			return nil
		}
		if err := json.Unmarshal(e.Data, &sessions); err != nil {
			return err
		}
		for _, s := range sessions {
			if s.Checkers {
				r.engine.Session(s.Name, s.Up)
			}
		}
		return nil
	})
}

// followAddresses keeps ha_suspend informed of the addresses of this machine.
func (r *role) followAddresses(ctx context.Context) error {
	if !slices.ContainsFunc(r.opt.Config.VirtualServers, func(vs *config.VirtualServer) bool { return vs.HASuspend }) {
		return nil
	}
	w, err := netkernel.OpenWatcher(netkernel.WatchOptions{})
	if err != nil {
		return err
	}
	here := make(map[netip.Addr]int) // on how many links
	return w.Run(ctx, func(ev netstate.Event) {
		switch ev := ev.(type) {
		case netstate.Resynced:
			clear(here)
			for _, a := range ev.State.Addresses {
				here[a.Prefix.Addr()]++
			}
		case netstate.AddressChanged:
			here[ev.Address.Prefix.Addr()] = 1
		case netstate.AddressGone:
			delete(here, ev.Address.Prefix.Addr())
		default:
			return
		}
		set := make(map[netip.Addr]bool, len(here))
		for a := range here {
			set[a] = true
		}
		r.post(func() { r.located(set) })
	})
}

// located takes the addresses of this machine.
func (r *role) located(here map[netip.Addr]bool) {
	r.here = here
	r.carry(r.policy.locate(here))
}

// daemonsOf are the connection synchronisation daemons that are ours to run. Those
// that follow a VRRP instance belong to the vrrp role.
func daemonsOf(cfg *config.Config) []ipvs.SyncDaemon {
	d := cfg.Global.LVS.SyncDaemon
	if d == nil || d.Instance != "" {
		return nil
	}
	one := ipvs.SyncDaemon{
		Interface: d.Interface, ID: uint8(d.ID), MaxLen: uint16(d.MaxLen),
		Group: d.Group, Port: d.Port, TTL: d.TTL,
	}
	master, backup := one, one
	master.Role, backup.Role = ipvs.SyncMaster, ipvs.SyncBackup
	return []ipvs.SyncDaemon{master, backup}
}

// setDaemons brings the synchronisation daemons in line. It leaves them alone as
// long as none of them was ours.
func (r *role) setDaemons(ctx context.Context, k ipvs.Kernel, want []ipvs.SyncDaemon) {
	if len(want) == 0 && !r.synchronises {
		return
	}
	r.synchronises = len(want) > 0
	if err := ipvs.SetDaemons(ctx, k, want); err != nil {
		r.log.Error("lvs_sync_daemon", zap.Error(err))
	}
}
