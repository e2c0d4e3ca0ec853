package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Compare returns what does not fit together in the configurations of two
// routers that back each other up. The problems are in the first; their notes
// point into the second.
func Compare(a, b *config.Config) []diag.Problem {
	l := linter{c: a}
	matched := map[*config.Instance]bool{}
	for _, i := range a.Instances {
		k := counterpart(i, b.Instances, matched)
		if k == nil {
			l.wrong("peer-missing", i.At, "add it there, or remove it here", "the peer has no instance %s, and none with VRID %d", i.Name, i.VRID)
			continue
		}
		matched[k] = true
		p := pair{&l, i, k}
		if a, b := family(i), family(k); a != b {
			p.differ("peer-family", "the address family", a, b, "list addresses of the same family first in both")
			continue
		}
		p.protocol()
		p.addresses()
		p.unicast()
		p.election()
		p.weights()
	}
	for _, k := range b.Instances {
		if !matched[k] {
			p := l.wrong("peer-missing", diag.Span{}, "add it here, or remove it there", "the peer has an instance %s (VRID %d) that is missing here", k.Name, k.VRID)
			note(p, k.At, "the peer's")
		}
	}
	return l.problems
}

// wrong reports what keeps the two from working together.
func (l *linter) wrong(id string, at diag.Span, hint, format string, args ...any) *diag.Problem {
	return l.add(diag.Error, id, at, hint, format, args...)
}

// counterpart finds the instance that backs up i: the one of the same name, or
// else of the same virtual router.
func counterpart(i *config.Instance, list []*config.Instance, taken map[*config.Instance]bool) *config.Instance {
	for _, k := range list {
		if k.Name == i.Name && !taken[k] {
			return k
		}
	}
	for _, k := range list {
		if k.VRID == i.VRID && k.IPv6 == i.IPv6 && !taken[k] {
			return k
		}
	}
	return nil
}

// pair is an instance and its counterpart.
type pair struct {
	*linter
	a, b *config.Instance
}

// differ reports a difference that keeps adverts from being accepted.
func (p pair) differ(id, what string, a, b any, hint string) {
	note(p.wrong(id, p.a.At, hint, "%s of %s is %v here and %v there", what, p.a.Name, a, b), p.b.At, "the peer's")
}

func (p pair) protocol() {
	a, b := p.a, p.b
	if a.VRID != b.VRID {
		p.differ("peer-vrid", "virtual_router_id", a.VRID, b.VRID, "both must be the same, or both routers become master")
	}
	if a.Version != b.Version {
		p.differ("peer-version", "the VRRP version", a.Version, b.Version, "set version, or vrrp_version, to the same in both")
	}
	switch {
	case a.Auth.Type != b.Auth.Type:
		p.differ("peer-auth", "auth_type", authName(a.Auth.Type), authName(b.Auth.Type), "use the same authentication in both")
	case a.Auth.Pass != b.Auth.Pass:
		note(p.wrong("peer-auth", a.At, "use the same auth_pass in both", "the passwords of %s differ", a.Name), b.At, "the peer's")
	case (a.HMAC == nil) != (b.HMAC == nil):
		p.differ("peer-auth", "auth_hmac", given(a.HMAC != nil), given(b.HMAC != nil), "use the same auth_hmac in both")
	}
	if a.AdvertInt != b.AdvertInt {
		const hint = "use the same advert_int in both"
		if a.Version == 2 || b.Version == 2 {
			p.differ("peer-advert-int", "advert_int", a.AdvertInt, b.AdvertInt, hint+": VRRPv2 discards adverts with another one")
		} else {
			note(p.warn("peer-advert-int", a.At, hint, "advert_int of %s is %s here and %s there: the backup follows the master's", a.Name, a.AdvertInt, b.AdvertInt), b.At, "the peer's")
		}
	}
}

func given(is bool) string {
	if is {
		return "in use"
	}
	return "absent"
}

