package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
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
// reported from a goroutine per interface and family. Set waits for no report;
// Close does.
type Watcher struct {
	report func(Claim)
	open   map[watchKey]*watch
	ending sync.WaitGroup
}

type watchKey struct {
	name  string
	index int
	ipv6  bool
}

// NewWatcher returns a watcher of nothing.
func NewWatcher(report func(Claim)) *Watcher {
	return &Watcher{report: report, open: map[watchKey]*watch{}}
}

// Set makes the watched interfaces and addresses those that are wanted. What
// cannot be watched is named in the error; the rest is.
func (w *Watcher) Set(want []Watched) error {
	wanted := map[watchKey]*wanted{}
	for _, item := range want {
		for _, a := range item.Addrs {
			k := watchKey{item.Interface, item.Index, !a.Is4()}
			if wanted[k] == nil {
				wanted[k] = newWanted(item.Ours)
			}
			wanted[k].addrs[a] = true
		}
	}
	for k, open := range w.open {
		if wanted[k] == nil || open.ended() {
			open.file.Close()
			delete(w.open, k)
		}
	}
	var errs []error
	for k, what := range wanted {
		if open := w.open[k]; open != nil {
			open.wanted.Store(what)
			continue
		}
		open, err := w.start(k, what)
		if err != nil {
			errs = append(errs, fmt.Errorf("watch %s for duplicate addresses: %w", k.name, err))
			continue
		}
		w.open[k] = open
	}
	return errors.Join(errs...)
}

// Close ends all watching and waits for the goroutines.
func (w *Watcher) Close() {
	_ = w.Set(nil)
	w.ending.Wait()
}

// wanted is what one watch compares with; it is replaced, never changed.
type wanted struct {
	addrs map[netip.Addr]bool
	ours  [][]byte
}

func newWanted(ours []net.HardwareAddr) *wanted {
	w := &wanted{addrs: map[netip.Addr]bool{}}
	for _, mac := range ours {
		w.ours = append(w.ours, bytes.Clone(mac))
	}
	return w
}

func (w *wanted) claims(addr netip.Addr, mac net.HardwareAddr) bool {
	if !w.addrs[addr] {
		return false
	}
	for _, m := range w.ours {
		if bytes.Equal(m, mac) {
			return false
		}
	}
	return true
}

// watch is one socket and the goroutine that reads it.
type watch struct {
	key    watchKey
	file   *os.File
	wanted atomic.Pointer[wanted]
	done   chan struct{}
}

func (n *Watcher) start(k watchKey, what *wanted) (*watch, error) {
	open := openARP
	if k.ipv6 {
		open = openNA
	}
	fd, err := open(k)
	if err != nil {
		return nil, err
	}
	w := &watch{key: k, file: os.NewFile(uintptr(fd), "watch "+k.name), done: make(chan struct{})}
	w.wanted.Store(what)
	conn, err := w.file.SyscallConn()
	if err != nil {
		w.file.Close()
		return nil, err
	}
	n.ending.Go(func() {
		defer close(w.done)
		w.read(conn, n.report)
	})
	return w, nil
}

func (w *watch) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// read reports claims until the socket is closed or fails.
func (w *watch) read(conn syscall.RawConn, report func(Claim)) {
	parse := parseARP
	if w.key.ipv6 {
		parse = parseNA
	}
	buf := make([]byte, 512)
	for {
		n, failed := 0, error(nil)
		err := conn.Read(func(fd uintptr) bool {
			n, _, failed = unix.Recvfrom(int(fd), buf, 0)
			return !errors.Is(failed, unix.EAGAIN)
		})
		if err != nil || (failed != nil && failed != unix.EINTR && !passing(failed)) {
			return
		}
		if failed != nil {
			continue
		}
		addr, mac, ok := parse(buf[:n])
		if ok && w.wanted.Load().claims(addr, mac) {
			report(Claim{w.key.name, w.key.index, addr, mac, time.Now()})
		}
	}
}

// openARP opens a packet socket that receives the ARP traffic of an interface,
// without the link layer header.
func openARP(k watchKey) (int, error) {
	proto := htons(unix.ETH_P_ARP)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: k.index}); err != nil {
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
func openNA(k watchKey) (int, error) {
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
		err = attachFilter(fd, neighbourFilter)
	}
	if err == nil {
		err = unix.BindToDevice(fd, k.name)
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

// parseARP returns the sender of an ARP packet for IPv4 over Ethernet. Probes,
// whose sender is unknown yet, claim nothing.
func parseARP(b []byte) (netip.Addr, net.HardwareAddr, bool) {
	if len(b) < 28 || !bytes.Equal(b[:6], []byte{0, 1, 8, 0, 6, 4}) {
		return netip.Addr{}, nil, false
	}
	addr := netip.AddrFrom4([4]byte(b[14:18]))
	return addr, net.HardwareAddr(bytes.Clone(b[8:14])), !addr.IsUnspecified()
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
		if opts[0] == 2 && n == 8 { // target link-layer address
			return addr, net.HardwareAddr(bytes.Clone(opts[2:8])), true
		}
		opts = opts[n:]
	}
	return addr, nil, true
}
