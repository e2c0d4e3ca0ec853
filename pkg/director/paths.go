package director

import (
	"hash/fnv"
	"net/netip"
	"slices"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// path is a way that IPVS takes to a real server. A check with probe_via_vip
// marks its packets, and the service of that mark has this one destination:
// what the check finds is what a client would.
type path struct {
	real   netip.Addr
	method ipvs.Method
	encap  ipvs.Encap
}

// pathOf is the way to a real server.
func pathOf(rs *config.RealServer) path {
	method, encap := forward(rs.Method)
	return path{rs.Addr.Addr().Unmap().WithZone(""), method, encap}
}

// Marks of paths are in the upper half, where few people have theirs.
const (
	firstPathMark = 0x48000000
	pathMarks     = 1 << 24
)

// pathsOf gives each path that checks take its mark. It depends on the path, not
// on its place in the configuration: over a reload it is the same, unless two
// want one mark.
func pathsOf(cfg *config.Config) map[path]uint32 {
	taken := make(map[uint32]bool)
	var all []path
	for _, vs := range cfg.VirtualServers {
		taken[vs.FwMark] = true
		for _, rs := range vs.RealServers {
			for _, ck := range rs.Checkers {
				taken[ck.Mark] = true
			}
			if slices.ContainsFunc(rs.Checkers, func(ck *config.Checker) bool { return ck.ViaVIP }) {
				all = append(all, pathOf(rs))
			}
		}
	}
	for _, g := range cfg.ServerGroups {
		for _, m := range g.Marks {
			taken[m.Mark] = true
		}
	}
	marks := make(map[path]uint32, len(all))
	for _, p := range all {
		if marks[p] != 0 {
			continue
		}
		h := fnv.New32a()
		h.Write(p.real.AsSlice())
		h.Write([]byte{byte(p.method), byte(p.encap.Type), byte(p.encap.Port >> 8), byte(p.encap.Port), byte(p.encap.Flags)})
		m := h.Sum32() % pathMarks
		for taken[firstPathMark+m] {
			m = (m + 1) % pathMarks
		}
		marks[p], taken[firstPathMark+m] = firstPathMark+m, true
	}
	return marks
}

// pathEntries are the services that lead checks to real servers.
func pathEntries(cfg *config.Config) map[ipvs.Key]ipvs.Entry {
	paths := pathsOf(cfg)
	entries := make(map[ipvs.Key]ipvs.Entry, len(paths))
	for p, mark := range paths {
		k := ipvs.MarkKey(ipvs.FamilyOf(p.real), mark)
		entries[k] = ipvs.Entry{
			Service:      ipvs.Service{Key: k, Scheduler: "rr", Netmask: k.Family.HostMask()},
			Destinations: []ipvs.Destination{{Addr: p.real, Method: p.method, Encap: p.encap, Weight: 1}},
		}
	}
	return entries
}

// answering are the real servers that are asked by a path.
func (p *policy) answering() []netip.Addr {
	var servers []netip.Addr
	for _, k := range p.keys {
		if e, ok := p.paths[k]; ok {
			servers = append(servers, e.Destinations[0].Addr)
		}
	}
	return servers
}
