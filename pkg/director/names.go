package director

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// serviceName is how a virtual server is called in logs, on FIFOs and in mails.
func serviceName(vs *config.VirtualServer) string {
	switch {
	case vs.Group != "":
		return "[" + vs.Group + "]:0"
	case vs.FwMark != 0:
		return fmt.Sprintf("FWM %d", vs.FwMark)
	}
	return serverName(vs, vs.Addr)
}

// serverName is how a real server is called.
func serverName(vs *config.VirtualServer, at netip.AddrPort) string {
	proto := "none"
	if vs.Protocol != 0 {
		proto = ipvs.Protocol(vs.Protocol).String()
	}
	b := make([]byte, 0, 48) // there are tens of thousands of them
	b = append(b, '[')
	b = at.Addr().AppendTo(b)
	b = append(b, "]:"...)
	b = append(b, proto...)
	b = append(b, ':')
	b = strconv.AppendUint(b, uint64(at.Port()), 10)
	return string(b)
}

// identity tells virtual servers apart over a reload. Two of one group may
// differ in nothing but the protocol, two of one mark in the family, and two that
// are written twice in nothing but their order.
type identity struct {
	name     string
	protocol config.Protocol
	ipv6     bool
	again    int // how many before it are the same
}

func identify(vs *config.VirtualServer) identity {
	id := identity{name: serviceName(vs)}
	if vs.Group != "" {
		id.protocol = vs.Protocol
	}
	if vs.FwMark != 0 {
		id.ipv6 = vs.IPv6
	}
	return id
}
