package ipvs

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Family is an address family, numbered as the kernel numbers it.
type Family uint8

// The families that IPVS balances.
const (
	IPv4 Family = 2  // AF_INET
	IPv6 Family = 10 // AF_INET6
)

// FamilyOf returns the family of an address; an IPv4-mapped address is IPv4.
func FamilyOf(a netip.Addr) Family {
	if a.Unmap().Is4() {
		return IPv4
	}
	return IPv6
}

func (f Family) String() string {
	switch f {
	case IPv4:
		return "IPv4"
	case IPv6:
		return "IPv6"
	}
	return fmt.Sprintf("family %d", uint8(f))
}

// HostMask is the netmask that makes every client a persistence group of its
// own: see [Service.Netmask].
func (f Family) HostMask() uint32 {
	if f == IPv6 {
		return 128
	}
	return 0xffffffff
}

// Protocol is an IP protocol number.
type Protocol uint8

// The protocols that IPVS balances by address and port.
const (
	TCP  Protocol = 6
	UDP  Protocol = 17
	SCTP Protocol = 132
)

func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// Key is what identifies a service in the kernel: family, protocol, address and
// port, or family and firewall mark. Make one with [AddressKey] or [MarkKey], so
// that equal services have equal keys.
type Key struct {
	Family   Family
	Protocol Protocol   // 0 for a firewall mark
	Addr     netip.Addr // the zero Addr for a firewall mark
	Port     uint16     // 0 is every port
	FWMark   uint32     // not 0 for a firewall mark
}

// AddressKey is the key of the service on one address and port.
func AddressKey(p Protocol, at netip.AddrPort) Key {
	addr := at.Addr().Unmap().WithZone("")
	return Key{Family: FamilyOf(addr), Protocol: p, Addr: addr, Port: at.Port()}
}

// MarkKey is the key of the service for packets with a firewall mark.
func MarkKey(f Family, mark uint32) Key {
	return Key{Family: f, FWMark: mark}
}

// String gives "192.0.2.1:80/tcp", "[2001:db8::1]:53/udp" or "fwmark 3/IPv4".
func (k Key) String() string {
	if k.FWMark != 0 {
		return fmt.Sprintf("fwmark %d/%v", k.FWMark, k.Family)
	}
	return netip.AddrPortFrom(k.Addr, k.Port).String() + "/" + k.Protocol.String()
}

// Compare orders keys, so that what is made from a set of them is always the
// same: firewall marks after addresses.
func (k Key) Compare(o Key) int {
	return cmp.Or(
		cmp.Compare(k.FWMark, o.FWMark),
		cmp.Compare(k.Family, o.Family),
		k.Addr.Compare(o.Addr),
		cmp.Compare(k.Port, o.Port),
		cmp.Compare(k.Protocol, o.Protocol),
	)
}

// Flags are the flags of a service.
type Flags uint32

// The flags of a service, numbered as the kernel numbers them. What the three
// scheduler flags mean is up to the scheduler.
const (
	Persistent     Flags = 0x01
	OnePacket      Flags = 0x04
	SchedulerFlag1 Flags = 0x08
	SchedulerFlag2 Flags = 0x10
	SchedulerFlag3 Flags = 0x20

	// SettableFlags are all flags that a user may set; the kernel keeps others
	// for itself in the same word.
	SettableFlags = Persistent | OnePacket | SchedulerFlag1 | SchedulerFlag2 | SchedulerFlag3
)

// String names the flags as ipvsadm does, joined by commas.
func (f Flags) String() string {
	var names []string
	for _, n := range []struct {
		flag Flags
		name string
	}{
		{Persistent, "persistent"},
		{OnePacket, "ops"},
		{SchedulerFlag1, "flag-1"},
		{SchedulerFlag2, "flag-2"},
		{SchedulerFlag3, "flag-3"},
	} {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// Service is a virtual service without its destinations. Every field but the
// key can be edited while the service runs.
type Service struct {
	Key
	Scheduler string        // "rr", "wlc", …
	Engine    string        // persistence engine, "" for none
	Flags     Flags         // of SettableFlags
	Timeout   time.Duration // of persistence, whole seconds; used with Persistent

	// Netmask groups clients for persistence. For IPv4 it is the mask with its
	// first octet in the highest byte (/24 is 0xffffff00), for IPv6 the prefix
	// length (1 to 128). [Family.HostMask] when there is no grouping.
	Netmask uint32
}

// normal returns s as the kernel gives it back. What is said of persistence
// means nothing to a service that is not persistent.
func (s Service) normal() Service {
	s.Flags &= SettableFlags
	if s.Flags&Persistent == 0 {
		s.Timeout, s.Netmask = 0, s.Family.HostMask()
	}
	return s
}
