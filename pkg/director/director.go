package director

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/probe"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/kernel"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	netkernel "github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/pkg/notify"
	"github.com/holdfast-lb/holdfast/pkg/track"
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

	// Restarted says that a predecessor has run under the same supervisor:
	// lvs_flush is for the first start, and would cost every connection now.
	Restarted bool

	// OrdersFile is where the administrative states of real servers are kept, so
	// that they outlive the process; empty for nowhere.
	OrdersFile string

	// Signals asks for state dumps; may be nil.
	Signals <-chan os.Signal

	// WatchBFD reports which BFD sessions are up, again and again, until ctx
	// ends. Nil if there is no bfd role.
	WatchBFD func(ctx context.Context, report func(session string, up bool))

	// VRRPSocket is the control socket of the vrrp role, for a sync daemon that
	// follows an instance; empty if there is none.
	VRRPSocket string
}

// patience is how long a round of requests to the kernel may take in all.
const patience = 30 * time.Second

// retryDelay is the pause after a reconciliation that failed, and the first one after
// a request that was refused; it doubles up to longestRetry.
const (
	retryDelay   = time.Second
	longestRetry = time.Minute
)

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
// down. The error is [ipvs.ErrNoIPVS] when the kernel has no IPVS. If the health
// checks end by themselves, the virtual servers stay as they are.
func Run(ctx context.Context, opt Options) error {
	opt.Log.Info("Initializing ipvs")
	k, err := kernel.Open(ctx)
	if err != nil {
		return fmt.Errorf("initialize ipvs: %w", err)
	}
	defer k.Close()
	k.SetReceiveBuffer(opt.Config.Global.Checkers.NetlinkCmd.Size)
	r := newRole(opt, k)
	r.rules = firewall.NewServices(firewallOptions(opt.Config))
	r.sysctls, r.flows = netkernel.NewSysctls(), netkernel.NewSysctls()
	engine, err := probe.New(probe.Options{
		Event: r.checked, Log: opt.Log, Alone: !opt.Config.Global.LVS.SharedChecks, Random: jitter(opt.Config.Global.RandomSeed),
	})
	if err != nil {
		return err
	}
	r.engine = engine
	r.hub = notify.New(notifySettings(opt.Config), opt.Log)
	buffer := opt.Config.Global.Checkers.NetlinkWatch.Size
	r.watchAddresses = func(ctx context.Context, emit func(netstate.Event)) error {
		w, err := netkernel.OpenWatcher(netkernel.WatchOptions{Buffer: buffer})
		if err != nil {
			return err
		}
		return w.Run(ctx, emit)
	}
	return r.run(ctx)
}

// jitter spreads the first attempts of checks, in the same way for the same random_seed;
// nil is as chance has it.
func jitter(seed *uint32) func() float64 {
	if seed == nil {
		return nil
	}
	return rand.New(rand.NewPCG(uint64(*seed), 0)).Float64
}

// role owns everything that changes. Only its loop touches what is below inbox.
type role struct {
	opt     Options
	log     *zap.Logger
	kernel  ipvs.Kernel // the worker's alone while the loop runs
	engine  checker
	hub     notifier
	rules   packetRules // the worker's, too
	sysctls sysctls
	flows   sysctls      // those of expireFlows
	files   *track.Files // nil without FILE_CHECK

	// watchAddresses reports the addresses of this machine until ctx ends or it fails.
	watchAddresses func(ctx context.Context, emit func(netstate.Event)) error
	locates        chan struct{} // closed once a configuration has ha_suspend

	inbox    chan func()     // for the loop to do
	jobs     chan job        // for the worker; the loop keeps at most one there
	outcomes chan outcome    // from the worker
	queries  chan query      // for the worker, from clients
	done     <-chan struct{} // closed when the loop ends

	cfg          *config.Config
	policy       policy
	dirty        map[ipvs.Key]bool   // to be reconciled because we changed our mind
	leaving      map[ipvs.Key]bool   // ours no more, but not known to be deleted
	full         bool                // everything is to be reconciled
	routine      routine             // comparison of what nobody has changed
	retry        time.Time           // when to try again after an error; zero if there was none
	unsure       bool                // after an error: what differs next may be our own doing
	errands      []errand            // for the worker to do before
	busy         bool                // the worker has a job
	refused      map[string]ipvs.Key // requests that the kernel keeps refusing, and what service they are about
	insist       time.Time           // when to try these again; zero if the next period does
	pause        time.Duration       // before that
	unsettled    time.Time           // when to try again what is set beside the table; zero if all is set
	failing      map[string]bool     // what could not be set this time, and why; the worker's
	failed       map[string]bool     // and the time before
	before       ipvs.Timeouts       // to be put back; the worker's
	synchronises bool                // sync daemons run; the worker's
	states       map[string]string   // of VRRP instances; nil if unknown
	here         map[netip.Addr]bool // addresses of this machine, for ha_suspend; nil if unknown
	counts       control.CheckersCounters
	started      time.Time
}

