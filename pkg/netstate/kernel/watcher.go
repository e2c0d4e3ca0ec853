package kernel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// DefaultBuffer is the size of the receive buffer for notifications in bytes:
// room for thousands of changes that come at once.
const DefaultBuffer = 4 << 20

// resyncPause is the least time between two complete reads after an overrun, so
// that a storm of changes is not made worse.
const resyncPause = 100 * time.Millisecond

// Watcher follows the changes of a namespace on one ordered stream.
type Watcher struct {
	sub      *nl.NetlinkSocket
	conn     *conn
	interest Interest
	ours     *ledger
}

// WatchOptions adjust a watcher.
type WatchOptions struct {
	Buffer   int // receive buffer in bytes, beyond the system's limit; 0 is [DefaultBuffer]
	Interest Interest
	// Kernel is the one that applies plans, with which the watcher shares what
	// is known to be ours on old kernels. Nil if there is none.
	Kernel *Kernel
}

// OpenWatcher subscribes to changes.
func OpenWatcher(o WatchOptions) (*Watcher, error) {
	groups := []uint{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR}
	if o.Interest != nil {
		groups = append(groups, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE)
	}
	sub, err := nl.Subscribe(unix.NETLINK_ROUTE, groups...)
	if err != nil {
		return nil, fmt.Errorf("subscribe to routing netlink: %w", err)
	}
	if o.Buffer == 0 {
		o.Buffer = DefaultBuffer
	}
	if sub.SetReceiveBufferSize(o.Buffer, true) != nil {
		_ = sub.SetReceiveBufferSize(o.Buffer, false)
	}
	c, err := dial()
	if err != nil {
		sub.Close()
		return nil, err
	}
	w := &Watcher{sub: sub, conn: c, interest: o.Interest, ours: newLedger()}
	if o.Kernel != nil {
		w.ours = o.Kernel.ours
	}
	return w, nil
}

// Run reports everything first ([netstate.Resynced]), then every change in the
// kernel's order, until ctx ends; then it closes the watcher and returns nil.
// When notifications were lost it reports everything again. emit is called from
// this goroutine only.
func (w *Watcher) Run(ctx context.Context, emit func(netstate.Event)) error {
	defer w.conn.close()
	stop := context.AfterFunc(ctx, func() { w.sub.Close() })
	defer func() {
		if stop() {
			w.sub.Close()
		}
	}()
	for {
		s, err := w.conn.read(w.interest)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		w.ours.mark(s.Addresses)
		emit(netstate.Resynced{State: s})
		if err := w.follow(emit); ctx.Err() != nil {
			return nil
		} else if !errors.Is(err, unix.ENOBUFS) {
			return fmt.Errorf("read routing netlink: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(resyncPause):
		}
		w.drain()
	}
}

// follow reports changes until reading fails.
func (w *Watcher) follow(emit func(netstate.Event)) error {
	for {
		messages, from, err := w.sub.Receive()
		if err != nil {
			return err
		}
		if from.Pid != nl.PidKernel {
			continue // any process may send to us; only the kernel is believed
		}
		for _, m := range messages {
			ev, ok := decode(m.Header.Type, m.Data)
			if !ok || !w.wanted(ev) {
				continue
			}
			emit(w.marked(ev))
		}
	}
}

// drain throws away what was queued before an overrun: applied after the next
// complete read, it would undo changes whose reports were lost. The kernel
// queues nothing more until the socket is empty.
func (w *Watcher) drain() {
	buf := make([]byte, nl.RECEIVE_BUFFER_SIZE)
	for {
		_, _, err := unix.Recvfrom(w.sub.GetFd(), buf, unix.MSG_DONTWAIT)
		if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (w *Watcher) wanted(ev netstate.Event) bool {
	switch ev := ev.(type) {
	case netstate.RouteChanged:
		return w.interest(ev.Route.Key())
	case netstate.RouteGone:
		return w.interest(ev.Route.Key())
	}
	return true
}

func (w *Watcher) marked(ev netstate.Event) netstate.Event {
	if ev, ok := ev.(netstate.AddressChanged); ok {
		list := []netstate.Address{ev.Address}
		w.ours.mark(list)
		return netstate.AddressChanged{Address: list[0]}
	}
	return ev
}
