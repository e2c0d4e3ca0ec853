package director

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/probe"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/kernel"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/notify"
)

// Options is what the checkers role works with.
type Options struct {
	Config  *config.Config
	Reload  <-chan *config.Config // each parsed and checked
	Log     *zap.Logger
	Control *control.Server // may be nil
	Ready   func()          // called once the tables are programmed; may be nil

	// DontReleaseIPVS leaves the tables as they are at the end.
	DontReleaseIPVS bool

	// Signals asks for state dumps; may be nil.
	Signals <-chan os.Signal

	// BFDSocket is the control socket of the bfd role, for BFD_CHECK.
	BFDSocket string
}

// patience is how long a round of requests to the kernel may take in all.
const patience = 30 * time.Second

// checker makes health checks.
type checker interface {
	Run(context.Context) error
	Set([]healthcheck.Spec)
	Suspend(key string, on bool)
	TrackFile(name string, value int64)
	Session(name string, up bool)
	Snapshot(context.Context) ([]healthcheck.Status, error)
}

// notifier tells the world outside.
type notifier interface {
	Run(context.Context) error
	Tell(notify.Event)
	Configure(notify.Settings)
}

// Run serves the configured virtual servers until ctx ends; then they are taken
// down. The error is [ipvs.ErrNoIPVS] when the kernel has no IPVS.
func Run(ctx context.Context, opt Options) error {
	opt.Log.Info("Initializing ipvs")
	k, err := kernel.Open(ctx)
	if err != nil {
		return fmt.Errorf("initialize ipvs: %w", err)
	}
	defer k.Close()
	r := newRole(opt, k)
	engine, err := probe.New(probe.Options{Event: r.checked, Log: opt.Log})
	if err != nil {
		return err
	}
	r.engine = engine
	r.hub = notify.New(notifySettings(opt.Config), opt.Log)
	return r.run(ctx)
}

// role owns everything that changes. Only its loop touches what is below inbox.
type role struct {
	opt    Options
	log    *zap.Logger
	kernel ipvs.Kernel // the worker's alone while the loop runs
	engine checker
	hub    notifier

	inbox    chan func()     // for the loop to do
	jobs     chan job        // for the worker; the loop keeps at most one there
	outcomes chan outcome    // from the worker
	queries  chan query      // for the worker
	done     <-chan struct{} // closed when the loop ends

	cfg          *config.Config
	policy       policy
	dirty        map[ipvs.Key]bool   // to be reconciled because we changed our mind
	leaving      map[ipvs.Key]bool   // ours no more, but not known to be deleted
	full         bool                // everything is to be reconciled
	busy         bool                // the worker has a job
	refused      map[string]bool     // requests that the kernel keeps refusing
	before       ipvs.Timeouts       // to be put back; the worker's
	synchronises bool                // sync daemons run; the worker's
	here         map[netip.Addr]bool // addresses of this machine, for ha_suspend; nil if unknown
	counts       control.CheckersCounters
	started      time.Time
}

func newRole(opt Options, k ipvs.Kernel) *role {
	return &role{
		opt: opt, log: opt.Log, kernel: k,
		inbox: make(chan func(), 256), jobs: make(chan job, 1), outcomes: make(chan outcome, 1),
		queries: make(chan query, 16),
		dirty:   make(map[ipvs.Key]bool),
		leaving: make(map[ipvs.Key]bool),
		refused: make(map[string]bool),
	}
}

// checked takes a verdict from the engine, which waits until the loop has it.
func (r *role) checked(ev healthcheck.Event) {
	r.post(func() { r.carry(r.policy.health(ev, time.Now())) })
}

// post gives the loop something to do.
func (r *role) post(f func()) {
	select {
	case r.inbox <- f:
	case <-r.done:
	}
}

func (r *role) run(ctx context.Context) error {
	loopCtx, endLoop := context.WithCancel(context.Background())
	r.done = loopCtx.Done()
	if err := r.start(ctx); err != nil {
		endLoop()
		return err
	}
	// Helpers outlive ctx until the loop has said its last word to them.
	helpers, stopHelpers := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	help := func(run func(context.Context) error) {
		running.Go(func() {
			if err := run(helpers); err != nil && helpers.Err() == nil {
				r.log.Error("the checkers role lost a part of itself", zap.Error(err))
			}
		})
	}
	workerCtx, stopWorker := context.WithCancel(helpers)
	workerDone := make(chan struct{})
	running.Go(func() { defer close(workerDone); r.work(workerCtx) })
	engineCtx, stopEngine := context.WithCancel(helpers)
	engineDone := make(chan struct{})
	running.Go(func() {
		defer close(engineDone)
		if err := r.engine.Run(engineCtx); err != nil && engineCtx.Err() == nil {
			r.log.Error("health checks ended", zap.Error(err))
		}
	})
	help(r.hub.Run)
	help(r.followBFD)
	help(r.followAddresses)
	r.serve()

	r.loop(ctx)

	endLoop() // whoever posts from now on is not heard
	stopEngine()
	stopWorker()
	<-engineDone
	<-workerDone
	err := r.stop(ctx)
	stopHelpers()
	running.Wait()
	return err
}

