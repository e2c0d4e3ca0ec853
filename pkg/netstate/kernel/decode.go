package kernel

import (
	"net/netip"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"golang.org/x/sys/unix"
)

// decode turns one message of routing netlink into an event. ok is false for
// messages that say nothing about links, addresses, routes or rules, and for
// those that cannot be understood.
func decode(kind uint16, body []byte) (ev netstate.Event, ok bool) {
	switch kind {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, ok := decodeLink(body)
		if kind == unix.RTM_DELLINK {
			return netstate.LinkGone{Link: l}, ok
		}
		return netstate.LinkChanged{Link: l}, ok
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		a, ok := decodeAddress(body)
		if kind == unix.RTM_DELADDR {
			return netstate.AddressGone{Address: a}, ok
		}
		return netstate.AddressChanged{Address: a}, ok
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		r, ok := decodeRoute(body)
		if kind == unix.RTM_DELROUTE {
			return netstate.RouteGone{Route: r}, ok
		}
		return netstate.RouteChanged{Route: r}, ok
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		r, ok := decodeRule(body)
		if kind == unix.RTM_DELRULE {
			return netstate.RuleGone{Rule: r}, ok
		}
		return netstate.RuleChanged{Rule: r}, ok
	}
	return nil, false
}

// decodeLink reads struct ifinfomsg and its attributes. Messages of a bridge
// about its ports, and of wireless drivers, use the same type but describe
// something else.
func decodeLink(b []byte) (l netstate.Link, ok bool) {
	if len(b) < unix.SizeofIfInfomsg || b[0] != unix.AF_UNSPEC {
		return l, false
	}
	flags := u32(b[8:])
	l = netstate.Link{
		HardwareType: u16(b[2:]),
		Index:        int(int32(u32(b[4:]))),
		Admin:        flags&unix.IFF_UP != 0,
		Carrier:      flags&unix.IFF_RUNNING != 0,
		Loopback:     flags&unix.IFF_LOOPBACK != 0,
		NoARP:        flags&unix.IFF_NOARP != 0,
		Multicast:    flags&unix.IFF_MULTICAST != 0,
		PointToPoint: flags&unix.IFF_POINTOPOINT != 0,
	}
	for kind, v := range attrs(b[unix.SizeofIfInfomsg:]) {
		switch kind {
		case unix.IFLA_WIRELESS:
			return netstate.Link{}, false
		case unix.IFLA_IFNAME:
			l.Name = text(v)
		case unix.IFLA_ADDRESS:
			l.MAC = netstate.MAC(v)
		case unix.IFLA_BROADCAST:
			l.Broadcast = netstate.MAC(v)
		case unix.IFLA_MTU:
			l.MTU = int(u32(v))
		case unix.IFLA_LINK:
			l.Parent = int(int32(u32(v)))
		case unix.IFLA_MASTER:
			l.Master = int(int32(u32(v)))
		case unix.IFLA_GROUP:
			l.Group = u32(v)
		case unix.IFLA_LINKINFO:
			decodeLinkInfo(&l, v)
		}
	}
	return l, l.Index > 0 && l.Name != ""
}

// decodeLinkInfo reads what is special to a kind of link: the first attribute
// of each kind of interest is its mode or table.
func decodeLinkInfo(l *netstate.Link, b []byte) {
	var data []byte
	for kind, v := range attrs(b) {
		switch kind {
		case unix.IFLA_INFO_KIND:
			l.Kind = text(v)
		case unix.IFLA_INFO_DATA:
			data = v
		}
	}
	for kind, v := range attrs(data) {
		if kind != 1 { // IFLA_MACVLAN_MODE, IFLA_IPVLAN_MODE, IFLA_VRF_TABLE
			continue
		}
		switch l.Kind {
		case "macvlan", "macvtap":
			l.Mode = u32(v)
		case "ipvlan", "ipvtap":
			l.Mode = uint32(u16(v))
		case "vrf":
			l.Table = u32(v)
		}
	}
}

// ifaProto is IFA_PROTO, which x/sys lacks.
const ifaProto = 11

// decodeAddress reads struct ifaddrmsg and its attributes.
func decodeAddress(b []byte) (a netstate.Address, ok bool) {
	if len(b) < unix.SizeofIfAddrmsg {
		return a, false
	}
	flags := uint32(b[2])
	a = netstate.Address{Scope: netstate.Scope(b[3]), Link: int(u32(b[4:])), Preferred: netstate.Forever}
	var local, other netip.Addr
	for kind, v := range attrs(b[unix.SizeofIfAddrmsg:]) {
		switch kind {
		case unix.IFA_ADDRESS:
			other = addr(v)
		case unix.IFA_LOCAL:
			local = addr(v)
		case unix.IFA_BROADCAST:
			a.Broadcast = addr(v)
		case unix.IFA_LABEL:
			a.Label = text(v)
		case unix.IFA_FLAGS:
			flags = u32(v)
		case unix.IFA_CACHEINFO:
			a.Preferred = netstate.Lifetime(u32(v))
		case ifaProto:
			a.Protocol = u8(v)
		}
	}
	if flags&unix.IFA_F_DEPRECATED != 0 {
		a.Preferred = 0
	}
	a.NoDAD = flags&unix.IFA_F_NODAD != 0
	a.Home = flags&unix.IFA_F_HOMEADDRESS != 0
	a.ManageTemp = flags&unix.IFA_F_MANAGETEMPADDR != 0
	a.NoPrefixRoute = flags&unix.IFA_F_NOPREFIXROUTE != 0
	a.AutoJoin = flags&unix.IFA_F_MCAUTOJOIN != 0
	a.Tentative = flags&unix.IFA_F_TENTATIVE != 0
	a.Duplicate = flags&unix.IFA_F_DADFAILED != 0
	return placeAddress(a, b[0], int(b[1]), local, other)
}

