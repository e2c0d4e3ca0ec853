package director

import (
	"net/netip"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// findings are the servers in the kernel's table when the role starts. A process
// that died has left there what it knew of their health.
type findings map[ipvs.Key]map[netip.AddrPort]int32

func newFindings(t ipvs.Table) findings {
	f := make(findings, len(t))
	for _, e := range t {
		servers := make(map[netip.AddrPort]int32, len(e.Destinations))
		for _, d := range e.Destinations {
			servers[d.AddrPort()] = d.Weight
		}
		f[e.Key] = servers
	}
	return f
}

// lacks says whether the services are there without the server, or with it
// inhibited. Services that are not all there were not ours, or are new.
func (f findings) lacks(keys []ipvs.Key, rs *config.RealServer) bool {
	if len(f) == 0 || len(keys) == 0 {
		return false
	}
	for _, k := range keys {
		servers, ok := f[k]
		if !ok {
			return false
		}
		method, _ := forward(rs.Method)
		at := netip.AddrPortFrom(rs.Addr.Addr().Unmap().WithZone(""), portFor(k, method, rs.Addr.Port()))
		if weight, in := servers[at]; in && (weight != 0 || !rs.Inhibit || rs.Weight == 0) {
			return false
		}
	}
	return true
}
