package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/healthcheck/genhash"
)

// runGenhash is holdfast genhash, keepalived -T, and genhash by that name.
func runGenhash(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	return genhash.Run(ctx, args, os.Stdout, os.Stderr)
}

// calledForGenhash reports whether the command line asks for genhash, and with
// which arguments.
func calledForGenhash(args []string) ([]string, bool) {
	switch {
	case filepath.Base(args[0]) == "genhash":
		return args[1:], true
	case len(args) > 1 && (args[1] == "-T" || args[1] == "--genhash"):
		return args[2:], true
	default:
		return nil, false
	}
}