// placeAddress sorts out which address is ours: IFA_LOCAL where there is one.
// IFA_ADDRESS is then the peer, unless it is the same.
func placeAddress(a netstate.Address, family uint8, bits int, local, other netip.Addr) (netstate.Address, bool) {
	if !local.IsValid() {
		local = other
	}
	if !local.IsValid() || local.Is4() != (family == unix.AF_INET) || bits > local.BitLen() {
		return netstate.Address{}, false
	}
	if other.IsValid() && other != local && other.Is4() == local.Is4() {
		a.Prefix = netip.PrefixFrom(local, local.BitLen())
		a.Peer = netip.PrefixFrom(other, bits)
	} else {
		a.Prefix = netip.PrefixFrom(local, bits)
	}
	return a, true
}

// decodeRoute reads struct rtmsg and its attributes. Entries of the kernel's
// route cache are no routes.
func decodeRoute(b []byte) (r netstate.Route, ok bool) {
	if len(b) < unix.SizeofRtMsg || u32(b[8:])&unix.RTM_F_CLONED != 0 {
		return r, false
	}
	var zero netip.Addr
	switch b[0] {
	case unix.AF_INET:
		r.Family, zero = netstate.IPv4, netip.IPv4Unspecified()
	case unix.AF_INET6:
		r.Family, zero = netstate.IPv6, netip.IPv6Unspecified()
	default:
		return r, false
	}
	r.TOS, r.Table, r.Protocol = b[3], uint32(b[4]), b[5]
	r.Scope, r.Type = netstate.Some(netstate.Scope(b[6])), netstate.RouteType(b[7])
	r.Hop.OnLink = u32(b[8:])&unix.RTNH_F_ONLINK != 0
	dst, from := zero, netip.Addr{}
	for kind, v := range attrs(b[unix.SizeofRtMsg:]) {
		switch kind {
		case unix.RTA_DST:
			dst = addr(v)
		case unix.RTA_SRC:
			from = addr(v)
		default:
			decodeRouteAttr(&r, kind, v)
		}
	}
	if !dst.IsValid() || dst.Is4() != zero.Is4() || int(b[1]) > zero.BitLen() || int(b[2]) > zero.BitLen() {
		return netstate.Route{}, false
	}
	r.Hop.Encap = settleEncap(r.Hop.Encap)
	r.Dst = netip.PrefixFrom(dst, int(b[1]))
	if from.IsValid() && from.Is4() == zero.Is4() && b[2] > 0 {
		r.From = netip.PrefixFrom(from, int(b[2]))
	}
	return r, true
}

func decodeRouteAttr(r *netstate.Route, kind uint16, v []byte) {
	switch kind {
	case unix.RTA_TABLE:
		r.Table = u32(v)
	case unix.RTA_PRIORITY:
		r.Metric = u32(v)
	case unix.RTA_PREFSRC:
		r.Source = addr(v)
	case unix.RTA_METRICS:
		r.Metrics = decodeMetrics(v)
	case unix.RTA_MULTIPATH:
		r.Hops = decodeHops(v)
		r.Hop = netstate.Hop{}
	case unix.RTA_CACHEINFO:
		if len(v) >= 12 {
			r.Expires = ticks(u32(v[8:]))
		}
	case unix.RTA_PREF:
		r.Preference = netstate.Some(u8(v))
	case unix.RTA_TTL_PROPAGATE:
		r.TTLPropagate = netstate.Some(u8(v) != 0)
	default:
		decodeHopAttr(&r.Hop, kind, v)
	}
}

// decodeHopAttr reads an attribute that a route and each of several next hops
// may have.
func decodeHopAttr(h *netstate.Hop, kind uint16, v []byte) {
	switch kind {
	case unix.RTA_OIF:
		h.Link = int(int32(u32(v)))
	case unix.RTA_GATEWAY:
		h.Via = addr(v)
	case unix.RTA_VIA: // a gateway of the other family: family, then address
		if len(v) > 2 {
			h.Via = addr(v[2:])
		}
	case unix.RTA_FLOW:
		h.Realm = u32(v)
	case unix.RTA_ENCAP_TYPE:
		h.Encap.Kind = netstate.EncapKind(u16(v))
	case unix.RTA_ENCAP:
		h.Encap.Labels = decodeLabels(v)
	}
}

