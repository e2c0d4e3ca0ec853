package router

import (
	"context"
	"os"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

// Options is what the vrrp role works with.
type Options struct {
	Config *config.Config
	Reload <-chan *config.Config // each parsed and checked
	Log    *zap.Logger           // details (-D) are logged at debug level

	Control *control.Server // may be nil
	Signals <-chan os.Signal
	Ready   func() // called once every instance has started; may be nil

	// DontReleaseVRRP leaves addresses, routes and rules in place at the end.
	DontReleaseVRRP bool
	// LogAddresses reports every change of an address (-a).
	LogAddresses bool

	// Handover is memory that outlives a crash of the role: a file that the
	// supervisor gives to every incarnation. With it, the successor goes on as
	// the master that its predecessor was. Nil for none.
	Handover *os.File

	// StandbyFile remembers which instances the operator has put on standby.
	// Empty: that is forgotten at the end.
	StandbyFile string

	// WatchBFD reports which BFD sessions are up, whenever that changes, until
	// ctx ends. Nil if there is no bfd role.
	WatchBFD func(ctx context.Context, report func(session string, up bool))

	// AskSync tells how many connections IPVS knows, if this machine receives
	// those of a master.
	AskSync func(ctx context.Context) (connections uint64, receiving bool)
}
