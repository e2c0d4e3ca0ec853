package director

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

func TestAddressOnTwoLinks(t *testing.T) {
	vip := netip.MustParsePrefix("10.9.0.100/32")
	lo, lan := netstate.NewAddress(1, vip), netstate.NewAddress(2, vip)
	here := make(addresses)
	for _, ev := range []netstate.Event{
		netstate.Resynced{State: netstate.State{Addresses: []netstate.Address{lo}}},
		netstate.AddressChanged{Address: lan},
		netstate.AddressChanged{Address: lan},
		netstate.AddressGone{Address: lan},
	} {
		here.apply(ev)
		if !here.set()[vip.Addr()] {
			t.Errorf("after %T the address is taken for gone", ev)
		}
	}
	here.apply(netstate.AddressGone{Address: lo})
	if len(here.set()) > 0 {
		t.Errorf("addresses %v, want none", here.set())
	}
}

// The addresses are followed from the first configuration on that needs them, and
// again when that ended with an error.
func TestAddressesAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vip := netstate.NewAddress(1, netip.MustParsePrefix("10.9.0.100/32"))
		reports := make(chan netstate.Event)
		begun := 0
		watch := func(ctx context.Context, emit func(netstate.Event)) error {
			begun++
			for {
				select {
				case ev := <-reports:
					if ev == nil {
						return errors.New("lost")
					}
					emit(ev)
				case <-ctx.Done():
					return nil
				}
			}
		}
		k := ipvstest.New()
		r := newRole(Options{Config: cfgOf(vs(rs("10.9.0.11:80", 1))), Log: zap.NewNop()}, k)
		engine, reload := &fakeEngine{suspended: make(map[string]bool)}, make(chan *config.Config)
		r.engine, r.hub, r.rules, r.sysctls, r.flows = engine, &fakeHub{}, &fakeRules{}, fakeSysctls{}, fakeSysctls{}
		r.watchAddresses, r.opt.Reload = watch, reload
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.run(ctx) }()
		suspended := func(want bool) {
			t.Helper()
			synctest.Wait()
			if got := engine.suspended[engine.key("10.9.0.11:80")]; got != want {
				t.Errorf("suspended %v, want %v", got, want)
			}
		}
		suspended(false)
		if begun > 0 {
			t.Error("addresses are followed although nobody needs them")
		}
		reload <- cfgOf(edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) { v.HASuspend = true }))
		reports <- netstate.Resynced{}
		suspended(true)
		reports <- netstate.AddressChanged{Address: vip}
		suspended(false)
		reports <- netstate.AddressGone{Address: vip}
		suspended(true)
		reports <- nil
		time.Sleep(redial)
		reports <- netstate.Resynced{State: netstate.State{Addresses: []netstate.Address{vip}}}
		suspended(false)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
