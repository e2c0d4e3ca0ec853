package router

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

// links finds interfaces by name; [netstate.Mirror] is one.
type links interface {
	LinkByName(name string) (netstate.Link, bool)
}

// A missingLink says that an address or route names an interface that does
// not exist.
type missingLink string

func (m missingLink) Error() string { return "interface " + string(m) + " does not exist" }

// linkIndex is the index of the interface called name; none for no name.
func linkIndex(in links, name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	l, ok := in.LinkByName(name)
	if !ok {
		return 0, missingLink(name)
	}
	return l.Index, nil
}

// desiredAddress is the address that a line of an address block asks for, on
// the interface dev.
func desiredAddress(a config.Address, dev string, in links) (netstate.Address, error) {
	index, err := linkIndex(in, dev)
	if err != nil {
		return netstate.Address{}, fmt.Errorf("%s: %w", a.Prefix, err)
	}
	d := netstate.NewAddress(index, a.Prefix)
	d.Peer = a.Peer
	d.Broadcast = a.Broadcast
	d.Label = a.Label
	d.Scope = netstate.Scope(a.Scope)
	d.Home = a.Home
	d.NoDAD = a.Prefix.Addr().Is6() && !a.DAD
	d.ManageTemp = a.MngTmpAddr
	d.NoPrefixRoute = a.NoPrefix
	d.AutoJoin = a.Autojoin
	if a.PreferredLft != nil && (d.Family() == netstate.IPv6 || *a.PreferredLft != 0) { // 0 is for IPv6
		d.Preferred = netstate.Lifetime(*a.PreferredLft)
	}
	return d, nil
}

// desiredRoute is the route that a line of a route block asks for.
func desiredRoute(r config.Route, in links) (netstate.Route, error) {
	d := netstate.NewRoute(r.Dst)
	if r.IPv6 {
		d.Family = netstate.IPv6
	}
	if r.Type != 0 {
		d.Type = netstate.RouteType(r.Type)
	}
	d.From = r.From
	d.Source = r.Src
	d.Metric = r.Metric
	d.TOS = uint8(r.TOS)
	d.Expires = time.Duration(r.Expires) * time.Second
	d.Insert = [...]netstate.Insert{netstate.Prepend, netstate.Append, netstate.Exclusive}[r.Mode]
	d.Metrics = routeMetrics(r.Metrics)
	if r.Protocol != 0 {
		d.Protocol = uint8(r.Protocol)
	}
	if r.Scope >= 0 {
		d.Scope = netstate.Some(netstate.Scope(r.Scope))
	}
	if r.Pref >= 0 {
		d.Preference = netstate.Some(uint8(r.Pref))
	}
	if r.TTLProp >= 0 {
		d.TTLPropagate = netstate.Some(r.TTLProp != 0)
	}
	via := r.Via
	if len(r.NextHops) > 0 {
		via = netip.Addr{} // the kernel takes the one or the other
	}
	var err error
	if d.Table, err = routeTable(r, in); err != nil {
		return netstate.Route{}, fmt.Errorf("route %s: %w", r.Dst, err)
	}
	if d.Hop, err = desiredHop(via, r.Dev, r.OnLink, r.Realms, r.Encap, in); err != nil {
		return netstate.Route{}, fmt.Errorf("route %s: %w", r.Dst, err)
	}
	for _, n := range r.NextHops {
		hop, err := desiredHop(n.Via, n.Dev, n.OnLink, n.Realms, n.Encap, in)
		if err != nil {
			return netstate.Route{}, fmt.Errorf("route %s: %w", r.Dst, err)
		}
		hop.Weight = n.Weight
		d.Hops = append(d.Hops, hop)
	}
	return d, nil
}

func routeTable(r config.Route, in links) (uint32, error) {
	switch {
	case r.VRF != "":
		l, ok := in.LinkByName(r.VRF)
		if !ok {
			return 0, missingLink(r.VRF)
		}
		return l.Table, nil
	case r.Table != 0:
		return r.Table, nil
	}
	return netstate.TableMain, nil
}

func desiredHop(via netip.Addr, dev string, onLink bool, realms uint32, encap *config.Encap, in links) (netstate.Hop, error) {
	index, err := linkIndex(in, dev)
	if err != nil {
		return netstate.Hop{}, err
	}
	e, err := desiredEncap(encap)
	if err != nil {
		return netstate.Hop{}, err
	}
	return netstate.Hop{Link: index, Via: via, OnLink: onLink, Realm: realms, Encap: e}, nil
}

func routeMetrics(m config.RouteMetrics) netstate.Metrics {
	// The kernel, and so the configuration, counts round trips in eighths and their
	// variance in quarters of a millisecond.
	ms := func(v *uint32, unit time.Duration) time.Duration {
		return time.Duration(value(v)) * time.Millisecond / unit
	}
	d := netstate.Metrics{
		MTU: value(m.MTU), HopLimit: value(m.HopLimit), AdvMSS: value(m.AdvMSS),
		RTT: ms(m.RTT, 8), RTTVar: ms(m.RTTVar, 4), RTOMin: ms(m.RTOMin, 1),
		Reordering: value(m.Reordering), Window: value(m.Window),
		CWND: value(m.Cwnd), SSThresh: value(m.SSThresh),
		InitCWND: value(m.InitCwnd), InitRWND: value(m.InitRwnd),
		Features: value(m.Features), CongCtl: m.CongCtl, Lock: netstate.Lock(m.Lock),
	}
	if m.QuickAck != nil {
		d.QuickACK = netstate.Some(*m.QuickAck != 0)
	}
	if m.FastOpenNoC != nil {
		d.FastOpenNoCookie = netstate.Some(*m.FastOpenNoC != 0)
	}
	return d
}