func newRole(opt Options, k ipvs.Kernel) *role {
	return &role{
		opt: opt, log: opt.Log, kernel: k,
		inbox: make(chan func(), 256), jobs: make(chan job, 1), outcomes: make(chan outcome, 1),
		queries: make(chan query), locates: make(chan struct{}),
		dirty:   make(map[ipvs.Key]bool),
		leaving: make(map[ipvs.Key]bool),
		refused: make(map[string]ipvs.Key),
		failing: make(map[string]bool),
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
	r.serve()
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
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	engineDone := make(chan struct{})
	var broken error
	running.Go(func() {
		defer close(engineDone)
		if err := r.engine.Run(engineCtx); err != nil && engineCtx.Err() == nil {
			broken = fmt.Errorf("health checks ended: %w", err)
			giveUp()
		}
	})
	defer r.closeFiles()
	help(r.hub.Run)
	help(r.followBFD)
	help(r.followVRRP)
	help(r.followAddresses)

	r.loop(ctx)

	endLoop() // whoever posts from now on is not heard
	stopEngine()
	stopWorker()
	<-engineDone
	<-workerDone
	err := broken // then a successor takes over the tables as they are
	if err == nil {
		err = r.stop(ctx)
	}
	stopHelpers()
	running.Wait()
	return err
}

func (r *role) loop(ctx context.Context) {
	period := newPeriod(r.cfg.Global.LVS.ReconcileInterval)
	defer func() { period.Stop() }()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		r.dispatch()
		if next := r.deadline(); next.IsZero() {
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
		case now := <-period.C:
			r.mendRules()
			r.routine.begin(r.ours(), now)
		case now := <-alarm.C:
			if !r.retry.IsZero() && !now.Before(r.retry) {
				r.full, r.retry = true, time.Time{}
			}
			if !r.insist.IsZero() && !now.Before(r.insist) {
				r.insist = time.Time{}
				for _, k := range r.refused {
					r.dirty[k] = true
				}
			}
			if !r.unsettled.IsZero() && !now.Before(r.unsettled) {
				r.unsettled = time.Time{}
				r.settle()
			}
			r.carry(r.policy.tick(now))
			r.watchDrains()
		case sig := <-r.opt.Signals:
			r.dump(sig)
		}
	}
}

// deadline is when the loop has something to do by itself; zero is never.
func (r *role) deadline() time.Time {
	next := r.policy.deadline()
	var piece time.Time
	if !r.busy {
		piece = r.routine.due()
	}
	for _, t := range []time.Time{r.retry, r.insist, r.unsettled, piece} {
		if next.IsZero() || !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
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
	for _, c := range e.switched {
		r.engine.Suspend(c.spec.Key, c.spec.Suspended)
	}
	if e.ordered {
		r.keepOrders()
	}
}

// keepOrders has the next process know what the operator has said.
func (r *role) keepOrders() {
	if err := remember(r.opt.OrdersFile, r.policy.orders()); err != nil {
		r.log.Error("the next process will not know what is drained", zap.Error(err))
	}
}

// report logs and notifies. Lines that come of the same event have the same time.
func (r *role) report(e effects) {
	core, now := r.log.Core(), time.Now()
	for _, l := range e.lines {
		level := zap.InfoLevel
		if l.warn {
			level = zap.WarnLevel
		}
		line := core.Check(zapcore.Entry{Level: level, Time: now, Message: l.text}, nil)
		if line == nil {
			continue
		}
		fields := make([]zap.Field, 0, 2)
		if l.virtual != "" {
			fields = append(fields, zap.String("virtual", l.virtual))
		}
		if l.real != "" {
			fields = append(fields, zap.String("real", l.real))
		}
		line.Write(fields...)
	}
	for _, n := range e.notes {
		r.hub.Tell(n)
		if r.opt.Control != nil {
			r.opt.Control.Publish("transition", control.CheckersTransition{Virtual: n.Service, Name: n.Name, State: n.State})
		}
	}
}
