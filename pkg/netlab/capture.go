package netlab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Frame is an Ethernet frame seen by a capture.
type Frame struct {
	At       time.Time // when the kernel saw it
	Outgoing bool      // sent by the interface's own host
	Data     []byte
}

// Capture records the frames of one interface until its test ends.
type Capture struct {
	done chan struct{}

	mu     sync.Mutex
	fd     int // -1 once closed
	buf    []byte
	oob    []byte
	frames []Frame
}

// Capture starts recording. All frames from this call on are seen.
func (n *Namespace) Capture(ifname string) *Capture {
	n.lab.Helper()
	c := &Capture{done: make(chan struct{}), buf: make([]byte, 1<<16), oob: make([]byte, 256)}
	ifindex := n.Link(ifname).Attrs().Index
	err := n.Do(func() (err error) {
		all := uint16(unix.ETH_P_ALL)
		proto := int(all<<8 | all>>8)
		if c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
		if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return err
		}
		return unix.Bind(c.fd, &unix.SockaddrLinklayer{Protocol: uint16(proto), Ifindex: ifindex})
	})
	if err != nil {
		n.lab.Fatalf("%s: capture on %s: %v", n.Name, ifname, err)
	}
	stop := make(chan struct{})
	go c.record(stop)
	n.lab.Cleanup(func() {
		close(stop)
		<-c.done
	})
	return c
}

// record empties the socket whenever something has come in, and closes it.
func (c *Capture) record(stop chan struct{}) {
	defer close(c.done)
	ready := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
	for {
		select {
		case <-stop:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.drain()
			unix.Close(c.fd)
			c.fd = -1
			return
		default:
		}
		// Now and then it wakes up, to see whether the capture has been closed.
		if _, err := unix.Poll(ready, 100); err == nil {
			c.mu.Lock()
			c.drain()
			c.mu.Unlock()
		}
	}
}

// drain records what the kernel has seen so far; c.mu is held.
func (c *Capture) drain() {
	for c.fd >= 0 {
		k, oobn, _, from, err := unix.Recvmsg(c.fd, c.buf, c.oob, unix.MSG_DONTWAIT)
		if err == unix.EINTR || err == unix.ENETDOWN {
			continue
		}
		if err != nil {
			return
		}
		f := Frame{At: stamp(c.oob[:oobn]), Data: append([]byte(nil), c.buf[:k]...)}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok {
			f.Outgoing = ll.Pkttype == unix.PACKET_OUTGOING
		}
		c.frames = append(c.frames, f)
	}
}

func stamp(oob []byte) time.Time {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Now()
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Now()
}

// Frames returns all that the kernel has seen until this call.
func (c *Capture) Frames() []Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	return c.frames[:len(c.frames):len(c.frames)]
}

// Received returns the recorded frames that came in, leaving out those that the
// interface's own host sent. At a switch port these are the frames of the cable's other
// end.
func (c *Capture) Received() []Frame {
	var out []Frame
	for _, f := range c.Frames() {
		if !f.Outgoing {
			out = append(out, f)
		}
	}
	return out
}

// Advert is a VRRP advertisement as it was on the wire.
type Advert struct {
	Frame
	SrcMAC   net.HardwareAddr
	Src, Dst netip.Addr
	TTL      uint8
	Version  uint8
	VRID     uint8
	Priority uint8
	Count    uint8 // number of addresses
	Auth     uint8 // version 2: type of authentication
	Interval time.Duration
	Body     []byte // the VRRP message, without an authentication header
}

// Adverts returns the advertisements among frames, those of one virtual router or, with
// 0, of all.
func Adverts(frames []Frame, vrid uint8) []Advert {
	var out []Advert
	for _, f := range frames {
		if a, ok := parseAdvert(f); ok && (vrid == 0 || a.VRID == vrid) {
			out = append(out, a)
		}
	}
	return out
}

const (
	protoVRRP  = 112
	authHeader = 24 // bytes of the IP authentication header as VRRP uses it
)

func parseAdvert(f Frame) (a Advert, ok bool) {
	b := f.Data
	if len(b) < 14 {
		return a, false
	}
	a.Frame, a.SrcMAC = f, net.HardwareAddr(b[6:12])
	etherType, b := binary.BigEndian.Uint16(b[12:]), b[14:]
	switch {
	case etherType == unix.ETH_P_IP && len(b) >= 20 && (b[9] == protoVRRP || b[9] == unix.IPPROTO_AH):
		header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if b[9] == unix.IPPROTO_AH {
			if len(b) < header+authHeader || b[header] != protoVRRP {
				return a, false
			}
			header += authHeader
		}
		if header < 20 || total > len(b) || header > total {
			return a, false
		}
		a.TTL = b[8]
		a.Src, a.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		a.Body = b[header:total]
	case etherType == unix.ETH_P_IPV6 && len(b) >= 40 && b[6] == protoVRRP:
		a.TTL = b[7]
		a.Src, a.Dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		a.Body = b[40:]
	}
	if len(a.Body) < 8 {
		return a, false
	}
	m := a.Body
	a.Version, a.VRID, a.Priority, a.Count = m[0]>>4, m[1], m[2], m[3]
	if a.Version == 2 {
		a.Auth, a.Interval = m[4], time.Duration(m[5])*time.Second
	} else {
		a.Interval = time.Duration(binary.BigEndian.Uint16(m[4:])&0xfff) * 10 * time.Millisecond
	}
	return a, true
}

// Announcement is a gratuitous ARP message or an unsolicited neighbour advertisement.
type Announcement struct {
	Frame
	IP  netip.Addr
	MAC net.HardwareAddr
}

// Announcements returns the announcements of an address among frames.
func Announcements(frames []Frame, addr string) []Announcement {
	want := netip.MustParseAddr(addr)
	var out []Announcement
	for _, f := range frames {
		if a, ok := parseAnnouncement(f); ok && a.IP == want {
			out = append(out, a)
		}
	}
	return out
}

func parseAnnouncement(f Frame) (a Announcement, ok bool) {
	b := f.Data
	if len(b) < 14 {
		return a, false
	}
	a.Frame = f
	switch etherType, b := binary.BigEndian.Uint16(b[12:]), b[14:]; {
	case etherType == unix.ETH_P_ARP && len(b) >= 28 && [4]byte(b[14:18]) == [4]byte(b[24:28]):
		a.IP, a.MAC = netip.AddrFrom4([4]byte(b[14:18])), net.HardwareAddr(b[8:14])
		return a, true
	case etherType == unix.ETH_P_IPV6 && len(b) >= 72 && b[6] == unix.IPPROTO_ICMPV6 && b[40] == 136:
		a.IP, a.MAC = netip.AddrFrom16([16]byte(b[48:64])), net.HardwareAddr(b[66:72])
		return a, true
	}
	return a, false
}
