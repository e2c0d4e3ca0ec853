package netlab

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Switch is an Ethernet switch: a bridge in a namespace of its own, without spanning
// tree and without multicast snooping.
type Switch struct {
	*Namespace
	bridge netlink.Link
}

// Switch makes a switch without ports.
func (l *Lab) Switch(name string) *Switch {
	l.Helper()
	s := &Switch{Namespace: l.Namespace(name)}
	snoop := false
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}, MulticastSnooping: &snoop}
	if err := s.nl.LinkAdd(br); err != nil {
		l.Fatalf("switch %s: %v", name, err)
	}
	s.bridge = br
	if err := s.nl.LinkSetUp(br); err != nil {
		l.Fatalf("switch %s: %v", name, err)
	}
	return s
}

// Port is a cable from a switch to a host's interface.
type Port struct {
	sw   *Switch
	link netlink.Link // the switch's end
	Name string       // of the switch's end
}

// Connect runs a cable to a new interface of the host and gives it addresses.
func (s *Switch) Connect(n *Namespace, ifname string, addrs ...string) *Port {
	s.lab.Helper()
	s.lab.mu.Lock()
	s.lab.ports++
	number := s.lab.ports
	s.lab.mu.Unlock()
	p := &Port{sw: s, Name: fmt.Sprintf("p%d-%s", number, n.Name)}
	if len(p.Name) > 15 {
		p.Name = p.Name[:15]
	}
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: p.Name, MasterIndex: s.bridge.Attrs().Index},
		PeerName:      ifname,
		PeerNamespace: netlink.NsFd(int(n.fd)),
		// Not random: two labs that are built alike have the same addresses.
		PeerHardwareAddr: net.HardwareAddr{2, 0, 0, 0, byte(number >> 8), byte(number)},
	}
	err := s.nl.LinkAdd(veth)
	if err == nil {
		p.link, err = s.nl.LinkByName(p.Name)
	}
	if err == nil {
		err = s.nl.LinkSetUp(p.link)
	}
	if err != nil {
		s.lab.Fatalf("connect %s to %s: %v", ifname, s.Name, err)
	}
	n.Up(ifname)
	n.AddAddr(ifname, addrs...)
	// The kernel lets a port forward, and an IPv6 address answer, some time after
	// the cable has both ends; frames before that are lost.
	s.lab.Eventually(10*time.Second, ifname+" of "+n.Name+" is connected", func() bool {
		return isUp(s.nl, p.Name) && isUp(n.nl, ifname) && answers(n.nl, ifname)
	})
	return p
}

// answers reports that no address of the interface waits for its probe.
func answers(nl *netlink.Handle, name string) bool {
	link, err := nl.LinkByName(name)
	if err != nil {
		return false
	}
	addrs, err := nl.AddrList(link, unix.AF_INET6)
	return err == nil && !slices.ContainsFunc(addrs, func(a netlink.Addr) bool { return a.Flags&unix.IFA_F_TENTATIVE != 0 })
}

func isUp(nl *netlink.Handle, name string) bool {
	link, err := nl.LinkByName(name)
	return err == nil && link.Attrs().OperState == netlink.OperUp
}

// Unplug pulls the cable: the host loses its carrier.
func (p *Port) Unplug() { p.must("unplug", p.sw.nl.LinkSetDown(p.link)) }

// Plug puts the cable back.
func (p *Port) Plug() { p.must("plug in", p.sw.nl.LinkSetUp(p.link)) }

// Block cuts the port silently: no frame passes, and the host keeps its carrier.
func (p *Port) Block(on bool) {
	const disabled, forwarding = 0, 3 // bridge port states
	state := byte(forwarding)
	if on {
		state = disabled
	}
	p.must("block", setPortState(p.sw, p.link.Attrs().Index, state))
}

// Deaf cuts one direction: the host still sends, and hears no multicast.
func (p *Port) Deaf(on bool) {
	flood := "on"
	if on {
		flood = "off"
	}
	p.sw.Run("bridge", "link", "set", "dev", p.Name, "mcast_flood", flood)
}

// Capture records what passes the port; frames that are not Outgoing come from the host.
func (p *Port) Capture() *Capture { return p.sw.Capture(p.Name) }

func (p *Port) must(what string, err error) {
	p.sw.lab.Helper()
	if err != nil {
		p.sw.lab.Fatalf("%s %s: %v", what, p.Name, err)
	}
}

// Up sets an interface up.
func (n *Namespace) Up(ifname string) {
	n.lab.Helper()
	if err := n.nl.LinkSetUp(n.Link(ifname)); err != nil {
		n.lab.Fatalf("%s: set %s up: %v", n.Name, ifname, err)
	}
}

// Down sets an interface down.
func (n *Namespace) Down(ifname string) {
	n.lab.Helper()
	if err := n.nl.LinkSetDown(n.Link(ifname)); err != nil {
		n.lab.Fatalf("%s: set %s down: %v", n.Name, ifname, err)
	}
}

