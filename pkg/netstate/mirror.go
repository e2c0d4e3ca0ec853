package netstate

import (
	"cmp"
	"net/netip"
	"slices"
)

// Event is a change that the kernel reported. The set is closed.
type Event interface{ event() }

type (
	// LinkChanged reports a link that is new or different.
	LinkChanged struct{ Link Link }
	// LinkGone reports a link that no longer exists; its addresses and routes
	// go with it, each of which is reported too.
	LinkGone struct{ Link Link }
	// AddressChanged reports an address that is new or different.
	AddressChanged struct{ Address Address }
	// AddressGone reports an address that was removed.
	AddressGone struct{ Address Address }
	// RouteChanged reports a route that is new or different.
	RouteChanged struct{ Route Route }
	// RouteGone reports a route that was removed. Routes that go because their
	// link or source address goes may be removed without a report; [Mirror]
	// knows that.
	RouteGone struct{ Route Route }
	// RuleChanged reports a rule that was added.
	RuleChanged struct{ Rule Rule }
	// RuleGone reports a rule that was removed.
	RuleGone struct{ Rule Rule }
	// Resynced carries everything: it comes first, and again whenever
	// notifications may have been lost.
	Resynced struct{ State State }
)

func (LinkChanged) event()    {}
func (LinkGone) event()       {}
func (AddressChanged) event() {}
func (AddressGone) event()    {}
func (RouteChanged) event()   {}
func (RouteGone) event()      {}
func (RuleChanged) event()    {}
func (RuleGone) event()       {}
func (Resynced) event()       {}

// Mirror is a copy of the namespace kept up to date by events. It belongs to
// one goroutine. Build it with [NewMirror].
type Mirror struct {
	links     map[int]Link
	names     map[string]int
	addresses map[AddressKey]Address
	routes    routeIndex
	rules     map[Rule]Rule
}

// NewMirror is the mirror of an empty namespace.
func NewMirror() *Mirror {
	m := &Mirror{}
	m.reset(State{})
	return m
}

// Apply notes what ev reports.
func (m *Mirror) Apply(ev Event) {
	switch ev := ev.(type) {
	case Resynced:
		m.reset(ev.State)
	case LinkChanged:
		m.setLink(ev.Link)
	case LinkGone:
		m.dropLink(ev.Link.Index)
	case AddressChanged:
		m.addresses[ev.Address.Key()] = ev.Address
	case AddressGone:
		delete(m.addresses, ev.Address.Key())
		ip := ev.Address.Prefix.Addr()
		m.dropRoutes(func(r Route) bool { return r.Family == IPv4 && r.Source == ip && !m.local(ip) })
	case RouteChanged:
		m.dropRoute(ev.Route)
		m.routes[ev.Route.Key()] = append(m.routes[ev.Route.Key()], ev.Route)
	case RouteGone:
		m.dropRoute(ev.Route)
	case RuleChanged:
		m.rules[ev.Rule.Normal()] = ev.Rule
	case RuleGone:
		delete(m.rules, ev.Rule.Normal())
	}
}

func (m *Mirror) reset(s State) {
	m.links = make(map[int]Link, len(s.Links))
	m.names = make(map[string]int, len(s.Links))
	for _, l := range s.Links {
		m.setLink(l)
	}
	m.addresses = indexAddresses(s.Addresses)
	m.routes = indexRoutes(s.Routes)
	m.rules = make(map[Rule]Rule, len(s.Rules))
	for _, r := range s.Rules {
		m.rules[r.Normal()] = r
	}
}

func (m *Mirror) setLink(l Link) {
	if old, ok := m.links[l.Index]; ok && m.names[old.Name] == l.Index {
		delete(m.names, old.Name)
	}
	m.links[l.Index] = l
	m.names[l.Name] = l.Index
	if !l.Admin {
		m.dropRoutes(func(r Route) bool { return r.Family == IPv4 && m.withoutLinks(r) })
	}
}

// local reports whether any link has the address.
func (m *Mirror) local(ip netip.Addr) bool {
	for k := range m.addresses {
		if k.Local.Addr() == ip {
			return true
		}
	}
	return false
}

// withoutLinks reports whether every link that a route leads through is down.
func (m *Mirror) withoutLinks(r Route) bool {
	down := func(h Hop) bool {
		l, known := m.links[h.Link]
		return known && !l.Admin
	}
	if len(r.Hops) == 0 {
		return down(r.Hop)
	}
	return !slices.ContainsFunc(r.Hops, func(h Hop) bool { return !down(h) })
}

