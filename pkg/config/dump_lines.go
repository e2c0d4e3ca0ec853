package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// dumpAddress is an address as keepalived and ip print it.
func dumpAddress(a *Address) string {
	var b strings.Builder
	b.WriteString(netText(a.Prefix))
	if a.Broadcast.IsValid() {
		b.WriteString(" brd " + a.Broadcast.String())
	}
	b.WriteString(" dev " + a.dev())
	if a.Parent != "" {
		b.WriteString("@" + a.Parent)
	}
	if a.UseVMAC {
		b.WriteString(" use_vmac")
	}
	b.WriteString(" scope " + scopeName(a.Scope))
	if a.Label != "" {
		b.WriteString(" label " + a.Label)
	}
	for _, f := range [...]struct {
		on   bool
		text string
	}{{a.Home, " home"}, {a.DAD, " -nodad"}, {a.MngTmpAddr, " mngtmpaddr"}, {a.NoPrefix, " noprefixroute"}, {a.Autojoin, " autojoin"}} {
		if f.on {
			b.WriteString(f.text)
		}
	}
	switch lft := a.PreferredLft; {
	case a.Prefix.Addr().Is4() && lft == nil:
	case lft == nil && a.Prefix.IsSingleIP() || lft != nil && *lft == 0:
		b.WriteString(" deprecated")
	case lft == nil || *lft == Lifetime:
		b.WriteString(" preferred_lft forever")
	default:
		fmt.Fprintf(&b, " preferred_lft %d", *lft)
	}
	if a.Peer.IsValid() {
		b.WriteString(" peer " + a.Peer.String())
	}
	if a.NoTrack {
		b.WriteString(" no_track")
	}
	return b.String()
}

// dev is the device as dumps show it.
func (a *Address) dev() string {
	if a.Dev == "" {
		return "(null)@NOWHERE"
	}
	return a.Dev
}

// netText is a prefix without the length of a single host.
func netText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func scopeName(n int) string {
	for name, v := range scopeNames.names {
		if int(v) == n {
			return name
		}
	}
	return fmt.Sprint(n)
}

// dumpRoute is a route as keepalived prints it.
func dumpRoute(r *Route) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	add("%s ", [...]string{"prepend", "append", "add"}[r.Mode])
	if r.Type != 1 {
		for name, n := range routeTypes {
			if n == r.Type {
				add("%s ", name)
			}
		}
	}
	switch {
	case r.Dst.Bits() == 0 || !r.Dst.IsSingleIP():
		add("%s", r.Dst)
	default:
		add("%s", r.Dst.Addr())
	}
	if r.From.IsValid() {
		add(" from %s", r.From)
	}
	if r.Src.IsValid() {
		add(" src %s", r.Src)
	}
	if r.TOS != 0 {
		add(" tos %d", r.TOS)
	}
	if r.Encap != nil {
		add(" %s", dumpEncap(r.Encap))
	}
	if r.Via.IsValid() {
		add(" via %s %s", choose(r.Via.Is6(), "inet6", "inet"), r.Via)
	}
	if r.Dev != "" {
		add(" dev %s", r.Dev)
	}
	if r.VRF != "" {
		add(" vrf %s", r.VRF)
	}
	if r.TableGiven {
		add(" table %d", r.Table)
	}
	if !r.NoTrack || r.Protocol != protocolKeepalived {
		add(" proto %d", r.Protocol)
	}
	if r.Scope >= 0 {
		add(" scope %d", r.Scope)
	}
	if r.MetricGiven {
		add(" metric %d", r.Metric)
	}
	if r.OnLink {
		add(" onlink")
	}
	if r.Realms != 0 {
		add(" %s %s", choose(r.Realms>>16 != 0, "realms", "realm"), realmText(r.Realms))
	}
	if r.Expires != 0 {
		add(" expires %dsec", r.Expires)
	}
	dumpMetrics(add, &r.Metrics)
	if r.Pref >= 0 {
		add(" pref %s", [...]string{"medium", "high", "", "low"}[r.Pref])
	}
	if r.TTLProp >= 0 {
		add(" ttl-propagate %s", choose(r.TTLProp == 1, "enabled", "disabled"))
	}
	for _, h := range r.NextHops {
		add(" nexthop")
		if h.Via.IsValid() {
			add(" via %s %s", choose(h.Via.Is6(), "inet6", "inet"), h.Via)
		}
		if h.Dev != "" {
			add(" dev %s", h.Dev)
		}
		add(" weight %d", h.Weight)
		if h.OnLink {
			add(" onlink")
		}
		if h.Realms != 0 {
			add(" realm %s", realmText(h.Realms))
		}
		if h.Encap != nil {
			add(" %s", dumpEncap(h.Encap))
		}
	}
	if r.NoTrack {
		add(" no_track")
	}
	return b.String()
}

