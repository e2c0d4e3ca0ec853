package director

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/control"
)

const (
	redial = time.Second      // pause before the socket of another role is tried again
	resync = 10 * time.Second // how often it is asked without an event
)

// followBFD passes the states of BFD sessions to BFD_CHECKs until ctx ends.
func (r *role) followBFD(ctx context.Context) error {
	if r.opt.WatchBFD != nil {
		r.opt.WatchBFD(ctx, r.engine.Session)
	}
	return nil
}

// followVRRP keeps the sync daemon in step with the VRRP instance that
// lvs_sync_daemon names, until ctx ends. That the vrrp role does not run is no
// news: it may have nothing to do.
func (r *role) followVRRP(ctx context.Context) error {
	for r.opt.VRRPSocket != "" && ctx.Err() == nil {
		err := r.hearVRRP(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, control.ErrNotRunning) {
			r.log.Debug("VRRP instances are not known", zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
	return nil
}

// hearVRRP asks for the instances' states with every event, and now and then in
// case one came before we listened.
func (r *role) hearVRRP(ctx context.Context) error {
	events, err := control.Dial(ctx, r.opt.VRRPSocket)
	if err != nil {
		return err
	}
	defer events.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	news := make(chan struct{}, 1)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer cancel(nil)
	listening.Go(func() {
		cancel(events.Events(ctx, func(e control.Event) error {
			if e.Kind == "transition" {
				select {
				case news <- struct{}{}:
				default: // one is waiting
				}
			}
			return nil
		}))
	})
	again := time.NewTicker(resync)
	defer again.Stop()
	for {
		if err := r.askVRRP(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-news:
		case <-again.C:
		}
	}
}

func (r *role) askVRRP(ctx context.Context) error {
	c, err := control.Dial(ctx, r.opt.VRRPSocket)
	if err != nil {
		return err
	}
	defer c.Close()
	var snapshot control.VRRPSnapshot
	if err := c.Call(ctx, control.Snapshot, nil, &snapshot); err != nil {
		return err
	}
	states := make(map[string]string, len(snapshot.Instances))
	for _, i := range snapshot.Instances {
		states[i.Name] = i.State
	}
	r.post(func() { r.heardVRRP(states) })
	return nil
}

// heardVRRP takes the states of the instances.
func (r *role) heardVRRP(states map[string]string) {
	d := r.cfg.Global.LVS.SyncDaemon
	changed := d != nil && d.Instance != "" && (r.states == nil || r.states[d.Instance] != states[d.Instance])
	r.states = states
	if changed {
		r.settle()
	}
}
