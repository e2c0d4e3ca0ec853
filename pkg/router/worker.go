package router

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
)

// network is what jobs change; [kernel.Kernel] is one.
type network interface {
	Apply(context.Context, []netstate.Op) []kernel.Failure
	Read(kernel.Interest) (netstate.State, error)
	EnsureLink(netstate.VirtualLink) (l netstate.Link, made bool, err error)
	RemoveLinks(indexes ...int) error
	FollowVRF(netstate.Link) error
}

// slowWork is how long a job may take before the log tells of it: what waits for
// the job, such as the announcement of an address, came later by as much.
const slowWork = 200 * time.Millisecond

// worker carries out what the kernel is asked to change, one job after the
// other, so that the loop never waits for it.
type worker struct {
	kernel *kernel.Kernel
	log    *zap.Logger
	post   func(func())
	wake   chan struct{} // holds one

	mu   sync.Mutex // held for moments only
	jobs []job
}

// job is one piece of work. What it returns, if anything, is run by the loop.
type job func(ctx context.Context, k network) (done func())

func openWorker(buffer int, post func(func()), log *zap.Logger) (*worker, error) {
	k, err := kernel.Open()
	if err != nil {
		return nil, err
	}
	if err := k.SetReceiveBuffer(buffer); err != nil {
		k.Close()
		return nil, fmt.Errorf("vrrp_netlink_cmd_rcv_bufs %d: %w", buffer, err)
	}
	return &worker{kernel: k, log: log, post: post, wake: make(chan struct{}, 1)}, nil
}

// give queues a job. It never waits: the loop must not wait for the worker,
// which waits for the loop when its inbox is full. The queue is bounded by the
// number of instances, each of which has few jobs under way.
func (w *worker) give(j job) {
	w.mu.Lock()
	w.jobs = append(w.jobs, j)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) take() job {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.jobs) == 0 {
		return nil
	}
	j := w.jobs[0]
	w.jobs = w.jobs[1:]
	return j
}

// run does jobs until ctx ends, and then those that were given before: they
// remove what must not stay behind.
func (w *worker) run(ctx context.Context) error {
	defer w.kernel.Close()
	inFull := context.WithoutCancel(ctx)
	for {
		if j := w.take(); j != nil {
			w.do(inFull, j)
			continue
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			j := w.take()
			if j == nil {
				return nil
			}
			w.do(inFull, j)
		}
	}
}

func (w *worker) do(ctx context.Context, j job) {
	start := time.Now()
	done := j(ctx, w.kernel)
	if took := time.Since(start); took > slowWork {
		w.log.Info(fmt.Sprintf("The kernel took %v for a change of addresses, routes or links", took.Round(time.Millisecond)),
			zap.Duration("took", took))
	}
	if done != nil {
		w.post(done)
	}
}
