package router

import (
	"context"
	"net"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
)

// claimWatch looks out for others who use our addresses. Opening its sockets
// takes time, so it is done beside the loop; only the latest wish counts.
type claimWatch struct {
	watcher interface {
		Set([]link.Watched) error
		Close()
	}
	wish chan []link.Watched // holds one
	lost chan error          // holds one
	log  *zap.Logger
}

func newClaimWatch(r *role) *claimWatch {
	c := &claimWatch{wish: make(chan []link.Watched, 1), lost: make(chan error, 1), log: r.log}
	c.watcher = link.NewWatcher(func(claim link.Claim) { r.post(func() { r.claimed(claim) }) }, c.fail)
	return c
}

// set replaces what is watched. Only the loop calls it.
func (c *claimWatch) set(want []link.Watched) {
	select {
	case <-c.wish:
	default:
	}
	c.wish <- want
}

// fail notes that there is something to begin again.
func (c *claimWatch) fail(err error) {
	select {
	case c.lost <- err:
	default:
	}
}

// run does what is wished, and tries again what failed.
func (c *claimWatch) run(ctx context.Context) error {
	defer c.watcher.Close()
	var want []link.Watched
	var again <-chan time.Time
	var said string
	for {
		var err error
		select {
		case want = <-c.wish:
			err = c.watcher.Set(want)
		case <-again:
			err = c.watcher.Set(want)
		case err = <-c.lost:
		case <-ctx.Done():
			return nil
		}
		if again = nil; err == nil {
			continue
		}
		again = time.After(checkInterval)
		if said != err.Error() {
			c.log.Warn("duplicate addresses are not noticed", zap.Error(err))
			said = err.Error()
		}
	}
}

// watchClaims watches the addresses of all masters.
func (r *role) watchClaims() {
	byLink := map[int]*link.Watched{}
	var order []int
	for _, i := range r.instances {
		if !i.held {
			continue
		}
		for _, a := range i.want.Addresses {
			l, ok := r.mirror.Link(a.Link)
			if !ok || !l.Resolves() {
				continue
			}
			w := byLink[a.Link]
			if w == nil {
				w = &link.Watched{Interface: l.Name, Index: l.Index, Ours: []net.HardwareAddr{l.MAC.Bytes()}}
				byLink[a.Link] = w
				order = append(order, a.Link)
			}
			w.Addrs = append(w.Addrs, a.Prefix.Addr())
		}
	}
	want := make([]link.Watched, 0, len(order))
	for _, index := range order {
		want = append(want, *byLink[index])
	}
	r.claims.set(want)
}

// claimed is somebody else's use of one of our addresses.
func (r *role) claimed(c link.Claim) {
	i := r.holderOf(c.Index, c.Addr)
	if i == nil {
		return
	}
	by := c.MAC.String()
	if by == "" {
		by = "somebody"
	}
	r.handle(i.election, vrrp.Claim{Router: i.index, By: by + " on " + c.Interface})
}

func (r *role) holderOf(index int, ip netip.Addr) *instance {
	for k := range r.holders {
		if k.Link != index || k.Local.Addr() != ip {
			continue
		}
		if i := r.holder(k); i.held {
			return i
		}
	}
	return nil
}
