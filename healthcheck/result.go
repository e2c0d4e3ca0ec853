package healthcheck

import "time"

// Result is the answer to one attempt.
type Result struct {
	OK     bool
	Fault  Fault  // what failed; FaultNone when OK
	Reason string // for people: "connection refused", "status 503, wanted 200-299"; when OK what was odd
	Took   time.Duration

	// Value is a program's exit status or signal, the number in a track file,
	// a DNS rcode, or the errno of a broken connection.
	Value int64
}

// Fault says at which step an attempt failed. It selects the log line.
type Fault uint8

// The faults. Not every kind of check knows every one.
const (
	FaultNone        Fault = iota
	FaultLocal             // no socket, no address, no interface: says nothing about the server
	FaultConnect           // refused, reset
	FaultUnreachable       // no route
	FaultTimeout           // no connection in time, or no handshake on it
	FaultTLS               // handshake
	FaultSend              // the request could not be sent
	FaultReadTimeout       // no answer in time
	FaultStopped           // an answer that began, but did not go on in time
	FaultRead              // the connection broke while reading
	FaultNoData            // closed without an answer
	FaultStatus            // wrong status code
	FaultDigest            // wrong digest
	FaultRegex             // regular expression
	FaultBanner            // wrong greeting
	FaultReply             // wrong answer
	FaultExit              // a program ended with a status that says no
	FaultSignal            // a program was ended by a signal
	FaultState             // a track file or BFD session says so
)

// Event tells that the verdict of a check, or what it adds to the weight,
// has changed or is known for the first time.
type Event struct {
	Key    string
	Up     bool
	First  bool // the first verdict of this check; Up may be what was assumed before
	Turned bool // Up is not what it was before
	Weight int  // added to the configured weight of the real server
	Result Result
	At     time.Time
}

// Line is one line for the log.
type Line struct {
	Text   string
	Failed bool // tells of a failure
}

// Transition is a change of the verdict.
type Transition struct {
	At     time.Time
	Up     bool
	Reason string
}

// Failure is one failed attempt.
type Failure struct {
	At     time.Time
	Reason string
	Took   time.Duration
}

// Status is what is known of one check, for showing.
type Status struct {
	Keys    []string // of the specs that it serves
	Keyword string
	For     Name
	Also    []Name

	Up        bool
	Known     bool // a first run has been completed
	Suspended bool
	Since     time.Time // of the last change of Up
	Weight    int
	Next      time.Time // of the next attempt
	Runs      uint64
	Last      Result
	LastAt    time.Time

	Transitions []Transition  // the last few, oldest first
	Failures    []Failure     // the last few, oldest first
	Lateness    time.Duration // the largest delay of an attempt behind its time
}