func family(i *config.Instance) string {
	if i.IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

func authName(t config.AuthType) string {
	return map[config.AuthType]string{config.AuthNone: "none", config.AuthPass: "PASS", config.AuthAH: "AH"}[t]
}

// addresses compares what the two would answer for.
func (p pair) addresses() {
	for _, kind := range []struct {
		what string
		a, b []config.Address
	}{
		{"virtual_ipaddress", p.a.VIPs, p.b.VIPs},
		{"virtual_ipaddress_excluded", p.a.ExcludedVIPs, p.b.ExcludedVIPs},
	} {
		for _, x := range missing(kind.a, kind.b) {
			pr := p.wrong("peer-addresses", x.At, "list the same addresses in both", "the peer's %s does not have %s in %s", p.b.Name, x.Prefix.Addr(), kind.what)
			note(pr, p.b.At, "the peer's")
		}
		for _, x := range missing(kind.b, kind.a) {
			pr := p.wrong("peer-addresses", p.a.At, "list the same addresses in both", "%s does not have the peer's %s in %s", p.a.Name, x.Prefix.Addr(), kind.what)
			note(pr, x.At, "the peer's")
		}
	}
	for _, x := range p.a.VIPs {
		k := slices.IndexFunc(p.b.VIPs, func(y config.Address) bool { return y.Prefix.Addr() == x.Prefix.Addr() })
		if k >= 0 && p.b.VIPs[k].Prefix != x.Prefix {
			note(p.warn("peer-prefix", x.At, "use the same prefix in both", "%s has the prefix /%d here and /%d there", x.Prefix.Addr(), x.Prefix.Bits(), p.b.VIPs[k].Prefix.Bits()), p.b.VIPs[k].At, "the peer's")
		}
	}
}

// missing returns the addresses of a that b lacks.
func missing(a, b []config.Address) (out []config.Address) {
	have := map[netip.Addr]bool{}
	for _, y := range b {
		have[y.Prefix.Addr()] = true
	}
	for _, x := range a {
		if !have[x.Prefix.Addr()] {
			out = append(out, x)
		}
	}
	return out
}

// unicast compares who sends to whom.
func (p pair) unicast() {
	a, b := p.a, p.b
	if a.Unicast != b.Unicast {
		p.differ("peer-unicast", "the way of adverts", cast(a), cast(b), "list the other router in unicast_peer of both, or of none")
		return
	}
	if !a.Unicast {
		if a.McastDst != b.McastDst {
			p.differ("peer-unicast", "the multicast group", a.McastDst, b.McastDst, "use the same group in both")
		}
		return
	}
	if a.SrcIP.IsValid() && !lists(b, a.SrcIP) {
		note(p.wrong("peer-unicast", a.At, "add "+a.SrcIP.String()+" to the peer's unicast_peer", "the peer does not send to %s, the unicast_src_ip of %s", a.SrcIP, a.Name), b.At, "the peer's")
	}
	if b.SrcIP.IsValid() && !lists(a, b.SrcIP) {
		note(p.wrong("peer-unicast", a.At, "add "+b.SrcIP.String()+" to unicast_peer", "%s does not send to %s, the peer's unicast_src_ip", a.Name, b.SrcIP), b.At, "the peer's")
	}
	if a.SrcIP.IsValid() && a.SrcIP == b.SrcIP {
		note(p.wrong("peer-unicast", a.At, "give each router its own address", "both routers use the unicast_src_ip %s", a.SrcIP), b.At, "the peer's")
	}
}

func cast(i *config.Instance) string {
	if i.Unicast {
		return "unicast"
	}
	return "multicast"
}

func lists(i *config.Instance, addr netip.Addr) bool {
	return slices.ContainsFunc(i.UnicastPeers, func(u config.UnicastPeer) bool { return u.Addr == addr })
}

// election compares what decides who is master.
func (p pair) election() {
	a, b := p.a, p.b
	at := a.PriorityAt
	if at.IsZero() {
		at = a.At
	}
	if a.Priority == b.Priority {
		pr := p.warn("peer-priority-tie", at, "give one of them a higher priority", "both have priority %d: the higher address decides, and a restart may move the addresses", a.Priority)
		note(pr, b.At, "the peer's")
	}
	if a.Preempt != b.Preempt {
		which, there := "here", "there"
		if a.Preempt {
			which, there = there, which
		}
		pr := p.warn("peer-nopreempt", a.At, "write nopreempt in both, or in none", "%s has nopreempt %s only: the router %s takes the addresses back all the same", a.Name, which, there)
		note(pr, b.At, "the peer's")
	}
	if a.WantMaster && b.WantMaster {
		pr := p.warn("peer-two-masters", a.At, "write state BACKUP in both and let the priorities decide", "both routers start %s as master", a.Name)
		note(pr, b.At, "the peer's")
	}
}

// weights finds trackers whose failure does not make the other router win.
func (p pair) weights() {
	a, b := p.a, p.b
	if best(a) < best(b) || best(a) == best(b) && a.Priority < b.Priority {
		a, b = b, a
	}
	top, other := best(a), best(b)
	if top == other || a.Priority == 255 {
		return
	}
	for _, t := range weighted(a) {
		w := max(t.Weight, -t.Weight)
		if top-w > other {
			pr := p.warn("peer-weight-too-small", t.At, fmt.Sprintf("a weight of at least %d would do", top-other+1),
				"when %s fails, the priority of %s falls from %d to %d, still above the other router's %d: nothing happens", t.Name, a.Name, top, top-w, other)
			note(pr, b.At, "the other router's")
		}
	}
}

// best is the priority while everything tracked is well.
func best(i *config.Instance) int {
	p := int(i.Priority)
	for _, t := range weighted(i) {
		if w := t.Weight; w > 0 != t.Reverse {
			p += max(w, -w)
		}
	}
	if i.Priority == 255 {
		return 255
	}
	return min(p, 254)
}

func weighted(i *config.Instance) (out []config.Track) {
	for _, list := range [...][]config.Track{i.TrackInterfaces, i.TrackScripts, i.TrackProcesses, i.TrackBFD} {
		for _, t := range list {
			if t.Weight != 0 {
				out = append(out, t)
			}
		}
	}
	return out
}
