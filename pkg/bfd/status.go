package bfd

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/control"
)

// heartbeat is how often the state of all sessions is published without a
// change, so that a watcher that has just connected need not ask.
const heartbeat = time.Second

// eventKind names the events that carry a []Status.
const eventKind = "bfd"

// Status is one session as other roles and the operator see it.
type Status struct {
	Name       string     `json:"name"`
	Neighbor   netip.Addr `json:"neighbor"`
	State      string     `json:"state"`
	Up         bool       `json:"up"`
	RemoteDiag string     `json:"remote_diagnostic"`
	Detection  string     `json:"detection_time"`
	VRRP       bool       `json:"vrrp"`     // for the vrrp role
	Checkers   bool       `json:"checkers"` // for the checkers role
}

func (r *role) status() []Status {
	out := make([]Status, 0, len(r.sessions))
	for _, e := range r.sessions {
		out = append(out, Status{
			Name:       e.cfg.Name,
			Neighbor:   e.cfg.Neighbor,
			State:      e.session.State().String(),
			Up:         e.session.State() == Up,
			RemoteDiag: e.session.Remote().Diag.String(),
			Detection:  e.session.Detection().String(),
			VRRP:       e.cfg.VRRP,
			Checkers:   e.cfg.Checkers,
		})
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (r *role) publish() {
	if r.opt.Control != nil {
		r.opt.Control.Publish(eventKind, r.status())
	}
}

// Watch follows the sessions of the bfd role that serves the socket at path
// and calls f with all of them, at least once a second and at each change,
// until ctx ends. While the role is away f is not called.
func Watch(ctx context.Context, path string, f func([]Status)) {
	const soon, rarely = 20 * time.Millisecond, time.Second
	pause := soon // the role may have been started with us, and need a moment
	for ctx.Err() == nil {
		if c, err := control.Dial(ctx, path); err == nil {
			if hear(ctx, c, f) == nil {
				pause = soon
			}
			c.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, rarely) // it may have nothing to do and not run
	}
}

// hear takes what is so, and then what changes, until the role hangs up. An error
// means that nothing was heard.
func hear(ctx context.Context, c *control.Client, f func([]Status)) error {
	var all []Status
	if err := c.Call(ctx, control.Snapshot, nil, &all); err != nil {
		return err
	}
	f(all)
	_ = c.Events(ctx, func(e control.Event) error {
		var all []Status
		if e.Kind == eventKind && json.Unmarshal(e.Data, &all) == nil {
			f(all)
		}
		return nil
	})
	return nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
func micro(d time.Duration) string  { return strconv.FormatInt(d.Microseconds(), 10) }
