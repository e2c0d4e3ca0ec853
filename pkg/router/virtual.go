package router

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
)

// virtual is the interface of its own that an instance with use_vmac or
// use_ipvlan has.
type virtual struct {
	kind  string // empty: none is wanted
	name  string // once it is chosen
	index int    // once it exists
	err   error  // why it cannot be had
}

func (v *virtual) wanted() bool { return v.kind != "" }

func virtualOf(c *config.Instance) virtual {
	switch {
	case c.VMAC != nil:
		return virtual{kind: "macvlan", name: c.VMAC.Name}
	case c.IPVLAN != nil:
		return virtual{kind: "ipvlan", name: c.IPVLAN.Name}
	}
	return virtual{}
}

// makeVirtual has the interface of an instance made or found. The answer comes
// as an event; until then the instance waits.
func (r *role) makeVirtual(i *instance) {
	v := &i.virtual
	if !v.wanted() || i.base.Index == 0 {
		return
	}
	family := i.family()
	if v.name == "" {
		v.name = netstate.VirtualName(i.cfg.VRID, family, r.nameTaken(i))
	}
	want := r.virtualLink(i)
	sysctls, parent := r.sysctls, i.base.Name
	r.worker.give(func(ctx context.Context, k *kernel.Kernel) func() {
		l, made, err := k.EnsureLink(want)
		if err == nil {
			err = sysctls.SetVirtualSysctls(parent, l.Name, family)
		}
		return func() { r.virtualMade(i, l, made, err) }
	})
}

// virtualLink describes the interface of an instance.
func (r *role) virtualLink(i *instance) netstate.VirtualLink {
	want := netstate.VirtualLink{Name: i.virtual.name, Parent: i.base.Index, Kind: i.virtual.kind}
	if c := i.cfg.VMAC; c != nil {
		want.MAC = netstate.VirtualMAC(i.cfg.VRID, i.family())
		if c.MACGiven {
			want.MAC = netstate.MAC(c.MAC[:])
		}
	}
	if c := i.cfg.IPVLAN; c != nil {
		want.Mode = map[string]netstate.IPVlanMode{
			"private": netstate.IPVlanPrivate, "vepa": netstate.IPVlanVEPA,
		}[c.Flags]
	}
	return want
}

// nameTaken reports names that another instance's interface or a foreign one
// has. One that matches is ours from before.
func (r *role) nameTaken(i *instance) func(string) bool {
	return func(name string) bool {
		for _, other := range r.instances {
			if other != i && other.virtual.name == name {
				return true
			}
		}
		l, exists := r.mirror.LinkByName(name)
		if !exists {
			return false
		}
		want := r.virtualLink(i)
		want.Name = name
		return !want.Matches(l)
	}
}

func (r *role) virtualMade(i *instance, l netstate.Link, made bool, err error) {
	i.virtual.err = err
	r.dirty = true
	if err != nil {
		i.log.Error(fmt.Sprintf("(%s): cannot create interface %s", i.cfg.Name, i.virtual.name), zap.Error(err))
		return
	}
	i.virtual.index = l.Index
	r.guardNow()
	if made {
		kind := "VMAC"
		if i.virtual.kind == "ipvlan" {
			kind = "ipvlan"
		}
		i.log.Info(fmt.Sprintf("(%s): Success creating %s interface %s", i.cfg.Name, kind, l.Name))
	}
}

// virtualLost has an interface of our own made again that somebody removed. If
// it went because its parent did, that comes back when the parent does.
func (r *role) virtualLost(l netstate.Link) {
	for _, i := range r.instances {
		if i.virtual.index != l.Index {
			continue
		}
		i.virtual.index = 0
		if _, exists := r.mirror.Link(i.base.Index); exists {
			i.log.Warn(fmt.Sprintf("(%s): interface %s is gone, making it again", i.cfg.Name, l.Name))
			r.makeVirtual(i)
		}
	}
}

// followMaster puts the interfaces of our own into the VRF of their parent, or
// out of it.
func (r *role) followMaster(parent netstate.Link) {
	for _, i := range r.instances {
		own, exists := r.mirror.Link(i.virtual.index)
		if !exists || own.Parent != parent.Index {
			continue
		}
		r.worker.give(func(_ context.Context, k *kernel.Kernel) func() {
			err := k.FollowVRF(own)
			if err == nil {
				return nil
			}
			return func() { i.log.Warn("interface "+own.Name, zap.Error(err)) }
		})
	}
}

// dropVirtual removes the interface of an instance that ends.
func (r *role) dropVirtual(i *instance) {
	if index := i.virtual.index; index != 0 {
		i.virtual.index = 0
		r.worker.give(func(_ context.Context, k *kernel.Kernel) func() {
			err := k.RemoveLink(index)
			if err == nil {
				return nil
			}
			return func() { i.log.Warn("remove interface "+i.virtual.name, zap.Error(err)) }
		})
	}
}

func (i *instance) family() netstate.Family {
	if i.cfg.IPv6 {
		return netstate.IPv6
	}
	return netstate.IPv4
}
