package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/dump"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// setStandby puts the elections of an instance (or all) on standby or takes
// them off, and remembers that. A group goes as a whole.
func (r *role) setStandby(req control.StandbyRequest, on bool, now time.Time) error {
	if req.Instance != "" && r.named(req.Instance) == nil {
		return fmt.Errorf("no instance is called %s", req.Instance)
	}
	var end time.Time
	if req.For > 0 {
		end = now.Add(time.Duration(req.For * float64(time.Second)))
	}
	for _, e := range r.everyElection() {
		if req.Instance != "" && r.named(req.Instance).election != e {
			continue
		}
		for _, i := range e.members {
			delete(r.standby, i.cfg.Name)
			if on {
				r.standby[i.cfg.Name] = end
			}
		}
		r.standbyChanged(e, on, end)
	}
	return r.writeStandby()
}

func (r *role) standbyChanged(e *election, on bool, end time.Time) {
	if e.machine.OnStandby() == on {
		return
	}
	for _, i := range e.members {
		switch {
		case !on:
			i.say("resumes its priority")
		case end.IsZero():
			i.say("on standby by the operator")
		default:
			i.say("on standby by the operator until %s", end.Format(time.RFC3339))
		}
	}
	r.handle(e, vrrp.Standby{On: on})
}

// restoreStandby puts a new election on standby if any of its members was.
func (r *role) restoreStandby(e *election) {
	for _, i := range e.members {
		if end, on := r.standby[i.cfg.Name]; on && !e.machine.OnStandby() {
			r.standbyChanged(e, true, end)
		}
	}
}

// endStandby takes off standby whose time is over.
func (r *role) endStandby(now time.Time) {
	for name, end := range r.standby {
		if end.IsZero() || now.Before(end) {
			continue
		}
		delete(r.standby, name)
		if i := r.named(name); i != nil && i.election.machine.OnStandby() {
			r.standbyChanged(i.election, false, time.Time{})
		}
		if err := r.writeStandby(); err != nil {
			r.log.Warn("cannot remember the end of a standby", zap.Error(err))
		}
	}
}

// readStandby recalls what an earlier process was told.
func (r *role) readStandby() {
	if r.opt.StandbyFile == "" {
		return
	}
	b, err := os.ReadFile(r.opt.StandbyFile)
	if err == nil {
		err = json.Unmarshal(b, &r.standby)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Warn("cannot recall which instances are on standby", zap.Error(err))
	}
	if r.standby == nil {
		r.standby = map[string]time.Time{}
	}
}

// writeStandby remembers for the next process. An empty list is no file.
func (r *role) writeStandby() error {
	path := r.opt.StandbyFile
	if path == "" {
		return nil
	}
	if len(r.standby) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.Marshal(r.standby)
	if err != nil {
		return err
	}
	return dump.Replace(path, b)
}

// serveControl answers requests. Each is answered by the loop.
func (r *role) serveControl() {
	c := r.opt.Control
	c.Handle(control.Snapshot, func(ctx context.Context, _ json.RawMessage) (any, error) {
		return ask(ctx, r, func() (any, error) { return r.snapshot(), nil })
	})
	standby := func(on bool) control.Handler {
		return func(ctx context.Context, params json.RawMessage) (any, error) {
			var req control.StandbyRequest
			if len(params) > 0 {
				if err := json.Unmarshal(params, &req); err != nil {
					return nil, fmt.Errorf("request: %w", err)
				}
			}
			return ask(ctx, r, func() (any, error) { return nil, r.setStandby(req, on, time.Now()) })
		}
	}
	c.Handle("standby", standby(true))
	c.Handle("resume", standby(false))
}

// ask has the loop answer a question.
func ask(ctx context.Context, r *role, question func() (any, error)) (any, error) {
	type answer struct {
		value any
		err   error
	}
	c := make(chan answer, 1)
	r.post(func() {
		v, err := question()
		c <- answer{v, err}
	})
	select {
	case a := <-c:
		return a.value, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-r.ctx.Done():
		return nil, errors.New("the vrrp role is ending")
	}
}
