package router

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/logging"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/pkg/notify"
	"github.com/holdfast-lb/holdfast/pkg/track"
	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
)

// role is the vrrp role. One loop owns everything in it; whatever else runs
// only ever posts to the inbox.
type role struct {
	opt Options
	log *zap.Logger
	cfg *config.Config

	ctx     context.Context // of everything that is started
	inbox   chan func()
	packets chan *received
	sleeper *sleeper
	beatAt  time.Time       // when things are tended next
	lines   logging.Limiter // log lines that a neighbour could provoke

	mirror  *netstate.Mirror
	arrived arrivals
	synced  bool // the mirror has been filled once
	dirty   bool // facts have changed since the last reassess

	dirtySince time.Time     // seen by the loop
	amiss      bool          // something that should be there may not be
	checkAt    time.Time     // when that is looked at in any case
	undone     []netstate.Op // removals that the kernel refused
	facts      facts

	elections agenda
	instances []*instance // in the order of the configuration
	byVRID    map[vridKey][]*instance
	holders   map[netstate.AddressKey][]*instance // of all configured addresses
	starting  bool
	next      *config.Config // came before the start was over
	startAt   time.Time      // when elections may begin; zero: at once
	began     time.Time

	sysctls   *kernel.Sysctls // used by the worker only
	routeKeys atomic.Pointer[map[netstate.RouteKey]bool]
	standby   map[string]time.Time // instances on standby, and when that ends (zero: never)
	delays    map[string]*track.Delay
	polled    map[string]bool         // interfaces whose state is asked for
	deaf      map[link.Endpoint]error // sockets that could not be opened
	relisten  bool                    // what is listened to must be worked out again

	guard       *guard
	relinked    bool // interfaces have come or gone: what names them must be worked out again
	unindexed   bool // and so must the indexes of that
	claimsStale bool // what is watched for duplicates must be worked out again

	hub       *link.Hub
	sender    sender
	announcer *link.Announcer
	claims    *claimWatch
	worker    *worker
	notifier  *notify.Hub
	trackers  tracking
	handover  *handover
	static    holdings

	sync         catchUp
	syncWake     chan struct{} // holds one: the wait for the synchronisation has begun
	autoPriority int           // real-time priority by max_auto_priority
	late         lateness
}

// sender sends adverts; [link.Sender] is one.
type sender interface {
	Send(link.Outgoing) error
	Close()
}

// tracking watches what a configuration tracks; [trackers] does.
type tracking interface {
	set(*config.Config)
	run(context.Context) error
}

// inboxSize bounds what may wait for the loop. Who posts waits for room.
const inboxSize = 256