func realmText(n uint32) string {
	if n>>16 != 0 {
		return fmt.Sprintf("%d/%d", n>>16, n&0xffff)
	}
	return fmt.Sprint(n)
}

func dumpEncap(e *Encap) string {
	return strings.Join(append([]string{"encap", e.Kind}, e.Words...), " ")
}

func dumpMetrics(add func(string, ...any), m *RouteMetrics) {
	num := func(name string, v *uint32, lock uint32) {
		if v != nil {
			add(" %s %s%d", name, choose(m.Lock&lock != 0, "lock ", ""), *v)
		}
	}
	ms := func(name string, v *uint32, lock, unit uint32) {
		if v != nil {
			n, suffix := *v/unit, "ms"
			if n%1000 == 0 {
				n, suffix = n/1000, "s"
			}
			add(" %s %s%d%s", name, choose(m.Lock&lock != 0, "lock ", ""), n, suffix)
		}
	}
	ms("rtt", m.RTT, lockRTT, 8)
	ms("rttvar", m.RTTVar, lockRTTVar, 4)
	ms("rto_min", m.RTOMin, lockRTO, 1)
	if m.CongCtl != "" {
		add(" congctl %s%s", choose(m.Lock&lockCongCtl != 0, "lock ", ""), m.CongCtl)
	}
	if m.Features != nil {
		add(" features ecn")
	}
	num("mtu", m.MTU, lockMTU)
	num("window", m.Window, lockWindow)
	num("ssthresh", m.SSThresh, lockSSThresh)
	num("cwnd", m.Cwnd, lockCwnd)
	num("advmss", m.AdvMSS, lockAdvMSS)
	num("reordering", m.Reordering, lockReorder)
	num("hoplimit", m.HopLimit, lockHop)
	num("initcwnd", m.InitCwnd, lockInitC)
	num("initrwnd", m.InitRwnd, 0)
	num("fastopen_no_cookie", m.FastOpenNoC, 0)
	num("quickack", m.QuickAck, 0)
}

// dumpRule is a rule as keepalived prints it.
func dumpRule(r *Rule) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	if r.Not {
		add("not ")
	}
	add("from %s", ruleNet(r.From))
	if r.To.IsValid() {
		add(" to %s", ruleNet(r.To))
	}
	add(" priority %d tos 0x%x", r.Preference, r.TOS)
	if r.FwMarkGiven {
		add(" fwmark 0x%x", r.FwMark)
		if r.FwMaskGiven {
			add("/0x%x", r.FwMask)
		}
	}
	if r.IIF != "" {
		add(" iif %s", r.IIF)
	}
	if r.OIF != "" {
		add(" oif %s", r.OIF)
	}
	if r.SuppressPrefix >= 0 {
		add(" suppress_prefixlen %d", r.SuppressPrefix)
	}
	if r.SuppressGroup >= 0 {
		add(" suppress_ifgroup %d", r.SuppressGroup)
	}
	if r.TunnelID != 0 {
		add(" tunnel-id %d", r.TunnelID)
	}
	if r.UIDGiven {
		add(" uidrange %d-%d", r.UIDLow, r.UIDHigh)
	}
	if r.L3MDev {
		add(" l3mdev")
	}
	if r.Protocol != 0 {
		add(" protocol %d", r.Protocol)
	}
	if r.IPProto >= 0 {
		add(" ipproto %d", r.IPProto)
	}
	if r.SPortLow|r.SPortH != 0 {
		add(" sport %d-%d", r.SPortLow, r.SPortH)
	}
	if r.DPortLow|r.DPortH != 0 {
		add(" dport %d-%d", r.DPortLow, r.DPortH)
	}
	if r.Realms != 0 {
		add(" realms %s", realmText(r.Realms))
	}
	switch r.Action {
	case ruleLookup:
		add(" lookup %d", r.Table)
	case ruleGoto:
		add(" goto %d", r.Goto)
	case ruleNop:
		add(" nop")
	case ruleBlackhole:
		add(" type blackhole")
	case ruleUnreachable:
		add(" type unreachable")
	case ruleProhibit:
		add(" type prohibit")
	}
	if r.NoTrack {
		add(" no_track")
	}
	return b.String()
}

func ruleNet(p netip.Prefix) string {
	if !p.IsValid() {
		return "all"
	}
	if p.Bits() == 0 {
		return p.String()
	}
	return netText(p)
}
