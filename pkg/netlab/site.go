package netlab

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// The addresses of a site. Everything hangs on one switch, so that servers reach clients
// directly, as DR and TUN want; NAT sends the answers through the director all the same.
const (
	VIP  = "192.168.10.100"
	VIP6 = "fd00:10::100"

	frontPrefix, frontPrefix6 = "192.168.10.0/24", "fd00:10::/64"
	gateway, gateway6         = "10.10.0.1", "fd00:20::1"
)

// Site is a place of load balancing: a client, directors and web servers.
//
//	client    eth0 192.168.10.50      fd00:10::50
//	lb1, lb2  eth0 192.168.10.2, .3   fd00:10::2, ::3    eth1 10.10.0.2, .3   fd00:20::2, ::3
//	webN      eth0 192.168.10.(10+N)  fd00:10::(10+N)         10.10.0.(10+N)  fd00:20::(10+N)
//
// lb1 also has the servers' gateway address, 10.10.0.1 and fd00:20::1. The last numbers
// of IPv6 addresses look decimal, as those of IPv4: ::11 for web1.
type Site struct {
	*Lab
	Switch    *Switch
	Client    *Namespace
	Directors []*Namespace
	Cables    []*Port // of the directors' eth0
	Webs      []*Namespace
}

// Site builds a site. Its web servers run nothing yet, and know no way of forwarding.
func (l *Lab) Site(directors, webs int) *Site {
	l.Helper()
	s := &Site{Lab: l, Switch: l.Switch("lan"), Client: l.Namespace("client")}
	s.Switch.Connect(s.Client, "eth0", "192.168.10.50/24", "fd00:10::50/64")
	s.Client.AddRoute("10.10.0.0/24", "192.168.10.2")
	s.Client.AddRoute("fd00:20::/64", "fd00:10::2")
	for i := range directors {
		lb := l.Namespace(fmt.Sprintf("lb%d", i+1))
		s.Cables = append(s.Cables, s.Switch.Connect(lb, "eth0", host("192.168.10.%d/24", i+2), host("fd00:10::%d/64", i+2)))
		s.Switch.Connect(lb, "eth1", host("10.10.0.%d/24", i+2), host("fd00:20::%d/64", i+2))
		if i == 0 {
			lb.AddAddr("eth1", gateway+"/24", gateway6+"/64")
		}
		lb.Forward()
		s.Directors = append(s.Directors, lb)
	}
	for i := range webs {
		web := l.Namespace(fmt.Sprintf("web%d", i+1))
		s.Switch.Connect(web, "eth0")
		s.Webs = append(s.Webs, web)
	}
	return s
}

func host(format string, n int) string { return fmt.Sprintf(format, n) }

// NAT makes the director the gateway of the web servers, which are in the back network.
func (s *Site) NAT() {
	s.Helper()
	s.inBack()
	for _, web := range s.Webs {
		web.AddRoute("default", gateway)
		web.AddRoute("default", gateway6)
	}
}

// DR puts the virtual addresses on the web servers' loopback and keeps them silent on
// the network. The web servers are in the front network and in the back network.
func (s *Site) DR() {
	s.Helper()
	s.inBack()
	for i, web := range s.Webs {
		web.AddAddr("eth0", host("192.168.10.%d/24", i+11), host("fd00:10::%d/64", i+11))
		s.answerDirectly(web, "lo", "lo")
	}
}

// TUN gives the web servers, which are in the back network, tunnel interfaces with the
// virtual addresses. They reach the clients without the director.
func (s *Site) TUN() {
	s.Helper()
	s.inBack()
	for _, web := range s.Webs {
		web.AddConnectedRoute(frontPrefix, "eth0")
		web.AddConnectedRoute(frontPrefix6, "eth0")
		// The modules make these interfaces in each namespace; a kernel that has them
		// built in may have been told not to.
		if _, err := web.nl.LinkByName("tunl0"); err != nil {
			web.AddLink(&netlink.Iptun{LinkAttrs: netlink.LinkAttrs{Name: "tunl0"}})
		}
		if _, err := web.nl.LinkByName("ip6tnl0"); err != nil {
			web.AddLink(&netlink.Ip6tnl{LinkAttrs: netlink.LinkAttrs{Name: "ip6tnl0"}})
		}
		web.Up("tunl0")
		web.Up("ip6tnl0")
		web.Sysctl("net/ipv4/conf/tunl0/rp_filter", "0")
		s.answerDirectly(web, "tunl0", "ip6tnl0")
	}
}

func (s *Site) inBack() {
	s.Helper()
	for i, web := range s.Webs {
		web.AddAddr("eth0", host("10.10.0.%d/24", i+11), host("fd00:20::%d/64", i+11))
	}
}

func (s *Site) answerDirectly(web *Namespace, dev4, dev6 string) {
	s.Helper()
	for _, link := range []string{"all", "eth0"} {
		web.Sysctl("net/ipv4/conf/"+link+"/arp_ignore", "1")
		web.Sysctl("net/ipv4/conf/"+link+"/arp_announce", "2")
	}
	web.AddAddr(dev4, VIP+"/32")
	web.AddAddr(dev6, VIP6+"/128")
}

// Serve starts the same backends on every web server, on all its addresses; specs are
// written kind:port, as in "http:80". It returns them server by server.
func (s *Site) Serve(kind string, port int) []*Backend {
	s.Helper()
	var out []*Backend
	for _, web := range s.Webs {
		out = append(out, web.Serve(kind, fmt.Sprintf(":%d", port)))
	}
	return out
}
