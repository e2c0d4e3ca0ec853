package router

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

// vridKey is where packets for an instance come from. Several instances may
// share one, when they differ in their unicast source.
type vridKey struct {
	Index int // of the endpoint's interface
	IPv6  bool
	VRID  uint8
}

// received is one packet on its way from a socket to the loop.
type received struct {
	link.Packet
	buffer []byte
}

var receivedPool = sync.Pool{New: func() any { return new(received) }}

// deliver takes a packet from a socket's goroutine. If the loop has too many
// already, the rest waits in the socket, whose buffer is the bound.
func (r *role) deliver(p link.Packet) {
	in := receivedPool.Get().(*received)
	in.buffer = append(in.buffer[:0], p.Data...)
	in.Packet = p
	in.Data = in.buffer
	select {
	case r.packets <- in:
		r.sleeper.wake()
	case <-r.ctx.Done():
	}
}

// receive checks a packet and tells the machine.
func (r *role) receive(in *received) {
	defer receivedPool.Put(in)
	d, err := datagramOf(in)
	if err != nil {
		return
	}
	vrid, ok := d.VRID()
	if !ok {
		return
	}
	i := r.addressee(vridKey{in.Endpoint.Index, in.Endpoint.IPv6, vrid}, d.Dst)
	if i == nil {
		if r.cfg.Global.LogUnknownVRIDs {
			r.sayOnce(fmt.Sprintf("vrid %d %s", vrid, in.Endpoint.Interface),
				fmt.Sprintf("Unknown VRID(%d) received on interface(%s). ignoring...", vrid, in.Endpoint.Interface))
		}
		return
	}
	got, err := i.checker.Check(d, time.Now())
	if err != nil {
		i.counts.dropped(err)
		r.sayOnce(i.cfg.Name+reasonOf(err), dropLine(i.cfg.Name, err, d.Src))
		return
	}
	r.accepted(i, got)
}

// accepted is an advert that passed every check.
func (r *role) accepted(i *instance, got packet.Accepted) {
	a := got.Advert
	i.counts.received(a.Priority)
	i.encoder.Follow(got.Sequence)
	if i.checker.SpeaksOld {
		i.encoder.Format.OldUnicast = true
	}
	known := i.cfg.SkipCheckAdvAddr && got.From == i.status().Master
	if got.List != nil && !known {
		i.counts.addrList++
		r.sayOnce(i.cfg.Name+"list", fmt.Sprintf("(%s) %v from %v", i.cfg.Name, got.List, got.From))
	}
	if got.Skew != 0 {
		r.sayOnce(i.cfg.Name+"skew", fmt.Sprintf("(%s) authentication clock skew %d sec from %v approaching window %d sec",
			i.cfg.Name, int(got.Skew.Seconds()), got.From, int(i.checker.Rules.HMAC.Window.Seconds())))
	}
	i.heardFrom(a.Priority)
	r.handle(i.election, vrrp.Advert{Router: i.index, From: got.From, Priority: a.Priority, Interval: a.Interval})
}

func datagramOf(in *received) (packet.Datagram, error) {
	if in.Endpoint.IPv6 {
		return packet.ParseIPv6(in.Src, in.Dst, uint8(in.HopLimit), in.Data), nil
	}
	return packet.ParseIPv4(in.Data)
}

// addressee is the instance that a packet is for. Of several with the same
// VRID, a unicast packet is for the one with that address.
func (r *role) addressee(k vridKey, dst netip.Addr) *instance {
	list := r.byVRID[k]
	if len(list) < 2 {
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	for _, i := range list {
		if i.cfg.Unicast == !dst.IsMulticast() && (!i.cfg.Unicast || i.source == dst) {
			return i
		}
	}
	return list[0]
}

// sayOnce logs a line that a neighbour can provoke, once a minute per key.
func (r *role) sayOnce(key, line string) {
	if more, ok := r.lines.Allow(key, time.Now()); ok {
		if more > 0 {
			r.log.Info(line, zap.Int("suppressed", more))
			return
		}
		r.log.Info(line)
	}
}

// dropLine says why an advert was dropped.
func dropLine(name string, err error, from netip.Addr) string {
	if what, values, ok := strings.Cut(err.Error(), ": "); ok && errors.Is(err, packet.ErrInterval) {
		return fmt.Sprintf("(%s) %s with %v %s", name, what, from, values)
	}
	return fmt.Sprintf("(%s) %v from %v", name, err, from)
}

// reasonOf is the named error in err, as a key.
func reasonOf(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// socketLost has sockets opened again that failed.
func (r *role) socketLost(e link.Endpoint, err error) {
	r.post(func() {
		r.log.Warn("receiving stopped, trying again", zap.Stringer("endpoint", e), zap.Error(err))
		r.relisten = true
	})
}
