package director

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

// errLeaving answers clients that ask while the role ends.
var errLeaving = errors.New("the checkers role is stopping")

// query is a question to the kernel, for the worker.
type query struct {
	ask  func(context.Context, ipvs.Kernel)
	done chan struct{}
}

func (q query) answer(ctx context.Context, k ipvs.Kernel) {
	defer close(q.done)
	q.ask(ctx, k)
}

// query has the worker ask the kernel and waits. It must not be called by the
// loop.
func (r *role) query(ctx context.Context, ask func(context.Context, ipvs.Kernel)) error {
	q := query{ask: ask, done: make(chan struct{})}
	select {
	case r.queries <- q:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.done:
		return errLeaving
	}
	<-q.done // whoever takes a query answers it
	return nil
}

// inLoop has the loop do something and waits. It must not be called by the loop.
func (r *role) inLoop(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case r.inbox <- func() { defer close(done); f() }:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.done:
		return errLeaving
	}
	select {
	case <-done:
		return nil
	case <-r.done:
		return errLeaving
	}
}

// serve offers the role's methods on its control socket.
func (r *role) serve() {
	if r.opt.Control == nil {
		return
	}
	r.opt.Control.Handle(control.Snapshot, func(ctx context.Context, _ json.RawMessage) (any, error) { return r.status(ctx) })
	r.opt.Control.Handle(control.Sync, func(ctx context.Context, _ json.RawMessage) (any, error) { return r.syncStatus(ctx) })
	for method, to := range map[string]Admin{"drain": Drain, "ready": Ready, "maint": Maint} {
		r.opt.Control.Handle(method, func(ctx context.Context, params json.RawMessage) (any, error) {
			return nil, r.administer(ctx, to, params)
		})
	}
}

// administer changes the administrative state of a server for a client.
func (r *role) administer(ctx context.Context, to Admin, params json.RawMessage) error {
	var req control.AdminRequest
	if err := json.Unmarshal(params, &req); err != nil {
		return fmt.Errorf("parameters of %v: %w", to, err)
	}
	var refused error
	err := r.inLoop(ctx, func() {
		pl, s, err := r.policy.find(req.Virtual, req.Real)
		if err != nil {
			refused = err
			return
		}
		r.carry(r.policy.administer(pl, s, to, req.Timeout, time.Now()))
	})
	return errors.Join(err, refused)
}

// status gathers everything for a client.
func (r *role) status(ctx context.Context) (*control.CheckersStatus, error) {
	var st *control.CheckersStatus
	var ours map[ipvs.Key]bool
	var views []view
	if err := r.inLoop(ctx, func() {
		st = r.policy.status()
		st.Started, st.Counters = r.started, r.counts
		ours = make(map[ipvs.Key]bool, len(r.policy.keys))
		for _, pl := range r.policy.pools {
			views = append(views, viewOf(pl))
			for _, k := range pl.keys {
				ours[k] = true
			}
		}
	}); err != nil {
		return nil, err
	}
	var running []ipvs.EntryStatus
	var kerr error
	if err := r.query(ctx, func(ctx context.Context, k ipvs.Kernel) {
		running, kerr = k.Status(ctx, func(k ipvs.Key) bool { return ours[k] })
	}); err != nil || kerr != nil {
		return nil, errors.Join(err, kerr)
	}
	addTraffic(st, views, running)
	checks, err := r.engine.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	addChecks(st, checks)
	return st, nil
}

