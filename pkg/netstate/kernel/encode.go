package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"golang.org/x/sys/unix"
)

// request is one message to the kernel.
type request struct {
	kind  uint16
	flags uint16
	body  []byte
}

// encode turns an operation into a request.
func encode(op netstate.Op) (request, error) {
	switch item := op.Item.(type) {
	case netstate.Address:
		if op.Verb == netstate.Remove {
			// The kernel removes only what has the label given, and gives addresses other
			// labels when their link gets another name.
			item.Label = ""
		}
		return request{choose(op.Verb, unix.RTM_NEWADDR, unix.RTM_DELADDR), addressFlags(op.Verb), encodeAddress(item)}, nil
	case netstate.Route:
		return request{choose(op.Verb, unix.RTM_NEWROUTE, unix.RTM_DELROUTE), routeFlags(op.Verb, item), encodeRoute(item, op.Verb)}, nil
	case netstate.Rule:
		return request{choose(op.Verb, unix.RTM_NEWRULE, unix.RTM_DELRULE), addressFlags(op.Verb), encodeRule(item)}, nil
	}
	return request{}, fmt.Errorf("%v: no such kind of item", op.Verb)
}

func choose(v netstate.Verb, set, remove uint16) uint16 {
	if v == netstate.Remove {
		return remove
	}
	return set
}

func addressFlags(v netstate.Verb) uint16 {
	switch v {
	case netstate.Add:
		return unix.NLM_F_CREATE | unix.NLM_F_EXCL
	case netstate.Replace:
		return unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	}
	return 0
}

// routeFlags: creating without EXCL puts an IPv4 route before its equals.
func routeFlags(v netstate.Verb, r netstate.Route) uint16 {
	switch {
	case v == netstate.Remove:
		return 0
	case v == netstate.Replace:
		return unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	case r.Insert == netstate.Append:
		return unix.NLM_F_CREATE | unix.NLM_F_APPEND
	case r.Insert == netstate.Exclusive:
		return unix.NLM_F_CREATE | unix.NLM_F_EXCL
	}
	return unix.NLM_F_CREATE
}

func encodeAddress(a netstate.Address) []byte {
	var m builder
	local, bits := a.Prefix.Addr(), a.Prefix.Bits()
	far := local
	if a.Peer.IsValid() {
		far, bits = a.Peer.Addr(), a.Peer.Bits()
	}
	flags := addressBits(a)
	m.b = append(m.b, family(a.Family()), uint8(bits), uint8(flags), uint8(a.Scope))
	m.b = binary.NativeEndian.AppendUint32(m.b, uint32(a.Link))
	m.addr(unix.IFA_LOCAL, local)
	m.addr(unix.IFA_ADDRESS, far)
	m.u32(unix.IFA_FLAGS, flags)
	if local.Is4() {
		m.addr(unix.IFA_BROADCAST, a.Broadcast)
		if a.Label != "" {
			m.text(unix.IFA_LABEL, a.Label)
		}
	}
	if a.Preferred != netstate.Forever {
		var info [16]byte // preferred and valid lifetime, two stamps
		binary.NativeEndian.PutUint32(info[:], uint32(a.Preferred))
		binary.NativeEndian.PutUint32(info[4:], uint32(netstate.Forever))
		m.attr(unix.IFA_CACHEINFO, info[:])
	}
	if a.Protocol != 0 {
		m.u8(ifaProto, a.Protocol)
	}
	return m.b
}

func addressBits(a netstate.Address) uint32 {
	var flags uint32
	set := func(on bool, bit uint32) {
		if on {
			flags |= bit
		}
	}
	set(a.NoPrefixRoute, unix.IFA_F_NOPREFIXROUTE)
	set(a.AutoJoin, unix.IFA_F_MCAUTOJOIN)
	if a.Family() == netstate.IPv6 {
		set(a.NoDAD, unix.IFA_F_NODAD)
		set(a.Home, unix.IFA_F_HOMEADDRESS)
		set(a.ManageTemp, unix.IFA_F_MANAGETEMPADDR)
	}
	return flags
}

