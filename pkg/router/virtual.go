package router

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

// virtual is an interface of our own.
type virtual struct {
	virtualSpec
	ipv6   bool      // it may have IPv6 addresses
	index  int       // once it exists
	making bool      // it is being made or looked for
	made   int       // the worker's: index of what it has made or found
	err    error     // why it cannot be had
	lookAt time.Time // whether it is still there
}

// virtualSpec is what an instance wants: the interface that it runs on with
// use_vmac or use_ipvlan, or one beside it for addresses on other interfaces.
type virtualSpec struct {
	kind   string // "macvlan" or "ipvlan"
	name   string
	parent string // name of the interface below
	mac    netstate.MAC
	mode   netstate.IPVlanMode
	group  uint32
	source netip.Prefix // of the adverts of an ipvlan, there in every state
	family netstate.Family
}

// on is the interface in the kernel's terms.
func (v virtualSpec) on(parent netstate.Link) netstate.VirtualLink {
	return netstate.VirtualLink{Name: v.name, Parent: parent.Index, Kind: v.kind, MAC: v.mac, Mode: v.mode, Group: v.group}
}

// virtualsOf are the interfaces that an instance wants, its own one first;
// that one is nil if there is none.
func virtualsOf(c *config.Instance) (own *virtual, all []*virtual) {
	family := netstate.IPv4
	if c.IPv6 {
		family = netstate.IPv6
	}
	switch {
	case c.VMAC != nil:
		own = &virtual{virtualSpec: virtualSpec{
			kind: "macvlan", name: c.VMAC.Name, parent: c.Interface, family: family,
			mac: netstate.VirtualMAC(c.VRID, family), group: groupNumber(c.VMAC.Group),
		}}
		if c.VMAC.MACGiven {
			own.mac = netstate.MAC(c.VMAC.MAC[:])
		}
	case c.IPVLAN != nil:
		modes := map[string]netstate.IPVlanMode{"private": netstate.IPVlanPrivate, "vepa": netstate.IPVlanVEPA}
		own = &virtual{virtualSpec: virtualSpec{
			kind: "ipvlan", name: c.IPVLAN.Name, parent: c.Interface, family: family,
			mode: modes[c.IPVLAN.Flags], source: c.IPVLAN.Source, group: groupNumber(c.IPVLAN.Group),
		}}
	}
	if own != nil {
		own.ipv6 = c.IPv6
		all = append(all, own)
	}
	for _, list := range [][]config.Address{c.VIPs, c.ExcludedVIPs} {
		for _, a := range list {
			if own != nil && a.Prefix.Addr().Is6() {
				own.ipv6 = true
			}
			if a.VMACName == "" || a.Parent == "" || slices.ContainsFunc(all, func(v *virtual) bool { return v.name == a.VMACName }) {
				continue
			}
			f := netstate.FamilyOf(a.Prefix.Addr())
			all = append(all, &virtual{ipv6: f == netstate.IPv6, virtualSpec: virtualSpec{
				kind: "macvlan", name: a.VMACName, parent: a.Parent, family: f, mac: netstate.VirtualMAC(c.VRID, f),
			}})
		}
	}
	return own, all
}

