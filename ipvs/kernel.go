package ipvs

import (
	"context"
	"errors"
)

// ErrNoIPVS reports a kernel that has no IPVS and could not be made to load it.
var ErrNoIPVS = errors.New("the kernel has no IPVS: load it with `modprobe ip_vs`")

// ErrUncertain reports that the kernel did not say what became of some requests:
// an answer was lost or came too late. Read the table and plan again.
var ErrUncertain = errors.New("the kernel did not answer every request")

// Kernel is IPVS as its users see it. One goroutine at a time may use it. Every
// method ends when its context does.
type Kernel interface {
	// Read returns the services whose key is owned with their destinations; nil
	// owns all. It is consistent for each service, not over all of them.
	Read(ctx context.Context, owned func(Key) bool) (Table, error)

	// Get returns those of the services with the given keys that exist, in the
	// order of the keys. It is for a few: Read is cheaper when most are wanted.
	Get(ctx context.Context, keys ...Key) (Table, error)

	// Status is Read with counters.
	Status(ctx context.Context, owned func(Key) bool) ([]EntryStatus, error)

	// Apply sends the requests in order and goes on after one that fails. It
	// returns those that the kernel refused, in order. An error means that some
	// outcomes are unknown (ErrUncertain) or that the kernel cannot be reached.
	Apply(ctx context.Context, ops []Op) ([]OpError, error)

	// Flush deletes all services, also those of others.
	Flush(ctx context.Context) error

	// Zero sets the counters of all services and their destinations to zero.
	Zero(ctx context.Context) error

	// Timeouts returns the timeouts of connections, SetTimeouts changes those
	// that are not zero.
	Timeouts(ctx context.Context) (Timeouts, error)
	SetTimeouts(ctx context.Context, t Timeouts) error

	// Daemons returns the synchronisation daemons that run, the master first.
	Daemons(ctx context.Context) ([]SyncDaemon, error)

	// StartDaemon starts the daemon of one role; syscall.EEXIST when it runs.
	StartDaemon(ctx context.Context, d SyncDaemon) error

	// StopDaemon stops the daemon of d's role; syscall.ESRCH when none runs.
	StopDaemon(ctx context.Context, d SyncDaemon) error
}

// OpError is a request that the kernel refused. Err holds a syscall.Errno:
// EEXIST on adding what is there; ESRCH for a service that is not there; ENOENT
// for a destination that is not there, and for an unknown scheduler or
// persistence engine.
type OpError struct {
	Op  Op
	Err error
}

func (e OpError) Error() string { return e.Op.String() + ": " + e.Err.Error() }

// Unwrap returns the kernel's reason.
func (e OpError) Unwrap() error { return e.Err }
