package kernel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// Daemons implements [ipvs.Kernel].
func (c *Conn) Daemons(ctx context.Context) ([]ipvs.SyncDaemon, error) {
	var found []ipvs.SyncDaemon
	err := c.call(ctx, unix.NLM_F_DUMP, cmdGetDaemon, nil, func(body []byte) error {
		found = append(found, decodeDaemon(body))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the IPVS sync daemons: %w", err)
	}
	slices.SortFunc(found, func(a, b ipvs.SyncDaemon) int { return cmp.Compare(a.Role, b.Role) })
	return found, nil
}

// StartDaemon implements [ipvs.Kernel].
func (c *Conn) StartDaemon(ctx context.Context, d ipvs.SyncDaemon) error {
	if err := c.control(ctx, cmdNewDaemon, d, true); err != nil {
		return fmt.Errorf("start the IPVS sync %v on %s: %w", d.Role, d.Interface, err)
	}
	return nil
}

// StopDaemon implements [ipvs.Kernel].
func (c *Conn) StopDaemon(ctx context.Context, d ipvs.SyncDaemon) error {
	if err := c.control(ctx, cmdDelDaemon, d, false); err != nil {
		return fmt.Errorf("stop the IPVS sync %v: %w", d.Role, err)
	}
	return nil
}

// control starts or stops a daemon. The kernel sends no answer at all to a
// request that was interrupted, which is what happens to a daemon stopped right
// after its start. So the list of daemons is asked for in the same breath, and
// tells what became of the request.
func (c *Conn) control(ctx context.Context, command uint8, d ipvs.SyncDaemon, run bool) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.out.b = c.out.b[:0]
	at := c.begin(0, command)
	c.out.daemon(&d)
	c.out.end(at)
	c.out.end(c.begin(unix.NLM_F_DUMP, cmdGetDaemon))

	var no error
	running := false
	err := c.exchange(ctx, answers{
		refused: func(_ uint32, why refusal) { no = why },
		data: func(body []byte) error {
			running = running || decodeDaemon(body).Role == d.Role
			return nil
		},
	})
	switch {
	case err != nil:
		return err
	case no == nil && running != run:
		return ipvs.ErrUncertain
	}
	return no
}