// groupNumber is the number of an interface group; names were resolved before.
func groupNumber(text string) uint32 {
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// makeVirtuals has the interfaces of an instance made or found that are not
// there yet.
func (r *role) makeVirtuals(i *instance) {
	for _, v := range i.virtuals {
		if v.index == 0 && !v.making {
			r.makeVirtual(i, v)
		}
	}
}

// missVirtuals has those made (again) that could not be had, or that have vanished
// before anybody knew that they had been made.
func (r *role) missVirtuals(i *instance, now time.Time) {
	for _, v := range i.virtuals {
		_, exists := r.mirror.Link(v.index)
		if !v.making && (!exists || v.err != nil) && now.After(v.lookAt) {
			r.makeVirtual(i, v)
		}
	}
}

// makeVirtual does so for one. The answer comes as an event; until then the
// instance waits.
func (r *role) makeVirtual(i *instance, v *virtual) {
	parent, exists := r.mirror.LinkByName(v.parent)
	if !exists {
		return
	}
	v.making = true
	want := v.on(parent)
	if l, ok := r.mirror.LinkByName(v.name); ok && want.Matches(l) {
		v.index = l.Index // left by a predecessor, who may have been master
	}
	sysctls, ipv6 := r.sysctls, v.ipv6
	r.worker.give(func(ctx context.Context, k network) func() {
		l, made, err := k.EnsureLink(want)
		v.made = l.Index
		if err == nil {
			err = errors.Join(sysctls.UseIPv6(l.Name, ipv6), sysctls.SetVirtualSysctls(parent.Name, l.Name, v.family))
		}
		if err == nil && v.source.IsValid() {
			source := netstate.NewAddress(l.Index, v.source)
			for _, f := range k.Apply(ctx, []netstate.Op{{Verb: netstate.Add, Item: source}}) {
				err = f
			}
		}
		return func() { r.virtualMade(i, v, l, made, err) }
	})
}

func (r *role) virtualMade(i *instance, v *virtual, l netstate.Link, made bool, err error) {
	said := v.err != nil && err != nil && v.err.Error() == err.Error()
	v.making, v.err, v.lookAt = false, err, time.Now().Add(checkInterval)
	r.dirty = true
	if err != nil {
		if !said {
			i.log.Error(fmt.Sprintf("(%s): cannot create interface %s", i.cfg.Name, v.name), zap.Error(err))
		}
		return
	}
	v.index = l.Index
	r.guardNow()
	if made {
		kind := map[string]string{"macvlan": "VMAC", "ipvlan": "ipvlan"}[v.kind]
		i.log.Info(fmt.Sprintf("(%s): Success creating %s interface %s", i.cfg.Name, kind, l.Name))
	}
}

// virtualLost has an interface of our own made again that somebody removed. If
// it went because its parent did, that comes back when the parent does.
func (r *role) virtualLost(l netstate.Link) {
	for _, i := range r.instances {
		for _, v := range i.virtuals {
			if v.index != l.Index {
				continue
			}
			v.index = 0
			if _, exists := r.mirror.LinkByName(v.parent); exists {
				i.log.Warn(fmt.Sprintf("(%s): interface %s is gone, making it again", i.cfg.Name, l.Name))
				r.makeVirtual(i, v)
			}
		}
	}
}

// virtualChanged has an interface of our own replaced that somebody renamed, or gave
// another MAC address.
func (r *role) virtualChanged(l netstate.Link) {
	for _, i := range r.instances {
		for _, v := range i.virtuals {
			parent, exists := r.mirror.LinkByName(v.parent)
			if v.index != l.Index || v.making || !exists || v.on(parent).Matches(l) {
				continue
			}
			i.log.Warn(fmt.Sprintf("(%s): interface %s was changed by somebody, making it again", i.cfg.Name, v.name))
			r.dropVirtuals(v)
			r.makeVirtual(i, v)
		}
	}
}

// followMaster puts the interfaces of our own into the VRF of their parent, or
// out of it.
func (r *role) followMaster(parent netstate.Link) {
	for _, i := range r.instances {
		for _, v := range i.virtuals {
			own, exists := r.mirror.Link(v.index)
			if !exists || own.Parent != parent.Index {
				continue
			}
			r.worker.give(func(_ context.Context, k network) func() {
				err := k.FollowVRF(own)
				if err == nil {
					return nil
				}
				return func() { i.log.Warn("interface "+own.Name, zap.Error(err)) }
			})
		}
	}
}

// changeVirtuals goes over to the interfaces of a new configuration. One that
// is wanted as it is stays.
func (r *role) changeVirtuals(i *instance) {
	before := i.virtuals
	i.virtual, i.virtuals = virtualsOf(i.cfg)
	for n, v := range i.virtuals {
		for _, old := range before {
			if old.virtualSpec != v.virtualSpec {
				continue
			}
			if i.virtual == v {
				i.virtual = old
			}
			if i.virtuals[n] = old; old.ipv6 != v.ipv6 {
				old.ipv6 = v.ipv6
				name, ipv6 := v.name, v.ipv6
				r.system(func() error { return r.sysctls.UseIPv6(name, ipv6) })
			}
		}
	}
	for _, old := range before {
		if !slices.Contains(i.virtuals, old) {
			r.dropVirtuals(old)
		}
	}
	r.makeVirtuals(i)
}

// dropVirtuals removes interfaces that are not wanted any more, all in one step.
func (r *role) dropVirtuals(list ...*virtual) {
	if len(list) == 0 {
		return
	}
	for _, v := range list {
		v.index = 0
	}
	r.worker.give(func(_ context.Context, k network) func() {
		var indexes []int
		for _, v := range list {
			if v.made != 0 {
				indexes = append(indexes, v.made)
			}
		}
		err := k.RemoveLinks(indexes...)
		if err == nil {
			return nil
		}
		return func() { r.log.Warn("interfaces of virtual routers", zap.Error(err)) }
	})
}

func (i *instance) family() netstate.Family {
	if i.cfg.IPv6 {
		return netstate.IPv6
	}
	return netstate.IPv4
}
