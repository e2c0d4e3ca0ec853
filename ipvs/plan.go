package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
)

// Verb says what an [Op] does.
type Verb uint8

// The verbs. Deleting a service also deletes its destinations.
const (
	AddService Verb = iota + 1
	EditService
	DeleteService
	AddDestination
	EditDestination
	DeleteDestination
)

func (v Verb) String() string {
	switch v {
	case AddService:
		return "add service"
	case EditService:
		return "edit service"
	case DeleteService:
		return "delete service"
	case AddDestination:
		return "add destination"
	case EditDestination:
		return "edit destination"
	case DeleteDestination:
		return "delete destination"
	}
	return fmt.Sprintf("verb %d", uint8(v))
}

// Op is one request to the kernel, as data: it can be printed, compared and
// sent again. Verbs that delete look only at the identity of their object.
type Op struct {
	Verb        Verb
	Service     Service     // for a destination's verb: the service it belongs to
	Destination Destination // zero for a service's verb
}

// String gives a sentence without its subject, such as
// "add 10.0.0.2:80 to 192.0.2.1:80/tcp".
func (o Op) String() string {
	switch o.Verb {
	case AddService:
		return fmt.Sprintf("add service %v", o.Service.Key)
	case EditService:
		return fmt.Sprintf("edit service %v", o.Service.Key)
	case DeleteService:
		return fmt.Sprintf("delete service %v", o.Service.Key)
	case AddDestination:
		return fmt.Sprintf("add %v to %v", o.Destination.AddrPort(), o.Service.Key)
	case EditDestination:
		return fmt.Sprintf("edit %v of %v", o.Destination.AddrPort(), o.Service.Key)
	case DeleteDestination:
		return fmt.Sprintf("delete %v from %v", o.Destination.AddrPort(), o.Service.Key)
	}
	return o.Verb.String()
}

// Plan returns the requests that turn have into want. Capacity is added before
// any is taken away, over the whole table: services and destinations appear and
// weights rise first, in the order of want; then weights fall, then
// destinations go, and services that are not wanted at all go last, with their
// destinations. Nothing is re-created that can be edited, and what is as wanted
// is not touched. Equal input gives an equal plan.
//
// Every service of have that is not in want is deleted: give only what is ours
// (see [Table.Only] and [Kernel.Read]). What is in have twice counts once: the
// kernel lists some again if others change the table while it is read.
func Plan(have, want Table) []Op { return AppendPlan(nil, have, want) }

// AppendPlan is [Plan] that appends the requests to ops.
func AppendPlan(ops []Op, have, want Table) []Op {
	index := make(map[Key]int, len(have))
	kept := make([]bool, len(have))
	for i := range have {
		if _, twice := index[have[i].Key]; twice {
			kept[i] = true // deleting it would delete the first
			continue
		}
		index[have[i].Key] = i
	}
	additions := 0 // of new services, so that a start allocates once
	for i := range want {
		if _, ok := index[want[i].Key]; !ok {
			additions += 1 + len(want[i].Destinations)
		}
	}
	p := planner{
		more:  slices.Grow(ops, additions),
		there: make(map[netip.AddrPort]int),
	}
	for i := range want {
		w := &want[i]
		if at, ok := index[w.Key]; ok {
			kept[at] = true
			p.change(&have[at], w)
		} else {
			p.create(w)
		}
	}
	for i := range have {
		if !kept[i] {
			p.gone = append(p.gone, Op{Verb: DeleteService, Service: have[i].Service})
		}
	}
	return append(append(p.more, p.less...), p.gone...)
}

// planner collects the requests of a plan by what they do to capacity.
type planner struct {
	more, less, gone []Op
	there            map[netip.AddrPort]int // scratch, see change
}

func (p *planner) create(w *Entry) {
	p.more = append(p.more, Op{Verb: AddService, Service: w.Service})
	for _, d := range w.Destinations {
		p.more = append(p.more, Op{AddDestination, w.Service, d})
	}
}

func (p *planner) change(h, w *Entry) {
	if h.Service.normal() != w.Service.normal() {
		p.more = append(p.more, Op{Verb: EditService, Service: w.Service})
	}
	if slices.Equal(h.Destinations, w.Destinations) {
		return
	}
	clear(p.there)
	for i, d := range h.Destinations {
		p.there[d.AddrPort()] = i
	}
	for _, d := range w.Destinations {
		at, ok := p.there[d.AddrPort()]
		if !ok {
			p.more = append(p.more, Op{AddDestination, w.Service, d})
			continue
		}
		delete(p.there, d.AddrPort())
		switch old := h.Destinations[at]; {
		case old.normal() == d.normal():
		case d.Weight < old.Weight:
			p.less = append(p.less, Op{EditDestination, w.Service, d})
		default:
			p.more = append(p.more, Op{EditDestination, w.Service, d})
		}
	}
	if len(p.there) == 0 {
		return
	}
	for _, d := range h.Destinations { // in the order of have: maps have none
		if _, ok := p.there[d.AddrPort()]; ok {
			delete(p.there, d.AddrPort())
			p.gone = append(p.gone, Op{DeleteDestination, w.Service, d})
		}
	}
}
