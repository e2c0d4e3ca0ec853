package kernel

import (
	"testing"

	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
)

func open(t *testing.T) *Conn {
	t.Helper()
	c, err := Open(t.Context())
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestConformance(t *testing.T) { ipvstest.Conformance(t, open(t)) }
