package router

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

// Interfaces of our own have IPv6 where an address may need it, and only there.
func TestIPv6OfVirtualInterfaces(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("2001:db8::10/64")
	for _, tt := range []struct {
		name string
		c    config.Instance
		want []bool
	}{
		{"IPv4", config.Instance{VIPs: []config.Address{{Prefix: v4}}}, []bool{false}},
		{"IPv6", config.Instance{IPv6: true, VIPs: []config.Address{{Prefix: v6}}}, []bool{true}},
		{"IPv4 with an excluded address", config.Instance{VIPs: []config.Address{{Prefix: v4}}, ExcludedVIPs: []config.Address{{Prefix: v6}}}, []bool{true}},
		{
			"use_vmac_addr",
			config.Instance{VIPs: []config.Address{{Prefix: v4, VMACName: "vrrp1.5", Parent: "eth1"}}, ExcludedVIPs: []config.Address{{Prefix: v6, VMACName: "vrrp6.5", Parent: "eth1"}}},
			[]bool{true, false, true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Interface, tt.c.VMAC = "eth0", &config.VMAC{Name: "vrrp.5"}
			_, all := virtualsOf(&tt.c)
			var got []bool
			for _, v := range all {
				got = append(got, v.ipv6)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// garp_extra_if is about addresses that no adverts speak for.
func TestAddressesElsewhere(t *testing.T) {
	i := &instance{cfg: &config.Instance{}, virtuals: []*virtual{{index: 11}, {index: 12}}}
	i.own.Index = 11
	for _, link := range []int{11, 12, 2} {
		i.want.Addresses = append(i.want.Addresses, netstate.NewAddress(link, netip.MustParsePrefix("192.0.2.10/24")))
	}
	links := func() (list []int) {
		for _, a := range i.elsewhere() {
			list = append(list, a.Link)
		}
		return list
	}
	if got := links(); !slices.Equal(got, []int{12}) {
		t.Errorf("interfaces %v, want 12", got)
	}
	i.cfg.GARPExtraIfAll = true
	if got := links(); !slices.Equal(got, []int{12, 2}) {
		t.Errorf("with all: interfaces %v, want 12 and 2", got)
	}
}