// status is everything that the policy knows.
func (p *policy) status() *control.CheckersStatus {
	st := &control.CheckersStatus{Virtual: make([]control.VirtualServer, 0, len(p.pools))}
	for _, pl := range p.pools {
		v := control.VirtualServer{
			Name: pl.name, Up: pl.quorum, Panic: pl.panics, Weight: pl.sum(),
			Suspended: pl.suspended, Quorum: pl.cfg.Quorum, Hysteresis: pl.cfg.Hysteresis, SorryActive: pl.sorry(),
		}
		for _, k := range pl.keys {
			v.Services = append(v.Services, k.String())
		}
		if pl.cfg.Sorry != nil {
			v.Sorry = serverName(pl.cfg, pl.cfg.Sorry.Addr)
		}
		next := 0 // of the members, which are in the same order
		for _, s := range pl.servers {
			var weight int32
			if s.in {
				weight = pl.members[next].Weight
				next++
			}
			rs := control.RealServer{
				Name: s.name(), Up: s.up, Since: s.since, Admin: s.admin.String(), DrainUntil: s.deadline,
				Weight: s.weight, Configured: int(s.cfg.Weight), InPool: s.in, PoolWeight: weight, Reason: s.reason,
			}
			for i := range s.checks {
				rs.Checks = append(rs.Checks, control.Check{Key: s.checks[i].spec.Key})
			}
			v.Real = append(v.Real, rs)
		}
		st.Virtual = append(st.Virtual, v)
	}
	return st
}

// view says which of a virtual server's real servers is which destination.
type view struct {
	keys    []ipvs.Key
	servers []ipvs.Destination // of the first service
}

func viewOf(pl *pool) view {
	v := view{keys: pl.keys, servers: make([]ipvs.Destination, len(pl.servers))}
	for i, s := range pl.servers {
		v.servers[i] = pl.destination(s.cfg.Addr, s.cfg.Method, 0)
	}
	return v
}

// at is where a server is found in one of the services.
func (v view) at(server int, k ipvs.Key) netip.AddrPort {
	d := &v.servers[server]
	return netip.AddrPortFrom(d.Addr, portFor(k, d.Method, d.Port))
}

// addTraffic adds up the counters of each virtual server's services. views are in
// the order of the virtual servers.
func addTraffic(st *control.CheckersStatus, views []view, running []ipvs.EntryStatus) {
	byKey := make(map[ipvs.Key]*ipvs.EntryStatus, len(running))
	for i := range running {
		byKey[running[i].Key] = &running[i]
	}
	for i, v := range views {
		virtual := &st.Virtual[i]
		for _, k := range v.keys {
			e := byKey[k]
			if e == nil {
				continue
			}
			add(&virtual.Traffic, e.Stats)
			index := make(map[netip.AddrPort]int, len(v.servers))
			for n := range v.servers {
				index[v.at(n, k)] = n
			}
			for _, d := range e.Destinations {
				if n, ok := index[d.AddrPort()]; ok {
					rs := &virtual.Real[n]
					rs.Active += d.Active
					rs.Inactive += d.Inactive
					rs.Persistent += d.Persistent
					add(&rs.Traffic, d.Stats)
				}
			}
		}
	}
}

func add(t *control.Traffic, s ipvs.Stats) {
	t.Connections += s.Connections
	t.PacketsIn += s.PacketsIn
	t.PacketsOut += s.PacketsOut
	t.BytesIn += s.BytesIn
	t.BytesOut += s.BytesOut
}

// addChecks fills in how the checks stand.
func addChecks(st *control.CheckersStatus, checks []healthcheck.Status) {
	byKey := make(map[string]*healthcheck.Status, len(checks))
	for i := range checks {
		for _, key := range checks[i].Keys {
			byKey[key] = &checks[i]
		}
	}
	for i := range st.Virtual {
		for j := range st.Virtual[i].Real {
			for n := range st.Virtual[i].Real[j].Checks {
				c := &st.Virtual[i].Real[j].Checks[n]
				if s := byKey[c.Key]; s != nil {
					*c = checkStatus(c.Key, s)
				}
			}
		}
	}
}

func checkStatus(key string, s *healthcheck.Status) control.Check {
	c := control.Check{
		Key: key, Kind: s.Keyword, Up: s.Up, Known: s.Known, Suspended: s.Suspended, Since: s.Since,
		Weight: s.Weight, Runs: s.Runs, Last: s.LastAt, Took: s.Last.Took, Next: s.Next, Lateness: s.Lateness,
	}
	if !s.Up {
		c.Reason = s.Last.Reason
	}
	for _, f := range s.Failures {
		c.Failures = append(c.Failures, control.CheckFailure(f))
	}
	return c
}
