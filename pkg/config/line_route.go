package config

import (
	"net/netip"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Kinds of routes (RTN_…) by name.
var routeTypes = map[string]int{
	"unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5,
	"blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 9, "nat": 10,
}

// protocolKeepalived marks what keepalived and we have put into the kernel.
const protocolKeepalived = 18

// Bits of RouteMetrics.Lock (RTAX_…).
const (
	lockMTU, lockRTT, lockRTTVar, lockSSThresh  = 1 << 2, 1 << 4, 1 << 5, 1 << 6
	lockCwnd, lockAdvMSS, lockReorder, lockRTO  = 1 << 7, 1 << 8, 1 << 9, 1 << 13
	lockCongCtl, lockWindow, lockHop, lockInitC = 1 << 16, 1 << 3, 1 << 10, 1 << 11
)

// routeReader reads one line of a route block.
type routeReader struct {
	d      *decoder
	words  []syntax.Word
	i      int
	r      Route
	family int // 0 not known, 4 or 6
	dst    bool
	bad    bool
	static bool
}

// route reads a line of virtual_routes or static_routes.
func (d *decoder) route(words []syntax.Word, list *[]Route, static bool) {
	p := routeReader{d: d, words: words, static: static, r: Route{
		Type: 1, Scope: -1, Protocol: -1, Pref: -1, TTLProp: -1, At: words[0].At,
	}}
	for ; p.i < len(words) && !p.bad && !d.stopped; p.i++ {
		p.option()
	}
	if p.bad || d.stopped || !p.finish() {
		return
	}
	*list = append(*list, p.r)
}

// next returns the word behind the current one.
func (p *routeReader) next() (syntax.Word, bool) {
	if !p.d.need(p.words, p.i+1) {
		return syntax.Word{}, false
	}
	p.i++
	return p.words[p.i], true
}

func (p *routeReader) fail(id string, w syntax.Word, format string, args ...any) {
	p.d.err(id, w, format+"; the route is left out", args...)
	p.bad = true
}

func (p *routeReader) option() {
	w := p.words[p.i]
	switch w.Text {
	case "inet", "inet6":
		p.setFamily(w, map[string]int{"inet": 4, "inet6": 6}[w.Text])
		if p.i++; p.i < len(p.words) {
			p.d.warnPassedOver(w, p.words[p.i])
		}
	case "onlink":
		p.r.OnLink = true
	case "no_track":
		p.r.NoTrack = true
	case "add":
		p.r.Mode = RouteAdd
	case "append":
		p.r.Mode = RouteAppend
	case "prepend":
		p.r.Mode = RoutePrepend
	case "as":
		if p.i+1 < len(p.words) && p.words[p.i+1].Text == "to" {
			p.i++
		}
		if _, ok := p.next(); ok {
			p.fail("unsupported-option", w, "the kernel has no routes with `as`")
		}
	case "nexthop":
		p.nextHop()
	case "encap":
		p.r.Encap = p.encap()
	case "gw", "or":
		use := map[string]string{"gw": "via", "or": "nexthop"}[w.Text]
		p.d.err("deprecated-option", w, "%s is an old spelling", w.Text)
		p.d.hint("use %s instead", use)
		if v, ok := p.next(); ok {
			p.r.Via, _ = p.address(v)
		}
	case "via":
		p.via(&p.r.Via)
	case "to":
		if v, ok := p.next(); ok {
			p.destination(v)
		}
	default:
		if !p.value(w) {
			p.destination(w)
		}
	}
}

// value reads the options with one value; false means that w is none.
func (p *routeReader) value(w syntax.Word) bool {
	if w.Text == "default6" || routeBlock.Lookup(w.Text) == nil && (!p.static || w.Text != "track_group") {
		return false
	}
	m := &p.r.Metrics
	switch w.Text {
	case "mtu":
		p.locked(&m.MTU, lockMTU)
	case "advmss":
		p.locked(&m.AdvMSS, lockAdvMSS)
	case "reordering":
		p.locked(&m.Reordering, lockReorder)
	case "cwnd":
		p.locked(&m.Cwnd, lockCwnd)
	case "ssthresh":
		p.locked(&m.SSThresh, lockSSThresh)
	case "rtt":
		p.lockedTime(&m.RTT, lockRTT, 8)
	case "rttvar":
		p.lockedTime(&m.RTTVar, lockRTTVar, 4)
	case "rto_min":
		p.lockedTime(&m.RTOMin, lockRTO, 1)
	case "hoplimit":
		p.metric(&m.HopLimit, 255)
	case "window":
		p.metric(&m.Window, maxUint32)
	case "initcwnd":
		p.metric(&m.InitCwnd, maxUint32)
	case "initrwnd":
		p.metric(&m.InitRwnd, maxUint32)
	case "quickack":
		p.metric(&m.QuickAck, 1)
	case "fastopen_no_cookie":
		p.metric(&m.FastOpenNoC, 1)
	case "congctl":
		v, ok := p.next()
		if ok && v.Text == "lock" {
			m.Lock |= lockCongCtl
			v, ok = p.next()
		}
		if ok {
			m.CongCtl = v.Text
		}
	case "features":
		if v, ok := p.next(); ok {
			if v.Text != "ecn" {
				p.d.unknownWord(v, "ecn")
				return true
			}
			m.Features = new(uint32(1))
		}
	case "pref", "expires":
		if p.family == 4 {
			p.fail("option-family", w, "only IPv6 routes can have %s", w.Text)
			return true
		}
		p.family = 6
		if v, ok := p.next(); ok {
			p.attribute(w, v)
		}
	case "realms":
		if p.family == 6 {
			p.fail("option-family", w, "only IPv4 routes can have realms")
			return true
		}
		p.family = 4
		if v, ok := p.next(); ok {
			p.attribute(w, v)
		}
	default:
		if v, ok := p.next(); ok {
			p.attribute(w, v)
		}
	}
	return true
}

func (p *routeReader) attribute(w, v syntax.Word) {
	d, r := p.d, &p.r
	named := func(t *nameTable, what string) uint32 {
		n, ok := d.number(t, v.Text)
		if !ok {
			p.fail("unknown-"+what, v, "%q is no %s", v.Text, strings.ReplaceAll(what, "-", " "))
			d.hint("write a number, or a name of /etc/iproute2")
		}
		return n
	}
	switch w.Text {
	case "src":
		r.Src, _ = p.address(v)
	case "from":
		r.From = p.network(v)
		if p.family == 4 {
			p.fail("option-family", v, "only IPv6 routes can have a source prefix")
		}
	case "dev", "oif":
		r.Dev = v.Text
		if _, ok := d.env.link(v.Text); !ok && !d.g.DynamicInterfaces {
			d.unusable("unknown-interface", v, "the interface %s of the route does not exist", v.Text)
			d.missingLink = true
			if p.static {
				p.bad = true
			}
		}
	case "table":
		r.Table, r.TableGiven = named(&tableNames, "routing-table"), true
	case "vrf":
		r.VRF = v.Text
		if _, ok := d.env.link(v.Text); !ok && !d.g.DynamicInterfaces {
			d.unusable("unknown-interface", v, "the VRF %s of the route does not exist", v.Text)
		}
	case "scope":
		r.Scope = int(named(&scopeNames, "scope"))
	case "protocol":
		r.Protocol = int(named(&protoNames, "protocol"))
	case "tos", "dsfield":
		r.TOS = int(named(&dsNames, "type-of-service"))
	case "metric", "priority", "preference":
		if n, ok := d.integer(v, 0, maxUint32); ok {
			r.Metric, r.MetricGiven = uint32(n), true
		} else {
			p.bad = true
		}
	case "expires":
		if n, ok := d.integer(v, 0, maxUint32); ok {
			r.Expires = uint32(n)
		}
	case "realms":
		var ok bool
		if r.Realms, ok = d.realms(v); !ok {
			p.bad = true
		}
	case "pref":
		switch v.Text {
		case "medium":
			r.Pref = 0
		case "high":
			r.Pref = 1
		case "low":
			r.Pref = 3
		default:
			if n, ok := cNumber(v.Text); ok && n <= 255 {
				r.Pref = int(n)
				return
			}
			d.unknownWord(v, "low", "medium", "high")
		}
	case "ttl-propagate":
		switch v.Text {
		case "enabled", "disabled":
			r.TTLProp = int(boolInt(v.Text == "enabled"))
		default:
			d.unknownWord(v, "enabled", "disabled")
		}
	case "track_group":
		r.TrackGroup = d.trackGroupNamed(v)
	}
}

func (p *routeReader) setFamily(w syntax.Word, family int) {
	if p.family != 0 && p.family != family {
		p.fail("family-mismatch", w, "the route mixes IPv4 and IPv6")
		return
	}
	p.family = family
}

func (p *routeReader) address(w syntax.Word) (netip.Addr, bool) {
	addr, ok := parseAddr(w.Text)
	if !ok {
		p.fail("invalid-address", w, "%q is not an IP address", w.Text)
		return addr, false
	}
	family := 4
	if addr.Is6() {
		family = 6
	}
	p.setFamily(w, family)
	return addr, true
}

func (p *routeReader) network(w syntax.Word) netip.Prefix {
	pre, ok := p.d.prefix(w)
	if !ok {
		p.fail("invalid-address", w, "%q is not a network", w.Text)
		return pre
	}
	family := 4
	if pre.Addr().Is6() {
		family = 6
	}
	p.setFamily(w, family)
	return pre
}

// destination reads [TYPE] NETWORK; of several the last one counts.
func (p *routeReader) destination(w syntax.Word) {
	if t, ok := routeType(w.Text); ok {
		p.r.Type = t
		v, ok := p.next()
		if !ok {
			return
		}
		w = v
	}
	switch w.Text {
	case "default", "any", "all":
		if p.dst {
			p.fail("family-mismatch", w, "%s stands for a whole family, and the route has a destination already", w.Text)
		}
		p.dst = true
		return
	case "default6":
		p.setFamily(w, 6)
		p.r.Dst, p.dst = anyPrefix(true), true
		return
	}
	if !p.dst {
		p.r.Dst, p.dst = p.network(w), true
		return
	}
	if !startsAddress(w.Text) {
		p.fail("unknown-option", w, "%q is not an option of a route", w.Text)
		p.d.hintClosest(w.Text, routeBlock.Names())
		return
	}
	p.d.warn("duplicate-option", w, "the route has a destination already; this one replaces it")
	p.d.hint("write a route of its own for each network")
	p.r.Dst = p.network(w)
}

func startsAddress(s string) bool {
	text, _, _ := strings.Cut(s, "/")
	_, ok := parseAddr(text)
	return ok
}

// routeType resolves the name or the number of a kind of route.
func routeType(s string) (int, bool) {
	if t, ok := routeTypes[s]; ok {
		return t, true
	}
	n, ok := cLong(s)
	return int(n), ok && n <= 255
}

// finish completes the route and reports whether it can be kept.
func (p *routeReader) finish() bool {
	r, first := &p.r, p.words[0]
	if !p.dst {
		p.d.err("missing-destination", first, "the route has no destination; it is left out")
		return false
	}
	r.IPv6 = p.family == 6
	if !r.Dst.IsValid() {
		r.Dst = anyPrefix(r.IPv6)
	}
	if len(r.NextHops) > 0 && r.Via.IsValid() {
		p.d.warn("route-conflict", first, "a route with nexthop has no use for a via of its own")
	}
	if r.Protocol >= 0 && r.Protocol != protocolKeepalived && !r.NoTrack {
		p.d.err("tracked-protocol", first, "a route whose deletion is noticed must have the protocol keepalived")
		p.d.hint("add no_track, or leave protocol out")
		r.Protocol = protocolKeepalived
	}
	if r.Protocol < 0 {
		r.Protocol = protocolKeepalived
	}
	return true
}
