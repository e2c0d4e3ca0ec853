package netstate

import "fmt"

// VirtualMAC is the link layer address of a virtual router (RFC 9568 section
// 7.3): 00-00-5E-00-01-VRID for IPv4, 00-00-5E-00-02-VRID for IPv6.
func VirtualMAC(vrid uint8, f Family) MAC {
	kind := byte(1)
	if f == IPv6 {
		kind = 2
	}
	return MAC([]byte{0, 0, 0x5e, 0, kind, vrid})
}

// VirtualName is the name of a virtual router's own interface: vrrp.VRID; if
// that is taken vrrp6.VRID for IPv6; then vrrp1.VRID and so on.
func VirtualName(vrid uint8, f Family, taken func(string) bool) string {
	name := fmt.Sprintf("vrrp.%d", vrid)
	if f == IPv6 && taken(name) {
		name = fmt.Sprintf("vrrp6.%d", vrid)
	}
	for i := 1; taken(name); i++ {
		name = fmt.Sprintf("vrrp%d.%d", i, vrid)
	}
	return name
}

// VirtualLink is an interface of our own on top of another one.
type VirtualLink struct {
	Name   string
	Parent int    // index of the lower interface
	Kind   string // "macvlan" or "ipvlan"
	MAC    MAC    // of a macvlan
	Mode   IPVlanMode
	Group  uint32 // interface group
}

// IPVlanMode says how ipvlan interfaces of one parent reach each other.
type IPVlanMode uint8

// The modes of an ipvlan.
const (
	IPVlanBridge IPVlanMode = iota
	IPVlanPrivate
	IPVlanVEPA
)

// macvlanPrivate is MACVLAN_MODE_PRIVATE: no traffic between macvlans of one
// parent, as virtual routers have nothing to tell each other there.
const macvlanPrivate = 1

// Matches reports whether l is what v describes, so that it can be used again.
func (v VirtualLink) Matches(l Link) bool {
	if l.Name != v.Name || l.Kind != v.Kind || l.Parent != v.Parent {
		return false
	}
	return v.Kind != "macvlan" || (l.MAC == v.MAC && l.Mode == macvlanPrivate)
}