// start programs the tables. It runs before any goroutine, so the kernel is its.
func (r *role) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.started = time.Now()
	r.cfg = r.opt.Config
	lvs := r.cfg.Global.LVS
	if lvs.Flush {
		if err := r.kernel.Flush(ctx); err != nil {
			return err
		}
	}
	if err := r.setTimeouts(ctx, lvs); err != nil {
		r.log.Error("lvs_timeouts", zap.Error(err))
	}
	ours := configured(r.cfg)
	found, err := r.kernel.Read(ctx, func(k ipvs.Key) bool { return ours[k] })
	if err != nil {
		return fmt.Errorf("initialize ipvs: %w", err)
	}
	e := r.policy.load(r.cfg, checksFor(r.cfg), found, r.started)
	r.report(e)
	r.finish(carryOut(ctx, r.kernel, job{keys: r.policy.keys, want: r.policy.table(), full: true}))
	r.setDaemons(ctx, r.kernel, daemonsOf(r.cfg))
	r.engine.Set(r.policy.specs())
	if r.opt.Ready != nil {
		r.opt.Ready()
	}
	return nil
}

// configured are the IPVS services of a configuration.
func configured(cfg *config.Config) map[ipvs.Key]bool {
	groups := make(map[string]*config.ServerGroup, len(cfg.ServerGroups))
	for _, g := range cfg.ServerGroups {
		groups[g.Name] = g
	}
	keys := make(map[ipvs.Key]bool, len(cfg.VirtualServers))
	for _, vs := range cfg.VirtualServers {
		for _, k := range keysOf(vs, groups) {
			keys[k] = true
		}
	}
	return keys
}

func (r *role) loop(ctx context.Context) {
	period := newPeriod(r.cfg.Global.LVS.ReconcileInterval)
	defer func() { period.Stop() }()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		r.dispatch()
		if next := r.policy.deadline(time.Now()); next.IsZero() {
			alarm.Stop()
		} else {
			alarm.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case f := <-r.inbox:
			f()
			r.drainInbox()
		case o := <-r.outcomes:
			r.busy = false
			r.finish(o)
		case cfg := <-r.opt.Reload:
			r.reload(cfg)
			period.Stop()
			period = newPeriod(cfg.Global.LVS.ReconcileInterval)
		case <-period.C:
			r.full = true
		case <-alarm.C:
			r.carry(r.policy.tick(time.Now()))
		case sig := <-r.opt.Signals:
			r.dump(sig)
		}
	}
}

// drainInbox takes what else is waiting, so that many verdicts at once become
// one reconciliation.
func (r *role) drainInbox() {
	for {
		select {
		case f := <-r.inbox:
			f()
		default:
			return
		}
	}
}

// newPeriod ticks for each periodic reconciliation, or never.
func newPeriod(every time.Duration) *time.Ticker {
	if every <= 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(every)
}

// carry reports effects and remembers what is to be reconciled.
func (r *role) carry(e effects) {
	r.report(e)
	for _, k := range e.dirty {
		r.dirty[k] = true
	}
}

// report logs and notifies.
func (r *role) report(e effects) {
	for _, l := range e.lines {
		fields := make([]zap.Field, 0, 2)
		if l.virtual != "" {
			fields = append(fields, zap.String("virtual", l.virtual))
		}
		if l.real != "" {
			fields = append(fields, zap.String("real", l.real))
		}
		if l.warn {
			r.log.Warn(l.text, fields...)
		} else {
			r.log.Info(l.text, fields...)
		}
	}
	for _, n := range e.notes {
		r.hub.Tell(n)
		if r.opt.Control != nil {
			r.opt.Control.Publish("transition", control.CheckersTransition{Virtual: n.Service, Name: n.Name, State: n.State})
		}
	}
}

// dispatch gives the worker the next job, if it is free and there is one.
func (r *role) dispatch() {
	if r.busy || !r.full && len(r.dirty) == 0 {
		return
	}
	j := job{expected: r.dirty, full: r.full || 2*len(r.dirty) > len(r.policy.keys)}
	if j.full {
		j.keys = append(slices.Clone(r.policy.keys), keys(r.leaving)...)
		j.want = r.policy.table()
	} else {
		j.keys = keys(r.dirty)
		j.want = r.policy.part(j.keys)
	}
	r.dirty, r.full, r.busy = make(map[ipvs.Key]bool), false, true
	r.jobs <- j
}

func keys(set map[ipvs.Key]bool) []ipvs.Key {
	out := make([]ipvs.Key, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.SortFunc(out, ipvs.Key.Compare)
	return out
}

// work carries out jobs and answers queries until ctx ends; what it has begun it
// finishes. It owns the kernel.
func (r *role) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-r.jobs:
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			r.outcomes <- carryOut(limited, r.kernel, j)
			cancel()
		case q := <-r.queries:
			limited, cancel := context.WithTimeout(ctx, patience)
			q.answer(limited, r.kernel)
			cancel()
		}
	}
}

