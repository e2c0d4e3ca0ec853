package router

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
)

// Relinquish gives up what a vrrp role left behind that has ended and does not
// come back: it says priority 0 for every instance that was master, and removes
// addresses, routes, rules and interfaces. memory is the role's hand-over
// memory; what is not in there was never held.
func Relinquish(cfg *config.Config, memory *os.File, log *zap.Logger) error {
	h, err := openHandover(memory)
	if err != nil {
		return err
	}
	defer h.close()
	k, err := kernel.Open()
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer k.Close()
	state, err := k.Read(nil)
	if err != nil {
		return err
	}
	r := &role{
		cfg: cfg, log: log, mirror: netstate.NewMirror(), handover: h,
		holders: map[netstate.AddressKey][]*instance{},
	}
	r.mirror.Apply(netstate.Resynced{State: state})
	r.arrived.reset(state.Addresses)
	masters := r.predecessors()
	if len(r.instances) == 0 {
		return nil
	}
	var errs []error
	if r.sender, err = link.NewSender(); err == nil {
		for _, i := range masters {
			r.send(i, 0, time.Now())
			i.say("sent 0 priority")
		}
		r.sender.Close()
	}
	errs = append(errs, err)
	errs = append(errs, r.removeAll(k)...)
	return errors.Join(errs...)
}

// predecessors finds the instances that a predecessor had, and returns those
// that were master.
func (r *role) predecessors() (masters []*instance) {
	for _, c := range r.cfg.Instances {
		i := r.newInstance(c)
		was, known := r.handover.recall(i)
		if !known {
			continue
		}
		i.virtual, i.virtuals = virtualsOf(c)
		for _, v := range i.virtuals {
			if l, ok := r.mirror.LinkByName(v.name); ok && l.Kind == v.kind {
				v.index, v.made = l.Index, l.Index
			}
		}
		i.encoder.Resume(was.counters)
		r.resolve(i)
		r.instances = append(r.instances, i)
		if was.master {
			masters = append(masters, i)
		}
	}
	for _, i := range r.instances {
		for _, a := range i.want.Addresses {
			r.holders[a.Key()] = append(r.holders[a.Key()], i) // so that none of them is taken for a source
		}
	}
	firsts := r.firsts()
	for _, i := range r.instances {
		r.locate(i, firsts)
	}
	return masters
}

// removeAll removes whatever is left of the instances.
func (r *role) removeAll(k *kernel.Kernel) []error {
	var errs []error
	var links []int
	filtered := false
	for _, i := range r.instances {
		i.say("removing VIPs.")
		for _, f := range k.Apply(context.Background(), r.planRelease(&i.holdings)) {
			errs = append(errs, f)
		}
		r.handover.changed(i, vrrp.Stopped)
		for _, v := range i.virtuals {
			if v.made != 0 {
				links = append(links, v.made)
			}
		}
		filtered = filtered || len(i.virtuals) > 0 || !i.cfg.Accept
	}
	r.resolveStatic()
	for _, f := range k.Apply(context.Background(), r.planRelease(&r.static)) {
		errs = append(errs, f)
	}
	errs = append(errs, k.RemoveLinks(links...))
	if filtered {
		g := guard{global: r.cfg.Global.Firewall}
		errs = append(errs, g.apply(firewall.Policy{}), g.close())
	}
	return errs
}