func value(v *uint32) uint32 {
	if v == nil {
		return 0
	}
	return *v
}

// desiredEncap reads the words of an encap clause as ip-route(8) has them.
func desiredEncap(e *config.Encap) (netstate.Encap, error) {
	if e == nil {
		return netstate.Encap{}, nil
	}
	switch e.Kind {
	case "mpls":
		return encapMPLS(e.Words)
	case "ip":
		return encapIP(netstate.EncapIP, e.Words)
	case "ip6":
		return encapIP(netstate.EncapIP6, e.Words)
	case "ila":
		return encapILA(e.Words)
	}
	return netstate.Encap{}, fmt.Errorf("encap %s is not known", e.Kind)
}

func encapMPLS(words []string) (netstate.Encap, error) {
	e := netstate.Encap{Kind: netstate.EncapMPLS}
	for i, w := range words {
		if i > 0 && words[i-1] == "ttl" {
			n, err := strconv.ParseUint(w, 10, 8)
			if err != nil {
				return e, fmt.Errorf("encap mpls ttl %s is not a number up to 255", w)
			}
			e.TTL = uint8(n)
			continue
		}
		if w == "ttl" {
			continue
		}
		for label := range strings.SplitSeq(w, "/") {
			n, err := strconv.ParseUint(label, 10, 20)
			if err != nil {
				return e, fmt.Errorf("encap mpls label %s is not a number below 2^20", label)
			}
			e.Labels = append(e.Labels, uint32(n))
		}
	}
	return e, nil
}

func encapIP(kind netstate.EncapKind, words []string) (netstate.Encap, error) {
	e := netstate.Encap{Kind: kind}
	for i := 0; i+1 < len(words); i += 2 {
		key, text := words[i], words[i+1]
		var err error
		var n uint64
		switch key {
		case "id":
			e.ID, err = strconv.ParseUint(text, 0, 64)
		case "dst":
			e.Dst, err = netip.ParseAddr(text)
		case "src":
			e.Src, err = netip.ParseAddr(text)
		case "ttl", "hoplimit":
			n, err = strconv.ParseUint(text, 0, 8)
			e.TTL = uint8(n)
		case "tos", "tc":
			n, err = strconv.ParseUint(text, 0, 8)
			e.TOS = uint8(n)
		case "flags":
			n, err = strconv.ParseUint(text, 0, 16)
			e.Flags = uint16(n)
		default:
			return e, fmt.Errorf("encap option %s is not known", key)
		}
		if err != nil {
			return e, fmt.Errorf("encap %s %s: %w", key, text, err)
		}
	}
	return e, nil
}

func encapILA(words []string) (netstate.Encap, error) {
	e := netstate.Encap{Kind: netstate.EncapILA}
	if len(words) == 0 {
		return e, fmt.Errorf("encap ila without a locator")
	}
	locator := words[0]
	if !strings.Contains(locator, "::") {
		locator += "::"
	}
	addr, err := netip.ParseAddr(locator)
	if err != nil {
		return e, fmt.Errorf("encap ila locator %s: four groups of an IPv6 address expected", words[0])
	}
	b := addr.As16()
	e.Locator = binary.BigEndian.Uint64(b[:8])
	return e, nil
}

// desiredRule is the rule that a line of a rule block asks for.
func desiredRule(r config.Rule) netstate.Rule {
	family := netstate.IPv4
	if r.IPv6 {
		family = netstate.IPv6
	}
	d := netstate.NewRule(family, r.Preference)
	d.Not, d.From, d.To = r.Not, r.From, r.To
	d.TOS, d.Realms = uint8(r.TOS), r.Realms
	d.In, d.Out = r.IIF, r.OIF
	d.TunnelID, d.L3MDev = r.TunnelID, r.L3MDev
	d.IPProto = uint8(max(r.IPProto, 0))
	d.Goto = r.Goto
	if r.Action != 0 {
		d.Action = netstate.RuleAction(r.Action)
	}
	if r.Table != 0 {
		d.Table = r.Table
	}
	d.Protocol = uint8(r.Protocol)
	if r.FwMarkGiven {
		d.Mark = netstate.Some(r.FwMark)
		d.Mask = r.FwMask
	}
	if r.SuppressPrefix >= 0 {
		d.SuppressPrefixLen = netstate.Some(uint32(r.SuppressPrefix))
	}
	if r.SuppressGroup >= 0 {
		d.SuppressIfGroup = netstate.Some(uint32(r.SuppressGroup))
	}
	if r.UIDGiven {
		d.UIDs = netstate.Some(netstate.Range[uint32]{First: r.UIDLow, Last: r.UIDHigh})
	}
	if r.SPortH != 0 {
		d.SrcPorts = netstate.Some(netstate.Range[uint16]{First: r.SPortLow, Last: r.SPortH})
	}
	if r.DPortH != 0 {
		d.DstPorts = netstate.Some(netstate.Range[uint16]{First: r.DPortLow, Last: r.DPortH})
	}
	return d
}
