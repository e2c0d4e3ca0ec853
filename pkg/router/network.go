package router

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/pkg/track"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// arrivals remembers the order in which addresses came up, because the first
// one of an interface is the source of adverts.
type arrivals struct {
	all  map[netstate.AddressKey]arrival
	last uint64
}

type arrival struct {
	netstate.Address
	order uint64
}

func (a *arrivals) note(addr netstate.Address) {
	if a.all == nil {
		a.all = map[netstate.AddressKey]arrival{}
	}
	was, known := a.all[addr.Key()]
	if !known {
		a.last++
		was.order = a.last
	}
	was.Address = addr
	a.all[addr.Key()] = was
}

func (a *arrivals) forget(addr netstate.Address) { delete(a.all, addr.Key()) }

// reset starts again with what is there, in the kernel's order.
func (a *arrivals) reset(list []netstate.Address) {
	old := a.all
	a.all = map[netstate.AddressKey]arrival{}
	for _, addr := range list {
		if was, known := old[addr.Key()]; known {
			a.all[addr.Key()] = arrival{addr, was.order}
			continue
		}
		a.note(addr)
	}
}

// place is where the source of an instance is looked for.
type place struct {
	link   int
	family netstate.Family
}

// firsts are the addresses that adverts come from: of each interface and
// family, the first that is not virtual, for IPv6 among the link-local ones. Where
// there is no other, that is the one of an address owner: virtual, but not set by us.
func (r *role) firsts() map[place]netip.Addr {
	best, owned := map[place]arrival{}, map[place]arrival{}
	for k, a := range r.arrived.all {
		ip := a.Prefix.Addr()
		if a.Protocol == netstate.Protocol || ip.Is6() && (!ip.IsLinkLocalUnicast() || !a.Usable()) {
			continue
		}
		among := best
		if r.holders[k] != nil {
			among = owned
		}
		p := place{a.Link, a.Family()}
		if was, ok := among[p]; !ok || a.order < was.order {
			among[p] = a
		}
	}
	list := make(map[place]netip.Addr, len(best))
	for _, from := range []map[place]arrival{owned, best} {
		for p, a := range from {
			list[p] = a.Prefix.Addr()
		}
	}
	return list
}

// sourceOf is the address that adverts of an instance come from: the
// configured one, or the first of the interface.
func (r *role) sourceOf(i *instance, firsts map[place]netip.Addr) netip.Addr {
	switch {
	case i.cfg.SrcIP.IsValid():
		return i.cfg.SrcIP
	case i.virtual != nil && i.virtual.source.IsValid():
		return i.virtual.source.Addr()
	}
	return firsts[place{i.base.Index, i.family()}]
}

// present reports whether any link has the address.
func (r *role) present(ip netip.Addr) bool {
	for k := range r.arrived.all {
		if k.Local.Addr() == ip {
			return true
		}
	}
	return false
}

// locate finds the interfaces and the source of an instance, and reports
// whether its packets come from elsewhere now.
func (r *role) locate(i *instance, firsts map[place]netip.Addr) bool {
	base, _ := r.mirror.LinkByName(i.cfg.Interface)
	own, out := base, base.Index
	if i.cfg.Interface == "" && i.cfg.VRF != "" {
		vrf, _ := r.mirror.LinkByName(i.cfg.VRF)
		out = vrf.Index
	}
	if i.virtual != nil {
		own, _ = r.mirror.Link(i.virtual.index)
		if i.transmitsVirtually() {
			out = own.Index
		}
	}
	changed := base.Index != i.base.Index || own.Index != i.own.Index || out != i.out
	linksChanged := changed || len(i.want.Addresses) < len(i.cfg.VIPs)+len(i.cfg.ExcludedVIPs)
	i.base, i.own, i.out = base, own, out
	if src := r.sourceOf(i, firsts); src != i.source {
		i.source, i.encoder.Format.Src = src, src
		if i.election != nil { // else the machine is told when it is made
			r.handle(i.election, vrrp.Source{Router: i.index, Addr: src})
		}
	}
	switch {
	case changed:
		r.relocate(i)
	case linksChanged:
		r.resolve(i)
	}
	return changed
}

// follow feeds the mirror with the changes of the namespace.
func (r *role) follow(ctx context.Context) error {
	w, err := kernel.OpenWatcher(kernel.WatchOptions{
		Buffer: r.cfg.Global.VRRP.NetlinkWatch.Size, Interest: r.interest, Kernel: r.worker.kernel,
	})
	if err != nil {
		return err
	}
	return w.Run(ctx, func(ev netstate.Event) { r.post(func() { r.netChanged(ev) }) })
}

