package ipvstest

import (
	"net/netip"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// Tables draws tables that a kernel takes. They come from few addresses, so that
// two of them have much in common.
func Tables() *rapid.Generator[ipvs.Table] {
	return rapid.Map(
		rapid.SliceOfNDistinct(entries(), 0, 6, func(e ipvs.Entry) ipvs.Key { return e.Key }),
		func(es []ipvs.Entry) ipvs.Table { return es },
	)
}

func entries() *rapid.Generator[ipvs.Entry] {
	return rapid.Custom(func(t *rapid.T) ipvs.Entry {
		e := ipvs.Entry{Service: services().Draw(t, "service")}
		e.Destinations = rapid.SliceOfNDistinct(destinations(e.Family), 0, 5, ipvs.Destination.AddrPort).Draw(t, "destinations")
		return e
	})
}

func services() *rapid.Generator[ipvs.Service] {
	return rapid.Custom(func(t *rapid.T) ipvs.Service {
		s := ipvs.Service{
			Key: rapid.SampledFrom([]ipvs.Key{
				ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.1:80")),
				ipvs.AddressKey(ipvs.UDP, netip.MustParseAddrPort("192.0.2.1:80")),
				ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.2:80")),
				ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("[2001:db8::1]:80")),
				ipvs.AddressKey(ipvs.SCTP, netip.MustParseAddrPort("[2001:db8::1]:80")),
				ipvs.MarkKey(ipvs.IPv4, 1),
				ipvs.MarkKey(ipvs.IPv6, 1),
			}).Draw(t, "key"),
			Scheduler: rapid.SampledFrom([]string{"rr", "wrr", "sh", "mh"}).Draw(t, "scheduler"),
			Flags:     rapid.SampledFrom([]ipvs.Flags{0, ipvs.SchedulerFlag1, ipvs.SchedulerFlag2 | ipvs.SchedulerFlag3}).Draw(t, "flags"),
		}
		s.Netmask = s.Family.HostMask()
		if rapid.Bool().Draw(t, "persistent") {
			s.Flags |= ipvs.Persistent
			s.Timeout = time.Duration(rapid.IntRange(1, 5).Draw(t, "timeout")) * time.Minute
			if s.Family == ipvs.IPv4 {
				s.Netmask = rapid.SampledFrom([]uint32{0xffffffff, 0xffffff00, 0xff00ff00}).Draw(t, "netmask")
			} else {
				s.Netmask = rapid.Uint32Range(1, 128).Draw(t, "prefix")
			}
		}
		return s
	})
}

func destinations(service ipvs.Family) *rapid.Generator[ipvs.Destination] {
	return rapid.Custom(func(t *rapid.T) ipvs.Destination {
		d := ipvs.Destination{
			Port:   rapid.Uint16Range(80, 81).Draw(t, "port"),
			Weight: rapid.SampledFrom([]int32{0, 1, 2, 70000}).Draw(t, "weight"),
			Upper:  rapid.Uint32Range(2, 3).Draw(t, "upper"),
			Lower:  rapid.Uint32Range(0, 2).Draw(t, "lower"),
			Method: rapid.SampledFrom([]ipvs.Method{ipvs.NAT, ipvs.DirectRoute, ipvs.Tunnel}).Draw(t, "method"),
		}
		family := service
		if d.Method == ipvs.Tunnel {
			d.Encap = rapid.SampledFrom([]ipvs.Encap{{}, {Type: ipvs.GUE, Port: 6080}, {Type: ipvs.GRE, Flags: ipvs.TunnelChecksum}}).Draw(t, "encap")
			family = rapid.SampledFrom([]ipvs.Family{ipvs.IPv4, ipvs.IPv6}).Draw(t, "family")
		}
		last := byte(rapid.IntRange(1, 4).Draw(t, "host"))
		if family == ipvs.IPv4 {
			d.Addr = netip.AddrFrom4([4]byte{10, 0, 0, last})
		} else {
			d.Addr = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: last})
		}
		return d
	})
}