// finish takes note of what came of a job.
func (r *role) finish(o outcome) {
	r.counts.Reconciliations++
	r.counts.Edits += uint64(o.edits)
	if o.err != nil {
		r.log.Error("IPVS could not be reconciled", zap.Error(o.err))
		for k := range o.job.expected {
			r.dirty[k] = true // not at once: with the next event or period
		}
		return
	}
	refused := make(map[string]bool)
	for _, f := range o.refused {
		name := f.Op.String()
		refused[name] = true
		if !r.refused[name] {
			r.log.Error(refusalText(f), zap.String("service", f.Op.Service.Key.String()))
		}
	}
	foreign := slices.DeleteFunc(o.foreign, func(op ipvs.Op) bool { return r.refused[op.String()] })
	if len(foreign) > 0 {
		r.counts.Drift += uint64(len(foreign))
		r.counts.LastDrift = time.Now()
		r.log.Warn(foreignText(foreign), zap.Int("changes", len(foreign)))
	}
	if o.job.full {
		r.refused = refused
		clear(r.leaving)
		return
	}
	for name := range refused {
		r.refused[name] = true
	}
}

// reload takes a new configuration.
func (r *role) reload(cfg *config.Config) {
	r.log.Info("Reinitializing ipvs")
	for _, k := range r.policy.keys {
		r.leaving[k] = true
	}
	r.cfg = cfg
	e := r.policy.load(cfg, checksFor(cfg), nil, time.Now())
	for _, k := range r.policy.keys {
		delete(r.leaving, k)
		r.dirty[k] = true
	}
	for k := range r.leaving {
		r.dirty[k] = true
	}
	r.report(e)
	r.full = true
	for _, pl := range r.policy.pools {
		r.suspendPool(pl)
	}
	r.engine.Set(r.policy.specs())
	r.hub.Configure(notifySettings(cfg))
	r.ask(func(ctx context.Context, _ ipvs.Kernel) {
		if err := r.setTimeouts(ctx, cfg.Global.LVS); err != nil {
			r.log.Error("lvs_timeouts", zap.Error(err))
		}
		r.setDaemons(ctx, r.kernel, daemonsOf(cfg))
	})
}

// setTimeouts sets the timeouts of connections, and remembers those it finds the
// first time.
func (r *role) setTimeouts(ctx context.Context, lvs config.LVSGlobal) error {
	want := ipvs.Timeouts{TCP: lvs.TimeoutTCP, TCPFin: lvs.TimeoutTCPFin, UDP: lvs.TimeoutUDP}
	if want == (ipvs.Timeouts{}) && r.before == (ipvs.Timeouts{}) {
		return nil
	}
	if r.before == (ipvs.Timeouts{}) {
		found, err := r.kernel.Timeouts(ctx)
		if err != nil {
			return err
		}
		r.before = found
	}
	return r.kernel.SetTimeouts(ctx, ipvs.Timeouts{
		TCP:    cmp.Or(want.TCP, r.before.TCP),
		TCPFin: cmp.Or(want.TCPFin, r.before.TCPFin),
		UDP:    cmp.Or(want.UDP, r.before.UDP),
	})
}

// stop takes the services down. The loop, the worker and the engine have ended.
func (r *role) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	r.report(r.policy.stop())
	if r.opt.DontReleaseIPVS {
		return nil
	}
	err := r.release(ctx)
	r.setDaemons(ctx, r.kernel, nil)
	if r.before != (ipvs.Timeouts{}) {
		err = errors.Join(err, r.kernel.SetTimeouts(ctx, r.before))
	}
	return err
}

// release removes our services, which takes their destinations along.
func (r *role) release(ctx context.Context) error {
	if r.cfg.Global.LVS.FlushOnStop == config.FlushAll {
		return r.kernel.Flush(ctx)
	}
	all := append(slices.Clone(r.policy.keys), keys(r.leaving)...)
	ops := make([]ipvs.Op, len(all))
	for i, k := range all {
		ops[i] = ipvs.Op{Verb: ipvs.DeleteService, Service: ipvs.Service{Key: k}}
	}
	failed, err := r.kernel.Apply(ctx, ops)
	for _, f := range failed {
		if !stale(f) {
			r.log.Error(refusalText(f))
		}
	}
	return err
}

// notifySettings are the pipes and mail settings of a configuration.
func notifySettings(cfg *config.Config) notify.Settings {
	g := &cfg.Global
	s := notify.Settings{Mail: notify.MailSettings{
		Server: g.Mail.Server, Port: g.Mail.Port, Helo: g.Mail.Helo, From: g.Mail.From, To: g.Mail.To,
		RouterID: g.RouterID, Timeout: g.Mail.DialTimeout,
	}}
	for _, f := range []*config.FIFO{g.NotifyFIFO, g.LVSFIFO} {
		if f != nil {
			s.FIFOs = append(s.FIFOs, notify.FIFO{Path: f.Path, UID: f.UID, GID: f.GID, Script: command(f.Script)})
		}
	}
	return s
}
