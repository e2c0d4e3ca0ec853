package router

import (
	"context"

	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
)

// worker carries out what the kernel is asked to change, one job after the
// other, so that the loop never waits for it.
type worker struct {
	kernel *kernel.Kernel
	jobs   chan job
	post   func(func())
}

// job is one piece of work. What it returns, if anything, is run by the loop.
type job func(ctx context.Context, k *kernel.Kernel) (done func())

// jobsWaiting is how many jobs may wait: one for each of 255 instances and
// some. Beyond that the loop waits, which keeps memory bounded.
const jobsWaiting = 1024

func openWorker(post func(func())) (*worker, error) {
	k, err := kernel.Open()
	if err != nil {
		return nil, err
	}
	return &worker{kernel: k, jobs: make(chan job, jobsWaiting), post: post}, nil
}

// run does jobs until ctx ends, and then those that were given before: they
// remove what must not stay behind.
func (w *worker) run(ctx context.Context) error {
	defer w.kernel.Close()
	inFull := context.WithoutCancel(ctx)
	for {
		select {
		case j := <-w.jobs:
			w.do(inFull, j)
			continue
		default:
		}
		select {
		case j := <-w.jobs:
			w.do(inFull, j)
		case <-ctx.Done():
			if len(w.jobs) == 0 {
				return nil
			}
		}
	}
}

func (w *worker) do(ctx context.Context, j job) {
	if done := j(ctx, w.kernel); done != nil {
		w.post(done)
	}
}
