package router

import (
	"errors"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
)

// fakeFilter takes a policy, or fails.
type fakeFilter struct {
	err    error
	got    int
	closed bool
}

func (f *fakeFilter) Apply(firewall.Policy) error { f.got++; return f.err }
func (f *fakeFilter) Close() error                { f.closed = true; return nil }
func (f *fakeFilter) Release() error              { return nil }

func TestWithoutIPTablesThereIsNFTables(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	old, other := &fakeFilter{err: errors.New("no chain")}, &fakeFilter{}
	g := newGuard(config.FirewallGlobal{IPTables: true}, zap.New(core))
	g.open = func(c *config.FirewallGlobal) (packetFilter, error) {
		if c.IPTables {
			return old, nil
		}
		return other, nil
	}
	for range 2 {
		if err := g.apply(firewall.Policy{}); err != nil {
			t.Error(err)
		}
	}
	if old.got != 1 || !old.closed || other.got != 2 || logs.Len() != 1 {
		t.Errorf("iptables was asked %d times, closed %v; nftables %d times; %d lines", old.got, old.closed, other.got, logs.Len())
	}

	// What has worked fails for another reason, and is tried again later.
	g = newGuard(config.FirewallGlobal{IPTables: true}, zap.NewNop())
	used := &fakeFilter{}
	g.open = func(*config.FirewallGlobal) (packetFilter, error) { return used, nil }
	if err := g.apply(firewall.Policy{}); err != nil {
		t.Error(err)
	}
	used.err = errors.New("locked")
	if err := g.apply(firewall.Policy{}); err == nil || used.closed {
		t.Errorf("error %v, closed %v", err, used.closed)
	}
}
