package main

import (
	"context"

	"github.com/holdfast-lb/holdfast/pkg/bfd"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/director"
)

// duties are the functions of the role processes.
var duties = map[string]daemon.RoleFunc{
	control.BFD:      runBFD,
	control.Checkers: runCheckers,
}

func runBFD(ctx context.Context, r daemon.Room) error {
	return bfd.Run(ctx, bfd.Options{
		Config:  r.Config,
		Reload:  r.Reload,
		Log:     r.Log,
		Control: r.Control,
		Ready:   r.Ready,
	})
}

func runCheckers(ctx context.Context, r daemon.Room) error {
	return director.Run(ctx, director.Options{
		Config:          r.Config,
		Reload:          r.Reload,
		Log:             r.Log,
		Control:         r.Control,
		Ready:           r.Ready,
		Signals:         r.Signals,
		DontReleaseIPVS: r.Flags.DontReleaseIPVS,
		BFDSocket:       r.Sockets(control.BFD),
	})
}
