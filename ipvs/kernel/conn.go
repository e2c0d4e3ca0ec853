package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	moby "github.com/moby/ipvs"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// Conn is the IPVS of the network namespace it was opened in. One goroutine at a
// time may use it.
type Conn struct {
	sock   *socket // nil after it failed; the next request opens another
	family uint16
	out    message
	names  names
	moby   *moby.Handle // opened when first needed
	buffer int          // for answers, in bytes
}

var _ ipvs.Kernel = (*Conn)(nil)

// Open connects to IPVS and loads its module if it is not there. The error is
// [ipvs.ErrNoIPVS] if that is impossible.
func Open(ctx context.Context) (*Conn, error) {
	c := &Conn{names: make(names), buffer: receiveBuffer}
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// SetReceiveBuffer makes the buffer for answers larger than it is by default.
func (c *Conn) SetReceiveBuffer(bytes int) {
	if bytes > c.buffer {
		c.buffer = bytes
		_ = c.drop() // the next request opens one of that size
	}
}

// Close releases the sockets. What was programmed stays.
func (c *Conn) Close() error {
	if c.moby != nil {
		c.moby.Close()
		c.moby = nil
	}
	return c.drop()
}

// connect makes sure of a socket. The number of the family is asked for again
// with each: it changes when the module is loaded again.
func (c *Conn) connect(ctx context.Context) error {
	if c.sock != nil {
		return nil
	}
	sock, err := dial(c.buffer)
	if err != nil {
		return err
	}
	if c.family, err = sock.resolve(ctx); err != nil {
		sock.close()
		return err
	}
	c.sock = sock
	return nil
}

func (c *Conn) drop() error {
	if c.sock == nil {
		return nil
	}
	err := c.sock.close()
	c.sock = nil
	return err
}

// begin starts a request in the buffer and returns where; it needs a socket.
func (c *Conn) begin(flags uint16, command uint8) int {
	c.sock.seq++
	return c.out.begin(c.family, flags, c.sock.seq, command, familyVersion)
}

// exchange sends the buffer. The last request must ask for an answer.
func (c *Conn) exchange(ctx context.Context, a answers) error {
	err := c.sock.exchange(ctx, c.out.b, c.sock.seq, a)
	if err != nil {
		c.drop()
	}
	return err
}

// call sends one request and returns the kernel's refusal, if any.
func (c *Conn) call(ctx context.Context, flags uint16, command uint8, attrs func(*message), data func([]byte) error) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.out.b = c.out.b[:0]
	at := c.begin(flags, command)
	if attrs != nil {
		attrs(&c.out)
	}
	c.out.end(at)
	var no error
	err := c.exchange(ctx, answers{
		refused: func(_ uint32, why refusal) { no = why },
		data:    data,
	})
	if err != nil {
		return err
	}
	return no
}

// batch is how many requests go into one system call. A hundred is where more
// stops paying.
const batch = 100

// Apply implements [ipvs.Kernel]. Only the last request of a batch asks for an
// acknowledgement: the others speak up only if they fail.
func (c *Conn) Apply(ctx context.Context, ops []ipvs.Op) ([]ipvs.OpError, error) {
	var failed []ipvs.OpError
	for ops := range slices.Chunk(ops, batch) {
		if err := c.connect(ctx); err != nil {
			return failed, err
		}
		c.out.b = c.out.b[:0]
		first := c.sock.seq + 1
		for i := range ops {
			at := c.begin(0, commands[ops[i].Verb])
			c.out.op(&ops[i])
			c.out.end(at)
			if i == len(ops)-1 {
				c.out.acknowledge(at)
			}
		}
		err := c.exchange(ctx, answers{refused: func(seq uint32, why refusal) {
			if i := int(seq - first); i >= 0 && i < len(ops) {
				failed = append(failed, ipvs.OpError{Op: ops[i], Err: explain(&ops[i], why)})
			}
		}})
		if err != nil {
			return failed, fmt.Errorf("change the IPVS table: %w", err)
		}
	}
	return failed, nil
}

// explain adds what the number alone does not say.
func explain(o *ipvs.Op, why refusal) error {
	if why.text != "" {
		return why
	}
	switch {
	case why.Errno == syscall.ENOENT && o.Verb <= ipvs.EditService && o.Service.Engine != "":
		why.text = fmt.Sprintf("the kernel has no scheduler %q or no persistence engine %q", o.Service.Scheduler, o.Service.Engine)
	case why.Errno == syscall.ENOENT && o.Verb <= ipvs.EditService:
		why.text = fmt.Sprintf("the kernel has no scheduler %q", o.Service.Scheduler)
	case why.Errno == syscall.ENOENT:
		why.text = "no such destination"
	case why.Errno == syscall.ESRCH:
		why.text = "no such service"
	case why.Errno == syscall.EEXIST:
		why.text = "it is already there"
	case why.Errno == syscall.EPERM:
		why.text = "changing IPVS needs the capability CAP_NET_ADMIN"
	case why.Errno == syscall.EINVAL && o.Verb >= ipvs.AddDestination &&
		o.Destination.Family() != o.Service.Family && o.Destination.Method != ipvs.Tunnel:
		why.text = fmt.Sprintf("an %v server behind an %v service must be reached by TUN", o.Destination.Family(), o.Service.Family)
	case why.Errno == syscall.EINVAL && o.Verb >= ipvs.AddDestination && o.Destination.Family() != o.Service.Family:
		why.text = "servers of another family than their service exclude connection synchronisation"
	}
	return why
}

