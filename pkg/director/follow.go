package director

import (
	"context"
	"encoding/json"
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

// followBFD passes the states of BFD sessions to BFD_CHECKs until ctx ends. The
// bfd role repeats them every second, so there is nothing to ask for.
func (r *role) followBFD(ctx context.Context) error {
	return r.follow(ctx, r.opt.BFDSocket, "BFD sessions", r.hearBFD)
}

// follow hears another role again and again until ctx ends. That the role does
// not run is no news: it may have nothing to do.
func (r *role) follow(ctx context.Context, socket, what string, hear func(context.Context) error) error {
	for socket != "" && ctx.Err() == nil {
		err := hear(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, control.ErrNotRunning) {
			r.log.Debug(what+" are not known", zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
	return nil
}

func (r *role) hearBFD(ctx context.Context) error {
	c, err := control.Dial(ctx, r.opt.BFDSocket)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Events(ctx, func(e control.Event) error {
		var sessions []struct {
			Name     string `json:"name"`
			Up       bool   `json:"up"`
			Checkers bool   `json:"checkers"`
		}
		if e.Kind != "bfd" {
			return nil
		}
		if err := json.Unmarshal(e.Data, &sessions); err != nil {
			return err
		}
		for _, s := range sessions {
			if s.Checkers {
				r.engine.Session(s.Name, s.Up)
			}
		}
		return nil
	})
}

// followVRRP keeps the sync daemon in step with the VRRP instance that
// lvs_sync_daemon names, until ctx ends.
func (r *role) followVRRP(ctx context.Context) error {
	return r.follow(ctx, r.opt.VRRPSocket, "VRRP instances", r.hearVRRP)
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
