package netlab

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Sessions are connections of one namespace that stay open, each with a question to its
// server again and again.
type Sessions struct {
	stop chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex
	by      map[string]int // sessions by the name of their server
	broken  map[string][]string
	answers int
}

// Sessions opens count connections to servers of the kind "talk" and returns when each
// has had its first answer. A question is asked so often, and an answer that takes longer
// than patience breaks the session, as does a closed connection.
func (n *Namespace) Sessions(addr string, count int, every, patience time.Duration) *Sessions {
	n.lab.Helper()
	s := &Sessions{stop: make(chan struct{}), by: map[string]int{}, broken: map[string][]string{}}
	n.lab.Cleanup(s.Stop)
	to := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))
	for range count {
		var c net.Conn
		err := n.Do(func() (err error) {
			c, err = net.DialTCP("tcp", nil, to)
			return err
		})
		if err != nil {
			n.lab.Fatalf("%s: %v", n.Name, err)
		}
		lines := bufio.NewReader(c)
		name, err := question(c, lines, patience)
		if err != nil {
			c.Close()
			n.lab.Fatalf("%s: the first answer of a session: %v", n.Name, err)
		}
		s.by[name]++
		s.done.Go(func() {
			defer c.Close()
			s.talk(c, lines, name, every, patience)
		})
	}
	return s
}

// talk asks until Stop, or until the session breaks.
func (s *Sessions) talk(c net.Conn, lines *bufio.Reader, name string, every, patience time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		got, err := question(c, lines, patience)
		if err == nil && got != name {
			err = fmt.Errorf("%s answers instead of %s", got, name)
		}
		s.mu.Lock()
		if err != nil {
			s.broken[name] = append(s.broken[name], err.Error())
			s.mu.Unlock()
			return
		}
		s.answers++
		s.mu.Unlock()
	}
}

func question(c net.Conn, lines *bufio.Reader, patience time.Duration) (name string, err error) {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "who\n"); err != nil {
		return "", err
	}
	line, err := lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	return line[:len(line)-1], nil
}

// Stop closes all sessions.
func (s *Sessions) Stop() {
	s.mu.Lock()
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.mu.Unlock()
	s.done.Wait()
}

// ByName counts the sessions by server, also those that are broken.
func (s *Sessions) ByName() map[string]int { return s.by }

// Answers counts the answers since the first of each session.
func (s *Sessions) Answers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers
}

// Broken says what broke sessions, by server.
func (s *Sessions) Broken() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string][]string, len(s.broken))
	for name, reasons := range s.broken {
		out[name] = append([]string(nil), reasons...)
	}
	return out
}

// serveTalk answers each line with the backend's name.
func (b *Backend) serveTalk(l net.Listener) (stop func()) {
	var mu sync.Mutex
	open, ended := map[net.Conn]bool{}, false
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			if ended {
				c.Close()
			}
			mu.Unlock()
			go func() {
				defer func() {
					c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
				}()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					if _, err := io.WriteString(c, b.Name+"\n"); err != nil {
						return
					}
				}
			}()
		}
	}()
	return func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		ended = true
		for c := range open {
			c.Close()
		}
	}
}
