package kernel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// answerTimeout bounds how long the kernel may take to answer one request.
const answerTimeout = 5 * time.Second

// dumpAttempts is how often a dump that was interrupted by a change is tried.
const dumpAttempts = 5

// Kernel reads and changes the namespace. One goroutine at a time may use it;
// every call ends within seconds.
type Kernel struct {
	conn  *conn
	links *netlink.Handle
	// Kernels before 5.18 do not store who added an address; there this is
	// what Apply added, or Adopt claimed.
	ours *ledger
}

// Open opens the sockets. Close them with [Kernel.Close].
func Open() (*Kernel, error) {
	c, err := dial()
	if err != nil {
		return nil, err
	}
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("open routing netlink: %w", err)
	}
	_ = links.SetSocketTimeout(answerTimeout)
	return &Kernel{conn: c, links: links, ours: newLedger()}, nil
}

// SetReceiveBuffer makes the buffer for answers larger, if it is smaller than that.
func (k *Kernel) SetReceiveBuffer(bytes int) error {
	if bytes <= answerBuffer {
		return nil
	}
	return k.conn.sockets[unix.NETLINK_ROUTE].Socket.SetReceiveBufferSize(bytes, true)
}

// Close closes the sockets.
func (k *Kernel) Close() {
	k.conn.close()
	k.links.Close()
}

// Interest says which routes to report; a host may carry those of the whole
// Internet. Nil is none, and then rules are left out, too.
type Interest func(netstate.RouteKey) bool

// Read returns the present state.
func (k *Kernel) Read(interest Interest) (netstate.State, error) {
	s, err := k.conn.read(interest)
	k.ours.mark(s.Addresses)
	return s, err
}

// Failure is an operation that the kernel refused.
type Failure struct {
	Op  netstate.Op
	Err error // wraps the syscall.Errno
}

func (f Failure) Error() string { return f.Op.String() + ": " + f.Err.Error() }

// Unwrap returns the kernel's reason.
func (f Failure) Unwrap() error { return f.Err }

// Apply carries out a plan in order and goes on after an operation that fails.
// That something to be added exists, or something to be removed does not, is no
// failure: somebody was quicker. It stops early when ctx ends, which is the
// failure of every operation left.
func (k *Kernel) Apply(ctx context.Context, ops []netstate.Op) []Failure {
	var failed []Failure
	for _, op := range ops {
		err := context.Cause(ctx)
		if err == nil {
			err = k.do(op)
		}
		if err != nil {
			failed = append(failed, Failure{op, err})
		}
	}
	return failed
}

func (k *Kernel) do(op netstate.Op) error {
	req, err := encode(op)
	if err != nil {
		return err
	}
	if a, ok := op.Item.(netstate.Address); ok && op.Verb != netstate.Remove {
		k.ours.add(a) // before the kernel reports it
	}
	err = k.conn.do(req)
	if a, ok := op.Item.(netstate.Address); ok && (op.Verb == netstate.Remove || err != nil) {
		k.ours.remove(a)
	}
	if settled(op.Verb, err) {
		return nil
	}
	return err
}

// settled reports an error which says that things are as wanted already.
func settled(v netstate.Verb, err error) bool {
	switch v {
	case netstate.Add:
		return errors.Is(err, unix.EEXIST)
	case netstate.Remove:
		return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) ||
			errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV)
	}
	return false
}

// TagsAddresses reports whether the kernel remembers who added an address
// (Linux 5.18). Where it does not, leftovers of a predecessor cannot be told
// from an administrator's addresses: see [Kernel.Adopt].
func TagsAddresses() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var major, minor int
	_, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return err == nil && (major > 5 || major == 5 && minor >= 18)
}

// Adopt declares addresses that exist to be ours, on kernels that do not
// remember it.
func (k *Kernel) Adopt(list []netstate.Address) {
	if TagsAddresses() {
		return
	}
	for _, a := range list {
		k.ours.add(a)
	}
}

// ledger remembers which addresses we added. Reader and watcher share it.
type ledger struct {
	mu   sync.Mutex
	keys map[netstate.AddressKey]bool // nil where the kernel remembers
}

func newLedger() *ledger {
	if TagsAddresses() {
		return &ledger{}
	}
	return &ledger{keys: map[netstate.AddressKey]bool{}}
}

func (l *ledger) add(a netstate.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys != nil {
		l.keys[a.Key()] = true
	}
}

func (l *ledger) remove(a netstate.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, a.Key())
}

// mark sets the protocol of the addresses that are ours.
func (l *ledger) mark(list []netstate.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, a := range list {
		if l.keys[a.Key()] {
			list[i].Protocol = netstate.Protocol
		}
	}
}

// answerBuffer is room for the answers to a large batch of requests, in bytes.
const answerBuffer = 1 << 20

// conn is one request socket.
type conn struct{ sockets map[int]*nl.SocketHandle }

func dial() (*conn, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open routing netlink: %w", err)
	}
	timeout := unix.NsecToTimeval(answerTimeout.Nanoseconds())
	_ = s.SetReceiveTimeout(&timeout)
	_ = s.SetSendTimeout(&timeout)
	_ = s.SetExtAck(true) // reasons in words, where the kernel has them
	_ = s.SetReceiveBufferSize(answerBuffer, true)
	_ = unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	return &conn{sockets: map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: s}}}, nil
}

func (c *conn) close() { c.sockets[unix.NETLINK_ROUTE].Close() }

func (c *conn) request(kind, flags uint16, body []byte) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(int(kind), int(flags))
	req.Sockets = c.sockets
	req.AddRawData(body)
	return req
}

func (c *conn) do(r request) error {
	_, err := c.request(r.kind, r.flags|unix.NLM_F_ACK, r.body).Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (c *conn) read(interest Interest) (netstate.State, error) {
	var s netstate.State
	err := errors.Join(
		dump(c, unix.RTM_GETLINK, unix.RTM_NEWLINK, make([]byte, unix.SizeofIfInfomsg), decodeLink, &s.Links, nil),
		dump(c, unix.RTM_GETADDR, unix.RTM_NEWADDR, make([]byte, unix.SizeofIfAddrmsg), decodeAddress, &s.Addresses, nil))
	if err != nil || interest == nil {
		return s, err
	}
	err = errors.Join(
		dump(c, unix.RTM_GETROUTE, unix.RTM_NEWROUTE, make([]byte, unix.SizeofRtMsg), decodeRoute, &s.Routes,
			func(r netstate.Route) bool { return interest(r.Key()) }),
		dump(c, unix.RTM_GETRULE, unix.RTM_NEWRULE, make([]byte, unix.SizeofRtMsg), decodeRule, &s.Rules, nil))
	return s, err
}

// dump reads all of one kind. A dump during which things changed is read again;
// if they keep changing the last one is good enough, for the changes are
// reported as well.
func dump[T any](c *conn, get, kind uint16, header []byte, decode func([]byte) (T, bool), into *[]T, keep func(T) bool) error {
	var err error
	for range dumpAttempts {
		var list []T
		err = c.request(get, unix.NLM_F_DUMP, header).ExecuteIter(unix.NETLINK_ROUTE, kind, func(b []byte) bool {
			if v, ok := decode(b); ok && (keep == nil || keep(v)) {
				list = append(list, v)
			}
			return true
		})
		*into = list
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			break
		}
	}
	if err == nil || errors.Is(err, nl.ErrDumpInterrupted) {
		return nil
	}
	return fmt.Errorf("read kernel state (message type %d): %w", get, err)
}
