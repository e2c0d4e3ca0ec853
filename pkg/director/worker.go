package director

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// dispatch gives the worker the next job, if it is free and there is one. What has changed
// comes before routine.
func (r *role) dispatch() {
	if r.busy {
		return
	}
	full := r.full || 2*len(r.dirty) > len(r.policy.keys)
	var piece []ipvs.Key
	if !full && len(r.dirty) == 0 && len(r.errands) == 0 {
		if piece = r.routine.piece(r.policy.servers, time.Now()); len(piece) == 0 {
			return
		}
		full = r.unsure || len(piece) == len(r.policy.keys)+len(r.leaving)
	}
	j := job{errands: r.errands, expected: r.dirty, full: full, moving: r.policy.moving, expire: r.expireFlows}
	switch {
	case full:
		if r.unsure {
			j.expected, r.unsure = nil, false
		}
		j.gone = keys(r.leaving)
		j.keys = r.ours()
		j.want = r.policy.table()
		r.routine.end()
	case piece != nil:
		j.routine = true
		j.keys = slices.DeleteFunc(slices.Clone(piece), func(k ipvs.Key) bool { return !r.leaving[k] && !r.policy.has(k) })
		j.want = r.policy.part(j.keys)
	default:
		j.keys = keys(r.dirty)
		j.want = r.policy.part(j.keys)
	}
	r.dirty, r.errands, r.full, r.busy = make(map[ipvs.Key]bool), nil, false, true
	r.jobs <- j
}

// ours are the keys of our services, and of those that were ours until a moment ago.
func (r *role) ours() []ipvs.Key { return append(slices.Clone(r.policy.keys), keys(r.leaving)...) }

func keys(set map[ipvs.Key]bool) []ipvs.Key {
	out := make([]ipvs.Key, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.SortFunc(out, ipvs.Key.Compare)
	return out
}

// work carries out jobs and answers queries until ctx ends; what it has begun it
// finishes, but for reading. It owns the kernel.
func (r *role) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-r.jobs:
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			reading, stopReading := context.WithCancel(limited)
			heed := context.AfterFunc(ctx, stopReading) // a large table takes longer than a stop may
			start := time.Now()
			out := carryOut(limited, reading, r.kernel, j)
			heed()
			stopReading()
			cancel()
			out.took = time.Since(start)
			r.outcomes <- out
		case q := <-r.queries:
			limited, cancel := context.WithTimeout(ctx, patience)
			q.answer(limited, r.kernel)
			cancel()
		}
	}
}

// finish takes note of what came of a job.
func (r *role) finish(o outcome) {
	for _, e := range o.job.errands {
		if e.then != nil {
			e.then()
		}
	}
	r.counts.Reconciliations++
	r.counts.Edits += uint64(o.edits)
	if o.err != nil {
		r.log.Error("IPVS could not be reconciled", zap.Error(o.err))
		r.retry, r.unsure = time.Now().Add(retryDelay), true
		return
	}
	refused, news := make(map[string]ipvs.Key), false
	for _, f := range o.refused {
		name := f.Op.String()
		refused[name] = f.Op.Service.Key
		if _, known := r.refused[name]; !known {
			r.log.Error(refusalText(f), zap.String("service", f.Op.Service.Key.String()))
			news = true
		}
	}
	foreign := slices.DeleteFunc(o.foreign, func(op ipvs.Op) bool { _, known := r.refused[op.String()]; return known })
	if len(foreign) > 0 {
		r.counts.Drift += uint64(len(foreign))
		r.counts.LastDrift = time.Now()
		r.log.Warn("The IPVS table was changed by another program, repaired: "+summary(foreign), zap.Int("changes", len(foreign)))
	}
	if len(o.held) > 0 {
		r.log.Warn(fmt.Sprintf("The IPVS table differs from the configuration, to be put right in %v: %s",
			r.cfg.Global.LVS.ReconcileInterval, summary(o.held)), zap.Int("changes", len(o.held)))
	}
	r.left(o)
	if o.job.full || o.job.routine {
		r.routine.took(o.took, time.Now())
	}
	if o.job.routine && len(foreign) > 0 {
		r.full = true // whoever that was may have changed more
	}
	maps.DeleteFunc(r.refused, func(_ string, k ipvs.Key) bool {
		return o.job.full || o.job.expected[k] || o.job.routine && slices.Contains(o.job.keys, k)
	})
	maps.Copy(r.refused, refused)
	r.tryAgain(news)
}

// tryAgain sees to it that what the kernel has refused is asked for again where no
// period does: what others change is left alone then, but what we want is not
// given up.
func (r *role) tryAgain(news bool) {
	switch {
	case len(r.refused) == 0 || r.cfg.Global.LVS.ReconcileInterval > 0:
		r.insist, r.pause = time.Time{}, 0
	case news:
		r.pause = retryDelay
		r.insist = time.Now().Add(r.pause)
	case r.insist.IsZero():
		r.pause = min(2*r.pause, longestRetry)
		r.insist = time.Now().Add(r.pause)
	}
}

// left takes note of which services are gone that are ours no more: those that the
// job was to delete, and did. We may have given up others after it had begun.
func (r *role) left(o outcome) {
	if len(r.leaving) == 0 {
		return
	}
	kept := make(map[ipvs.Key]bool, len(o.job.want))
	for i := range o.job.want {
		kept[o.job.want[i].Key] = true
	}
	for _, f := range o.refused {
		kept[f.Op.Service.Key] = true
	}
	for _, k := range o.job.keys {
		if !kept[k] {
			delete(r.leaving, k)
		}
	}
}
