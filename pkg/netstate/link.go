package netstate

import "fmt"

// MAC is a link layer address of up to 20 bytes (InfiniBand), comparable and
// printable; most are the six bytes of Ethernet.
type MAC string

// Bytes returns a copy of the address.
func (m MAC) Bytes() []byte { return []byte(m) }

func (m MAC) String() string {
	const digits = "0123456789abcdef"
	if m == "" {
		return ""
	}
	b := make([]byte, 0, 3*len(m))
	for i := range len(m) {
		b = append(b, digits[m[i]>>4], digits[m[i]&15], ':')
	}
	return string(b[:len(b)-1])
}

// Link is one network interface.
type Link struct {
	Index     int
	Name      string
	Kind      string // "macvlan", "ipvlan", "vrf", "bond" …; empty for hardware
	MAC       MAC
	Broadcast MAC
	MTU       int
	Parent    int    // lower interface of a vlan, macvlan or ipvlan; 0: none
	Master    int    // bridge, bond or VRF the link belongs to; 0: none
	Table     uint32 // routing table of a VRF

	Admin        bool // administratively up
	Carrier      bool // the lower layer works: IFF_RUNNING, and not known to be dormant or down
	Loopback     bool
	NoARP        bool // the link has no address resolution
	Multicast    bool
	PointToPoint bool

	HardwareType uint16 // ARPHRD_*, 1 is Ethernet
	Group        uint32 // interface group
	Mode         uint32 // mode of a macvlan (MACVLAN_MODE_*) or ipvlan (IPVLAN_MODE_*)
}

// Usable reports whether packets can be sent and received: administratively up
// with a working lower layer.
func (l Link) Usable() bool { return l.Admin && l.Carrier }

// Resolves reports whether the link resolves addresses, so that gratuitous ARP
// and unsolicited neighbour advertisements make sense on it.
func (l Link) Resolves() bool { return !l.NoARP && !l.Loopback && len(l.MAC) > 0 }

func (l Link) String() string {
	state := "down"
	if l.Usable() {
		state = "up"
	}
	return fmt.Sprintf("%s (index %d, %s)", l.Name, l.Index, state)
}
