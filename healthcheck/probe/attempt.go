package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
)

// job is one check with its connection.
type job struct {
	entry

	// Made once.
	plan   dialogue.Plan
	tls    *tls.Config
	dialer dialer
	unfit  error // why it cannot be asked at all

	// The attempt under way.
	fd        int   // -1 without a connection
	mark      int32 // of the connection
	connected bool
	talk      dialogue.Dialogue
	unsent    []byte
	cancel    context.CancelFunc // of one that has a goroutine
	asked     bool               // all but whether the server claims the virtual address
}

// connection is the job whose connection something happened to. While a program is
// being started, it has our sockets, too: one that we have closed lives on for a
// moment and may still be heard of, by a number that is another one's already.
func (e *Engine) connection(ev unix.EpollEvent) *job {
	if int(ev.Fd) < len(e.byFD) {
		if j := e.byFD[ev.Fd]; j != nil && j.mark == ev.Pad {
			return j
		}
	}
	return nil
}

// start makes an attempt.
func (e *Engine) start(j *job, now time.Time) {
	e.agenda.begin(j, now)
	j.asked = false
	s := &j.check.Spec
	if j.unfit != nil && j.plan.TLS != nil { // the files may have come
		e.prepare(j, make(certificates))
	}
	if j.unfit != nil {
		e.finish(j, now, healthcheck.Result{Fault: healthcheck.FaultLocal, Reason: j.unfit.Error()})
		return
	}
	if misc, ok := s.Ask.(healthcheck.Misc); ok {
		e.spawn(j, func(ctx context.Context) healthcheck.Result { return e.runProgram(ctx, misc) })
		return
	}
	if j.plan.Begin != nil {
		j.talk = j.plan.Begin(dialogue.Attempt{URL: j.check.URL(), ID: uint16(rand.Uint32())})
	}
	if j.plan.TLS != nil {
		secure := j.secure(s, e.judges)
		e.spawn(j, secure.run)
		return
	}
	e.connect(j, now)
}

// connect opens the connection of an attempt.
func (e *Engine) connect(j *job, now time.Time) {
	fd, connected, err := j.dialer.dial()
	if err != nil {
		e.finish(j, now, broken(err, healthcheck.FaultConnect))
		return
	}
	j.fd, j.connected = fd, false
	if connected && j.talk == nil {
		e.finish(j, now, healthcheck.Result{OK: true})
		return
	}
	e.marks++
	j.mark = e.marks
	if err := e.poll.add(fd, j.mark); err != nil {
		e.finish(j, now, healthcheck.Result{Fault: healthcheck.FaultLocal, Reason: err.Error()})
		return
	}
	for fd >= len(e.byFD) {
		e.byFD = append(e.byFD, make([]*job, 256)...)
	}
	e.byFD[fd] = j
	e.agenda.limit(j, now.Add(j.check.Spec.ConnectTimeout))
	if connected { // as datagram sockets are
		j.connected = true
		e.turn(j, j.talk.Open(), now)
	}
}

// happened takes what the kernel has to say about a connection. Readiness is
// told once, when it changes, so everything that can be done is done.
func (e *Engine) happened(j *job, events uint32, now time.Time) {
	if !j.connected {
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			if err := socketError(j.fd); err != nil {
				e.finish(j, now, broken(err, healthcheck.FaultConnect))
				return
			}
		}
		j.connected = true
		if j.talk == nil {
			e.finish(j, now, healthcheck.Result{OK: true})
			return
		}
		if e.turn(j, j.talk.Open(), now) {
			return
		}
	} else if len(j.unsent) > 0 && e.send(j, now) {
		return
	}
	// What came before a connection broke is read first, then the error.
	if events&^unix.EPOLLOUT != 0 {
		e.hear(j, now)
	}
}

// hear reads what has come. A server that sends without end gives way to
// others after a while.
func (e *Engine) hear(j *job, now time.Time) {
	for range 16 {
		n, err := readSocket(j.fd, e.buf)
		switch {
		case err == unix.EAGAIN:
			return
		case err == unix.EINTR:
			continue
		case err != nil:
			e.finish(j, now, broken(err, healthcheck.FaultRead))
			return
		case n == 0 && j.plan.Transport == dialogue.Stream:
			if !e.turn(j, j.talk.Closed(), now) {
				e.finish(j, now, healthcheck.Result{Fault: healthcheck.FaultRead, Reason: "connection closed"})
			}
			return
		}
		if e.turn(j, j.talk.Hear(e.buf[:n]), now) {
			return
		}
	}
	attempt, fd := j.attempt, j.fd
	e.do(func(now time.Time) {
		if j.running && j.attempt == attempt && j.connected && j.fd == fd {
			e.hear(j, now)
		}
	})
}

