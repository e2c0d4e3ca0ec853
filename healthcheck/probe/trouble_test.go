package probe

import (
	"bytes"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// trouble is what happens to connections and datagrams on their way to a server.
type trouble string

// The troubles. Half-open is a server of which one hears the first byte and nothing more.
const (
	none     trouble = "none"
	hanging  trouble = "hanging"
	halfOpen trouble = "half-open"
	cutOff   trouble = "cut off"
	hangsUp  trouble = "hangs up"
	garbage  trouble = "garbage"
	torn     trouble = "torn" // of each datagram, the first byte

	// From the client's part of a TLS handshake on.
	hangingHandshake trouble = "hanging in the handshake"
	cutOffHandshake  trouble = "cut off in the handshake"
	garbageHandshake trouble = "garbage in the handshake"
)

// What can happen to streams, to handshakes and to datagrams, with recoveries in between.
var (
	onStreams    = []trouble{none, hanging, none, halfOpen, cutOff, none, hangsUp, garbage, none}
	inHandshakes = []trouble{none, hangingHandshake, none, cutOffHandshake, garbageHandshake, none}
	onDatagrams  = []trouble{none, hanging, none, torn, garbage, none}
)

// faulty are the faults that each trouble may be.
var faulty = map[trouble][]healthcheck.Fault{
	hanging:  {healthcheck.FaultReadTimeout, healthcheck.FaultTimeout},
	halfOpen: {healthcheck.FaultReadTimeout, healthcheck.FaultStopped, healthcheck.FaultTimeout},
	cutOff:   {healthcheck.FaultRead, healthcheck.FaultNoData, healthcheck.FaultReply, healthcheck.FaultTLS, healthcheck.FaultBanner},
	hangsUp:  {healthcheck.FaultRead, healthcheck.FaultNoData, healthcheck.FaultReply, healthcheck.FaultTLS},
	garbage:  {healthcheck.FaultRead, healthcheck.FaultReply, healthcheck.FaultBanner, healthcheck.FaultTLS, healthcheck.FaultReadTimeout, healthcheck.FaultStatus},
	torn:     {healthcheck.FaultReadTimeout, healthcheck.FaultReply},

	hangingHandshake: {healthcheck.FaultTimeout},
	cutOffHandshake:  {healthcheck.FaultTLS},
	garbageHandshake: {healthcheck.FaultTLS},
}

const nonsense = "\xff\xfe\x00 no such thing \x00\x00\r\n\r\n"

// between stands between checks and a server, and makes trouble.
type between struct {
	now     atomic.Value
	server  string
	waiting sync.WaitGroup // for datagrams
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
		rave(c)
		return
	}
	up, err := net.Dial("tcp", b.server)
	if err != nil {
		return
	}
	defer up.Close()
	switch what {
	case hangingHandshake, cutOffHandshake, garbageHandshake:
		if !untilHandshake(c, up) || what == cutOffHandshake {
			return
		}
		if what == garbageHandshake {
			rave(c)
		}
		hang(c)
		return
	}
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

// rave talks nonsense, and then nothing.
func rave(c net.Conn) {
	for range 3 {
		if _, err := io.WriteString(c, nonsense); err != nil {
			return
		}
	}
	hang(c)
}

// untilHandshake passes on what is said until the client begins to shake hands, which it
// keeps to itself. It reports whether it came to that.
func untilHandshake(c, up net.Conn) bool {
	go func() { _, _ = io.Copy(c, up) }()
	buf := make([]byte, 16<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return false
		}
		if bytes.Contains(buf[:n], []byte{22, 3, 1}) { // a record that is a handshake's
			return true
		}
		if _, err := up.Write(buf[:n]); err != nil {
			return false
		}
	}
}

func (b *between) datagram(in []byte, answer func([]byte)) {
	what := b.now.Load().(trouble)
	switch what {
	case hanging:
		return
	case garbage:
		answer([]byte(nonsense))
		return
	}
	b.waiting.Go(func() {
		up, err := net.Dial("udp", b.server)
		if err != nil {
			return
		}
		defer up.Close()
		if _, err := up.Write(in); err != nil {
			return
		}
		buf := make([]byte, 2000)
		for _ = up.SetDeadline(time.Now().Add(time.Second)); ; {
			n, err := up.Read(buf)
			if err != nil {
				return
			}
			if what == torn {
				n = min(n, 1)
			}
			answer(buf[:n])
		}
	})
}

// overDatagrams reports whether a question is asked in a datagram.
func overDatagrams(q healthcheck.Question) bool {
	switch q := q.(type) {
	case healthcheck.DNS, healthcheck.Radius, healthcheck.UDP:
		return true
	case healthcheck.SIP:
		return !q.TCP
	}
	return false
}

// troubled checks a server through every trouble that there is for its questions.
func troubled(t *testing.T, s service) {
	t.Helper()
	streams, datagrams := make(asks), make(asks)
	maps.Copy(streams, s.secure)
	for name, ask := range s.good {
		if overDatagrams(ask) {
			datagrams[name] = ask
		} else {
			streams[name] = ask
		}
	}
	connections := func(b *between) string { return serve(t, b.connection) }
	suffer(t, s.at, streams, onStreams, connections)
	suffer(t, s.at, s.secure, inHandshakes, connections)
	suffer(t, s.at, datagrams, onDatagrams, func(b *between) string { return serveDatagrams(t, b.datagram) })
}

// suffer makes one trouble after the other: the verdict is right, for a reason that fits,
// within what the options promise; and without trouble the server is up again.
func suffer(t *testing.T, server string, questions asks, troubles []trouble, serve func(*between) string) {
	t.Helper()
	if len(questions) == 0 || t.Failed() {
		return
	}
	b := &between{server: server}
	b.now.Store(none)
	t.Cleanup(b.waiting.Wait)
	at := serve(b)
	var specs []healthcheck.Spec
	for name, ask := range questions {
		s := check(name, ask, at)
		s.DelayLoop, s.ConnectTimeout = 100*time.Millisecond, 500*time.Millisecond
		specs = append(specs, s)
	}
	w := newWorld(t, specs...)
	for _, what := range troubles {
		b.now.Store(what)
		since := time.Now()
		w.until(t, string(what), func(s healthcheck.Status) bool {
			if !s.LastAt.After(since.Add(s.Last.Took)) { // it began before
				return false
			}
			if what == none {
				return s.Up
			}
			return !s.Up && slices.Contains(faulty[what], s.Last.Fault) && s.Last.Took < 2*time.Second+slack
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
	for end, tick := time.Now().Add(time.Minute), time.Tick(50*time.Millisecond); ; <-tick {
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
