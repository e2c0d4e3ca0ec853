package director

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
)

// settleDelay is the pause before settings that could not be made are tried again:
// an interface may be missing, or the kernel still be busy with something.
const settleDelay = 10 * time.Second

// settle has the worker make everything around the IPVS table what it should be.
func (r *role) settle() {
	lvs, daemons := r.cfg.Global.LVS, daemonsOf(r.cfg, r.states)
	rules, parameters, answering := r.policy.rules(), r.policy.parameters(), r.policy.answering()
	r.errands = append(r.errands, errand{
		run: func(ctx context.Context, k ipvs.Kernel) {
			r.heed("lvs_timeouts", r.setTimeouts(ctx, lvs))
			r.setDaemons(ctx, k, daemons)
			r.surround(rules, parameters, answering)
		},
		then: r.settled,
	})
}

// settled sees to it that what could not be set is tried again. The loop's, while
// the worker has nothing to do.
func (r *role) settled() {
	r.unsettled = time.Time{}
	if len(r.failing) > 0 {
		r.unsettled = time.Now().Add(settleDelay)
	}
	r.failed, r.failing = r.failing, make(map[string]bool)
}

// heed takes note of a setting that could not be made, and logs it unless the last
// try ended in the same way. The worker's.
func (r *role) heed(what string, err error) {
	if err == nil {
		return
	}
	how := what + ": " + err.Error()
	if !r.failed[how] {
		r.log.Error(what, zap.Error(err))
	}
	r.failing[how] = true
}

// setTimeouts sets the timeouts of connections, and remembers those it finds the
// first time.
func (r *role) setTimeouts(ctx context.Context, lvs config.LVSGlobal) error {
	want := ipvs.Timeouts{TCP: lvs.TimeoutTCP, TCPFin: lvs.TimeoutTCPFin, UDP: lvs.TimeoutUDP}
	if want == (ipvs.Timeouts{}) && r.before == (ipvs.Timeouts{}) {
		return nil
	}
	if r.before == (ipvs.Timeouts{}) {
		found, err := r.kernel.Timeouts(ctx)
		if err != nil {
			return err
		}
		r.before = found
	}
	return r.kernel.SetTimeouts(ctx, ipvs.Timeouts{
		TCP:    cmp.Or(want.TCP, r.before.TCP),
		TCPFin: cmp.Or(want.TCPFin, r.before.TCPFin),
		UDP:    cmp.Or(want.UDP, r.before.UDP),
	})
}

// surround sets rules and parameters, and lets answers in that servers give from
// our own virtual addresses. The worker's.
func (r *role) surround(rules firewall.ServicePolicy, parameters map[string]string, answering []netip.Addr) {
	for _, server := range answering {
		r.heed("probe_via_vip does not work", r.sysctls.AcceptLocal(server))
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		r.heed("kernel parameter net.ipv4.vs."+name, r.sysctls.Set(parameters[name], "net", "ipv4", "vs", name))
	}
	r.heed("packet filter rules", r.rules.Apply(rules))
}

// mendRules has the worker look whether the rules are still there, and put them back.
func (r *role) mendRules() {
	rules := r.policy.rules()
	if len(rules.Marks)+len(rules.SNAT) == 0 {
		return
	}
	lost := false
	r.errands = append(r.errands, errand{
		run: func(context.Context, ipvs.Kernel) {
			whole, err := r.rules.Whole()
			if err != nil || whole {
				r.heed("packet filter rules", err)
				return
			}
			lost = true
			r.heed("packet filter rules", r.rules.Apply(rules))
		},
		then: func() {
			if lost {
				r.counts.Drift++
				r.counts.LastDrift = time.Now()
				r.log.Warn("The packet filter rules were changed by another program, repaired")
			}
			r.settled()
		},
	})
}

// daemonsOf are the connection synchronisation daemons that should run: both, or
// the one that fits the state of the VRRP instance that is named; none as long as
// the vrrp role has not said anything (states is nil).
func daemonsOf(cfg *config.Config, states map[string]string) []ipvs.SyncDaemon {
	d := cfg.Global.LVS.SyncDaemon
	if d == nil {
		return nil
	}
	one := ipvs.SyncDaemon{
		Interface: d.Interface, ID: uint8(d.ID), MaxLen: uint16(d.MaxLen),
		Group: d.Group, Port: d.Port, TTL: d.TTL,
	}
	master, backup := one, one
	master.Role, backup.Role = ipvs.SyncMaster, ipvs.SyncBackup
	switch {
	case d.Instance == "":
		return []ipvs.SyncDaemon{master, backup}
	case states == nil:
		return nil
	case states[d.Instance] == "MASTER":
		return []ipvs.SyncDaemon{master}
	}
	return []ipvs.SyncDaemon{backup}
}

// setDaemons brings the synchronisation daemons in line. It leaves them alone as
// long as none of them was ours.
func (r *role) setDaemons(ctx context.Context, k ipvs.Kernel, want []ipvs.SyncDaemon) {
	if len(want) == 0 && !r.synchronises {
		return
	}
	err := ipvs.SetDaemons(ctx, k, want)
	r.synchronises = len(want) > 0 || err != nil
	r.heed("lvs_sync_daemon", err)
}
