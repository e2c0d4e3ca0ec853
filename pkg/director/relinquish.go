package director

import (
	"context"
	"errors"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/kernel"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
	netkernel "github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
)

// Relinquish takes down what a checkers role has left in the kernel that has ended
// and does not come back. How things were before it nobody knows any more: timeouts
// and kernel parameters stay.
func Relinquish(cfg *config.Config, _ *os.File, log *zap.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	k, err := kernel.Open(ctx)
	if errors.Is(err, ipvs.ErrNoIPVS) {
		return nil // so there cannot be anything
	}
	if err != nil {
		return err
	}
	defer k.Close()
	r := newRole(Options{Log: log}, k)
	r.cfg, r.rules, r.sysctls = cfg, firewall.NewServices(firewallOptions(cfg)), netkernel.NewSysctls()
	r.synchronises = cfg.Global.LVS.SyncDaemon != nil
	unchecked := func(*config.VirtualServer, *config.RealServer) []healthcheck.Spec { return nil }
	r.policy.load(cfg, unchecked, nil, time.Now())
	// Rules must be ours to be removed.
	return errors.Join(r.rules.Apply(r.policy.rules()), r.takeDown(ctx))
}
