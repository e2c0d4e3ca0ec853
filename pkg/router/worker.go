package router

import (
	"context"
	"fmt"
	"sync"

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

// worker carries out what the kernel is asked to change, one job after the
// other, so that the loop never waits for it.
type worker struct {
	kernel *kernel.Kernel
	post   func(func())
	wake   chan struct{} // holds one

	mu   sync.Mutex // held for moments only
	jobs []job
}

// job is one piece of work. What it returns, if anything, is run by the loop.
type job func(ctx context.Context, k network) (done func())

func openWorker(buffer int, post func(func())) (*worker, error) {
	k, err := kernel.Open()
	if err != nil {
		return nil, err
	}
	if err := k.SetReceiveBuffer(buffer); err != nil {
		k.Close()
		return nil, fmt.Errorf("vrrp_netlink_cmd_rcv_bufs %d: %w", buffer, err)
	}
	return &worker{kernel: k, post: post, wake: make(chan struct{}, 1)}, nil
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
			if done := j(inFull, w.kernel); done != nil {
				w.post(done)
			}
			continue
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			if j := w.take(); j == nil {
				return nil
			} else if done := j(inFull, w.kernel); done != nil {
				w.post(done)
			}
		}
	}
}
