package kernel

import (
	"context"
	"fmt"

	moby "github.com/moby/ipvs"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// library returns a handle of moby/ipvs. Once the family could not be resolved it
// would answer everything with success, so ours is resolved first.
func (c *Conn) library(ctx context.Context) (*moby.Handle, error) {
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	if c.moby == nil {
		h, err := moby.New("")
		if err != nil {
			return nil, err
		}
		c.moby = h
	}
	return c.moby, nil
}

// Flush implements [ipvs.Kernel].
func (c *Conn) Flush(ctx context.Context) error {
	h, err := c.library(ctx)
	if err == nil {
		err = h.Flush()
	}
	if err != nil {
		return fmt.Errorf("flush the IPVS table: %w", err)
	}
	return nil
}

// Timeouts implements [ipvs.Kernel].
func (c *Conn) Timeouts(ctx context.Context) (ipvs.Timeouts, error) {
	h, err := c.library(ctx)
	if err != nil {
		return ipvs.Timeouts{}, fmt.Errorf("read the IPVS timeouts: %w", err)
	}
	t, err := h.GetConfig()
	if err != nil {
		return ipvs.Timeouts{}, fmt.Errorf("read the IPVS timeouts: %w", err)
	}
	return ipvs.Timeouts{TCP: t.TimeoutTCP, TCPFin: t.TimeoutTCPFin, UDP: t.TimeoutUDP}, nil
}

// SetTimeouts implements [ipvs.Kernel].
func (c *Conn) SetTimeouts(ctx context.Context, t ipvs.Timeouts) error {
	h, err := c.library(ctx)
	if err == nil {
		err = h.SetConfig(&moby.Config{TimeoutTCP: t.TCP, TimeoutTCPFin: t.TCPFin, TimeoutUDP: t.UDP})
	}
	if err != nil {
		return fmt.Errorf("set the IPVS timeouts: %w", err)
	}
	return nil
}
