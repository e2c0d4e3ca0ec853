package router

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
)

// repairPause keeps us from fighting with somebody who removes our addresses
// again and again.
const repairPause = time.Second

// checkInterval is how often everything is compared with the kernel although
// nothing was reported.
const checkInterval = time.Second

// repair puts back what somebody else removed, and tries again what was
// refused.
func (r *role) repair() {
	now := time.Now()
	if !r.amiss && now.Before(r.checkAt) {
		return
	}
	if !now.Before(r.checkAt) {
		r.insist()
		r.checkAt = now.Add(checkInterval)
	}
	r.amiss = false
	for _, i := range r.instances {
		if i.refusals.expire(now) {
			r.dirty = true
		}
		if !i.held {
			continue
		}
		if i.changing(now) || now.Before(i.repairAt) {
			r.amiss = true // later
			continue
		}
		want := i.watched
		if now.Before(i.waysAt) {
			want.Routes, want.Rules = nil, nil
		}
		ops := netstate.Plan(r.have(want), netstate.Want{Present: want})
		suspect := i.suspect
		i.suspect = false
		if len(ops) == 0 {
			i.refused = i.refused && now.Before(i.waysAt)
			continue
		}
		if suspect {
			r.removed(i)
			r.dirty = true
			continue
		}
		i.repairAt = now.Add(repairPause)
		for _, op := range ops {
			why := "somebody else removed it"
			if _, ok := op.Item.(netstate.Address); !ok && i.refused {
				why = "it was refused or is gone"
			}
			i.say("%s again: %s", r.opText(op), why)
		}
		r.apply(i, ops)
		if slices.ContainsFunc(ops, func(op netstate.Op) bool { _, ok := op.Item.(netstate.Address); return ok }) {
			r.announce(i, max(i.cfg.GARP.MasterRepeat, 1))
		}
	}
	r.repairStatic(now)
}

// changing reports whether what is seen to come and go may be our own doing.
func (h *holdings) changing(now time.Time) bool { return h.busy > 0 || now.Before(h.settled) }

// insist tries again to remove what the kernel refused to, unless somebody has come to
// hold it.
func (r *role) insist() {
	ops := slices.DeleteFunc(r.undone, func(op netstate.Op) bool {
		a, _ := op.Item.(netstate.Address)
		i := r.holder(a.Key())
		return i != nil && i.held
	})
	r.undone = nil
	if len(ops) == 0 {
		return
	}
	r.worker.give(func(ctx context.Context, k network) func() {
		failed := k.Apply(ctx, ops)
		return func() { r.refused(failed) }
	})
}

// refused remembers removals of addresses that failed.
func (r *role) refused(failed []kernel.Failure) {
	for _, f := range failed {
		if _, ok := f.Op.Item.(netstate.Address); ok && f.Op.Verb == netstate.Remove {
			r.undone = append(r.undone, f.Op)
		}
	}
}

// addressLost is an address that is gone. If its master did not remove it, the
// operator decides whether to put it back or to hand over.
func (r *role) addressLost(a netstate.Address) {
	i := r.holder(a.Key())
	held := i != nil && i.held
	if held && i.busy == 0 || r.opt.LogAddresses {
		r.log.Info(fmt.Sprintf("Netlink reflector reports IP %v removed from %s", a.Prefix.Addr(), r.linkName(a.Link)))
	}
	r.staticLost(func(c config.Address, _ config.Route, _ config.Rule) bool {
		w, err := desiredAddress(c, c.Dev, r.mirror)
		return err == nil && w.Key() == a.Key()
	})
	if i == nil && r.concerns(r.linkName(a.Link)) {
		r.log.Debug(fmt.Sprintf("Deassigned address %v from interface %s", a.Prefix.Addr(), r.linkName(a.Link)))
	}
	if !held {
		return
	}
	watched := slices.ContainsFunc(i.watched.Addresses, func(w netstate.Address) bool { return w.Key() == a.Key() })
	if watched {
		r.removed(i)
	}
}

// routeLost and ruleLost are the same for routes and rules.
func (r *role) routeLost(route netstate.Route) {
	r.staticLost(func(_ config.Address, c config.Route, _ config.Rule) bool {
		w, err := desiredRoute(c, r.mirror)
		return err == nil && w.SameWay(route)
	})
	r.lost(func(s netstate.State) bool {
		return slices.ContainsFunc(s.Routes, func(w netstate.Route) bool {
			return w.SameWay(route) && w.Protocol == route.Protocol
		})
	})
}

func (r *role) ruleLost(rule netstate.Rule) {
	r.staticLost(func(_ config.Address, _ config.Route, c config.Rule) bool {
		return c.Preference != 0 && desiredRule(c).Normal() == rule.Normal()
	})
	r.lost(func(s netstate.State) bool {
		return slices.ContainsFunc(s.Rules, func(w netstate.Rule) bool { return w.Normal() == rule.Normal() })
	})
}

func (r *role) lost(match func(netstate.State) bool) {
	for _, i := range r.instances {
		if i.held && match(i.watched) {
			r.removed(i)
		}
	}
}

// removed is what somebody took away from a master. To put it back is the
// business of repair; to hand over is that of the machine, once it is clear
// that the interface itself is well. What goes while we are changing things
// ourselves may have been our doing: repair looks again when the dust has settled.
func (r *role) removed(i *instance) {
	r.amiss = true
	switch {
	case i.cfg.OnVIPRemoved != config.FailoverVIP:
	case i.changing(time.Now()):
		i.suspect = true
	default:
		i.taken = true
	}
}
