package netlab

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// Load is a stream of requests from one namespace.
type Load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	report LoadReport
	last   time.Time
}

// LoadReport is what became of the requests.
type LoadReport struct {
	OK, Failed int
	ByName     map[string]int
	Errors     []string      // the first few, each with its time since the start
	Gap        time.Duration // the longest time without a success
}

// Load starts workers that make one request after the other until Stop. A request that
// takes longer than timeout has failed.
func (n *Namespace) Load(kind, addr string, workers int, every, timeout time.Duration) *Load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{cancel: cancel, last: time.Now()}
	l.report.ByName = map[string]int{}
	start := time.Now()
	for range workers {
		l.done.Go(func() {
			n.Do(func() error {
				tick := time.NewTicker(every)
				defer tick.Stop()
				for ctx.Err() == nil {
					name, err := ask(kind, addr, timeout)
					l.count(start, name, err)
					select {
					case <-tick.C:
					case <-ctx.Done():
					}
				}
				return nil
			})
		})
	}
	n.lab.Cleanup(func() { l.Stop() })
	return l
}

func (l *Load) count(start time.Time, name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if err != nil {
		l.report.Failed++
		if len(l.report.Errors) < 5 {
			l.report.Errors = append(l.report.Errors, strconv.FormatFloat(now.Sub(start).Seconds(), 'f', 3, 64)+" s: "+err.Error())
		}
		return
	}
	l.report.OK++
	l.report.ByName[name]++
	l.report.Gap = max(l.report.Gap, now.Sub(l.last))
	l.last = now
}

// Report returns what has been counted so far and starts counting anew.
func (l *Load) Report() LoadReport {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.report
	out.Gap = max(out.Gap, time.Since(l.last))
	l.report = LoadReport{ByName: map[string]int{}}
	l.last = time.Now()
	return out
}

// Stop ends the stream and returns what has been counted since the last report.
func (l *Load) Stop() LoadReport {
	l.cancel()
	l.done.Wait()
	return l.Report()
}
