package router

import (
	"context"
	"fmt"
	"time"
)

// A backup that takes over before it has learned the connections of the master
// cuts them. The master tells of a connection when packets flow, so what has
// been learned grows fast at first and then hardly at all.
const (
	syncCalm     = 5           // samples in a row, one a second, with little growth
	syncGrowth   = 100         // little: less than a hundredth of what there is
	syncPatience = time.Minute // a lone backup must not wait for ever
)

// catchUp decides when the synchronisation of connections has caught up. The
// zero catchUp waits for nothing.
type catchUp struct {
	began time.Time // zero: not waiting
	known uint64
	calm  int
}

// begin waits anew: what was learned before is out of date.
func (c *catchUp) begin(now time.Time) { *c = catchUp{began: now} }

func (c *catchUp) waiting() bool { return !c.began.IsZero() }

// sample takes how many connections are known, about once a second while this
// machine receives them.
func (c *catchUp) sample(known uint64) {
	grown := known > c.known+known/syncGrowth
	c.known = known
	if grown {
		c.calm = 0
		return
	}
	if c.calm++; c.calm >= syncCalm {
		c.began = time.Time{}
	}
}

// giveUp ends the wait when it has lasted too long, and reports that.
func (c *catchUp) giveUp(now time.Time) bool {
	if now.Sub(c.began) < syncPatience {
		return false
	}
	c.began = time.Time{}
	return true
}

// behind reports whether an instance must not preempt yet, because of
// preempt_after_sync.
func (r *role) behind(i *instance) bool {
	return i.cfg.PreemptAfterSync && r.cfg.Global.LVS.SyncDaemon != nil && r.sync.waiting()
}

// missedSync begins the wait for instances that were unable to receive
// connections.
func (r *role) missedSync(i *instance) {
	if !i.cfg.PreemptAfterSync || r.cfg.Global.LVS.SyncDaemon == nil {
		return
	}
	i.say("does not preempt before IPVS knows the connections of the master")
	r.sync.begin(time.Now())
	r.dirty = true
	select {
	case r.syncWake <- struct{}{}:
	default:
	}
}

// watchSync takes samples once a second while anybody waits.
func (r *role) watchSync(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.syncWake:
		}
		tick := time.NewTicker(time.Second)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return nil
			case <-tick.C:
			}
			known, receiving := r.opt.AskSync(ctx)
			waiting = false // unless the loop says otherwise
			_, _ = ask(ctx, r, func() (any, error) {
				waiting = r.sampleSync(known, receiving, time.Now())
				return nil, nil
			})
		}
		tick.Stop()
	}
}

// sampleSync takes a sample and reports whether there is need for more.
func (r *role) sampleSync(known uint64, receiving bool, now time.Time) bool {
	if !r.sync.waiting() {
		return false
	}
	if receiving {
		r.sync.sample(known)
	}
	switch {
	case !r.sync.waiting():
		r.log.Info(fmt.Sprintf("IPVS knows the connections of the master (%d)", known))
	case r.sync.giveUp(now):
		r.log.Warn(fmt.Sprintf("IPVS did not learn the connections of the master within %v, not waiting any longer", syncPatience))
	default:
		return true
	}
	r.dirty = true
	return false
}
