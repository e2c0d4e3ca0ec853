package router

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/dump"
)

// The signals that ask for dumps, with keepalived's numbers.
const (
	signalData       = syscall.SIGUSR1
	signalStats      = syscall.SIGUSR2
	signalStatsClear = syscall.Signal(63) // SIGRTMAX-1
	signalJSON       = syscall.Signal(36) // SIGRTMIN+2
)

// dump writes what a signal asks for. The text is made here, the file is
// written beside the loop.
func (r *role) dump(sig os.Signal) {
	pid := os.Getpid()
	switch sig {
	case signalData:
		r.log.Info(fmt.Sprintf("Printing VRRP data for process(%d) on signal", pid))
		r.write(dump.StatePath(r.cfg, dump.VRRP), []byte(r.dataText()))
	case signalStats, signalStatsClear:
		what := "VRRP stats"
		if sig == signalStatsClear {
			what = "and clearing VRRP stats"
		}
		r.log.Info(fmt.Sprintf("Printing %s for process(%d) on signal", what, pid))
		r.write(dump.Path("keepalived.stats"), []byte(r.statsText()))
		if sig == signalStatsClear {
			for _, i := range r.instances {
				i.counts = counters{}
			}
		}
	case signalJSON:
		r.log.Info(fmt.Sprintf("Printing VRRP as json for process(%d) on signal", pid))
		b, err := r.jsonText()
		if err != nil {
			r.log.Error("cannot print as json", zap.Error(err))
			return
		}
		if b != nil {
			r.write(dump.Path("keepalived.json"), b)
		}
	}
}

// write replaces a file, on the worker's time.
func (r *role) write(path string, b []byte) {
	r.worker.give(func(context.Context, network) func() {
		err := dump.Replace(path, b)
		if err == nil {
			return nil
		}
		return func() { r.log.Error("cannot write "+path, zap.Error(err)) }
	})
}

// statsText is the statistics file.
func (r *role) statsText() string {
	var b strings.Builder
	for _, i := range r.instances {
		c := &i.counts
		fmt.Fprintf(&b, "VRRP Instance: %s\n", i.cfg.Name)
		group := func(name string, lines ...any) {
			fmt.Fprintf(&b, "  %s:\n", name)
			for n := 0; n < len(lines); n += 2 {
				fmt.Fprintf(&b, "    %s: %d\n", lines[n], lines[n+1])
			}
		}
		group("Advertisements", "Received", c.advertsIn, "Sent", c.advertsOut)
		fmt.Fprintf(&b, "  Became master: %d\n  Released master: %d\n", c.becameMaster, c.releasedMaster)
		group("Packet Errors", "Length", c.length, "TTL", c.ttl, "Invalid Type", c.typ,
			"Advertisement Interval", c.interval, "Address List", c.addrList)
		group("Authentication Errors", "Invalid Type", c.authType, "Type Mismatch", c.authOther, "Failure", c.authFailed)
		group("Authentication Extension Errors", "Missing", c.trailerMissing, "Malformed", c.malformed,
			"Unknown Key", c.unknownKey, "Invalid HMAC", c.badHMAC, "Stale", c.stale, "Replay", c.replay)
		group("Priority Zero", "Received", c.zeroIn, "Sent", c.zeroOut)
	}
	return b.String()
}