// Run is the vrrp role: it serves the configured virtual routers until ctx
// ends, then leaves them in good order.
func Run(ctx context.Context, opt Options) error {
	group, inner := errgroup.WithContext(context.WithoutCancel(ctx))
	inner, stop := context.WithCancel(inner)
	defer stop()
	r, err := open(inner, opt)
	if err != nil {
		return err
	}
	defer r.close()
	r.serve(group)
	if err := hurry(); err != nil {
		r.log.Debug("cannot ask for prompt scheduling", zap.Error(err))
	}
	group.Go(func() error {
		defer stop()
		return r.loop(ctx)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// open makes the role with all its sockets, but starts nothing.
func open(ctx context.Context, opt Options) (*role, error) {
	r := &role{
		opt: opt, log: opt.Log, cfg: opt.Config, ctx: ctx,
		inbox: make(chan func(), inboxSize), packets: make(chan *received, inboxSize),
		lines:  logging.Limiter{Interval: time.Minute},
		mirror: netstate.NewMirror(), starting: true, relisten: true, began: time.Now(),
		byVRID: map[vridKey][]*instance{}, holders: map[netstate.AddressKey][]*instance{},
		sysctls: kernel.NewSysctls(), standby: map[string]time.Time{}, delays: map[string]*track.Delay{},
	}
	r.opt.Config = nil // which would outlive a reload
	r.guard = newGuard(opt.Config.Global.Firewall, r.log)
	r.routeKeys.Store(&map[netstate.RouteKey]bool{})
	var err error
	if r.sleeper, err = newSleeper(); err != nil {
		return nil, err
	}
	if r.worker, err = openWorker(opt.Config.Global.VRRP.NetlinkCmd.Size, r.post, r.log); err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	if r.sender, err = link.NewSender(); err != nil {
		r.worker.kernel.Close()
		return nil, err
	}
	if r.announcer, err = link.NewAnnouncer(r.announced); err != nil {
		r.worker.kernel.Close()
		r.sender.Close()
		return nil, err
	}
	if r.trackers, err = newTrackers(r); err != nil {
		r.worker.kernel.Close()
		r.sender.Close()
		return nil, err
	}
	if r.handover, err = openHandover(opt.Handover); err != nil {
		r.log.Warn("cannot use the memory of the predecessor", zap.Error(err))
	}
	r.syncWake = make(chan struct{}, 1)
	r.hub = link.NewHub(r.deliver, r.socketLost)
	r.claims = newClaimWatch(r)
	r.notifier = notify.New(notifySettings(r.cfg), r.log)
	return r, nil
}

// serve starts everything that works beside the loop.
func (r *role) serve(group *errgroup.Group) {
	group.Go(func() error { return r.worker.run(r.ctx) })
	group.Go(func() error { return r.announcer.Run(r.ctx) })
	group.Go(func() error { return r.claims.run(r.ctx) })
	group.Go(func() error { return r.notifier.Run(r.ctx) })
	group.Go(func() error { return r.follow(r.ctx) })
	group.Go(func() error { return r.trackers.run(r.ctx) })
	group.Go(func() error { return r.attend(r.ctx) })
	group.Go(func() error { return r.watchSync(r.ctx) })
	if r.opt.Control != nil {
		r.serveControl()
	}
}

func (r *role) close() {
	r.hub.Close()
	r.sender.Close()
	r.handover.close()
}

// post has f run by the loop. It waits for room, or for the end.
func (r *role) post(f func()) {
	select {
	case r.inbox <- f:
		r.sleeper.wake()
	case <-r.ctx.Done():
	}
}

// attend passes on what the supervisor and the operator want.
func (r *role) attend(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case cfg := <-r.opt.Reload:
			r.post(func() { r.reload(cfg) })
		case sig := <-r.opt.Signals:
			r.post(func() { r.dump(sig) })
		}
	}
}

// loop is the owner of everything. It looks at timers before anything else is
// taken in, so that no flood of events can delay an advert.
func (r *role) loop(ctx context.Context) error {
	defer context.AfterFunc(ctx, r.sleeper.wake)()
	defer context.AfterFunc(r.ctx, r.sleeper.wake)()
	r.readStandby()
	r.configure(r.cfg)
	done := func() bool { return ctx.Err() != nil || r.ctx.Err() != nil }
	for !done() {
		now := time.Now()
		r.expire(now)
		if !now.Before(r.beatAt) {
			r.beatAt = now.Add(heartbeat)
			r.tend(now)
		}
		if r.dirty && r.settled(now) {
			r.reassess()
		}
		if r.takeIn() {
			continue
		}
		until := r.beatAt
		if next := r.elections.next(); !next.IsZero() && next.Before(until) {
			until = next
		}
		if err := r.sleeper.sleep(until, func() bool { return done() || r.takeIn() }); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		return nil // a part failed: end, and leave everything for a successor
	}
	return r.leave()
}

// takeIn deals with one thing that waits for the loop and reports whether there
// was one.
func (r *role) takeIn() bool {
	select {
	case p := <-r.packets:
		r.receive(p)
	case f := <-r.inbox:
		f()
	default:
		return false
	}
	return true
}

// patience is how long a stream of changes may put off what follows from them.
const patience = 20 * time.Millisecond

// settled reports whether the consequences of changes should be drawn now: when
// no more changes wait, or have been coming for long.
func (r *role) settled(now time.Time) bool {
	if r.dirtySince.IsZero() {
		r.dirtySince = now
	}
	return len(r.inbox) == 0 || now.Sub(r.dirtySince) > patience
}

// heartbeat is how often things are looked at that announce themselves only
// when all is well.
const heartbeat = 250 * time.Millisecond

// tend is done with every heartbeat.
func (r *role) tend(now time.Time) {
	r.handover.setClock(now)
	if r.starting {
		return
	}
	r.repair()
	r.endStandby(now)
	if r.claimsStale {
		r.claimsStale = false
		r.watchClaims()
	}
	if r.relisten || len(r.deaf) > 0 {
		r.listen()
	}
	for _, i := range r.instances {
		r.missVirtuals(i, now)
		r.announceExtra(i, now)
	}
}

// system has the worker change a setting of the system.
func (r *role) system(change func() error) {
	r.worker.give(func(context.Context, network) func() {
		err := change()
		if err == nil {
			return nil
		}
		return func() { r.log.Warn("a setting cannot be changed", zap.Error(err)) }
	})
}

// expire gives every machine whose deadline has come a look at its timers.
func (r *role) expire(now time.Time) {
	for {
		e := r.elections.due(now)
		if e == nil {
			return
		}
		late := now.Sub(e.deadline)
		if e.isMaster() {
			r.late.note(late)
		}
		r.overdue(late)
		r.handle(e, vrrp.Expired{})
	}
}

// handle tells a machine what happened and does what it says.
func (r *role) handle(e *election, ev vrrp.Event) {
	for _, a := range e.machine.Handle(ev, time.Now()) {
		r.act(e, a)
	}
	r.elections.moved(e)
}
