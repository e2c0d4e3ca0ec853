// Package notify tells the world outside about changes of state: through the
// user's scripts, through named pipes and by mail.
//
// Lines go to the pipes at once and all of them, in the order of the calls.
//
// Scripts of one object run one state after the other. While those of a state
// still run, further states wait, and of those that wait only the newest is
// kept: a flapping object cannot pile up processes, and the state it comes to
// rest in is always the last one reported. keepalived starts the scripts of
// every change at once, so that those of quick changes overlap and may end in
// any order. As long as scripts end before the next change there is no
// difference: same scripts, same arguments, same moment. A script that does
// not end (patience) no longer holds up its successors.
package notify

import (
	"strconv"

	"github.com/holdfast-lb/holdfast/pkg/script"
)

// Kind is what sort of object changed.
type Kind uint8

// The kinds of objects.
const (
	Instance Kind = iota
	Group
	VirtualServer
	RealServer
)

// What scripts and pipes are told, as keepalived words it.
const (
	Master            = "MASTER"
	Backup            = "BACKUP"
	Fault             = "FAULT"
	Stop              = "STOP"
	Deleted           = "DELETED"
	MasterRxLowerPrio = "MASTER_RX_LOWER_PRI" // a master heard a lower priority
	MasterPriority    = "MASTER_PRIORITY"     // the priority changed while master
	BackupPriority    = "BACKUP_PRIORITY"     // the priority changed otherwise
	Up                = "UP"
	Down              = "DOWN"
)

// Event is one thing to tell.
type Event struct {
	Kind     Kind
	Name     string // of the instance or group; of servers as in logs: [10.0.0.1]:tcp:80
	Service  string // of a RealServer: the name of its virtual server
	State    string // one of the words above
	Priority int    // of an instance: the effective priority

	Specific *script.Command // run as configured
	Generic  *script.Command // run after it, with INSTANCE|GROUP, name, state, priority added
	Mail     *Mail
	NoFIFO   bool // keep silent on the pipes
}

// Mail is the text of an alert; Settings.Mail says to whom.
type Mail struct {
	Subject string // the router's name in brackets is put before it
	Body    string // one line
}

// key names the object and the series of reports in it where a newer one
// supersedes an older one.
type key struct {
	kind          Kind
	name, service string
	remark        bool // not a state of its own
}

func (e Event) key() key {
	remark := e.State == MasterRxLowerPrio || e.State == MasterPriority || e.State == BackupPriority
	return key{e.Kind, e.Name, e.Service, remark}
}

// Line is the event as pipes carry it, without the newline.
func (e Event) Line() string {
	switch e.Kind {
	case Instance:
		return `INSTANCE "` + e.Name + `" ` + e.State + " " + strconv.Itoa(e.Priority)
	case Group:
		return `GROUP "` + e.Name + `" ` + e.State + " 0"
	case VirtualServer:
		return "VS " + e.Name + " " + e.State
	default:
		return "RS " + e.Name + " " + e.Service + " " + e.State
	}
}

// commands are the scripts to run, in the order in which they are started.
func (e Event) commands() []script.Command {
	var cmds []script.Command
	if e.Specific != nil {
		cmds = append(cmds, *e.Specific)
	}
	if e.Generic != nil {
		kind, prio := "INSTANCE", strconv.Itoa(e.Priority)
		if e.Kind == Group {
			kind, prio = "GROUP", "0"
		}
		cmds = append(cmds, e.Generic.With(kind, e.Name, e.State, prio))
	}
	return cmds
}
