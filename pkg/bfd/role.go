package bfd

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

// Options is what the bfd role works with.
type Options struct {
	Config  *config.Config
	Reload  <-chan *config.Config // each parsed and checked
	Log     *zap.Logger
	Control *control.Server // may be nil
	Ready   func()          // called once the sessions are started; may be nil

	Signals <-chan os.Signal // ask for dumps; may be nil
}

// role owns every session. Only its loop touches it.
type role struct {
	opt      Options
	log      *zap.Logger
	sessions map[string]*endpoint // by name
	byDisc   map[uint32]*endpoint
	inbox    chan received
	queries  chan chan []Status
	sockets  map[[2]bool]*listener // by (IPv6, multihop)
	readers  *errgroup.Group
	ctx      context.Context // of the readers
}

// endpoint is a session with its settings and its sending socket.
type endpoint struct {
	cfg     *config.BFDInstance
	session *Session
	disc    uint32
	conn    *net.UDPConn // nil until it could be opened
	failing bool         // the last packet could not be sent
}

// Run serves the configured sessions until ctx ends; then each peer is told
// that its session is taken down on purpose.
func Run(ctx context.Context, opt Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	readers, readCtx := errgroup.WithContext(ctx)
	r := &role{
		opt:      opt,
		log:      opt.Log,
		sessions: make(map[string]*endpoint),
		byDisc:   make(map[uint32]*endpoint),
		inbox:    make(chan received, 64),
		queries:  make(chan chan []Status),
		sockets:  make(map[[2]bool]*listener),
		readers:  readers,
		ctx:      readCtx,
	}
	if opt.Control != nil {
		opt.Control.Handle(control.Snapshot, r.query)
	}
	err := r.configure(opt.Config, time.Now())
	if err == nil {
		if opt.Ready != nil {
			opt.Ready()
		}
		err = r.loop(readCtx)
	}
	stop() // nobody takes what readers have any more
	return errors.Join(err, r.close())
}

// query asks the loop for the sessions' status on behalf of a client.
func (r *role) query(ctx context.Context, _ json.RawMessage) (any, error) {
	answer := make(chan []Status, 1)
	select {
	case r.queries <- answer:
		return <-answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *role) loop(ctx context.Context) error {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		r.arm(alarm)
		select {
		case <-ctx.Done():
			return nil
		case cfg := <-r.opt.Reload:
			if err := r.configure(cfg, time.Now()); err != nil {
				return err
			}
			r.opt.Config = cfg
		case sig := <-r.opt.Signals:
			if sig == unix.SIGUSR1 {
				r.dump(r.opt.Config)
			}
		case in := <-r.inbox:
			r.receive(in, time.Now())
		case answer := <-r.queries:
			answer <- r.status()
		case <-beat.C:
			r.publish()
		case <-alarm.C:
			r.tick()
		}
	}
}

// tickBurst bounds how many packets are looked at first: however many come, ours
// must go out.
const tickBurst = 1024

// tick does what is due, after what has arrived: a role that was held up must
// not take its neighbours for dead while their packets wait.
func (r *role) tick() {
	for n := 0; n < tickBurst && len(r.inbox) > 0; n++ {
		r.receive(<-r.inbox, time.Now())
	}
	for _, e := range r.sessions {
		if d := e.session.Deadline(); !d.IsZero() && !d.After(time.Now()) {
			r.do(e, e.session.Tick(time.Now()))
		}
	}
}

// arm sets the alarm to the earliest deadline.
func (r *role) arm(alarm *time.Timer) {
	var next time.Time
	for _, e := range r.sessions {
		if d := e.session.Deadline(); !d.IsZero() && (next.IsZero() || d.Before(next)) {
			next = d
		}
	}
	if next.IsZero() {
		alarm.Stop()
		return
	}
	alarm.Reset(time.Until(next))
}

// configure starts, changes and stops sessions; what did not change stays up.
func (r *role) configure(cfg *config.Config, now time.Time) error {
	wanted := make(map[string]bool, len(cfg.BFD))
	for _, c := range cfg.BFD {
		wanted[c.Name] = true
		if old := r.sessions[c.Name]; old != nil && samePath(old.cfg, c) {
			old.cfg = c
			old.session.Change(params(c), now)
			continue
		}
		r.remove(c.Name)
		if err := r.listen(c.Neighbor.Is6(), c.Multihop); err != nil {
			return err
		}
		e := &endpoint{cfg: c, disc: r.newDisc()}
		e.session = NewSession(params(c), e.disc, rand.Float64, now)
		r.sessions[c.Name], r.byDisc[e.disc] = e, e
	}
	for name := range r.sessions {
		if !wanted[name] {
			r.remove(name)
		}
	}
	r.publish()
	return nil
}

