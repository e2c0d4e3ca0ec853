package director

import (
	"net/netip"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// keysOf returns the IPVS services of a virtual server, in the order in which
// they are written.
func keysOf(vs *config.VirtualServer, groups map[string]*config.ServerGroup) []ipvs.Key {
	switch {
	case vs.Group != "":
		return groupKeys(vs, groups[vs.Group])
	case vs.FwMark != 0:
		return []ipvs.Key{ipvs.MarkKey(family(vs.IPv6), vs.FwMark)}
	}
	return []ipvs.Key{ipvs.AddressKey(ipvs.Protocol(vs.Protocol), vs.Addr)}
}

func groupKeys(vs *config.VirtualServer, g *config.ServerGroup) []ipvs.Key {
	if g == nil {
		return nil
	}
	var keys []ipvs.Key
	seen := make(map[ipvs.Key]bool)
	add := func(k ipvs.Key) {
		if !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	for _, r := range g.Ranges {
		addr := r.First
		for range r.Count {
			add(ipvs.AddressKey(ipvs.Protocol(vs.Protocol), netip.AddrPortFrom(addr, r.Port)))
			if addr = addr.Next(); !addr.IsValid() {
				break
			}
		}
	}
	for _, m := range g.Marks {
		add(ipvs.MarkKey(family(m.IPv6), m.Mark))
	}
	return keys
}

func family(ipv6 bool) ipvs.Family {
	if ipv6 {
		return ipvs.IPv6
	}
	return ipvs.IPv4
}

// serviceOf is the IPVS service of a virtual server for one of its keys.
func serviceOf(vs *config.VirtualServer, k ipvs.Key) ipvs.Service {
	s := ipvs.Service{
		Key:       k,
		Scheduler: vs.Scheduler,
		Flags:     ipvs.Flags(vs.SchedFlags) & ipvs.SettableFlags,
		Netmask:   k.Family.HostMask(),
	}
	if vs.OnePacket {
		s.Flags |= ipvs.OnePacket
	}
	if vs.Persistence > 0 {
		s.Flags |= ipvs.Persistent
		s.Engine = vs.Engine
		s.Timeout = vs.Persistence
		s.Netmask = netmask(k.Family, vs)
	}
	return s
}

// netmask is the granularity of persistence as the kernel wants it: any mask for
// IPv4, the length of a prefix for IPv6. One that is not of this family, in a
// group with both, is no grouping.
func netmask(f ipvs.Family, vs *config.VirtualServer) uint32 {
	switch {
	case f == ipvs.IPv6 && vs.IPv6:
		return uint32(vs.Granularity)
	case f == ipvs.IPv4 && !vs.IPv6:
		return vs.Netmask
	}
	return f.HostMask()
}

// forward translates a forwarding method.
func forward(m config.Method) (ipvs.Method, ipvs.Encap) {
	switch m.Kind {
	case config.DR:
		return ipvs.DirectRoute, ipvs.Encap{}
	case config.TUN:
		return ipvs.Tunnel, ipvs.Encap{
			Type: ipvs.TunnelType(m.Tunnel), Port: m.TunPort, Flags: ipvs.TunnelFlags(m.Csum),
		}
	}
	return ipvs.NAT, ipvs.Encap{}
}

// portFor is the port of a destination of service k. Only NAT can change the
// port, so for DR and TUN it is always the service's, which is 0 for a mark.
func portFor(k ipvs.Key, m ipvs.Method, port uint16) uint16 {
	if m == ipvs.NAT {
		return port
	}
	return k.Port
}

// entry builds one IPVS service. Several virtual servers may use it: it has the
// settings of the first, and the servers of all; the first that has a server
// decides about it.
func entry(k ipvs.Key, users []*pool) ipvs.Entry {
	e := ipvs.Entry{Service: serviceOf(users[0].cfg, k)}
	if len(users) == 1 && !users[0].mayCollide {
		e.Destinations = users[0].destinations(k)
		return e
	}
	seen := make(map[netip.AddrPort]bool)
	for _, pl := range users {
		for _, d := range pl.destinations(k) {
			if at := d.AddrPort(); !seen[at] {
				seen[at] = true
				e.Destinations = append(e.Destinations, d)
			}
		}
	}
	return e
}
