package netlab

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Sink takes connections, answers and closes them, and remembers when each of its
// addresses was visited.
type Sink struct {
	listener net.Listener
	answer   string

	mu     sync.Mutex
	visits map[string][]time.Time // by local address
	last   time.Time
}

// Sink starts a sink in the namespace. Without an answer it closes what it has taken;
// with one it first reads an HTTP request and says it.
func (n *Namespace) Sink(addr, answer string) *Sink {
	n.lab.Helper()
	s := &Sink{listener: n.Listen(addr), answer: answer, visits: map[string][]time.Time{}}
	n.lab.Cleanup(s.Close)
	go s.serve()
	return s
}

func (s *Sink) serve() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.visited(c.LocalAddr().String(), time.Now())
		if s.answer == "" {
			c.Close()
			continue
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			if _, err := http.ReadRequest(bufio.NewReaderSize(c, 512)); err == nil {
				_, _ = io.WriteString(c, s.answer)
			}
		}()
	}
}

func (s *Sink) visited(addr string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits[addr] = append(s.visits[addr], at)
	s.last = at
}

// Close closes the port: further visitors are refused.
func (s *Sink) Close() { s.listener.Close() }

// Last is when the last visitor came.
func (s *Sink) Last() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Reset forgets all visits.
func (s *Sink) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.visits)
}

// Visits is how many there were.
func (s *Sink) Visits() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.visits {
		n += len(v)
	}
	return n
}

// Lateness is how much later than the period each address's next visit came, sorted.
func (s *Sink) Lateness(period time.Duration) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var late []time.Duration
	for _, v := range s.visits {
		for i := 1; i < len(v); i++ {
			late = append(late, max(0, v[i].Sub(v[i-1])-period))
		}
	}
	slices.Sort(late)
	return late
}