// decodeHops reads a list of struct rtnexthop with attributes.
func decodeHops(b []byte) []netstate.Hop {
	var hops []netstate.Hop
	for len(b) >= unix.SizeofRtNexthop {
		n := int(u16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			break
		}
		h := netstate.Hop{OnLink: b[2]&unix.RTNH_F_ONLINK != 0, Weight: int(b[3]) + 1, Link: int(int32(u32(b[4:])))}
		for kind, v := range attrs(b[unix.SizeofRtNexthop:n]) {
			decodeHopAttr(&h, kind, v)
		}
		h.Encap = settleEncap(h.Encap)
		hops = append(hops, h)
		b = b[min((n+3)&^3, len(b)):]
	}
	return hops
}

// settleEncap drops labels that were read from a tunnel of another kind, whose
// attributes mean other things: the kind may come after them.
func settleEncap(e netstate.Encap) netstate.Encap {
	if e.Kind != netstate.EncapMPLS {
		e.Labels = nil
	}
	return e
}

// decodeLabels reads the label stack of an MPLS tunnel.
func decodeLabels(b []byte) []uint32 {
	var labels []uint32
	for kind, v := range attrs(b) {
		if kind != mplsDst {
			continue
		}
		for stack := v; len(stack) >= 4; stack = stack[4:] {
			labels = append(labels, uint32(stack[0])<<12|uint32(stack[1])<<4|uint32(stack[2])>>4)
		}
	}
	return slices.Clip(labels)
}

// decodeRule reads struct fib_rule_hdr and its attributes.
func decodeRule(b []byte) (r netstate.Rule, ok bool) {
	if len(b) < unix.SizeofRtMsg {
		return r, false
	}
	switch b[0] {
	case unix.AF_INET:
		r.Family = netstate.IPv4
	case unix.AF_INET6:
		r.Family = netstate.IPv6
	default:
		return r, false
	}
	r.TOS, r.Table, r.Action = b[3], uint32(b[4]), netstate.RuleAction(b[7])
	r.Not = u32(b[8:])&fibRuleInvert != 0
	var mark uint32
	for kind, v := range attrs(b[unix.SizeofRtMsg:]) {
		switch kind {
		case unix.FRA_DST:
			r.To = prefix(v, b[1])
		case unix.FRA_SRC:
			r.From = prefix(v, b[2])
		case unix.FRA_FWMARK:
			mark = u32(v)
		case unix.FRA_FWMASK:
			r.Mask = u32(v)
		default:
			decodeRuleAttr(&r, kind, v)
		}
	}
	if r.Mask != 0 {
		r.Mark = netstate.Some(mark)
	}
	return r.Normal(), true
}

func decodeRuleAttr(r *netstate.Rule, kind uint16, v []byte) {
	switch kind {
	case unix.FRA_TABLE:
		r.Table = u32(v)
	case unix.FRA_PRIORITY:
		r.Priority = u32(v)
	case unix.FRA_GOTO:
		r.Goto = u32(v)
	case unix.FRA_IIFNAME:
		r.In = text(v)
	case unix.FRA_OIFNAME:
		r.Out = text(v)
	case unix.FRA_FLOW:
		r.Realms = u32(v)
	case unix.FRA_TUN_ID:
		r.TunnelID = be64(v)
	case unix.FRA_SUPPRESS_PREFIXLEN:
		if n := u32(v); n != ^uint32(0) {
			r.SuppressPrefixLen = netstate.Some(n)
		}
	case unix.FRA_SUPPRESS_IFGROUP:
		if n := u32(v); n != ^uint32(0) {
			r.SuppressIfGroup = netstate.Some(n)
		}
	case unix.FRA_L3MDEV:
		r.L3MDev = u8(v) != 0
	case unix.FRA_UID_RANGE:
		if len(v) >= 8 {
			r.UIDs = netstate.Some(netstate.Range[uint32]{First: u32(v), Last: u32(v[4:])})
		}
	case unix.FRA_PROTOCOL:
		r.Protocol = u8(v)
	case unix.FRA_IP_PROTO:
		r.IPProto = u8(v)
	case unix.FRA_SPORT_RANGE:
		r.SrcPorts = ports(v)
	case unix.FRA_DPORT_RANGE:
		r.DstPorts = ports(v)
	}
}

func ports(v []byte) netstate.Opt[netstate.Range[uint16]] {
	if len(v) < 4 {
		return netstate.Opt[netstate.Range[uint16]]{}
	}
	return netstate.Some(netstate.Range[uint16]{First: u16(v), Last: u16(v[2:])})
}

// prefix is the prefix of an address attribute, none if they do not fit.
func prefix(v []byte, bits uint8) netip.Prefix {
	a := addr(v)
	if !a.IsValid() || int(bits) > a.BitLen() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, int(bits))
}
