package ipvstest

import (
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
)

func web(scheduler string) ipvs.Service {
	return ipvs.Service{
		Key:       ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.1:80")),
		Scheduler: scheduler, Netmask: 0xffffffff,
	}
}

func real(at string) ipvs.Destination {
	ap := netip.MustParseAddrPort(at)
	return ipvs.Destination{Addr: ap.Addr(), Port: ap.Port(), Weight: 1}
}

// Everything is a table that uses every attribute of services and destinations.
func Everything() ipvs.Table {
	v6 := ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("[2001:db8::1]:443"))
	tunnel := func(d ipvs.Destination, e ipvs.Encap) ipvs.Destination {
		d.Method, d.Encap = ipvs.Tunnel, e
		return d
	}
	method := func(d ipvs.Destination, m ipvs.Method) ipvs.Destination { d.Method = m; return d }
	weight := func(d ipvs.Destination, w int32) ipvs.Destination { d.Weight = w; return d }
	limits := func(d ipvs.Destination, upper, lower uint32) ipvs.Destination {
		d.Upper, d.Lower = upper, lower
		return d
	}
	return ipvs.Table{
		{Service: web("wlc"), Destinations: []ipvs.Destination{
			weight(real("10.0.0.1:8080"), 0),
			weight(real("10.0.0.2:80"), 65536), // more than 16 bits
			weight(real("10.0.0.3:80"), 1<<31-1),
			limits(real("10.0.0.4:80"), 100, 50),
			method(real("10.0.0.5:80"), ipvs.DirectRoute),
			tunnel(real("10.0.0.6:80"), ipvs.Encap{}),
			tunnel(real("10.0.0.7:80"), ipvs.Encap{Type: ipvs.GUE, Port: 6080, Flags: ipvs.TunnelRemoteChecksum}),
			tunnel(real("10.0.0.8:80"), ipvs.Encap{Type: ipvs.GRE, Flags: ipvs.TunnelChecksum}),
			tunnel(real("[2001:db8::5]:80"), ipvs.Encap{}),
		}},
		{
			Service: ipvs.Service{
				Key: v6, Scheduler: "mh", Netmask: 64, Timeout: 6 * time.Minute,
				Flags: ipvs.Persistent | ipvs.SchedulerFlag1 | ipvs.SchedulerFlag2,
			},
			Destinations: []ipvs.Destination{
				real("[2001:db8::a]:443"),
				tunnel(real("10.0.0.1:443"), ipvs.Encap{}),
			},
		},
		{Service: ipvs.Service{
			Key:       ipvs.AddressKey(ipvs.UDP, netip.MustParseAddrPort("192.0.2.1:5060")),
			Scheduler: "rr", Engine: "sip", Netmask: 0xffffff00, Timeout: time.Minute, Flags: ipvs.Persistent,
		}, Destinations: []ipvs.Destination{real("10.0.0.1:5060")}},
		{Service: ipvs.Service{
			Key:       ipvs.AddressKey(ipvs.UDP, netip.MustParseAddrPort("192.0.2.1:53")),
			Scheduler: "rr", Netmask: 0xffffffff, Flags: ipvs.OnePacket | ipvs.SchedulerFlag3,
		}},
		{Service: ipvs.Service{
			Key:       ipvs.AddressKey(ipvs.SCTP, netip.MustParseAddrPort("192.0.2.1:80")),
			Scheduler: "lc", Netmask: 0xffffffff,
		}},
		{Service: ipvs.Service{
			Key:       ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.2:0")),
			Scheduler: "rr", Netmask: 0xffffffff, Timeout: time.Hour, Flags: ipvs.Persistent,
		}, Destinations: []ipvs.Destination{real("10.0.0.1:0")}},
		{
			Service:      ipvs.Service{Key: ipvs.MarkKey(ipvs.IPv4, 1), Scheduler: "wrr", Netmask: 0xffffffff},
			Destinations: []ipvs.Destination{method(real("10.0.0.1:0"), ipvs.DirectRoute)},
		},
		{
			Service:      ipvs.Service{Key: ipvs.MarkKey(ipvs.IPv6, 1), Scheduler: "wrr", Netmask: 128},
			Destinations: []ipvs.Destination{real("[2001:db8::a]:80")},
		},
	}
}
