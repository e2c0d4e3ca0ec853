package router

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
)

// holdings are the addresses, routes and rules that somebody has while it is
// entitled to them: an instance as master, the static ones always.
type holdings struct {
	want       netstate.State // with the interfaces of this moment
	watched    netstate.State // the part that is put back when somebody removes it
	unresolved []string       // what names an interface that does not exist
	held       bool
	busy       int       // jobs for them that are under way
	repeat     int       // announcements to be made when those are done
	settled    time.Time // by then the mirror has followed those that are done
	repairAt   time.Time // not before
	waysAt     time.Time // likewise routes and rules, of which one was refused
	refused    bool      // since all routes and rules were there the last time, one was refused
	taken      bool      // somebody removed what the operator wants to be handed over then
	suspect    bool      // perhaps so: it went while we were changing things
}

// resolve works out what an instance should hold, now that its interfaces are
// known or are others.
func (r *role) resolve(i *instance) {
	h := &i.holdings
	h.want, h.watched, h.unresolved = netstate.State{}, netstate.State{}, nil
	for _, list := range [][]config.Address{i.cfg.VIPs, i.cfg.ExcludedVIPs} {
		for _, a := range list {
			r.resolveAddress(h, a, i.makes(a.Dev))
		}
	}
	r.resolveRoutes(h, i.cfg.Routes, i.cfg.Rules)
	r.unindexed = true
}

// relocate does so for one whose interfaces may have got other names. What a master should
// have is set on those that are its own now. What it has set on one that is not any more is
// removed: it would not be known to be there.
func (r *role) relocate(i *instance) {
	was := i.want
	r.resolve(i)
	if !i.held {
		return
	}
	r.index() // who else holds it now
	if r.exchange(i, was, nil) {
		r.announce(i, max(i.cfg.GARP.MasterRepeat, 1))
		r.guardNow()
		r.claimsStale = true
	}
}

// planAbandon is how to remove what is not wanted any more from interfaces that are still
// there.
func (r *role) planAbandon(was, want netstate.State) []netstate.Op {
	gone := holdings{want: without(was, want), held: true}
	gone.want.Addresses = slices.DeleteFunc(gone.want.Addresses, func(a netstate.Address) bool {
		_, exists := r.mirror.Link(a.Link)
		return !exists
	})
	return r.planRelease(&gone)
}

// makes reports whether an interface is one whose absence is a fault of its
// own: that of the instance, or one that is made for it.
func (i *instance) makes(dev string) bool {
	return dev == i.cfg.Interface || slices.ContainsFunc(i.virtuals, func(v *virtual) bool { return v.name == dev })
}

// resolveAddress adds one address. If its interface is missing that is noted,
// unless it is said elsewhere.
func (r *role) resolveAddress(h *holdings, a config.Address, said bool) {
	addr, err := desiredAddress(a, a.Dev, r.mirror)
	if err != nil || addr.Link == 0 {
		if !said {
			h.unresolved = append(h.unresolved, fmt.Sprintf("interface %s of %v missing", a.Dev, a.Prefix.Addr()))
		}
		return
	}
	h.want.Addresses = append(h.want.Addresses, addr)
	if !a.NoTrack {
		h.watched.Addresses = append(h.watched.Addresses, addr)
	}
}

// resolveRoutes adds routes and rules. One that cannot be had is logged when
// it is set; the addresses matter more.
func (r *role) resolveRoutes(h *holdings, routes []config.Route, rules []config.Rule) {
	for _, c := range routes {
		route, err := desiredRoute(c, r.mirror)
		if err != nil {
			r.sayOnce("route"+err.Error(), err.Error())
			continue
		}
		h.want.Routes = append(h.want.Routes, route)
		if !c.NoTrack {
			h.watched.Routes = append(h.watched.Routes, route)
		}
	}
	for _, c := range rules {
		rule := desiredRule(c)
		h.want.Rules = append(h.want.Rules, rule)
		if !c.NoTrack {
			h.watched.Rules = append(h.watched.Rules, rule)
		}
	}
}

// index remembers which instance each address belongs to, and which routes the
// watcher is to report.
func (r *role) index() {
	r.unindexed = false
	clear(r.holders)
	keys := map[netstate.RouteKey]bool{}
	note := func(s netstate.State) {
		for _, route := range s.Routes {
			keys[route.Key()] = true
		}
	}
	note(r.static.want)
	for _, i := range r.instances {
		note(i.want)
		for _, a := range i.want.Addresses {
			r.holders[a.Key()] = append(r.holders[a.Key()], i)
		}
	}
	known := *r.routeKeys.Swap(&keys)
	fresh := maps.Clone(keys)
	maps.DeleteFunc(fresh, func(k netstate.RouteKey, _ bool) bool { return known[k] })
	if len(fresh) > 0 {
		r.readRoutes(fresh)
	}
}

// readRoutes learns which routes that are of interest from now on exist already: the
// kernel reports none that is set again as it is.
func (r *role) readRoutes(keys map[netstate.RouteKey]bool) {
	r.worker.give(func(_ context.Context, k network) func() {
		s, err := k.Read(func(key netstate.RouteKey) bool { return keys[key] })
		if err != nil {
			return func() { r.log.Warn("cannot read routes", zap.Error(err)) }
		}
		return func() {
			for _, route := range s.Routes {
				r.mirror.Apply(netstate.RouteChanged{Route: route})
			}
		}
	})
}

