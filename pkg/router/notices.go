package router

import (
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/notify"
	"github.com/holdfast-lb/holdfast/pkg/script"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// notifySettings is where notifications go.
func notifySettings(c *config.Config) notify.Settings {
	g := &c.Global
	s := notify.Settings{Mail: notify.MailSettings{
		Server: g.Mail.Server, Port: g.Mail.Port, Helo: g.Mail.Helo, From: g.Mail.From, To: g.Mail.To,
		RouterID: g.RouterID, Timeout: g.Mail.DialTimeout,
	}}
	// The reader of the common pipe belongs to the checkers role where there is one.
	if f := fifoOf(g.NotifyFIFO, !c.HasCheckers()); f != nil {
		s.FIFOs = append(s.FIFOs, *f)
	}
	if f := fifoOf(g.VRRPFIFO, true); f != nil {
		s.FIFOs = append(s.FIFOs, *f)
	}
	return s
}

func fifoOf(f *config.FIFO, reader bool) *notify.FIFO {
	if f == nil {
		return nil
	}
	out := &notify.FIFO{Path: f.Path, UID: f.UID, GID: f.GID}
	if reader {
		out.Script = commandOf(f.Script)
	}
	return out
}

// commandOf is a program of the configuration, ready to run.
func commandOf(c *config.Command) *script.Command {
	if c == nil {
		return nil
	}
	return &script.Command{Args: slices.Clone(c.Argv), User: &script.User{UID: c.UID, GID: c.GID}}
}

// word is a state as scripts and pipes are told it. The removal of an instance
// is a fault to those who were not asked whether they know better.
func word(s vrrp.State, knowsDeleted bool) string {
	if s == vrrp.Deleted && !knowsDeleted {
		return notify.Fault
	}
	return s.String()
}

// scriptFor picks the script of a state.
func scriptFor(n *config.NotifyScripts, word string) *script.Command {
	return commandOf(map[string]*config.Command{
		notify.Master: n.Master, notify.Backup: n.Backup, notify.Fault: n.Fault,
		notify.Stop: n.Stop, notify.Deleted: n.Deleted,
	}[word])
}

// tellInstance notifies of a new state of an instance.
func (r *role) tellInstance(i *instance, to vrrp.State) {
	state := word(to, i.cfg.NotifyDeleted)
	e := notify.Event{
		Kind: notify.Instance, Name: i.cfg.Name, State: state, Priority: int(i.effective),
		Specific: scriptFor(&i.cfg.Notify, state), Generic: commandOf(i.cfg.Notify.Any),
	}
	if i.cfg.SMTPAlert && (to != vrrp.Fault || !r.cfg.Global.NoEmailFaults) {
		e.Mail = instanceMail(i.cfg.Name, to)
	}
	r.notifier.Tell(e)
}

func instanceMail(name string, to vrrp.State) *notify.Mail {
	subject := "VRRP Instance " + name
	switch to {
	case vrrp.Master:
		return &notify.Mail{Subject: subject + " - Entering MASTER state", Body: "=> VRRP Instance is now owning VRRP VIPs <="}
	case vrrp.Backup, vrrp.Fault:
		return &notify.Mail{Subject: subject + " - Entering " + to.String() + " state", Body: "=> VRRP Instance is no longer owning VRRP VIPs <="}
	case vrrp.Deleted:
		return &notify.Mail{Subject: subject + " - Deleted", Body: "=> VRRP Deleted at reload <="}
	default:
		return &notify.Mail{Subject: subject + " - Stopping", Body: "=> VRRP Instance stopping <="}
	}
}

// tellGroup notifies of a new state of a sync group.
func (r *role) tellGroup(g *config.SyncGroup, to vrrp.State) {
	state := word(to, false)
	e := notify.Event{
		Kind: notify.Group, Name: g.Name, State: state,
		Specific: scriptFor(&g.Notify, state), Generic: commandOf(g.Notify.Any),
	}
	if g.SMTPAlert && (to != vrrp.Fault || !r.cfg.Global.NoEmailFaults) {
		e.Mail = &notify.Mail{
			Subject: "VRRP Group " + g.Name + " - Entering " + state + " state",
			Body:    "=> All VRRP group instances are now in " + state + " state <=",
		}
	}
	r.notifier.Tell(e)
}

// tellPipes and tellGroupPipes write a state that is not new to the pipes.
func (r *role) tellPipes(i *instance, s vrrp.State) {
	r.notifier.Tell(notify.Event{Kind: notify.Instance, Name: i.cfg.Name, State: s.String(), Priority: int(i.effective)})
}

func (r *role) tellGroupPipes(g *config.SyncGroup, s vrrp.State) {
	r.notifier.Tell(notify.Event{Kind: notify.Group, Name: g.Name, State: s.String()})
}

// tellLower notifies of a master of lower priority beside us.
func (r *role) tellLower(i *instance) {
	r.notifier.Tell(notify.Event{
		Kind: notify.Instance, Name: i.cfg.Name, State: notify.MasterRxLowerPrio, Priority: int(i.effective),
		Specific: commandOf(i.cfg.Notify.MasterRxLowerPrio),
	})
}

// tellPriority writes a changed priority to the pipes, for those who asked.
func (r *role) tellPriority(i *instance, priority uint8) {
	wants := i.cfg.NotifyPriorityChanges
	if g := i.election.group; g != nil {
		wants = g.NotifyPriorityChanges.Or(wants)
	}
	if !wants {
		return
	}
	state := notify.BackupPriority
	if i.isMaster() {
		state = notify.MasterPriority
	}
	r.notifier.Tell(notify.Event{Kind: notify.Instance, Name: i.cfg.Name, State: state, Priority: int(priority)})
}
