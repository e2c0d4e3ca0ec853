package router

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/vrrp/link"
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
	repairAt   time.Time // not before
	taken      bool      // somebody removed what the operator wants to be handed over then
}

// repairPause keeps us from fighting with somebody who removes our addresses
// again and again.
const repairPause = time.Second

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
			r.holders[a.Key()] = i
		}
	}
	r.routeKeys.Store(&keys)
}

// take sets everything that a new master should have.
func (r *role) take(i *instance) {
	i.say("setting VIPs.")
	if len(i.cfg.ExcludedVIPs) > 0 {
		i.say("setting E-VIPs.")
	}
	if len(i.want.Routes) > 0 {
		i.say("setting Virtual Routes")
	}
	if len(i.want.Rules) > 0 {
		i.say("setting Virtual Rules")
	}
	i.held = true
	i.repairAt = time.Now().Add(repairPause / 4) // the mirror follows
	r.guardNow()                                 // before the addresses are there to talk to
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
	i.say("removing VIPs.")
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
	absent := h.want
	absent.Addresses = slices.DeleteFunc(slices.Clone(h.want.Addresses), func(a netstate.Address) bool {
		other := r.holders[a.Key()]
		return other != nil && &other.holdings != h && other.held
	})
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
	r.worker.give(func(ctx context.Context, k *kernel.Kernel) func() {
		failed := k.Apply(ctx, ops)
		return func() { r.applied(i, failed) }
	})
}

// applied is the answer. An address that a master cannot have is a fault;
// routes and rules are only worth a line, as with keepalived.
func (r *role) applied(i *instance, failed []kernel.Failure) {
	i.busy--
	for _, f := range failed {
		a, isAddress := f.Op.Item.(netstate.Address)
		i.log.Warn("("+i.cfg.Name+") cannot "+r.opText(f.Op), zap.Error(f.Err))
		if isAddress && f.Op.Verb == netstate.Add && i.held {
			i.refusals.add(fmt.Sprintf("address %v refused: %s", a.Prefix.Addr(), reasonText(f.Err)), time.Now())
			r.dirty = true
		}
	}
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

// announce tells the network about the addresses, once they are set.
func (r *role) announce(i *instance, repeat int) {
	if i.busy > 0 {
		i.repeat = max(i.repeat, repeat)
		return
	}
	r.announceNow(i, repeat)
}

func (r *role) announceNow(i *instance, repeat int) {
	list := make([]link.Announcement, 0, len(i.want.Addresses))
	forwarding := map[int]bool{} // by interface: asking takes reading a file
	for _, a := range i.want.Addresses {
		l, ok := r.mirror.Link(a.Link)
		if !ok || !l.Resolves() {
			continue
		}
		what := "gratuitous ARPs"
		if !a.Prefix.Addr().Is4() {
			what = "Unsolicited Neighbour Adverts"
			if _, asked := forwarding[a.Link]; !asked {
				forwarding[a.Link] = kernel.Forwarding(l.Name)
			}
		}
		i.log.Debug(fmt.Sprintf("(%s) Sending/queueing %s on %s for %v", i.cfg.Name, what, l.Name, a.Prefix.Addr()))
		list = append(list, link.Announcement{
			Owner: i.cfg.Name, Interface: l.Name, Index: a.Link, MAC: net.HardwareAddr(l.MAC.Bytes()), Addr: a.Prefix.Addr(),
			Broadcast: net.HardwareAddr(l.Broadcast.Bytes()), Router: forwarding[a.Link],
		})
	}
	r.announcer.Announce(list, repeat)
}

// announceExtra tells switches behind the interface below a virtual one where
// the virtual MAC is, at the pace of garp_extra_if.
func (r *role) announceExtra(i *instance, now time.Time) {
	if i.cfg.GARPExtraIf == 0 || !i.held || now.Before(i.extraAt) {
		return
	}
	i.extraAt = now.Add(i.cfg.GARPExtraIf)
	var list []link.Announcement
	for _, a := range i.want.Addresses {
		l, ok := r.mirror.Link(a.Link)
		if !ok || l.Parent == 0 || !i.cfg.GARPExtraIfAll && a.Link != i.own.Index {
			continue
		}
		list = append(list, link.Announcement{
			Owner: i.cfg.Name, Interface: r.linkName(l.Parent), Index: l.Parent, MAC: net.HardwareAddr(l.MAC.Bytes()), Addr: a.Prefix.Addr(),
			Router: !a.Prefix.Addr().Is4() && kernel.Forwarding(l.Name),
		})
	}
	r.announcer.Announce(list, 1)
}

// announced hears of every announcement that was sent, from the announcer.
func (r *role) announced(a link.Announcement, err error) {
	if !r.log.Core().Enabled(zap.DebugLevel) {
		return
	}
	what := "gratuitous ARP"
	if a.Addr.Is6() {
		what = "unsolicited Neighbour Advert"
	}
	text := fmt.Sprintf("Sending %s on %s for %v", what, a.Interface, a.Addr)
	if err != nil {
		r.log.Debug(text+" failed", zap.Error(err))
		return
	}
	r.log.Debug(text)
}

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
	r.amiss, r.checkAt = false, now.Add(checkInterval)
	for _, i := range r.instances {
		if i.refusals.expire(now) {
			r.dirty = true
		}
		if !i.held {
			continue
		}
		if i.busy > 0 || now.Before(i.repairAt) {
			r.amiss = true // later
			continue
		}
		ops := netstate.Plan(r.have(i.watched), netstate.Want{Present: i.watched})
		if len(ops) == 0 {
			continue
		}
		i.repairAt = now.Add(repairPause)
		for _, op := range ops {
			i.say("%s again: somebody else removed it", r.opText(op))
		}
		r.apply(i, ops)
		r.announce(i, max(i.cfg.GARP.MasterRepeat, 1))
	}
	r.repairStatic(now)
}

// addressLost is an address that is gone. If its master did not remove it, the
// operator decides whether to put it back or to hand over.
func (r *role) addressLost(a netstate.Address) {
	i := r.holders[a.Key()]
	taken := i != nil && i.held && i.busy == 0
	if taken || r.opt.LogAddresses {
		r.log.Info(fmt.Sprintf("Netlink reflector reports IP %v removed from %s", a.Prefix.Addr(), r.linkName(a.Link)))
	}
	r.staticLost(func(c config.Address, _ config.Route, _ config.Rule) bool {
		w, err := desiredAddress(c, c.Dev, r.mirror)
		return err == nil && w.Key() == a.Key()
	})
	if i == nil && r.concerns(r.linkName(a.Link)) {
		r.log.Debug(fmt.Sprintf("Deassigned address %v from interface %s", a.Prefix.Addr(), r.linkName(a.Link)))
	}
	if !taken {
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
		return err == nil && w.Key() == route.Key()
	})
	r.lost(func(s netstate.State) bool {
		return slices.ContainsFunc(s.Routes, func(w netstate.Route) bool {
			return w.Key() == route.Key() && w.Protocol == route.Protocol
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
		if i.held && i.busy == 0 && match(i.watched) {
			r.removed(i)
		}
	}
}

// removed is what somebody took away from a master. To put it back is the
// business of repair; to hand over is that of the machine, once it is clear
// that the interface itself is well.
func (r *role) removed(i *instance) {
	r.amiss = true
	i.taken = i.cfg.OnVIPRemoved == config.FailoverVIP
}
