package router

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// resolveStatic works out the static addresses, routes and rules.
func (r *role) resolveStatic() {
	h := &r.static
	h.want, h.watched, h.unresolved = netstate.State{}, netstate.State{}, nil
	for _, a := range r.cfg.StaticAddresses {
		r.resolveAddress(h, a, false)
	}
	r.resolveRoutes(h, r.cfg.StaticRoutes, r.cfg.StaticRules)
}

// takeStatic sets them.
func (r *role) takeStatic() {
	r.static.held = true
	r.applyStatic(netstate.Plan(netstate.State{}, netstate.Want{Present: r.static.want}))
}

func (r *role) releaseStatic() {
	if r.static.held {
		ops := r.planRelease(&r.static)
		r.static.held = false
		r.applyStatic(ops)
	}
}

func (r *role) applyStatic(ops []netstate.Op) {
	if len(ops) == 0 {
		return
	}
	r.static.busy++
	r.worker.give(func(ctx context.Context, k network) func() {
		failed := k.Apply(ctx, ops)
		return func() {
			r.static.busy--
			r.refused(failed)
			for _, f := range failed {
				line := fmt.Sprintf("static %s: %s", f.Op, reasonText(f.Err))
				r.sayOnce(line, line)
			}
		}
	})
}

// repairStatic puts back what somebody else removed, or what went with its
// interface.
func (r *role) repairStatic(now time.Time) {
	h := &r.static
	if !h.held {
		return
	}
	if h.busy > 0 || now.Before(h.repairAt) {
		r.amiss = true
		return
	}
	ops := netstate.Plan(r.have(h.watched), netstate.Want{Present: h.watched})
	if len(ops) > 0 {
		h.repairAt = now.Add(repairPause)
		r.applyStatic(ops)
	}
}

// staticLost has the instances of a track_group hand over when one of its
// static items was removed.
func (r *role) staticLost(is func(config.Address, config.Route, config.Rule) bool) {
	if !r.static.held {
		return
	}
	r.amiss = true
	groups := map[string]bool{}
	for _, a := range r.cfg.StaticAddresses {
		groups[a.TrackGroup] = groups[a.TrackGroup] || a.TrackGroup != "" && is(a, config.Route{}, config.Rule{})
	}
	for _, c := range r.cfg.StaticRoutes {
		groups[c.TrackGroup] = groups[c.TrackGroup] || c.TrackGroup != "" && is(config.Address{}, c, config.Rule{})
	}
	for _, c := range r.cfg.StaticRules {
		groups[c.TrackGroup] = groups[c.TrackGroup] || c.TrackGroup != "" && is(config.Address{}, config.Route{}, c)
	}
	for _, g := range r.cfg.TrackGroups {
		if !groups[g.Name] {
			continue
		}
		for _, name := range g.Members {
			if i := r.named(name); i != nil {
				r.handle(i.election, vrrp.Taken{})
			}
		}
	}
}

func (r *role) named(name string) *instance {
	for _, i := range r.instances {
		if i.cfg.Name == name {
			return i
		}
	}
	return nil
}
