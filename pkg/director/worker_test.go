package director

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// held is a kernel whose next look at some services waits until let go.
type held struct {
	ipvs.Kernel
	gate chan struct{}
}

func (h held) Get(ctx context.Context, keys ...ipvs.Key) (ipvs.Table, error) {
	<-h.gate
	return h.Kernel.Get(ctx, keys...)
}

// What a reload takes away is deleted also if the worker is about to make it what
// it was to be before.
func TestServiceIsGivenUpWhileItChanges(t *testing.T) {
	other := edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) { v.Addr = addr("10.9.0.101:80") })
	for _, tt := range []struct {
		name string
		then func(*rig)
	}{
		{"and the role goes on", func(*rig) {}},
		{"and the role ends", (*rig).end},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := ipvstest.New()
				g := launch(t, k, cfgOf(vs(rs("10.9.0.21:80", 1), rs("10.9.0.22:80", 1)), other))
				slow := held{k, make(chan struct{})}
				g.role.kernel = slow // the worker waits for its next job
				g.check("10.9.0.21:80", false)
				g.reload <- cfgOf(other)
				synctest.Wait()
				close(slow.gate)
				synctest.Wait()
				tt.then(g)
				if left, _ := k.Get(t.Context(), webKey); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				if tt.name == "and the role goes on" {
					g.end()
				}
			})
		})
	}
}

// Without a period, what the kernel has refused is asked for again, less and less
// often.
func TestRefusedWithoutPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		tries := 0
		k.FailWith(func(op ipvs.Op) error {
			if op.Verb != ipvs.AddDestination || op.Destination.Addr != addr("10.9.0.12:80").Addr() {
				return nil
			}
			tries++
			return syscall.EINVAL
		})
		g := launch(t, k, every(0, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)))))
		time.Sleep(retryDelay + 2*retryDelay + 4*retryDelay)
		synctest.Wait()
		if tries != 4 {
			t.Errorf("asked %d times in seven seconds, want at the start and after 1, 2 and 4", tries)
		}
		k.FailWith(nil)
		k.Applied()
		time.Sleep(longestRetry)
		synctest.Wait()
		g.did("add 10.9.0.12:80 to 10.9.0.100:80/tcp")
		time.Sleep(2 * longestRetry)
		g.did()
		g.end()
	})
}

// blind is a kernel whose table cannot be read for a while.
type blind struct {
	ipvs.Kernel
	until time.Time
}

func (b blind) Get(ctx context.Context, keys ...ipvs.Key) (ipvs.Table, error) {
	if time.Now().Before(b.until) {
		return nil, ipvs.ErrUncertain
	}
	return b.Kernel.Get(ctx, keys...)
}

// What could not be done at once is not taken for somebody else's work later.
func TestErrorIsNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ipvstest.New()
		many := cfgOf(vs(rs("10.9.0.21:80", 1), rs("10.9.0.22:80", 1)))
		for i := range 3 {
			many.VirtualServers = append(many.VirtualServers, edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) {
				v.Addr = addr([]string{"10.9.0.101:80", "10.9.0.102:80", "10.9.0.103:80"}[i])
			}))
		}
		g := launch(t, k, many)
		k.Applied()
		g.role.kernel = blind{k, time.Now().Add(retryDelay / 2)}
		g.check("10.9.0.21:80", false)
		time.Sleep(2 * retryDelay)
		synctest.Wait()
		g.did("delete 10.9.0.21:80 from 10.9.0.100:80/tcp")
		if g.logged("another program") {
			t.Error("our own change is taken for somebody else's work")
		}
		g.end()
	})
}
