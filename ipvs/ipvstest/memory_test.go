package ipvstest_test

import (
	"testing"

	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
)

func TestMemory(t *testing.T) { ipvstest.Conformance(t, ipvstest.New()) }
