package netlab

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Injector sends frames of any content from an interface.
type Injector struct {
	lab     *Lab
	fd      int
	ifindex int
	mac     net.HardwareAddr
}

// Injector opens the interface for sending.
func (n *Namespace) Injector(ifname string) *Injector {
	n.lab.Helper()
	link := n.Link(ifname).Attrs()
	in := &Injector{lab: n.lab, ifindex: link.Index, mac: link.HardwareAddr}
	err := n.Do(func() (err error) {
		in.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		n.lab.Fatalf("%s: inject on %s: %v", n.Name, ifname, err)
	}
	n.lab.Cleanup(func() { unix.Close(in.fd) })
	return in
}

// Frame sends an Ethernet frame as it is.
func (in *Injector) Frame(b []byte) {
	in.lab.Helper()
	err := unix.Sendto(in.fd, b, 0, &unix.SockaddrLinklayer{Ifindex: in.ifindex, Halen: 6})
	if err != nil && err != unix.ENOBUFS { // a full queue drops, as a network does
		in.lab.Fatalf("inject: %v", err)
	}
}

// RawAdvert describes a VRRP advertisement on IPv4 to send. It may be wrong in any way.
type RawAdvert struct {
	Src, Dst    string // Dst is 224.0.0.18 by default
	TTL         uint8  // 255 by default
	Version     uint8  // 3 by default
	Type        uint8  // 1 by default
	VRID        uint8
	Priority    uint8
	Interval    uint16 // as on the wire: centiseconds in version 3, seconds in version 2
	Auth        uint8  // version 2: type of authentication
	Password    string // version 2
	Addresses   []string
	BadChecksum bool
	Cut         int // bytes missing at the end
}

// Advert builds an advertisement and sends it.
func (in *Injector) Advert(a RawAdvert) {
	in.lab.Helper()
	in.Frame(in.Build(a))
}

// Build returns the Ethernet frame of an advertisement.
func (in *Injector) Build(a RawAdvert) []byte {
	if a.Dst == "" {
		a.Dst = "224.0.0.18"
	}
	set(&a.TTL, 255)
	set(&a.Version, 3)
	set(&a.Type, 1)
	src, dst := netip.MustParseAddr(a.Src).As4(), netip.MustParseAddr(a.Dst).As4()
	msg := a.message(src, dst)
	msg = msg[:max(0, len(msg)-a.Cut)]

	ip := make([]byte, 20, 20+len(msg))
	ip[0], ip[1], ip[8], ip[9] = 0x45, 0xc0, a.TTL, protoVRRP
	binary.BigEndian.PutUint16(ip[2:], uint16(20+len(msg)))
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	binary.BigEndian.PutUint16(ip[10:], ^sum(ip, 0))

	frame := []byte{0x01, 0, 0x5e, 0, 0, 18}
	if dst[0] < 224 {
		frame = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	}
	frame = append(frame, in.mac...)
	frame = append(frame, 0x08, 0x00)
	frame = append(frame, ip...)
	return append(frame, msg...)
}

// message is the VRRP message with its checksum.
func (a RawAdvert) message(src, dst [4]byte) []byte {
	msg := []byte{a.Version<<4 | a.Type, a.VRID, a.Priority, uint8(len(a.Addresses)), 0, 0, 0, 0}
	if a.Version == 2 {
		msg[4], msg[5] = a.Auth, uint8(a.Interval)
	} else {
		binary.BigEndian.PutUint16(msg[4:], a.Interval&0xfff)
	}
	for _, addr := range a.Addresses {
		msg = append(msg, netip.MustParseAddr(addr).AsSlice()...)
	}
	var acc uint32
	if a.Version == 2 {
		var password [8]byte
		copy(password[:], a.Password)
		msg = append(msg, password[:]...)
	} else {
		pseudo := append(append(src[:], dst[:]...), 0, protoVRRP, byte(len(msg)>>8), byte(len(msg)))
		acc = uint32(sum(pseudo, 0))
	}
	check := ^sum(msg, acc)
	if a.BadChecksum {
		check ^= 0x1234
	}
	binary.BigEndian.PutUint16(msg[6:], check)
	return msg
}

func set(field *uint8, value uint8) {
	if *field == 0 {
		*field = value
	}
}

// sum is the Internet checksum, not yet inverted.
func sum(b []byte, acc uint32) uint16 {
	for i := 0; i+1 < len(b); i += 2 {
		acc += uint32(b[i])<<8 | uint32(b[i+1])
	}
	if len(b)%2 == 1 {
		acc += uint32(b[len(b)-1]) << 8
	}
	for acc > 0xffff {
		acc = acc&0xffff + acc>>16
	}
	return uint16(acc)
}