func (m *Mirror) dropLink(index int) {
	old, ok := m.links[index]
	if !ok {
		return
	}
	delete(m.links, index)
	if m.names[old.Name] == index {
		delete(m.names, old.Name)
	}
	for k, a := range m.addresses {
		if a.Link == index {
			delete(m.addresses, k)
		}
	}
	through := func(h Hop) bool { return h.Link == index }
	m.dropRoutes(func(r Route) bool {
		return through(r.Hop) || r.Family == IPv4 && slices.ContainsFunc(r.Hops, through)
	})
}

// dropRoutes forgets routes that the kernel removes without saying so: those
// through a link that is gone, or (IPv4) through links that are all down, and
// (IPv4) those whose preferred source is gone.
func (m *Mirror) dropRoutes(gone func(Route) bool) {
	for k, list := range m.routes {
		list = slices.DeleteFunc(list, gone)
		if len(list) == 0 {
			delete(m.routes, k)
			continue
		}
		m.routes[k] = list
	}
}

func (m *Mirror) dropRoute(r Route) {
	k := r.Key()
	list := slices.DeleteFunc(m.routes[k], func(h Route) bool {
		return r.satisfiedBy(h) && r.Protocol == h.Protocol
	})
	if len(list) == 0 {
		delete(m.routes, k)
		return
	}
	m.routes[k] = list
}

// Changes are the events that lead from what the mirror has to s, as far as somebody
// may have to act upon them: all but new routes and rules.
func (m *Mirror) Changes(s State) []Event {
	now := NewMirror()
	now.reset(s)
	var list []Event
	for _, a := range m.sortedAddresses() {
		if _, still := now.addresses[a.Key()]; !still {
			list = append(list, AddressGone{a})
		}
	}
	for _, routes := range m.routes {
		for _, r := range routes {
			if !slices.ContainsFunc(now.routes[r.Key()], func(h Route) bool { return r.satisfiedBy(h) && r.Protocol == h.Protocol }) {
				list = append(list, RouteGone{r})
			}
		}
	}
	for k, r := range m.rules {
		if _, still := now.rules[k]; !still {
			list = append(list, RuleGone{r})
		}
	}
	for _, l := range m.sortedLinks() {
		if _, still := now.links[l.Index]; !still {
			list = append(list, LinkGone{l})
		}
	}
	for _, l := range now.sortedLinks() {
		if m.links[l.Index] != l {
			list = append(list, LinkChanged{l})
		}
	}
	for _, a := range now.sortedAddresses() {
		if m.addresses[a.Key()] != a {
			list = append(list, AddressChanged{a})
		}
	}
	return list
}

// Link returns the link with that index.
func (m *Mirror) Link(index int) (Link, bool) {
	l, ok := m.links[index]
	return l, ok
}

// LinkByName returns the link with that name.
func (m *Mirror) LinkByName(name string) (Link, bool) {
	index, ok := m.names[name]
	if !ok {
		return Link{}, false
	}
	return m.links[index], true
}

// Address returns the address in the kernel that has the identity of want,
// whoever added it.
func (m *Mirror) Address(want Address) (Address, bool) {
	a, ok := m.addresses[want.Key()]
	return a, ok
}

// State is everything, links and addresses in order.
func (m *Mirror) State() State {
	s := State{Links: m.sortedLinks(), Addresses: m.sortedAddresses()}
	for _, list := range m.routes {
		s.Routes = append(s.Routes, list...)
	}
	slices.SortFunc(s.Routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), a.Dst.Compare(b.Dst), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.String(), b.String()))
	})
	for _, r := range m.rules {
		s.Rules = append(s.Rules, r)
	}
	slices.SortFunc(s.Rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.String(), b.String()))
	})
	return s
}

func (m *Mirror) sortedLinks() []Link {
	var list []Link
	for _, l := range m.links {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b Link) int { return cmp.Compare(a.Index, b.Index) })
	return list
}

func (m *Mirror) sortedAddresses() []Address {
	var list []Address
	for _, a := range m.addresses {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Address) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), a.Prefix.Compare(b.Prefix), a.Peer.Compare(b.Peer))
	})
	return list
}
