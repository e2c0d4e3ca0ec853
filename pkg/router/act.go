package router

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// act does one thing that a machine asks for.
func (r *role) act(e *election, a vrrp.Action) {
	switch a := a.(type) {
	case vrrp.Send:
		r.send(e.members[a.Router], a.Priority, time.Now())
	case vrrp.Become:
		r.became(e.members[a.Router], a)
	case vrrp.GroupBecome:
		r.groupBecame(e, a)
	case vrrp.Announce:
		r.announce(e.members[a.Router], a.Repeat)
	case vrrp.LowerHeard:
		r.tellLower(e.members[a.Router])
	case vrrp.PriorityChanged:
		i := e.members[a.Router]
		i.effective = a.To
		r.tellPriority(i, a.To)
	case vrrp.Conflict:
		i := e.members[a.Router]
		cause := i.likelyCause()
		i.log.Warn(fmt.Sprintf("(%s) %v is master too, with priority %d: %s", i.cfg.Name, a.With, a.Priority, cause),
			zap.Stringer("peer", a.With))
		r.publish("conflict", control.VRRPConflict{Instance: i.cfg.Name, Peer: a.With, Priority: int(a.Priority), Cause: cause})
	case vrrp.Resolved:
		i := e.members[a.Router]
		i.conflicts += a.Lasted
		text := "(%s) %v is master no more, after %v"
		if !i.isMaster() {
			text = "(%s) no longer master beside %v, after %v"
		}
		i.log.Info(fmt.Sprintf(text, i.cfg.Name, a.With, a.Lasted.Round(time.Millisecond)),
			zap.Stringer("peer", a.With), zap.Duration("lasted", a.Lasted))
		r.publish("conflict-resolved", control.VRRPConflict{Instance: i.cfg.Name, Peer: a.With, Seconds: a.Lasted.Seconds()})
	case vrrp.Log:
		r.logLine(e, a)
	}
}

// likelyCause says why there are two masters, as far as that can be guessed.
func (i *instance) likelyCause() string {
	switch {
	case i.unsent != "":
		return "our adverts cannot be sent (" + i.unsent + ")"
	case i.counts.authFailed+i.counts.authOther+i.counts.badHMAC > 0:
		return "authentication fails in one direction at least, compare the passwords"
	case i.cfg.Unicast:
		return "it does not accept our adverts, look for a firewall and at its unicast_peer list"
	default:
		return "it does not accept our adverts, look for a firewall, IGMP snooping and its authentication"
	}
}

// logLine logs a line of a machine.
func (r *role) logLine(e *election, a vrrp.Log) {
	if a.Router < 0 {
		r.log.Info("VRRP_Group("+e.group.Name+") "+a.Text, zap.String("group", e.group.Name))
		return
	}
	i := e.members[a.Router]
	text := "(" + i.cfg.Name + ") " + a.Text
	switch a.Level {
	case vrrp.Detail:
		i.log.Debug(text)
	case vrrp.Warn:
		i.log.Warn(text)
	default:
		i.log.Info(text)
	}
}

// became follows a change of state of an instance with everything outside the
// election: the log, the addresses, the notifications.
func (r *role) became(i *instance, a vrrp.Become) {
	i.lastMove = time.Now()
	suffix := ""
	if a.From == vrrp.Init && r.starting && a.To != vrrp.Master {
		suffix = " (init)"
	}
	news := !a.Adopted || i.joins && a.To == vrrp.Master
	i.joins = false
	switch {
	case !news && a.To == vrrp.Backup:
	case !news:
		i.say("was MASTER before, going on")
	case a.To < vrrp.Deleted:
		i.say("Entering %v STATE%s", a.To, suffix)
	}
	switch {
	case a.To == vrrp.Master:
		i.counts.becameMaster++
		r.take(i)
	case a.From == vrrp.Master:
		i.counts.releasedMaster++
		if a.To != vrrp.Stopped || !r.opt.DontReleaseVRRP {
			r.release(i)
		}
	}
	if news {
		r.tellInstance(i, a.To)
	}
	if a.To == vrrp.Backup && (a.From == vrrp.Init || a.From == vrrp.Fault) {
		r.missedSync(i)
		if suffix == "" && (a.From == vrrp.Fault || i.virtual == nil) {
			r.announceSelf(i)
		}
	}
	r.handover.changed(i, a.To)
	r.publish("transition", control.VRRPTransition{
		Instance: i.cfg.Name, From: a.From.String(), To: a.To.String(),
		Reasons: namesOf(i.reasons), Priority: int(i.effective),
	})
	r.claimsStale = true
}

func (r *role) groupBecame(e *election, a vrrp.GroupBecome) {
	r.tellGroup(e.group, a.To)
	r.publish("group-transition", control.VRRPTransition{Group: e.group.Name, From: a.From.String(), To: a.To.String()})
}

// publish tells whoever watches the control socket.
func (r *role) publish(kind string, data any) {
	if r.opt.Control != nil {
		r.opt.Control.Publish(kind, data)
	}
}