// Link returns an interface that must exist.
func (n *Namespace) Link(ifname string) netlink.Link {
	n.lab.Helper()
	link, err := n.nl.LinkByName(ifname)
	if err != nil {
		n.lab.Fatalf("%s: interface %s: %v", n.Name, ifname, err)
	}
	return link
}

// MAC returns an interface's hardware address.
func (n *Namespace) MAC(ifname string) net.HardwareAddr {
	n.lab.Helper()
	return n.Link(ifname).Attrs().HardwareAddr
}

// AddLink adds an interface and sets it up.
func (n *Namespace) AddLink(link netlink.Link) {
	n.lab.Helper()
	if err := n.nl.LinkAdd(link); err != nil {
		n.lab.Fatalf("%s: add %s: %v", n.Name, link.Attrs().Name, err)
	}
	n.Up(link.Attrs().Name)
}

// AddAddr gives an interface addresses, each written with its prefix length.
func (n *Namespace) AddAddr(ifname string, addrs ...string) {
	n.lab.Helper()
	link := n.Link(ifname)
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a)
		if err == nil {
			err = n.nl.AddrAdd(link, &netlink.Addr{
				IPNet:     ipNet(p),
				Broadcast: net.IPv4zero,
				ValidLft:  math.MaxUint32, PreferedLft: math.MaxUint32,
				Flags: unix.IFA_F_NODAD,
			})
		}
		if err != nil {
			n.lab.Fatalf("%s: add %s to %s: %v", n.Name, a, ifname, err)
		}
	}
}

// DelAddr takes an address away.
func (n *Namespace) DelAddr(ifname, addr string) {
	n.lab.Helper()
	p, err := netip.ParsePrefix(addr)
	if err == nil {
		err = n.nl.AddrDel(n.Link(ifname), &netlink.Addr{IPNet: ipNet(p)})
	}
	if err != nil {
		n.lab.Fatalf("%s: delete %s from %s: %v", n.Name, addr, ifname, err)
	}
}

// Addrs lists the addresses of an interface, or of all with an empty name.
func (n *Namespace) Addrs(ifname string) []netip.Prefix {
	n.lab.Helper()
	var link netlink.Link
	if ifname != "" {
		link = n.Link(ifname)
	}
	list, err := n.nl.AddrList(link, netlink.FAMILY_ALL)
	for errors.Is(err, netlink.ErrDumpInterrupted) { // by a change, and that is what scenarios make
		list, err = n.nl.AddrList(link, netlink.FAMILY_ALL)
	}
	if err != nil {
		n.lab.Fatalf("%s: addresses: %v", n.Name, err)
	}
	var out []netip.Prefix
	for _, a := range list {
		ip, _ := netip.AddrFromSlice(a.IP)
		ones, _ := a.Mask.Size()
		out = append(out, netip.PrefixFrom(ip.Unmap(), ones))
	}
	return out
}

// Has reports whether the host has the address, on any interface.
func (n *Namespace) Has(addr string) bool {
	n.lab.Helper()
	want := netip.MustParseAddr(addr)
	for _, p := range n.Addrs("") {
		if p.Addr() == want {
			return true
		}
	}
	return false
}

// AddRoute adds a route, written as a prefix or "default", through a gateway.
func (n *Namespace) AddRoute(to, via string) {
	n.lab.Helper()
	gw := netip.MustParseAddr(via)
	r := &netlink.Route{Gw: gw.AsSlice()}
	if to == "default" {
		to = "0.0.0.0/0"
		if gw.Is6() {
			to = "::/0"
		}
	}
	r.Dst = ipNet(netip.MustParsePrefix(to))
	if err := n.nl.RouteReplace(r); err != nil {
		n.lab.Fatalf("%s: route to %s via %s: %v", n.Name, to, via, err)
	}
}

// AddConnectedRoute adds a route to a prefix that is on the link.
func (n *Namespace) AddConnectedRoute(to, ifname string) {
	n.lab.Helper()
	r := &netlink.Route{LinkIndex: n.Link(ifname).Attrs().Index, Dst: ipNet(netip.MustParsePrefix(to)), Scope: netlink.SCOPE_LINK}
	if err := n.nl.RouteReplace(r); err != nil {
		n.lab.Fatalf("%s: route to %s dev %s: %v", n.Name, to, ifname, err)
	}
}

// Forward makes the host a router that sends no redirects.
func (n *Namespace) Forward() {
	n.lab.Helper()
	n.Sysctl("net/ipv4/ip_forward", "1")
	n.Sysctl("net/ipv6/conf/all/forwarding", "1")
	for _, link := range []string{"all", "default"} {
		n.Sysctl("net/ipv4/conf/"+link+"/send_redirects", "0")
	}
	links, err := n.nl.LinkList()
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	for _, l := range links {
		n.Sysctl("net/ipv4/conf/"+l.Attrs().Name+"/send_redirects", "0")
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
