package probe

import (
	"context"
	"fmt"
	"os"
	"strings"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/script"
)

// runProgram is one attempt of a MISC_CHECK.
func (e *Engine) runProgram(ctx context.Context, ask healthcheck.Misc) healthcheck.Result {
	cmd := script.Command{Args: ask.Command, Timeout: ask.Timeout, User: &script.User{UID: ask.UID, GID: ask.GID}}
	if int(ask.UID) == os.Geteuid() && int(ask.GID) == os.Getegid() {
		cmd.User = nil
	}
	res, err := e.opt.Scripts.Run(ctx, cmd)
	switch {
	case err != nil: // it has not been started, and so says nothing about the server
		return healthcheck.Result{Fault: healthcheck.FaultLocal, Reason: err.Error()}
	case res.TimedOut:
		return healthcheck.Result{Fault: healthcheck.FaultReadTimeout, Reason: fmt.Sprintf("timed out after %v", ask.Timeout)}
	case res.Signal != 0:
		return healthcheck.Result{Fault: healthcheck.FaultSignal, Value: int64(res.Signal), Reason: "ended by " + res.Signal.String()}
	case res.Status != 0:
		return healthcheck.Result{Fault: healthcheck.FaultExit, Value: int64(res.Status), Reason: fmt.Sprintf("exited with status %d", res.Status)}
	}
	return healthcheck.Result{OK: true}
}

// allowPing lets our group send ICMP echoes without privilege, if it is ours
// to allow.
func allowPing(log *zap.Logger) {
	const path = "/proc/sys/net/ipv4/ping_group_range"
	have, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var low, high uint32
	if _, err := fmt.Sscan(string(have), &low, &high); err != nil {
		return
	}
	if gid := uint32(os.Getegid()); low <= gid && gid <= high {
		return
	}
	if low > high { // 1 0: nobody
		high = uint32(os.Getegid())
	}
	want := fmt.Sprintf("0 %d", high)
	if err := os.WriteFile(path, []byte(want), 0); err != nil {
		log.Warn("PING_CHECK cannot work: no permission for ICMP echo", zap.String("sysctl", path), zap.Error(err))
		return
	}
	log.Info("Extended net.ipv4.ping_group_range for PING_CHECK",
		zap.String("was", strings.TrimSpace(string(have))), zap.String("now", want))
}