// Read implements [ipvs.Kernel].
func (c *Conn) Read(ctx context.Context, owned func(ipvs.Key) bool) (ipvs.Table, error) {
	found, err := c.services(ctx, owned)
	if err != nil {
		return nil, err
	}
	return c.table(ctx, found)
}

// Get implements [ipvs.Kernel].
func (c *Conn) Get(ctx context.Context, keys ...ipvs.Key) (ipvs.Table, error) {
	var found []ipvs.EntryStatus
	for keys := range slices.Chunk(keys, batch) {
		if err := c.connect(ctx); err != nil {
			return nil, err
		}
		c.out.b = c.out.b[:0]
		for i := range keys {
			at := c.begin(0, cmdGetService)
			nest := c.out.nest(attrService)
			c.out.key(&keys[i])
			c.out.unnest(nest)
			c.out.end(at)
			if i == len(keys)-1 {
				c.out.acknowledge(at)
			}
		}
		var no error
		err := c.exchange(ctx, answers{
			data: c.collect(&found, nil),
			refused: func(_ uint32, why refusal) {
				if why.Errno != syscall.ESRCH {
					no = why
				}
			},
		})
		if err == nil {
			err = no
		}
		if err != nil {
			return nil, fmt.Errorf("read IPVS services: %w", err)
		}
	}
	return c.table(ctx, found)
}

// Status implements [ipvs.Kernel].
func (c *Conn) Status(ctx context.Context, owned func(ipvs.Key) bool) ([]ipvs.EntryStatus, error) {
	found, err := c.services(ctx, owned)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i].Destinations, err = c.destinations(ctx, &found[i].Service, nil); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// services returns the services without their destinations.
func (c *Conn) services(ctx context.Context, owned func(ipvs.Key) bool) ([]ipvs.EntryStatus, error) {
	var found []ipvs.EntryStatus
	err := c.call(ctx, unix.NLM_F_DUMP, cmdGetService, nil, c.collect(&found, owned))
	if err != nil {
		if errors.Is(err, syscall.ENOENT) {
			c.drop() // the family is gone: the module was unloaded
		}
		return nil, fmt.Errorf("read the IPVS services: %w", err)
	}
	return found, nil
}

// collect returns a receiver of services.
func (c *Conn) collect(into *[]ipvs.EntryStatus, owned func(ipvs.Key) bool) func([]byte) error {
	return func(body []byte) error {
		s, err := decodeService(body, c.names)
		if err == nil && (owned == nil || owned(s.Key)) {
			*into = append(*into, s)
		}
		return err
	}
}

// destinations appends the destinations of a service. The kernel takes one such
// question at a time on a socket.
func (c *Conn) destinations(ctx context.Context, s *ipvs.Service, to []ipvs.DestinationStatus) ([]ipvs.DestinationStatus, error) {
	err := c.call(ctx, unix.NLM_F_DUMP, cmdGetDest,
		func(m *message) {
			at := m.nest(attrService)
			m.key(&s.Key)
			m.unnest(at)
		},
		func(body []byte) error {
			d, err := decodeDestination(body, s.Family)
			if err == nil {
				to = append(to, d)
			}
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read the destinations of %v: %w", s.Key, err)
	}
	return to, nil
}

// table reads the destinations of services and leaves out all counters, at once:
// those of tens of thousands of destinations are several times as large as they.
func (c *Conn) table(ctx context.Context, services []ipvs.EntryStatus) (ipvs.Table, error) {
	t := make(ipvs.Table, len(services))
	var status []ipvs.DestinationStatus
	for i := range services {
		var err error
		if status, err = c.destinations(ctx, &services[i].Service, status[:0]); err != nil {
			return nil, err
		}
		t[i].Service = services[i].Service
		if len(status) > 0 {
			t[i].Destinations = make([]ipvs.Destination, len(status))
		}
		for j := range status {
			t[i].Destinations[j] = status[j].Destination
		}
	}
	return t, nil
}

// Zero implements [ipvs.Kernel].
func (c *Conn) Zero(ctx context.Context) error {
	if err := c.call(ctx, unix.NLM_F_ACK, cmdZero, nil, nil); err != nil {
		return fmt.Errorf("zero the IPVS counters: %w", err)
	}
	return nil
}
