package vrrp

import (
	"net/netip"
	"time"
)

// State is the state of a virtual router. The numbers are those of keepalived's
// JSON dump.
type State uint8

// The states. Init lasts until Start; Deleted and Stopped are final.
const (
	Init    State = 0
	Backup  State = 1
	Master  State = 2
	Fault   State = 3
	Deleted State = 97
	Stopped State = 98
)

func (s State) String() string {
	switch s {
	case Init:
		return "INIT"
	case Backup:
		return "BACKUP"
	case Master:
		return "MASTER"
	case Fault:
		return "FAULT"
	case Deleted:
		return "DELETED"
	default:
		return "STOP"
	}
}

// Event is something that happened. The set is closed.
type Event interface{ event() }

type (
	// Start begins the election. Nothing is sent or taken note of before
	// NotBefore, if that is set. As goes on in the state of a predecessor:
	// Master, if it was interrupted for less time than its peers tolerate (with
	// a fault that ends at once), or Backup, if it need not be told of.
	Start struct {
		NotBefore time.Time
		As        State
	}

	// Expired says that the time has come to look at the timers. It is harmless
	// when it is early.
	Expired struct{}

	// Advert is an advertisement that passed every check of the packet.
	Advert struct {
		Router   int // which of the machine's virtual routers it is for
		From     netip.Addr
		Priority uint8
		Interval time.Duration
	}

	// Faults is the complete set of reasons why a virtual router cannot work.
	// As long as one router of a machine has a reason, all are in Fault.
	Faults struct {
		Router  int
		Reasons []string
	}

	// Pending says whether something must be known before a router can start
	// or come back, such as the first result of a script.
	Pending struct {
		Router int
		Wait   bool
	}

	// Priority is the effective priority, recomputed from its inputs; see
	// [Effective].
	Priority struct {
		Router int
		Value  uint8
	}

	// Configure replaces the configuration of one router while it runs.
	Configure struct {
		Router int
		Config Config
	}

	// Source tells a router its own address, by which equals are told apart.
	Source struct {
		Router int
		Addr   netip.Addr
	}

	// Claim says that somebody else was seen to use one of our addresses, by
	// ARP or neighbour advertisement.
	Claim struct {
		Router int
		By     string // hardware address
	}

	// Taken says that an address, route or rule of a master was removed by
	// somebody else, and that the operator wants the peers to take over.
	Taken struct{}

	// Standby gives mastership away and does not take it back while anybody
	// else is able to hold it; On false ends that.
	Standby struct{ On bool }

	// HoldPreempt delays taking over from a master of lower priority.
	HoldPreempt struct{ On bool }

	// Stop leaves at once and hands over, or not: with Keep a successor of this
	// process finds the addresses and goes on. Deleted says that the
	// configuration has it no more.
	Stop struct{ Deleted, Keep bool }
)

func (Start) event()       {}
func (Expired) event()     {}
func (Advert) event()      {}
func (Faults) event()      {}
func (Pending) event()     {}
func (Priority) event()    {}
func (Configure) event()   {}
func (Source) event()      {}
func (Claim) event()       {}
func (Taken) event()       {}
func (Standby) event()     {}
func (HoldPreempt) event() {}
func (Stop) event()        {}

// Action is work for the owner of the machine, to be done in the order given.
// Adverts come first of all.
type Action interface{ action() }

type (
	// Send is one advertisement. Priority 0 says that we leave.
	Send struct {
		Router   int
		Priority uint8
	}

	// Become is a change of state: set or remove addresses, notify. Adopted
	// marks a state that a predecessor had, so that there is nothing to notify
	// of.
	Become struct {
		Router   int
		From, To State
		Adopted  bool
	}

	// GroupBecome is the same for a sync group as a whole.
	GroupBecome struct{ From, To State }

	// Announce tells the network where the addresses are: Repeat gratuitous
	// ARPs or neighbour advertisements for each.
	Announce struct {
		Router int
		Repeat int
	}

	// LowerHeard says that a master hears one of lower priority.
	LowerHeard struct{ Router int }

	// PriorityChanged reports the effective priority.
	PriorityChanged struct {
		Router   int
		From, To uint8
	}

	// Conflict says that another router is master beside us.
	Conflict struct {
		Router   int
		With     netip.Addr
		Priority uint8
	}

	// Resolved ends a Conflict.
	Resolved struct {
		Router int
		With   netip.Addr
		Lasted time.Duration
	}

	// Log is a line for the operator, without the router's name. Detail lines
	// are for those who asked for them.
	Log struct {
		Router int // -1: the group
		Text   string
		Level  Level
	}
)

// Level says who should read a line.
type Level uint8

// The levels of log lines.
const (
	Detail Level = iota
	Info
	Warn
)

func (Send) action()            {}
func (Become) action()          {}
func (GroupBecome) action()     {}
func (Announce) action()        {}
func (LowerHeard) action()      {}
func (PriorityChanged) action() {}
func (Conflict) action()        {}
func (Resolved) action()        {}
func (Log) action()             {}
