package director

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

// addresses are those of this machine, on each of its links.
type addresses map[netstate.AddressKey]bool

// apply takes what the kernel reports, and says whether it was about addresses.
func (a addresses) apply(ev netstate.Event) bool {
	switch ev := ev.(type) {
	case netstate.Resynced:
		clear(a)
		for _, at := range ev.State.Addresses {
			a[at.Key()] = true
		}
	case netstate.AddressChanged:
		a[ev.Address.Key()] = true
	case netstate.AddressGone:
		delete(a, ev.Address.Key())
	default:
		return false
	}
	return true
}

// set is the addresses without their links.
func (a addresses) set() map[netip.Addr]bool {
	set := make(map[netip.Addr]bool, len(a))
	for key := range a {
		set[key.Local.Addr()] = true
	}
	return set
}

// followAddresses keeps ha_suspend informed of the addresses of this machine until
// ctx ends, from the first configuration on that has it.
func (r *role) followAddresses(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-r.locates:
	}
	for ctx.Err() == nil {
		here := make(addresses)
		err := r.watchAddresses(ctx, func(ev netstate.Event) {
			if here.apply(ev) {
				set := here.set()
				r.post(func() { r.located(set) })
			}
		})
		if err != nil && ctx.Err() == nil {
			r.log.Error("ha_suspend: the addresses of this machine are not known", zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
	return nil
}

// watch begins to follow the addresses of this machine if a configuration wants it.
func (r *role) watch(cfg *config.Config) {
	select {
	case <-r.locates:
		return
	default:
	}
	if slices.ContainsFunc(cfg.VirtualServers, func(vs *config.VirtualServer) bool { return vs.HASuspend }) {
		close(r.locates)
	}
}

// located takes the addresses of this machine.
func (r *role) located(here map[netip.Addr]bool) {
	r.here = here
	r.carry(r.policy.locate(here))
}