// netChanged is one change in the namespace.
func (r *role) netChanged(ev netstate.Event) {
	switch ev := ev.(type) {
	case netstate.Resynced:
		if r.synced {
			for _, missed := range r.mirror.Changes(ev.State) {
				r.netChanged(missed)
			}
		}
		r.arrived.reset(ev.State.Addresses)
		r.mirror.Apply(ev)
		r.amiss = true
		if !r.synced {
			r.synced = true
			r.begin()
		}
	case netstate.AddressChanged:
		was, known := r.mirror.Address(ev.Address)
		r.arrived.note(ev.Address)
		r.mirror.Apply(ev)
		if !known {
			r.addressCame(ev.Address)
		}
		r.detected(was, known, ev.Address)
	case netstate.AddressGone:
		r.arrived.forget(ev.Address)
		r.mirror.Apply(ev)
		r.addressLost(ev.Address)
	case netstate.RouteGone:
		r.mirror.Apply(ev)
		r.routeLost(ev.Route)
	case netstate.RuleGone:
		r.mirror.Apply(ev)
		r.ruleLost(ev.Rule)
	case netstate.LinkGone:
		r.mirror.Apply(ev)
		r.virtualLost(ev.Link)
		r.relinked = true
	case netstate.LinkChanged:
		old, existed := r.mirror.Link(ev.Link.Index)
		r.mirror.Apply(ev)
		r.linkChanged(old, existed, ev.Link)
		r.amiss = true // routes may have gone without a word
	default:
		r.mirror.Apply(ev)
	}
	r.dirty = true
}

// addressCame tells of a new address that adverts may come from, or of any if
// the operator wants that.
func (r *role) addressCame(a netstate.Address) {
	name := r.linkName(a.Link)
	if r.opt.LogAddresses {
		r.log.Info(fmt.Sprintf("Netlink reflector reports IP %v added to %s", a.Prefix.Addr(), name))
	}
	if r.holders[a.Key()] == nil && r.concerns(name) {
		r.log.Debug(fmt.Sprintf("Assigned address %v for interface %s", a.Prefix.Addr(), name))
	}
}

// linkChanged tells of a link that came up or went down. Group memberships are
// told again to whoever is behind a link that came up.
func (r *role) linkChanged(old netstate.Link, existed bool, l netstate.Link) {
	r.delay(l)
	if existed && old.Master != l.Master {
		r.followMaster(l)
	}
	if existed {
		r.virtualChanged(l)
	}
	if (!existed || old.Name != l.Name) && r.synced && !r.starting {
		r.appeared(l)
	}
	if existed && old.Usable() == l.Usable() {
		return
	}
	for _, i := range r.instances {
		i.waysAt = time.Time{}                  // through this link they may lead
		if i.base.Index == l.Index && !i.held { // a master has yet to hear of what it lacks
			i.refusals.clear() // what was refused may be possible now
		}
	}
	if l.Usable() {
		if err := r.hub.Rejoin(l.Index); err != nil {
			r.log.Warn("cannot join the multicast group again", zap.Error(err))
			r.relisten = true
		}
	}
	if r.concerns(l.Name) {
		r.log.Info("Netlink reports "+l.Name+" "+track.StateOf(l.Usable()).String(), zap.String("interface", l.Name))
	}
}

// concerns reports whether any instance uses or tracks an interface.
func (r *role) concerns(name string) bool {
	tracked := func(list []config.Track) bool {
		return slices.ContainsFunc(list, func(t config.Track) bool { return t.Name == name })
	}
	for _, i := range r.instances {
		if i.cfg.Interface == name || slices.Contains(i.carriers, name) || tracked(i.cfg.TrackInterfaces) ||
			i.election.group != nil && tracked(i.election.group.TrackInterfaces) {
			return true
		}
	}
	return false
}

func (r *role) linkName(index int) string {
	l, _ := r.mirror.Link(index)
	return l.Name
}

// appeared is an interface that is new: what belongs onto it is worked out,
// and interfaces of our own are made on it.
func (r *role) appeared(l netstate.Link) {
	r.resolveStatic()
	for _, i := range r.instances {
		if i.cfg.Interface == l.Name {
			i.base = l
			r.promote(i)
		}
		r.makeVirtuals(i)
	}
	r.relinked = true
	r.announcer.SetPaces(r.paces())
}

// delay holds back changes of a link for as long as the operator wants.
func (r *role) delay(l netstate.Link) {
	d := r.delays[l.Name]
	if d == nil {
		return
	}
	d.Observe(track.StateOf(l.Usable()), time.Now())
	r.heldBack(l.Name, d)
}

// heldBack takes over the delayed state, and looks again when it may change.
func (r *role) heldBack(name string, d *track.Delay) {
	learn(r, &r.facts.links, name, d.State() == track.Up)
	if at := d.Deadline(); !at.IsZero() {
		time.AfterFunc(time.Until(at), func() {
			r.post(func() {
				if r.delays[name] == d && d.Expire(time.Now()) {
					r.heldBack(name, d)
				}
			})
		})
	}
}
