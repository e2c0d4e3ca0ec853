package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Claim is evidence that another machine uses an address.
type Claim struct {
	Interface string
	Index     int
	Addr      netip.Addr
	MAC       net.HardwareAddr // who claims it; empty if the message does not say
	At        time.Time
}

// Watched says what to look for on one interface.
type Watched struct {
	Interface string
	Index     int
	Addrs     []netip.Addr
	// Ours are the link layer addresses that we announce with: our own
	// announcements, heard again, are no claim.
	Ours []net.HardwareAddr
}

// Watcher reports claims. Its methods belong to one goroutine; claims are
// reported from a goroutine per family. Set waits for no report; Close does.
type Watcher struct {
	report func(Claim)
	lost   func(error)
	open   map[bool]*watch // by whether it is for IPv6
	ending sync.WaitGroup
}

// NewWatcher returns a watcher of nothing. lost is told, from the goroutine of a family,
// that its watching has come to an end by itself; the next Set begins again.
func NewWatcher(report func(Claim), lost func(error)) *Watcher {
	return &Watcher{report: report, lost: lost, open: map[bool]*watch{}}
}

// Set makes the watched interfaces and addresses those that are wanted. What
// cannot be watched is named in the error; the rest is.
func (w *Watcher) Set(want []Watched) error {
	return errors.Join(w.set(false, want), w.set(true, want))
}

// set does so for one family. One socket serves all interfaces: there may be
// hundreds of them, and to close a packet socket takes milliseconds.
func (w *Watcher) set(ipv6 bool, want []Watched) error {
	what := newWanted(ipv6, want)
	open := w.open[ipv6]
	if open != nil && (open.ended() || len(what.by) == 0) {
		open.file.Close()
		delete(w.open, ipv6)
		open = nil
	}
	var err error
	switch {
	case len(what.by) == 0:
	case open == nil:
		w.open[ipv6], err = w.start(ipv6, what)
		if err != nil {
			delete(w.open, ipv6)
		}
	default:
		err = open.adjust(what)
	}
	if err != nil {
		return fmt.Errorf("watch for duplicate addresses: %w", err)
	}
	return nil
}

// Close ends all watching and waits for the goroutines.
func (w *Watcher) Close() {
	_ = w.Set(nil)
	w.ending.Wait()
}

// wanted is what one watch compares with, by interface index; it is replaced,
// never changed.
type wanted struct {
	by    map[int]watched
	bytes []uint8 // last bytes of the addresses, in order
}

type watched struct {
	name  string
	addrs map[netip.Addr]bool
	ours  []net.HardwareAddr
}

func newWanted(ipv6 bool, list []Watched) *wanted {
	w := &wanted{by: map[int]watched{}}
	for _, item := range list {
		for _, a := range item.Addrs {
			if a.Is4() == ipv6 {
				continue
			}
			on, ok := w.by[item.Index]
			if !ok {
				on = watched{item.Interface, map[netip.Addr]bool{}, slices.Clone(item.Ours)}
				w.by[item.Index] = on
			}
			on.addrs[a] = true
			b := a.AsSlice()
			w.bytes = append(w.bytes, b[len(b)-1])
		}
	}
	slices.Sort(w.bytes)
	w.bytes = slices.Compact(w.bytes)
	return w
}

// claims returns the name of the interface if what was heard there is a claim.
func (w *wanted) claims(index int, addr netip.Addr, mac net.HardwareAddr) (string, bool) {
	on := w.by[index]
	if !on.addrs[addr] || slices.ContainsFunc(on.ours, func(m net.HardwareAddr) bool { return bytes.Equal(m, mac) }) {
		return "", false
	}
	return on.name, true
}

// watch is one socket and the goroutine that reads it.
type watch struct {
	ipv6   bool
	file   *os.File
	conn   syscall.RawConn
	wanted atomic.Pointer[wanted]
	done   chan struct{}
}

func (w *Watcher) start(ipv6 bool, what *wanted) (*watch, error) {
	open := openARP
	if ipv6 {
		open = openNA
	}
	fd, err := open()
	if err != nil {
		return nil, err
	}
	n := &watch{ipv6: ipv6, file: os.NewFile(uintptr(fd), "watch"), done: make(chan struct{})}
	if n.conn, err = n.file.SyscallConn(); err == nil {
		err = n.adjust(what)
	}
	if err != nil {
		n.file.Close()
		return nil, err
	}
	w.ending.Go(func() {
		err := n.read(w.report)
		close(n.done)
		if err != nil {
			w.lost(fmt.Errorf("watch for duplicate addresses: %w", err))
		}
	})
	return n, nil
}