// turn does what the dialogue wants next, and reports whether it is over.
func (e *Engine) turn(j *job, t dialogue.Turn, now time.Time) (over bool) {
	switch {
	case t.Judge != nil:
		e.disconnect(j)
		e.agenda.unlimited(j)
		end := j.end
		e.spawn(j, func(ctx context.Context) healthcheck.Result {
			ctx, cancel := context.WithDeadline(ctx, end)
			defer cancel()
			return e.judges.ask(ctx, t.Judge)
		})
		return true
	case t.Again:
		e.disconnect(j)
		j.unsent = nil
		e.connect(j, now)
		return true
	case t.Done:
		if len(t.Send) > 0 { // goodbye; whether it arrives does not matter
			_, _ = writeSocket(j.fd, t.Send)
		}
		e.finish(j, now, t.Result)
		return true
	}
	// Something has come or the connection stands: the next step has its time.
	e.agenda.limit(j, now.Add(j.check.Spec.ConnectTimeout))
	if t.Send == nil {
		return false
	}
	if len(j.unsent) > maxUnsent {
		e.finish(j, now, healthcheck.Result{
			Fault: healthcheck.FaultSend, Reason: fmt.Sprintf("server asks without reading: %d KiB unsent", len(j.unsent)>>10),
		})
		return true
	}
	if len(j.unsent) == 0 {
		j.unsent = slices.Clip(t.Send) // it may be shared: nothing is appended in place
	} else {
		j.unsent = append(j.unsent, t.Send...)
	}
	return e.send(j, now)
}

// maxUnsent is how much may wait for a server that goes on asking but does not
// read what it is told.
const maxUnsent = 64 << 10

// send sends what is unsent, and reports whether the attempt is over.
func (e *Engine) send(j *job, now time.Time) (over bool) {
	for first := true; first || len(j.unsent) > 0; first = false {
		n, err := writeSocket(j.fd, j.unsent)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return false
		case err != nil:
			at := healthcheck.FaultSend
			if j.plan.Transport != dialogue.Stream { // the answer to what was sent before
				at = healthcheck.FaultRead
			}
			e.finish(j, now, broken(err, at))
			return true
		}
		j.unsent = j.unsent[n:]
	}
	return false
}

// late ends an attempt, or one step of it, that took too long.
func (e *Engine) late(j *job, now time.Time) {
	switch {
	case !now.Before(j.end):
		e.finish(j, now, tooLong(j.check.Spec.Overall()))
	case !j.connected:
		e.finish(j, now, healthcheck.Result{
			Fault: healthcheck.FaultTimeout, Reason: fmt.Sprintf("no connection after %v", j.check.Spec.ConnectTimeout),
		})
	default:
		e.finish(j, now, j.talk.Silent())
	}
}

// tooLong is the result of an attempt that always went on but never ended.
func tooLong(limit time.Duration) healthcheck.Result {
	return healthcheck.Result{Fault: healthcheck.FaultReadTimeout, Reason: fmt.Sprintf("no end after %v", limit)}
}

// spawn runs an attempt, or the rest of it, in a goroutine. An attempt that is
// abandoned says nothing about the server: its answer is dropped.
func (e *Engine) spawn(j *job, run func(context.Context) healthcheck.Result) {
	ctx, cancel := context.WithCancel(e.ctx)
	j.cancel = cancel
	attempt := j.attempt
	e.worker.Go(func() {
		r := run(ctx)
		e.do(func(now time.Time) {
			if j.running && j.attempt == attempt {
				e.finish(j, now, r)
			}
		})
	})
}

// judges bounds how many long verdicts are sought at once: each may hold a
// whole body, several times over.
type judges chan struct{}

func newJudges() judges { return make(judges, 2*runtime.GOMAXPROCS(0)) }

// ask returns a verdict once there is a free judge.
func (js judges) ask(ctx context.Context, judge func() healthcheck.Result) healthcheck.Result {
	select {
	case js <- struct{}{}:
	case <-ctx.Done():
		return healthcheck.Result{Fault: healthcheck.FaultLocal, Reason: "too many answers to look through"}
	}
	defer func() { <-js }()
	return judge()
}

// finish ends an attempt with its answer. A server that is reached at its virtual
// address has one more question to answer, with silence.
func (e *Engine) finish(j *job, now time.Time, r healthcheck.Result) {
	if s := &j.check.Spec; r.OK && s.Via.IsValid() && !j.asked {
		j.asked = true
		e.hangUp(j)
		e.agenda.unlimited(j)
		e.spawn(j, func(context.Context) healthcheck.Result { return claims(s.Via, s.Target.Addr()) })
		return
	}
	e.hangUp(j)
	e.report(j, e.agenda.finish(j, now, r))
}

// hangUp ends the connection of an attempt, and its goroutine.
func (e *Engine) hangUp(j *job) {
	e.disconnect(j)
	if j.cancel != nil {
		j.cancel()
		j.cancel = nil
	}
	j.talk, j.unsent = nil, nil
}

func (e *Engine) disconnect(j *job) {
	if j.fd < 0 {
		return
	}
	if j.fd < len(e.byFD) {
		e.byFD[j.fd] = nil
	}
	closeSocket(j.fd)
	j.fd = -1
}
