package director

import (
	"fmt"
	"time"
)

// announceFirst tells the quorum of a virtual server that has just begun. One that
// starts without says so only when that brings the sorry server.
func (p *policy) announceFirst(e *effects, pl *pool) {
	switch {
	case pl.quorum:
		p.announceQuorum(e, pl, "Gained quorum", pl.sum())
	case pl.cfg.Sorry != nil:
		p.announceQuorum(e, pl, "Starting with quorum down", pl.sum())
		p.announceSorry(e, pl)
	}
}

// settle judges the quorum after something has changed, and notes the services
// whose entries are different now.
func (p *policy) settle(e *effects, pl *pool, now time.Time) {
	p.judge(e, pl)
	if pl.update(now) {
		e.dirty = append(e.dirty, pl.keys...)
	}
	p.schedule(pl, now)
}

// judge decides the quorum and the panic of a virtual server anew.
func (p *policy) judge(e *effects, pl *pool) {
	sum, sorry := pl.sum(), pl.sorry()
	switch {
	case pl.quorum && pl.loses(sum):
		pl.quorum = false
		p.announceQuorum(e, pl, "Lost quorum", sum)
	case !pl.quorum && pl.gains(sum):
		pl.quorum = true
		p.announceQuorum(e, pl, "Gained quorum", sum)
	}
	if panics := pl.panicking(); panics != pl.panics {
		pl.panics = panics
		if panics {
			e.warn(pl, nil, "Fewer than %d%% of the servers of VS %s are healthy", pl.cfg.MinUp, pl.name)
		} else {
			e.say(pl, nil, "At least %d%% of the servers of VS %s are healthy again", pl.cfg.MinUp, pl.name)
		}
	}
	if sorry != pl.sorry() {
		p.announceSorry(e, pl)
	}
}

// announceQuorum says that the quorum was gained or lost, in keepalived's words
// and with its arithmetic.
func (p *policy) announceQuorum(e *effects, pl *pool, what string, sum uint64) {
	q, h := uint64(pl.cfg.Quorum), uint64(pl.cfg.Hysteresis)
	switch {
	case pl.quorum:
		e.say(pl, nil, "%s %d+%d=%d <= %d for VS %s", what, q, h, q+h, sum, pl.name)
	case what == "Lost quorum":
		e.say(pl, nil, "%s %d-%d=%d > %d for VS %s", what, q, h, int64(q)-int64(h), sum, pl.name)
	default: // keepalived adds, whatever it writes
		e.say(pl, nil, "%s %d-%d=%d > %d for VS %s", what, q, h, q+h, sum, pl.name)
	}
	p.service(e, pl, pl.quorum, fmt.Sprintf("%s %d+%d=%d <= %d", what, q, h, q+h, sum))
}

// announceSorry says that the sorry server has taken over or gives back.
func (p *policy) announceSorry(e *effects, pl *pool) {
	if pl.cfg.Sorry == nil {
		return
	}
	name := serverName(pl.cfg, pl.cfg.Sorry.Addr)
	inhibited := pl.sorryInhibited()
	if pl.sorry() {
		verb := "Adding"
		if inhibited {
			verb = "Enabling"
		}
		e.say(pl, nil, "%s sorry server %s to VS %s", verb, name, pl.name)
		e.say(pl, nil, "Removing alive servers from the pool for VS %s", pl.name)
		return
	}
	verb := "Removing"
	if inhibited {
		verb = "Disabling"
	}
	e.say(pl, nil, "%s sorry server %s from VS %s", verb, name, pl.name)
	e.say(pl, nil, "Adding alive servers to the pool for VS %s", pl.name)
}
