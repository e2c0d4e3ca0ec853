package config

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// vmacOf completes use_vmac and use_ipvlan.
func (d *decoder) vmacOf(i *instanceDraft, name syntax.Word) {
	d.ipvlanOf(i, name)
	if i.VMAC == nil {
		if i.xmitBase && i.IPVLAN == nil {
			d.err("vmac-only", name, "vmac_xmit_base of %s needs use_vmac; it is ignored", i.Name)
		}
		return
	}
	v := i.VMAC
	v.XmitBase = i.xmitBase
	if i.unicastGiven && !i.xmitBase {
		d.err("vmac-unicast", name, "unicast with use_vmac needs vmac_xmit_base; it is set")
		v.XmitBase = true
	}
	if i.PromoteSecondaries {
		d.err("vmac-promote", name, "promote_secondaries is always on for a vmac; it is ignored")
		i.PromoteSecondaries = false
	}
	if v.Name == "" {
		v.Name = d.linkFor(i, text(d.g.VMACPrefix, "vrrp"), i.IPv6)
	}
	d.linkNames[v.Name] = true
	if v.macShort {
		v.MAC[5] = i.VRID
	}
}

func (d *decoder) ipvlanOf(i *instanceDraft, name syntax.Word) {
	v := i.IPVLAN
	if v == nil {
		return
	}
	if i.VMAC != nil {
		d.err("vmac-and-ipvlan", name, "%s cannot have use_vmac and use_ipvlan; use_ipvlan is ignored", i.Name)
		i.IPVLAN = nil
		return
	}
	if !v.Source.IsValid() && !i.IPv6 {
		d.err("ipvlan-source", name, "use_ipvlan of %s needs a source address for IPv4; the instance stays in FAULT", i.Name)
		d.hint("write: use_ipvlan %s ADDRESS", text(v.Name, "NAME"))
	}
	if v.Name == "" {
		v.Name = d.linkFor(i, text(d.g.VMACPrefix, "vrrp"), i.IPv6)
	}
	d.linkNames[v.Name] = true
}

// reserveLinks remembers the interfaces that are named in the configuration.
func (d *decoder) reserveLinks() {
	d.linkNames = make(map[string]bool)
	for _, i := range d.instances {
		if i.VMAC != nil && i.VMAC.Name != "" {
			d.linkNames[i.VMAC.Name] = true
		}
	}
}

// linkFor finds a free name for an interface of the instance: PREFIX.VRID, for
// IPv6 then PREFIX6.VRID, then PREFIX1.VRID and so on.
func (d *decoder) linkFor(i *instanceDraft, prefix string, v6 bool) string {
	free := func(name string) bool {
		_, exists := d.env.link(name)
		return !d.linkNames[name] && (!exists || d.env.VMAC != nil && d.env.VMAC(name))
	}
	name := fmt.Sprintf("%s.%d", prefix, i.VRID)
	if free(name) {
		return name
	}
	if v6 {
		if name = fmt.Sprintf("%s6.%d", prefix, i.VRID); free(name) {
			return name
		}
	}
	for n := 1; n < 1000; n++ {
		if name = fmt.Sprintf("%s%d.%d", prefix, n, i.VRID); free(name) {
			break
		}
	}
	return name
}

// devicesOf gives the addresses their interfaces: the instance's, its vmac, or
// a vmac of their own. With use_ipvlan, too, they are on the instance's: only
// adverts use the other one.
func (d *decoder) devicesOf(i *instanceDraft) {
	base := i.Interface
	if i.VMAC != nil {
		base = i.VMAC.Name
	}
	for _, list := range [...][]Address{i.VIPs, i.ExcludedVIPs} {
		for k := range list {
			a := &list[k]
			own := !a.DevGiven || a.Dev == i.Interface
			mine := own && a.Prefix.Addr().Is6() == i.IPv6
			switch {
			case mine:
				a.Dev = base
			case own:
				a.Dev = i.Interface
			}
			if _, ok := d.env.link(i.Interface); mine && i.VMAC != nil && !ok {
				a.Parent = i.Interface
			}
			if !(a.UseVMAC && !(mine && i.VMAC != nil) || i.useVMACAddr && !mine) {
				continue
			}
			a.Parent = a.Dev
			if own {
				a.Parent = i.Interface
			}
			if a.VMACName == "" {
				a.VMACName = d.linkFor(i, text(d.g.VMACAddrPrefix, text(d.g.VMACPrefix, "vrrp")), a.Prefix.Addr().Is6())
			}
			d.linkNames[a.VMACName] = true
			a.Dev = a.VMACName
		}
	}
}