func family(f netstate.Family) uint8 {
	if f == netstate.IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func encodeRoute(r netstate.Route, v netstate.Verb) []byte {
	var m builder
	scope := r.EffectiveScope()
	if v == netstate.Remove && !r.Scope.Set {
		scope = netstate.ScopeNowhere // any
	}
	var flags uint32
	if r.Hop.OnLink {
		flags |= unix.RTNH_F_ONLINK
	}
	table := uint8(unix.RT_TABLE_COMPAT)
	if r.Table < 256 {
		table = uint8(r.Table)
	}
	m.b = append(m.b, family(r.Family), uint8(r.Dst.Bits()), sourceBits(r), r.TOS, table, r.Protocol, uint8(scope), uint8(r.Type))
	m.b = binary.NativeEndian.AppendUint32(m.b, flags)
	if r.Dst.Bits() > 0 {
		m.addr(unix.RTA_DST, r.Dst.Addr())
	}
	if sourceBits(r) > 0 {
		m.addr(unix.RTA_SRC, r.From.Addr())
	}
	m.u32(unix.RTA_TABLE, r.Table)
	m.u32if(unix.RTA_PRIORITY, r.Metric)
	m.addr(unix.RTA_PREFSRC, r.Source)
	encodeRouteOptions(&m, r)
	encodeMetrics(&m, r.Metrics)
	if len(r.Hops) > 0 {
		m.group(unix.RTA_MULTIPATH, func(m *builder) { encodeHops(m, r) })
		return m.b
	}
	m.u32if(unix.RTA_OIF, uint32(r.Hop.Link))
	encodeHop(&m, r.Family, r.Hop)
	return m.b
}

func sourceBits(r netstate.Route) uint8 {
	if !r.From.IsValid() {
		return 0
	}
	return uint8(r.From.Bits())
}

func encodeRouteOptions(m *builder, r netstate.Route) {
	if r.Expires > 0 {
		m.u32(unix.RTA_EXPIRES, uint32(r.Expires.Seconds()))
	}
	if r.Preference.Set {
		m.u8(unix.RTA_PREF, r.Preference.Value)
	}
	if r.TTLPropagate.Set {
		m.u8(unix.RTA_TTL_PROPAGATE, bit(r.TTLPropagate.Value))
	}
}

func encodeHops(m *builder, r netstate.Route) {
	for _, h := range r.Hops {
		var one builder
		encodeHop(&one, r.Family, h)
		var flags uint8
		if h.OnLink {
			flags = unix.RTNH_F_ONLINK
		}
		m.b = binary.NativeEndian.AppendUint16(m.b, uint16(unix.SizeofRtNexthop+len(one.b)))
		m.b = append(m.b, flags, uint8(max(h.Weight, 1)-1))
		m.b = binary.NativeEndian.AppendUint32(m.b, uint32(h.Link))
		m.b = append(m.b, one.b...)
	}
}

func encodeHop(m *builder, f netstate.Family, h netstate.Hop) {
	switch {
	case !h.Via.IsValid():
	case netstate.FamilyOf(h.Via) == f:
		m.addr(unix.RTA_GATEWAY, h.Via)
	default:
		via := binary.NativeEndian.AppendUint16(nil, uint16(family(netstate.FamilyOf(h.Via))))
		m.attr(unix.RTA_VIA, append(via, h.Via.AsSlice()...))
	}
	m.u32if(unix.RTA_FLOW, h.Realm)
	if h.Encap.Kind != netstate.EncapNone {
		m.u16(unix.RTA_ENCAP_TYPE, uint16(h.Encap.Kind))
		m.group(unix.RTA_ENCAP|nested, func(m *builder) { encodeEncap(m, h.Encap) })
	}
}

// The attributes of lightweight tunnels: <linux/mpls_iptunnel.h>,
// <linux/lwtunnel.h>, <linux/ila.h>. Those of IP and IPv6 have the same numbers.
const (
	mplsDst = 1
	mplsTTL = 2

	ipID    = 1
	ipDst   = 2
	ipSrc   = 3
	ipTTL   = 4
	ipTOS   = 5
	ipFlags = 6

	ilaLocator   = 1
	ilaCsumMode  = 3
	ilaIdentType = 4
	ilaHookType  = 5
)

func encodeEncap(m *builder, e netstate.Encap) {
	switch e.Kind {
	case netstate.EncapMPLS:
		m.attr(mplsDst, labelStack(e.Labels))
		if e.TTL != 0 {
			m.u8(mplsTTL, e.TTL)
		}
	case netstate.EncapIP, netstate.EncapIP6:
		if e.ID != 0 {
			m.be64(ipID, e.ID)
		}
		m.addr(ipDst, e.Dst)
		m.addr(ipSrc, e.Src)
		if e.TTL != 0 {
			m.u8(ipTTL, e.TTL)
		}
		if e.TOS != 0 {
			m.u8(ipTOS, e.TOS)
		}
		if e.Flags != 0 {
			m.be16(ipFlags, e.Flags)
		}
	case netstate.EncapILA:
		m.be64(ilaLocator, e.Locator)
		m.u8opt(ilaCsumMode, e.ChecksumMode)
		m.u8opt(ilaIdentType, e.IdentType)
		m.u8opt(ilaHookType, e.HookType)
	}
}

// labelStack is the wire form of RFC 3032: the last label has the bottom bit.
func labelStack(labels []uint32) []byte {
	var b []byte
	for i, l := range labels {
		entry := l << 12
		if i == len(labels)-1 {
			entry |= 1 << 8
		}
		b = binary.BigEndian.AppendUint32(b, entry)
	}
	return b
}

// fibRuleInvert is FIB_RULE_INVERT.
const fibRuleInvert = 2

func encodeRule(r netstate.Rule) []byte {
	r = r.Normal()
	var m builder
	var flags uint32
	if r.Not {
		flags |= fibRuleInvert
	}
	table := uint8(unix.RT_TABLE_COMPAT)
	if r.Table < 256 {
		table = uint8(r.Table)
	}
	m.b = append(m.b, family(r.Family), prefixBits(r.To), prefixBits(r.From), r.TOS, table, 0, 0, uint8(r.Action))
	m.b = binary.NativeEndian.AppendUint32(m.b, flags)
	m.u32(unix.FRA_PRIORITY, r.Priority)
	m.u8(unix.FRA_PROTOCOL, r.Protocol)
	if r.To.IsValid() {
		m.addr(unix.FRA_DST, r.To.Addr())
	}
	if r.From.IsValid() {
		m.addr(unix.FRA_SRC, r.From.Addr())
	}
	if r.Table >= 256 {
		m.u32(unix.FRA_TABLE, r.Table)
	}
	m.u32if(unix.FRA_GOTO, r.Goto)
	if r.Mark.Set {
		m.u32(unix.FRA_FWMARK, r.Mark.Value)
		m.u32(unix.FRA_FWMASK, r.Mask)
	}
	if r.In != "" {
		m.text(unix.FRA_IIFNAME, r.In)
	}
	if r.Out != "" {
		m.text(unix.FRA_OIFNAME, r.Out)
	}
	encodeRuleOptions(&m, r)
	return m.b
}

func encodeRuleOptions(m *builder, r netstate.Rule) {
	m.u32if(unix.FRA_FLOW, r.Realms)
	if r.TunnelID != 0 {
		m.be64(unix.FRA_TUN_ID, r.TunnelID)
	}
	if r.SuppressPrefixLen.Set {
		m.u32(unix.FRA_SUPPRESS_PREFIXLEN, r.SuppressPrefixLen.Value)
	}
	if r.SuppressIfGroup.Set {
		m.u32(unix.FRA_SUPPRESS_IFGROUP, r.SuppressIfGroup.Value)
	}
	if r.L3MDev {
		m.u8(unix.FRA_L3MDEV, 1)
	}
	if r.UIDs.Set {
		b := binary.NativeEndian.AppendUint32(nil, r.UIDs.Value.First)
		m.attr(unix.FRA_UID_RANGE, binary.NativeEndian.AppendUint32(b, r.UIDs.Value.Last))
	}
	if r.IPProto != 0 {
		m.u8(unix.FRA_IP_PROTO, r.IPProto)
	}
	portRange(m, unix.FRA_SPORT_RANGE, r.SrcPorts)
	portRange(m, unix.FRA_DPORT_RANGE, r.DstPorts)
}

func portRange(m *builder, kind uint16, p netstate.Opt[netstate.Range[uint16]]) {
	if !p.Set {
		return
	}
	b := binary.NativeEndian.AppendUint16(nil, p.Value.First)
	m.attr(kind, binary.NativeEndian.AppendUint16(b, p.Value.Last))
}

func prefixBits(p netip.Prefix) uint8 {
	if !p.IsValid() {
		return 0
	}
	return uint8(p.Bits())
}

func bit(on bool) uint8 {
	if on {
		return 1
	}
	return 0
}
