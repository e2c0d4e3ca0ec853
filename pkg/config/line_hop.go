package config

import (
	"net/netip"
	"slices"
)

// via reads [inet|inet6] ADDRESS.
func (p *routeReader) via(to *netip.Addr) {
	w, ok := p.next()
	if ok && (w.Text == "inet" || w.Text == "inet6") {
		w, ok = p.next()
	}
	if !ok {
		return
	}
	addr, ok := parseAddr(w.Text)
	if !ok {
		p.fail("invalid-address", w, "the gateway %q is not an IP address", w.Text)
		return
	}
	*to = addr
	family := 4
	if addr.Is6() {
		family = 6
	}
	p.setFamily(w, family)
}

func (p *routeReader) nextHop() {
	h := NextHop{Weight: 1}
	for p.i+1 < len(p.words) && !p.bad && !p.d.stopped {
		switch p.words[p.i+1].Text {
		case "via":
			p.i++
			p.via(&h.Via)
		case "dev":
			p.i++
			if v, ok := p.next(); ok {
				h.Dev = v.Text
				if _, ok := p.d.env.link(v.Text); !ok && !p.d.g.DynamicInterfaces {
					p.d.unusable("unknown-interface", v, "the interface %s of the route does not exist", v.Text)
					p.d.missingLink = true
				}
			}
		case "weight":
			p.i++
			if v, ok := p.next(); ok {
				if n, ok := p.d.integer(v, 1, 256); ok {
					h.Weight = int(n)
				}
			}
		case "onlink":
			p.i++
			h.OnLink = true
		case "encap":
			p.i++
			h.Encap = p.encap()
		case "realms":
			p.i++
			if v, ok := p.next(); ok {
				var ok bool
				if h.Realms, ok = p.d.realms(v); !ok {
					p.bad = true
				}
			}
		case "nexthop":
			p.r.NextHops = append(p.r.NextHops, h)
			return
		default:
			v := p.words[p.i+1]
			p.d.err("route-end", v, "nothing but next hops can follow a next hop; %s and what comes after it is ignored", v.Text)
			p.d.hint("write the options of the route in front of the first nexthop")
			p.i = len(p.words)
		}
	}
	p.r.NextHops = append(p.r.NextHops, h)
}

// encapOptions are the words of an encapsulation; true for those with a value.
var encapOptions = map[string]map[string]bool{
	"ip":   {"id": true, "dst": true, "src": true, "tos": true, "ttl": true, "flags": true},
	"ip6":  {"id": true, "dst": true, "src": true, "tc": true, "hoplimit": true, "flags": true},
	"mpls": {"ttl": true},
	"ila":  {"csum-mode": true, "ident-type": true, "hook-type": true},
}

func (p *routeReader) encap() *Encap {
	w := p.words[p.i]
	if p.i+1 >= len(p.words) {
		p.fail("missing-value", w, "encap needs the kind of encapsulation")
		p.d.hint("write encap ip, ip6, mpls or ila")
		return nil
	}
	p.i++
	kind := p.words[p.i]
	options, ok := encapOptions[kind.Text]
	if !ok {
		p.fail("unknown-encap", kind, "%q is not an encapsulation", kind.Text)
		p.d.hint("it may be ip, ip6, mpls or ila")
		return nil
	}
	e := &Encap{Kind: kind.Text}
	tunnel := kind.Text == "ip" || kind.Text == "ip6"
	if !tunnel && p.i+1 < len(p.words) {
		p.i++
		e.Words = append(e.Words, p.words[p.i].Text)
	}
	for p.i+2 < len(p.words) && options[p.words[p.i+1].Text] {
		e.Words = append(e.Words, p.words[p.i+1].Text, p.words[p.i+2].Text)
		p.i += 2
	}
	switch {
	case tunnel && !slices.Contains(e.Words, "dst") && !slices.Contains(e.Words, "id"):
		p.fail("missing-value", kind, "encap %s needs where the tunnel leads to", kind.Text)
		p.d.hint("write: encap %s dst ADDRESS", kind.Text)
	case len(e.Words) == 0:
		p.fail("missing-value", kind, "encap %s needs an address", kind.Text)
		p.d.hint("write: encap mpls LABEL, or encap ila LOCATOR")
	}
	return e
}
