package director

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/notify"
)

// start programs the tables. It runs before any goroutine, so the kernel is its.
// When ctx ends meanwhile it adds no more, but goes on otherwise: what it has not
// looked at could not be taken down either, and a predecessor may have left
// something.
func (r *role) start(ctx context.Context) error {
	adding, endAdding := context.WithTimeout(ctx, patience)
	defer endAdding()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	r.started = time.Now()
	r.cfg, r.opt.Config = r.opt.Config, nil // which would outlive a reload
	lvs := r.cfg.Global.LVS
	if lvs.Flush && !r.opt.Restarted {
		if err := r.kernel.Flush(ctx); err != nil {
			return err
		}
	}
	r.heed("lvs_timeouts", r.setTimeouts(ctx, lvs))
	found, err := r.kernel.Read(ctx, among(func(ours map[ipvs.Key]bool) { r.policy.configured(r.cfg, ours) }))
	if err != nil {
		return fmt.Errorf("initialize ipvs: %w", err)
	}
	recalled, err := recall(r.opt.OrdersFile)
	if err != nil {
		r.log.Error("what was drained before is not known", zap.Error(err))
	}
	r.policy.recalled = recalled
	files := r.trackedFiles(r.cfg)
	e := r.policy.load(r.cfg, checksFor(r.cfg, numbersIn(files)), found, r.started)
	r.policy.recalled = nil
	if len(recalled) > 0 && !reflect.DeepEqual(recalled, r.policy.orders()) {
		r.keepOrders() // without those for servers that are gone
	}
	r.surround(r.policy.rules(), r.policy.parameters(), r.policy.answering())
	out := carryOut(adding, adding, r.kernel, job{
		keys: r.policy.keys, want: r.policy.table(), full: true, found: &found,
		// Another program's servers stay until the checks of ours have spoken.
		gentle: !r.opt.Restarted && lvs.ReconcileInterval > 0,
		moving: r.policy.moving, expire: r.expireFlows,
	})
	if !errors.Is(adding.Err(), context.Canceled) { // else nothing is wrong, we are to end
		r.finish(out)
	}
	r.report(e)
	r.policy.begin(r.report) // takes longer than the programming where there are thousands of services
	r.setDaemons(ctx, r.kernel, daemonsOf(r.cfg, r.states))
	r.settled()
	r.engine.Set(r.policy.specs())
	r.watchFiles(files)
	r.watch(r.cfg)
	if r.opt.Ready != nil {
		r.opt.Ready()
	}
	return nil
}

// configured adds the IPVS services of a configuration to a set.
func (p *policy) configured(cfg *config.Config, keys map[ipvs.Key]bool) {
	groups := make(map[string]*config.ServerGroup, len(cfg.ServerGroups))
	for _, g := range cfg.ServerGroups {
		groups[g.Name] = g
	}
	for _, vs := range cfg.VirtualServers {
		list := keysOf(vs, groups)
		if vs.Group != "" && cfg.Global.Firewall.NFIPVS && len(list) > 0 {
			list, _ = throughMarks(list, p.mark(vs, cfg))
		}
		for _, k := range list {
			keys[k] = true
		}
	}
	for k := range pathEntries(cfg) {
		keys[k] = true
	}
}

// reload takes a new configuration. What differs between the two is compared with
// the kernel, and nothing else: the rest has its turn with the next period.
func (r *role) reload(cfg *config.Config) {
	r.log.Info("Reinitializing ipvs")
	before, orders := r.policy.table(), r.policy.orders()
	r.cfg = cfg
	files := r.trackedFiles(cfg)
	e := r.policy.load(cfg, checksFor(cfg, numbersIn(files)), nil, time.Now())
	e.ordered = !reflect.DeepEqual(orders, r.policy.orders())
	for _, op := range ipvs.Plan(before, r.policy.table()) {
		r.dirty[op.Service.Key] = true
		if op.Verb == ipvs.DeleteService {
			r.leaving[op.Service.Key] = true
		}
	}
	for k := range r.leaving {
		if _, back := r.policy.entry(k); back {
			delete(r.leaving, k)
		}
	}
	r.dispatch() // before all that can wait
	r.carry(e)
	r.engine.Set(r.policy.specs())
	r.watchFiles(files)
	r.watch(r.cfg)
	if r.here != nil {
		r.carry(r.policy.locate(r.here))
	}
	r.hub.Configure(notifySettings(cfg))
	r.settle()
}

// stop takes the services down. The loop, the worker and the engine have ended.
func (r *role) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	defer func() { r.policy.stop(r.report) }() // can wait, and takes longer
	return r.takeDown(ctx)
}

// takeDown removes from the kernel what is ours there.
func (r *role) takeDown(ctx context.Context) error {
	var err error
	if r.opt.DontReleaseIPVS {
		err = r.rules.Release()
	} else {
		err = errors.Join(r.release(ctx), r.rules.Close(), r.sysctls.Restore())
	}
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
	all := r.ours()
	ops := make([]ipvs.Op, len(all))
	for i, k := range all {
		ops[i] = ipvs.Op{Verb: ipvs.DeleteService, Service: ipvs.Service{Key: k}}
	}
	failed, err := r.kernel.Apply(ctx, ops)
	for round := 1; round < rounds && errors.Is(err, ipvs.ErrUncertain); round++ { // nobody comes after us who could look again
		failed, err = r.kernel.Apply(ctx, ops)
	}
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
