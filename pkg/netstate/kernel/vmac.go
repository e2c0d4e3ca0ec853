package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/vishvananda/netlink"
)

// EnsureLink makes sure that a virtual router's own interface exists and is up,
// and says whether it was made just now. One that matches is used again; one of
// the same name and kind that does not match is replaced; anything else with
// the name is left alone and is an error.
//
// The interface is in the VRF of its parent, if there is one, and generates no
// IPv6 address by itself.
func (k *Kernel) EnsureLink(v netstate.VirtualLink) (l netstate.Link, made bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s interface %s: %w", v.Kind, v.Name, err)
		}
	}()
	have, err := k.linkByName(v.Name)
	switch {
	case err != nil:
		return l, false, err
	case have != nil && have.Kind != v.Kind:
		return l, false, fmt.Errorf("the name is taken by an interface of another kind (%s)", have.Kind)
	case have != nil && !v.Matches(*have):
		if err := k.removeLink(have.Index); err != nil {
			return l, false, err
		}
		have = nil
	}
	if have == nil {
		if err := k.makeLink(v); err != nil {
			return l, false, err
		}
		made = true
	}
	l, err = k.setUp(v)
	return l, made, err
}

func (k *Kernel) makeLink(v netstate.VirtualLink) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex, attrs.Group = v.Name, v.Parent, v.Group
	attrs.HardwareAddr = net.HardwareAddr(v.MAC.Bytes())
	var link netlink.Link
	switch v.Kind {
	case "macvlan":
		link = &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PRIVATE}
	case "ipvlan":
		attrs.HardwareAddr = nil // an ipvlan has its parent's
		flags := map[netstate.IPVlanMode]netlink.IPVlanFlag{
			netstate.IPVlanBridge: netlink.IPVLAN_FLAG_BRIDGE, netstate.IPVlanPrivate: netlink.IPVLAN_FLAG_PRIVATE, netstate.IPVlanVEPA: netlink.IPVLAN_FLAG_VEPA,
		}
		link = &netlink.IPVlan{LinkAttrs: attrs, Mode: netlink.IPVLAN_MODE_L2, Flag: flags[v.Mode]}
	default:
		return fmt.Errorf("no such kind of interface")
	}
	if err := k.links.LinkAdd(link); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

// setUp brings the interface up, in the VRF of its parent.
func (k *Kernel) setUp(v netstate.VirtualLink) (netstate.Link, error) {
	have, err := k.linkByName(v.Name)
	if err != nil {
		return netstate.Link{}, err
	}
	if have == nil {
		return netstate.Link{}, errors.New("it vanished while it was set up")
	}
	link := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: have.Index}}
	// Without IPv6 there is nothing to switch off.
	_ = k.links.LinkSetIP6AddrGenMode(link, nl6AddrGenNone)
	if err := k.followVRF(v.Parent, *have); err != nil {
		return netstate.Link{}, err
	}
	if err := k.links.LinkSetUp(link); err != nil {
		return netstate.Link{}, fmt.Errorf("set up: %w", err)
	}
	have, err = k.linkByName(v.Name)
	if err != nil || have == nil {
		return netstate.Link{}, errors.Join(err, errors.New("it vanished while it was set up"))
	}
	return *have, nil
}

// nl6AddrGenNone is IN6_ADDR_GEN_MODE_NONE.
const nl6AddrGenNone = 1

// followVRF puts a link into the VRF that its parent belongs to, or out of one.
// Other masters of the parent (a bridge, a bond) concern the parent alone.
func (k *Kernel) followVRF(parent int, l netstate.Link) error {
	p, err := k.link(parent)
	if err != nil || p == nil {
		return err
	}
	master := 0
	if p.Master != 0 {
		if m, err := k.link(p.Master); err == nil && m != nil && m.Kind == "vrf" {
			master = m.Index
		}
	}
	if l.Master == master {
		return nil
	}
	if err := k.links.LinkSetMasterByIndex(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: l.Index}}, master); err != nil {
		return fmt.Errorf("follow the VRF of the parent: %w", err)
	}
	return nil
}

// FollowVRF makes an interface of ours follow its parent into or out of a VRF;
// call it when the parent's master changed.
func (k *Kernel) FollowVRF(l netstate.Link) error { return k.followVRF(l.Parent, l) }

// UseIPv6 switches IPv6 on or off on an interface. Without IPv6 in the kernel there is
// nothing to switch.
func (s *Sysctls) UseIPv6(iface string, on bool) error {
	value := map[bool]string{true: "0", false: "1"}[on]
	if err := s.Interface("ipv6", iface, "disable_ipv6", value); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SetVirtualSysctls makes parent and virtual interface speak ARP only for their
// own addresses, and lets the virtual one receive what the parent sent. With a
// macvlan the parent must neither answer nor ask in the name of an address of
// the virtual router, or neighbours would learn the wrong link layer address.
func (s *Sysctls) SetVirtualSysctls(parent, virtual string, f netstate.Family) error {
	if f == netstate.IPv6 {
		return nil
	}
	return errors.Join(
		s.Interface("ipv4", parent, "arp_ignore", "1"),
		s.Interface("ipv4", parent, "arp_filter", "1"),
		s.Interface("ipv4", parent, "arp_announce", "2"),
		s.Interface("ipv4", virtual, "accept_local", "1"),
		s.Interface("ipv4", virtual, "rp_filter", "0"),
		s.Interface("ipv4", virtual, "arp_ignore", "1"),
		s.Interface("ipv4", virtual, "promote_secondaries", "1"))
}
