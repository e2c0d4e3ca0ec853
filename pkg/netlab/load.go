package netlab

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Load is a stream of requests from one namespace. It remembers each of them.
type Load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	start  time.Time

	mu   sync.Mutex
	past []request
}

type request struct {
	begun, ended time.Time
	name         string // of the backend
	err          error
}

// LoadReport is what became of the requests that began in some span of time.
type LoadReport struct {
	OK, Failed int
	ByName     map[string]int
	Errors     []string      // the first few, each with its time since the start
	Gap        time.Duration // the longest time without an answer
}

// Load starts workers that make requests until Stop, each one after the other and no
// faster than every. A request that takes longer than timeout has failed.
func (n *Namespace) Load(kind, addr string, workers int, every, timeout time.Duration) *Load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{cancel: cancel, start: time.Now()}
	for range workers {
		l.done.Go(func() {
			n.Do(func() error {
				tick := time.NewTicker(every)
				defer tick.Stop()
				for ctx.Err() == nil {
					r := request{begun: time.Now()}
					r.name, r.err = ask(kind, addr, timeout)
					r.ended = time.Now()
					l.mu.Lock()
					l.past = append(l.past, r)
					l.mu.Unlock()
					select {
					case <-tick.C:
					case <-ctx.Done():
					}
				}
				return nil
			})
		})
	}
	n.lab.Cleanup(l.Stop)
	return l
}

// Stop ends the stream, after the requests that are under way.
func (l *Load) Stop() {
	l.cancel()
	l.done.Wait()
}

// Since reports the requests that began at or after a time and have ended.
func (l *Load) Since(from time.Time) LoadReport { return l.Between(from, time.Now()) }

// All reports every request that has ended.
func (l *Load) All() LoadReport { return l.Since(l.start) }

// Between reports the requests that began in a span of time and have ended by now: one
// that was under way when something happened belongs to the time before.
func (l *Load) Between(from, to time.Time) LoadReport {
	l.mu.Lock()
	past := slices.Clone(l.past)
	l.mu.Unlock()
	slices.SortFunc(past, func(a, b request) int { return a.ended.Compare(b.ended) })

	out := LoadReport{ByName: map[string]int{}}
	answered := from
	for _, r := range past {
		if r.begun.Before(from) || !r.begun.Before(to) {
			continue
		}
		if r.err != nil {
			out.Failed++
			if len(out.Errors) < 5 {
				out.Errors = append(out.Errors, fmt.Sprintf("%.3f s: %v", r.begun.Sub(l.start).Seconds(), r.err))
			}
			continue
		}
		out.OK++
		out.ByName[r.name]++
		out.Gap = max(out.Gap, r.ended.Sub(answered))
		answered = r.ended
	}
	out.Gap = max(out.Gap, to.Sub(answered))
	return out
}