// samePath reports whether a session can go on over its socket.
func samePath(a, b *config.BFDInstance) bool {
	return a.Neighbor == b.Neighbor && a.Source == b.Source && a.Multihop == b.Multihop && a.TTL == b.TTL
}

func params(c *config.BFDInstance) Params {
	return Params{MinTx: c.MinTx, MinRx: c.MinRx, IdleTx: c.IdleTx, Multiplier: uint8(c.Multiplier), Passive: c.Passive}
}

func (r *role) newDisc() uint32 {
	for {
		if d := rand.Uint32(); d != 0 && r.byDisc[d] == nil {
			return d
		}
	}
}

func (r *role) listen(v6, multihop bool) error {
	key := [2]bool{v6, multihop}
	if r.sockets[key] != nil {
		return nil
	}
	l, err := listen(v6, multihop)
	if err != nil {
		return err
	}
	r.sockets[key] = l
	r.readers.Go(func() error { return l.run(r.ctx, r.inbox) })
	return nil
}

// receive finds the session of a packet (RFC 5880 section 6.8.6) and checks
// how far it has come (RFC 5881 section 5).
func (r *role) receive(in received, now time.Time) {
	e := r.byDisc[in.packet.YourDisc]
	if in.packet.YourDisc == 0 {
		e = r.byNeighbor(in)
	}
	if e == nil || e.cfg.Neighbor.WithZone("") != in.from || e.cfg.Multihop != in.multihop {
		return
	}
	if e.cfg.MaxHops >= 0 && in.ttl < 255-e.cfg.MaxHops {
		return
	}
	r.do(e, e.session.Receive(in.packet, now))
}

func (r *role) byNeighbor(in received) *endpoint {
	for _, e := range r.sessions {
		if e.cfg.Neighbor.WithZone("") == in.from && e.cfg.Multihop == in.multihop {
			return e
		}
	}
	return nil
}

func (r *role) do(e *endpoint, acts []Action) {
	changed := false
	for _, a := range acts {
		switch a := a.(type) {
		case Send:
			r.send(e, a.Packet)
		case Expired:
			r.log.Info("("+e.cfg.Name+") Expired after "+millis(a.Detection)+" ms ("+micro(a.Overdue)+" usec overdue)",
				zap.String("session", e.cfg.Name))
		case Enter:
			r.logEntry(e, a)
			changed = true
		}
	}
	if changed {
		r.publish()
	}
}

func (r *role) logEntry(e *endpoint, a Enter) {
	text := "(" + e.cfg.Name + ") Entering " + a.State.String() + " state"
	if a.State == Down {
		text += " (Local diagnostic - " + a.Diag.String() + ", Remote diagnostic - " + a.RemoteDiag.String() + ")"
	}
	r.log.Info(text, zap.String("session", e.cfg.Name), zap.Stringer("neighbor", e.cfg.Neighbor), zap.Stringer("state", a.State))
}

// send says once that packets cannot be sent, and once that they can again.
func (r *role) send(e *endpoint, p Packet) {
	err := e.write(p)
	if failing := err != nil; failing != e.failing {
		e.failing = failing
		if failing {
			r.log.Warn("("+e.cfg.Name+") cannot send to "+e.cfg.Neighbor.String(), zap.String("session", e.cfg.Name), zap.Error(err))
		} else {
			r.log.Info("("+e.cfg.Name+") can send to "+e.cfg.Neighbor.String()+" again", zap.String("session", e.cfg.Name))
		}
	}
}

func (e *endpoint) write(p Packet) error {
	if e.conn == nil {
		conn, err := dial(e.cfg.Source, e.cfg.Neighbor, e.cfg.TTL, e.cfg.Multihop)
		if err != nil {
			return err
		}
		e.conn = conn
	}
	b := p.Append(nil)
	_, err := e.conn.Write(b)
	if errors.Is(err, unix.ECONNREFUSED) {
		// The neighbour's answer to the packet before: this one was not sent.
		_, err = e.conn.Write(b)
	}
	return err
}

func (r *role) remove(name string) {
	e := r.sessions[name]
	if e == nil {
		return
	}
	r.do(e, e.session.Stop())
	if e.conn != nil {
		e.conn.Close()
	}
	delete(r.sessions, name)
	delete(r.byDisc, e.disc)
}

// close takes every session down and waits for the readers.
func (r *role) close() error {
	for name := range r.sessions {
		r.remove(name)
	}
	for _, l := range r.sockets {
		l.conn.Close()
	}
	return r.readers.Wait()
}
