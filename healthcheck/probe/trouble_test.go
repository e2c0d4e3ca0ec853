package probe

import (
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// trouble is what happens to connections on their way to a server.
type trouble string

// The troubles. Half-open is a server of which one hears the first byte and nothing more.
const (
	none     trouble = "none"
	hanging  trouble = "hanging"
	halfOpen trouble = "half-open"
	cutOff   trouble = "cut off"
	hangsUp  trouble = "hangs up"
	garbage  trouble = "garbage"
)

// between stands between checks and a server, and makes trouble.
type between struct {
	now    atomic.Value
	server string
}

// before puts trouble before a TCP server.
func before(t *testing.T, server string) (at string, b *between) {
	t.Helper()
	b = &between{server: server}
	b.now.Store(none)
	return serve(t, b.connection), b
}

func (b *between) connection(c net.Conn) {
	what := b.now.Load().(trouble)
	switch what {
	case hanging:
		hang(c)
		return
	case hangsUp:
		return
	case garbage:
		for range 3 {
			if _, err := io.WriteString(c, "\xff\xfe\x00 no such thing \x00\x00\r\n\r\n"); err != nil {
				return
			}
		}
		hang(c)
		return
	}
	up, err := net.Dial("tcp", b.server)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		_, _ = io.Copy(up, c)
		_ = up.(*net.TCPConn).CloseWrite()
	}()
	if what == none {
		_, _ = io.Copy(c, up)
		return
	}
	_, _ = io.CopyN(c, up, 1)
	if what == halfOpen {
		hang(c) // until the check gives up
	}
}

// faulty are the faults that each trouble may be.
var faulty = map[trouble][]healthcheck.Fault{
	hanging:  {healthcheck.FaultReadTimeout, healthcheck.FaultTLS},
	halfOpen: {healthcheck.FaultReadTimeout, healthcheck.FaultTLS},
	cutOff:   {healthcheck.FaultRead, healthcheck.FaultNoData, healthcheck.FaultReply, healthcheck.FaultTLS, healthcheck.FaultBanner},
	hangsUp:  {healthcheck.FaultRead, healthcheck.FaultNoData, healthcheck.FaultReply, healthcheck.FaultTLS},
	garbage:  {healthcheck.FaultRead, healthcheck.FaultReply, healthcheck.FaultBanner, healthcheck.FaultTLS, healthcheck.FaultReadTimeout, healthcheck.FaultStatus},
}

// troubled checks a server through each trouble: the verdict is right, for a reason that
// fits, within what the options promise; and without trouble the server is up again.
func troubled(t *testing.T, server string, good map[string]healthcheck.Question) {
	t.Helper()
	at, b := before(t, server)
	var specs []healthcheck.Spec
	for name, ask := range good {
		s := check(name, ask, at)
		s.DelayLoop, s.ConnectTimeout = 100*time.Millisecond, time.Second
		specs = append(specs, s)
	}
	w := newWorld(t, specs...)
	for _, what := range []trouble{none, hanging, none, halfOpen, cutOff, none, hangsUp, garbage, none} {
		b.now.Store(what)
		since := time.Now()
		w.until(t, string(what), func(s healthcheck.Status) bool {
			if !s.LastAt.After(since.Add(s.Last.Took)) { // it began before
				return false
			}
			if what == none {
				return s.Up
			}
			return !s.Up && slices.Contains(faulty[what], s.Last.Fault) && s.Last.Took < 4*time.Second+slack
		})
		if t.Failed() {
			return
		}
	}
}

// slack is for a machine that is busy with something else.
const slack = 3 * time.Second

// until waits until it is so with every check.
func (w world) until(t *testing.T, what string, so func(healthcheck.Status) bool) {
	t.Helper()
	for end, tick := time.Now().Add(30*time.Second), time.Tick(50*time.Millisecond); ; <-tick {
		all, err := w.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rest := slices.DeleteFunc(all, so)
		if len(rest) == 0 {
			return
		}
		if time.Now().After(end) {
			for _, s := range rest {
				t.Errorf("%s: %s is up: %v, last %+v", what, s.Keys, s.Up, s.Last)
			}
			return
		}
	}
}
