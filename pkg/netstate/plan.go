package netstate

import "fmt"

// Verb is what an operation does.
type Verb uint8

// The verbs.
const (
	Add Verb = iota + 1
	Replace
	Remove
)

func (v Verb) String() string { return [...]string{"?", "add", "replace", "remove"}[min(v, 3)] }

// Item is an [Address], a [Route] or a [Rule].
type Item interface {
	fmt.Stringer
	item()
}

func (Address) item() {}
func (Route) item()   {}
func (Rule) item()    {}

// Op is one request to the kernel, as data.
type Op struct {
	Verb Verb
	Item Item
}

func (o Op) String() string {
	kind := "address"
	switch o.Item.(type) {
	case Route:
		kind = "route"
	case Rule:
		kind = "rule"
	}
	return fmt.Sprintf("%s %s %s", o.Verb, kind, o.Item)
}

// Want is what should be true of the items that the configuration names.
// Whatever appears in neither set is none of our business.
type Want struct {
	Present State // must exist
	Absent  State // must not exist, as far as it is ours to remove
}

// Plan returns the operations that turn have into want, in the order in which
// they are to be done: addresses, the routes that need them, the rules that
// choose those routes; then removals the other way round. Equal input gives an
// equal plan, and planning again after it was applied gives nothing.
//
// An item that exists satisfies want whoever added it. It is edited or removed
// only if it carries the protocol mark of the wanted one: an administrator's
// own address that equals a virtual one survives.
func Plan(have State, want Want) []Op {
	var ops []Op
	ops = append(ops, addAddresses(have.Addresses, want.Present.Addresses)...)
	routes := indexRoutes(have.Routes)
	ops = append(ops, addRoutes(routes, want.Present.Routes)...)
	ops = append(ops, addRules(have.Rules, want.Present.Rules)...)
	ops = append(ops, removeRules(have.Rules, want)...)
	ops = append(ops, removeRoutes(routes, want)...)
	return append(ops, removeAddresses(have.Addresses, want)...)
}

func addAddresses(have, want []Address) []Op {
	var ops []Op
	index := indexAddresses(have)
	for _, w := range want {
		h, exists := index[w.Key()]
		switch {
		case !exists:
			ops = append(ops, Op{Add, w})
		case h.Protocol != w.Protocol || w.sameOptions(h):
		case w.differsFixed(h):
			ops = append(ops, Op{Remove, h}, Op{Add, w})
		default:
			ops = append(ops, Op{Replace, w})
		}
		index[w.Key()] = w // named twice is wanted once
	}
	return ops
}

func removeAddresses(have []Address, want Want) []Op {
	var ops []Op
	index := indexAddresses(have)
	keep := indexAddresses(want.Present.Addresses)
	for _, w := range want.Absent.Addresses {
		h, exists := index[w.Key()]
		if _, kept := keep[w.Key()]; !exists || kept || h.Protocol != w.Protocol {
			continue
		}
		ops = append(ops, Op{Remove, h})
		delete(index, w.Key())
	}
	return ops
}

func indexAddresses(list []Address) map[AddressKey]Address {
	index := make(map[AddressKey]Address, len(list))
	for _, a := range list {
		index[a.Key()] = a
	}
	return index
}

type routeIndex map[RouteKey][]Route

func indexRoutes(list []Route) routeIndex {
	index := make(routeIndex, len(list))
	for _, r := range list {
		index[r.Key()] = append(index[r.Key()], r)
	}
	return index
}

// find returns the route that does what want asks for, preferring one of ours.
func (x routeIndex) find(want Route) (found Route, ok bool) {
	for _, h := range x[want.Key()] {
		if !want.satisfiedBy(h) {
			continue
		}
		if found, ok = h, true; h.Protocol == want.Protocol {
			break
		}
	}
	return found, ok
}

func addRoutes(have routeIndex, want []Route) []Op {
	var ops []Op
	planned := make(routeIndex)
	for _, w := range want {
		if _, twice := planned.find(w); twice {
			continue
		}
		planned[w.Key()] = append(planned[w.Key()], w)
		h, exists := have.find(w)
		switch {
		case !exists:
			ops = append(ops, Op{Add, w})
		case h.Protocol == w.Protocol && !w.mergedInto(h) && !w.sameOptions(h):
			ops = append(ops, Op{Replace, w})
		}
	}
	return ops
}

func removeRoutes(have routeIndex, want Want) []Op {
	var ops []Op
	keep := indexRoutes(want.Present.Routes)
	gone := make(routeIndex)
	for _, w := range want.Absent.Routes {
		h, exists := have.find(w)
		switch {
		case !exists:
			continue
		case w.mergedInto(h):
			h = w // the others stay; the kernel looks at the protocol
		case h.Protocol != w.Protocol:
			continue
		default:
			h.Hop, h.Hops = w.Hop, w.Hops // not all of a tunnel is read back
		}
		_, kept := keep.find(w)
		if _, twice := gone.find(w); kept || twice {
			continue
		}
		gone[w.Key()] = append(gone[w.Key()], h)
		ops = append(ops, Op{Remove, h})
	}
	return ops
}

func addRules(have, want []Rule) []Op {
	var ops []Op
	seen := indexRules(have)
	for _, w := range want {
		if _, exists := seen[ruleKey(w)]; !exists {
			ops = append(ops, Op{Add, w})
			seen[ruleKey(w)] = w
		}
	}
	return ops
}

func removeRules(have []Rule, want Want) []Op {
	var ops []Op
	index := indexRules(have)
	keep := indexRules(want.Present.Rules)
	for _, w := range want.Absent.Rules {
		h, exists := index[ruleKey(w)]
		if _, kept := keep[ruleKey(w)]; !exists || kept || h.Protocol != w.Protocol {
			continue
		}
		ops = append(ops, Op{Remove, h})
		delete(index, ruleKey(w))
	}
	return ops
}

// ruleKey is the rule without its mark: the whole of a rule is its identity.
func ruleKey(r Rule) Rule {
	r = r.Normal()
	r.Protocol = 0
	return r
}

// indexRules prefers, among equal rules, one with our mark.
func indexRules(list []Rule) map[Rule]Rule {
	index := make(map[Rule]Rule, len(list))
	for _, r := range list {
		if old, twice := index[ruleKey(r)]; !twice || old.Protocol != Protocol {
			index[ruleKey(r)] = r
		}
	}
	return index
}
