package director

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// lanless is a kernel that cannot start sync daemons, for want of an interface, or
// cannot stop them.
type lanless struct {
	*ipvstest.Memory
	missing, stuck atomic.Bool
}

func (l *lanless) StartDaemon(ctx context.Context, d ipvs.SyncDaemon) error {
	if l.missing.Load() {
		return errors.New("no such device")
	}
	return l.Memory.StartDaemon(ctx, d)
}

func (l *lanless) StopDaemon(ctx context.Context, d ipvs.SyncDaemon) error {
	if l.stuck.Load() {
		return ipvs.ErrUncertain
	}
	return l.Memory.StopDaemon(ctx, d)
}

// A setting that cannot be made is tried again until it can, and complained of once.
func TestSettingsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &lanless{Memory: ipvstest.New()}
		with, without := cfgOf(vs(rs("10.9.0.11:80", 1))), cfgOf(vs(rs("10.9.0.11:80", 1)))
		with.Global.LVS.SyncDaemon = &config.SyncDaemon{Interface: "lan", ID: 3}
		g := launch(t, k.Memory, without)
		g.role.kernel = k
		running := func(want int) {
			t.Helper()
			if list, _ := k.Daemons(t.Context()); len(list) != want {
				t.Errorf("sync daemons %v, want %d", list, want)
			}
		}
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }

		k.missing.Store(true)
		g.reload <- with
		pass(time.Hour)
		running(0)
		said := 0
		for _, e := range g.logs.TakeAll() {
			if strings.Contains(e.Message, "lvs_sync_daemon") {
				said++
			}
		}
		if said != 1 {
			t.Errorf("logged %d times, want once", said)
		}
		k.missing.Store(false)
		pass(settleDelay)
		running(2)

		k.stuck.Store(true)
		g.reload <- without
		pass(time.Hour)
		running(2)
		k.stuck.Store(false)
		pass(settleDelay)
		running(0)
		if !g.role.unsettled.IsZero() {
			t.Error("what is settled is tried again")
		}
		g.end()
	})
}
