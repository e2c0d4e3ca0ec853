// Package ipvs_test holds the scenarios of load balancing: the whole daemon on a real
// kernel with IPVS, alone and beside the distribution's keepalived.
package ipvs_test

import (
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func TestMain(m *testing.M) { netlab.Main(m) }

// lab starts a lab for the test.
func lab(t *testing.T) *netlab.Lab {
	t.Helper()
	netlab.Require(t)
	return netlab.New(t)
}
