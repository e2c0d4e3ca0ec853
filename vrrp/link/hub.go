package link

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Hub keeps the receiving sockets. Its methods belong to one goroutine; packets
// are delivered from a goroutine per socket.
type Hub struct {
	deliver func(Packet)
	lost    func(Endpoint, error)
	open    map[Endpoint]*listener
	closing []*listener
}

// NewHub returns a hub without sockets. deliver is called for every packet, from
// several goroutines. lost is called when a socket fails while it is in use; the
// next Set opens it again. Set waits for neither of them; Close does.
func NewHub(deliver func(Packet), lost func(Endpoint, error)) *Hub {
	return &Hub{deliver: deliver, lost: lost, open: map[Endpoint]*listener{}}
}

// Set makes the open sockets those that are wanted: new ones are opened, others
// closed, changed ones adjusted without losing a packet. The result names what
// could not be opened and why; everything else works.
func (h *Hub) Set(want []Listen) map[Endpoint]error {
	failed := map[Endpoint]error{}
	wanted := make(map[Endpoint]bool, len(want))
	for _, w := range want {
		wanted[w.Endpoint] = true
		if err := h.set(w); err != nil {
			failed[w.Endpoint] = fmt.Errorf("receive %s: %w", w.Endpoint, err)
		}
	}
	for e := range h.open {
		if !wanted[e] {
			h.shut(e)
		}
	}
	return failed
}

func (h *Hub) set(w Listen) error {
	l := h.open[w.Endpoint]
	if l != nil && l.failed.Load() {
		h.shut(w.Endpoint)
		l = nil
	}
	if l == nil {
		l, err := listen(w, h.deliver, h.lost)
		if err != nil {
			return err
		}
		h.open[w.Endpoint] = l
		return nil
	}
	if err := l.adjust(w); err != nil {
		h.shut(w.Endpoint)
		return err
	}
	return nil
}

// Rejoin leaves and joins again every multicast group on an interface, which
// makes the switches learn of it again. Call it when a link came up.
func (h *Hub) Rejoin(index int) error {
	var errs []error
	for e, l := range h.open {
		if e.Index != index {
			continue
		}
		groups := slices.Clone(l.groups)
		l.leave(groups)
		if err := l.join(groups); err != nil {
			errs = append(errs, fmt.Errorf("receive %s: %w", e, err))
		}
	}
	return errors.Join(errs...)
}

// Close closes all sockets and waits for their goroutines.
func (h *Hub) Close() {
	for e := range h.open {
		h.shut(e)
	}
	for _, l := range h.closing {
		<-l.done
	}
	h.closing = nil
}

// shut closes a socket, from which one packet may still be delivered.
func (h *Hub) shut(e Endpoint) {
	l := h.open[e]
	l.file.Close()
	delete(h.open, e)
	h.closing = append(slices.DeleteFunc(h.closing, (*listener).ended), l)
}

// missing lists the members of in that are not members of from.
func missing(from, in []netip.Addr) []netip.Addr {
	var list []netip.Addr
	for _, g := range in {
		if !slices.Contains(from, g) {
			list = append(list, g)
		}
	}
	return list
}
