package main

import (
	"context"
	"os"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/bfd"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/director"
	"github.com/holdfast-lb/holdfast/pkg/router"
)

// duties are the functions of the role processes.
var duties = map[string]daemon.RoleFunc{
	control.VRRP:     runVRRP,
	control.BFD:      runBFD,
	control.Checkers: runCheckers,
}

func runVRRP(ctx context.Context, r daemon.Room) error {
	opt := router.Options{
		Config:          r.Config,
		Reload:          r.Reload,
		Log:             r.Log,
		Control:         r.Control,
		Signals:         r.Signals,
		Ready:           r.Ready,
		DontReleaseVRRP: r.Flags.DontReleaseVRRP,
		LogAddresses:    r.Flags.AddressMonitoring,
		Handover:        r.Memory,
		StandbyFile:     strings.TrimSuffix(r.Sockets(control.VRRP), ".sock") + ".standby",
	}
	opt.WatchBFD = watchBFD(r.Sockets(control.BFD), func(s bfd.Status) bool { return s.VRRP })
	checkers := r.Sockets(control.Checkers)
	opt.AskSync = func(ctx context.Context) (uint64, bool) { return director.AskSync(ctx, checkers) }
	return router.Run(ctx, opt)
}

// watchBFD tells a role of the BFD sessions that are meant for it. It knows the socket
// alone: with the room it would keep the first configuration for good.
func watchBFD(socket string, meant func(bfd.Status) bool) func(context.Context, func(string, bool)) {
	return func(ctx context.Context, report func(string, bool)) {
		bfd.Watch(ctx, socket, func(list []bfd.Status) {
			for _, s := range list {
				if meant(s) {
					report(s.Name, s.Up)
				}
			}
		})
	}
}

func runBFD(ctx context.Context, r daemon.Room) error {
	return bfd.Run(ctx, bfd.Options{
		Config:  r.Config,
		Reload:  r.Reload,
		Log:     r.Log,
		Control: r.Control,
		Ready:   r.Ready,
		Signals: r.Signals,
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
		Restarted:       ranBefore(r.Memory),
		OrdersFile:      strings.TrimSuffix(r.Sockets(control.Checkers), ".sock") + ".orders",
		WatchBFD:        watchBFD(r.Sockets(control.BFD), func(s bfd.Status) bool { return s.Checkers }),
		VRRPSocket:      r.Sockets(control.VRRP),
	})
}

// ranBefore reports whether a predecessor of this process left its mark in the
// memory that the role's processes share, and leaves one.
func ranBefore(memory *os.File) bool {
	n, _ := memory.ReadAt(make([]byte, 1), 0)
	_, _ = memory.WriteAt([]byte{1}, 0)
	return n > 0
}