// holder is the instance that has an address, or else one that may come to have it;
// nil if it is nobody's.
func (r *role) holder(k netstate.AddressKey) *instance {
	var found *instance
	for _, i := range r.holders[k] {
		if i.held || found == nil {
			found = i
		}
	}
	return found
}

// spare leaves of what h gives up what others hold, too.
func (r *role) spare(s netstate.State, h *holdings) netstate.State {
	theirs := func(a netstate.Address) bool {
		return slices.ContainsFunc(r.holders[a.Key()], func(i *instance) bool { return i.held && &i.holdings != h })
	}
	s.Addresses = slices.DeleteFunc(slices.Clone(s.Addresses), theirs)
	if r.static.held && h != &r.static {
		s = without(s, r.static.want)
	}
	ways := netstate.State{Routes: s.Routes, Rules: s.Rules}
	for _, i := range r.instances {
		if len(ways.Routes)+len(ways.Rules) > 0 && i.held && &i.holdings != h {
			ways = without(ways, netstate.State{Routes: i.want.Routes, Rules: i.want.Rules})
		}
	}
	s.Routes, s.Rules = ways.Routes, ways.Rules
	return s
}

// take sets everything that a new master should have.
func (r *role) take(i *instance) {
	if len(i.cfg.VIPs) > 0 {
		i.say("setting VIPs.")
	}
	if len(i.cfg.ExcludedVIPs) > 0 {
		i.say("setting E-VIPs.")
	}
	if len(i.want.Routes) > 0 {
		i.say("setting Virtual Routes")
	}
	if len(i.want.Rules) > 0 {
		i.say("setting Virtual Rules")
	}
	i.held, i.suspect = true, false
	i.extraAt = time.Now().Add(i.cfg.GARPExtraIf)
	r.guardNow() // before the addresses are there to talk to
	r.apply(i, netstate.Plan(netstate.State{}, netstate.Want{Present: i.want}))
}

// release removes what a former master had, but not what another one holds.
func (r *role) release(i *instance) {
	if len(i.want.Rules) > 0 {
		i.say("removing Virtual Rules")
	}
	if len(i.want.Routes) > 0 {
		i.say("removing Virtual Routes")
	}
	if len(i.cfg.VIPs) > 0 {
		i.say("removing VIPs.")
	}
	if len(i.cfg.ExcludedVIPs) > 0 {
		i.say("removing E-VIPs.")
	}
	r.announcer.Cancel(i.cfg.Name)
	i.repeat = 0
	ops := r.planRelease(&i.holdings)
	i.held = false
	r.apply(i, ops)
	r.guardNow()
}

// planRelease is how to remove what h has. What the mirror does not know of is
// there nevertheless, if it was set a moment ago.
func (r *role) planRelease(h *holdings) []netstate.Op {
	absent := r.spare(h.want, h)
	have := r.have(absent)
	if h.held {
		have.Addresses = withAll(have.Addresses, absent.Addresses)
	}
	have.Routes, have.Rules = absent.Routes, absent.Rules // marked as ours, so others are safe
	return netstate.Plan(have, netstate.Want{Absent: absent})
}

// have is the part of the mirror that concerns what is wanted.
func (r *role) have(want netstate.State) netstate.State {
	var s netstate.State
	for _, w := range want.Addresses {
		if a, ok := r.mirror.Address(w); ok {
			s.Addresses = append(s.Addresses, a)
		}
	}
	if len(want.Routes) > 0 || len(want.Rules) > 0 {
		all := r.mirror.State()
		s.Routes, s.Rules = all.Routes, all.Rules
	}
	return s
}

// withAll adds to have what it lacks of want.
func withAll(have, want []netstate.Address) []netstate.Address {
	known := map[netstate.AddressKey]bool{}
	for _, a := range have {
		known[a.Key()] = true
	}
	for _, a := range want {
		if !known[a.Key()] {
			have = append(have, a)
		}
	}
	return have
}

// apply has the kernel changed, and hears what it refused.
func (r *role) apply(i *instance, ops []netstate.Op) {
	if len(ops) == 0 {
		return
	}
	i.busy++
	r.worker.give(func(ctx context.Context, k network) func() {
		failed := k.Apply(ctx, ops)
		return func() { r.applied(i, failed) }
	})
}

// applied is the answer. An address that a master cannot have is a fault;
// routes and rules are only worth a line, as with keepalived.
func (r *role) applied(i *instance, failed []kernel.Failure) {
	if i.busy--; i.busy == 0 {
		i.settled = time.Now().Add(repairPause / 4)
	}
	for _, f := range failed {
		a, isAddress := f.Op.Item.(netstate.Address)
		i.log.Warn("("+i.cfg.Name+") cannot "+r.opText(f.Op), zap.Error(f.Err))
		if isAddress && f.Op.Verb == netstate.Add && i.held {
			i.refusals.add(fmt.Sprintf("address %v refused: %s", a.Prefix.Addr(), reasonText(f.Err)), time.Now())
			r.dirty = true
		}
		if !isAddress && f.Op.Verb == netstate.Add {
			i.waysAt, i.refused = time.Now().Add(refusalTime), true
		}
	}
	r.refused(failed)
	if i.busy == 0 && i.held && i.repeat > 0 {
		r.announceNow(i, i.repeat)
		i.repeat = 0
	}
}

// opText says what is done to what, with an interface's name for its number.
func (r *role) opText(op netstate.Op) string {
	a, ok := op.Item.(netstate.Address)
	if !ok {
		return op.String()
	}
	return fmt.Sprintf("%v address %v on %s", op.Verb, a.Prefix, r.linkName(a.Link))
}

func reasonText(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