// adjust watches for something else.
func (n *watch) adjust(what *wanted) error {
	old := n.wanted.Swap(what)
	if old != nil && slices.Equal(old.bytes, what.bytes) {
		return nil
	}
	prog, err := arpFilter(what.bytes)
	if n.ipv6 {
		prog, err = naFilter(what.bytes)
	}
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	if cerr := n.conn.Control(func(fd uintptr) { err = attachFilter(int(fd), prog) }); cerr != nil {
		return cerr
	}
	return err
}

func (n *watch) ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// read reports claims until the socket is closed, or fails with an error.
func (n *watch) read(report func(Claim)) error {
	parse := parseARP
	if n.ipv6 {
		parse = parseNA
	}
	data, control := make([]byte, 512), make([]byte, 128)
	for {
		var size, csize int
		var from unix.Sockaddr
		failed := error(nil)
		err := n.conn.Read(func(fd uintptr) bool {
			size, csize, _, from, failed = unix.Recvmsg(int(fd), data, control, 0)
			return !errors.Is(failed, unix.EAGAIN)
		})
		switch {
		case err != nil: // closed
			return nil
		case failed == unix.EINTR || failed != nil && passing(failed):
			continue
		case failed != nil:
			return failed
		}
		addr, mac, ok := parse(data[:size])
		if !ok {
			continue
		}
		index := cameBy(from, control[:csize])
		if name, ok := n.wanted.Load().claims(index, addr, mac); ok {
			report(Claim{name, index, addr, mac, time.Now()})
		}
	}
}

// cameBy is the interface that a packet came in by.
func cameBy(from unix.Sockaddr, control []byte) int {
	if link, ok := from.(*unix.SockaddrLinklayer); ok {
		return link.Ifindex
	}
	if len(control) < unix.CmsgLen(0) {
		return 0
	}
	var p Packet
	if hdr, body, _, err := unix.ParseOneSocketControlMessage(control); err == nil {
		p.note(hdr, body, time.Time{})
	}
	return p.Index
}

// openARP opens a packet socket that receives the ARP traffic of all
// interfaces, without the link layer header. It is bound last: what comes before
// its filter is there would be of no interest.
func openARP() (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ARP)}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind packet socket: %w", err)
	}
	return fd, nil
}

func htons(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// openNA opens an ICMPv6 socket that receives neighbour advertisements only.
// Every interface is a member of the all-nodes group they are sent to.
func openNA() (int, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMPV6)
	if err != nil {
		return -1, fmt.Errorf("open ICMPv6 socket: %w", err)
	}
	filter := &unix.ICMPv6Filter{} // a set bit blocks
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0)
	}
	filter.Data[icmpNA/32] &^= 1 << (icmpNA % 32)
	err = unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, icmpv6FilterOption, filter)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("set up ICMPv6 socket: %w", err)
	}
	return fd, nil
}

const (
	icmpNA             = 136 // neighbour advertisement
	icmpv6FilterOption = 1   // ICMP6_FILTER of <linux/icmpv6.h>
)

// parseARP returns the sender of an ARP packet for IPv4 over Ethernet or
// InfiniBand. Probes, whose sender is unknown yet, claim nothing.
func parseARP(b []byte) (netip.Addr, net.HardwareAddr, bool) {
	if len(b) < 8 {
		return netip.Addr{}, nil, false
	}
	size := int(b[4]) // of the hardware addresses
	known := bytes.Equal(b[:6], []byte{0, 1, 8, 0, 6, 4}) || bytes.Equal(b[:6], []byte{0, 32, 8, 0, 20, 4})
	if !known || len(b) < 8+2*(size+4) {
		return netip.Addr{}, nil, false
	}
	addr := netip.AddrFrom4([4]byte(b[8+size:]))
	return addr, net.HardwareAddr(bytes.Clone(b[8 : 8+size])), !addr.IsUnspecified()
}

// parseNA returns the target of a neighbour advertisement and, if it says so,
// its link layer address.
func parseNA(b []byte) (netip.Addr, net.HardwareAddr, bool) {
	if len(b) < 24 || b[0] != icmpNA {
		return netip.Addr{}, nil, false
	}
	addr := netip.AddrFrom16([16]byte(b[8:24]))
	for opts := b[24:]; len(opts) >= 8; {
		n := 8 * int(opts[1])
		if n == 0 || n > len(opts) {
			break
		}
		const targetLinkLayer = 2
		switch {
		case opts[0] == targetLinkLayer && n == 8:
			return addr, net.HardwareAddr(bytes.Clone(opts[2:8])), true
		case opts[0] == targetLinkLayer && n == 24: // InfiniBand, after two bytes of nothing
			return addr, net.HardwareAddr(bytes.Clone(opts[4:24])), true
		}
		opts = opts[n:]
	}
	return addr, nil, true
}
