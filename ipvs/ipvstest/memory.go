// Package ipvstest helps to test users of package ipvs: a kernel in memory, and
// the conformance suite that it and the real kernel both pass, so that the one
// cannot drift from the other.
package ipvstest

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// Memory is a kernel in memory that answers as the real one does. Unlike a real
// connection it may be used by several goroutines: a test changes the table
// behind the back of the code under test.
type Memory struct {
	mu       sync.Mutex
	services []*ipvs.EntryStatus
	timeouts ipvs.Timeouts
	daemons  []ipvs.SyncDaemon
	applied  []ipvs.Op
	fail     func(ipvs.Op) error
	lost     error
}

var _ ipvs.Kernel = (*Memory)(nil)

// New returns an empty kernel.
func New() *Memory {
	return &Memory{timeouts: ipvs.Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}}
}

// Applied returns the requests that Apply was given since the last call.
func (m *Memory) Applied() []ipvs.Op {
	m.mu.Lock()
	defer m.mu.Unlock()
	ops := m.applied
	m.applied = nil
	return ops
}

// FailWith makes Apply refuse the requests for which fail returns an error; nil
// ends it.
func (m *Memory) FailWith(fail func(ipvs.Op) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// LoseNextAnswer makes the next Apply do its work and return err, as when the
// kernel's answers are lost.
func (m *Memory) LoseNextAnswer(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = err
}

// Tamper changes the table as another program would: it is not in Applied.
func (m *Memory) Tamper(ops ...ipvs.Op) []ipvs.OpError {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.run(ops)
}

// Connect sets the connections of a destination.
func (m *Memory) Connect(k ipvs.Key, at netip.AddrPort, active, inactive uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.find(k); s != nil {
		if i := indexOf(s, at); i >= 0 {
			s.Destinations[i].Active, s.Destinations[i].Inactive = active, inactive
		}
	}
}

// Apply implements [ipvs.Kernel].
func (m *Memory) Apply(ctx context.Context, ops []ipvs.Op) ([]ipvs.OpError, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = append(m.applied, ops...)
	failed := m.run(ops)
	err := m.lost
	m.lost = nil
	return failed, err
}

func (m *Memory) run(ops []ipvs.Op) []ipvs.OpError {
	var failed []ipvs.OpError
	for _, op := range ops {
		err := error(nil)
		if m.fail != nil {
			err = m.fail(op)
		}
		if err == nil {
			err = m.do(op)
		}
		if err != nil {
			failed = append(failed, ipvs.OpError{Op: op, Err: err})
		}
	}
	return failed
}

func (m *Memory) do(op ipvs.Op) error {
	s := m.find(op.Service.Key)
	switch op.Verb {
	case ipvs.AddService, ipvs.EditService:
		if s != nil && op.Verb == ipvs.AddService {
			return syscall.EEXIST
		}
		if s == nil && op.Verb == ipvs.EditService {
			return syscall.ESRCH
		}
		if err := checkService(op.Service); err != nil {
			return err
		}
		if s == nil {
			s = &ipvs.EntryStatus{}
			m.services = append(m.services, s)
		}
		s.Service = op.Service
		s.Flags &= ipvs.SettableFlags
		return nil
	}
	if s == nil {
		return syscall.ESRCH
	}
	if op.Verb == ipvs.DeleteService {
		m.services = slices.DeleteFunc(m.services, func(e *ipvs.EntryStatus) bool { return e == s })
		return nil
	}
	return m.doDestination(s, op)
}

func (m *Memory) doDestination(s *ipvs.EntryStatus, op ipvs.Op) error {
	d, at := op.Destination, indexOf(s, op.Destination.AddrPort())
	if op.Verb == ipvs.DeleteDestination {
		if at < 0 {
			return syscall.ENOENT
		}
		s.Destinations = slices.Delete(s.Destinations, at, at+1)
		return nil
	}
	if d.Family() != s.Family && (d.Method != ipvs.Tunnel || len(m.daemons) > 0) {
		return syscall.EINVAL
	}
	if d.Weight < 0 || d.Lower > d.Upper {
		return syscall.ERANGE
	}
	if d.Method != ipvs.Tunnel {
		d.Encap = ipvs.Encap{}
	}
	if op.Verb == ipvs.EditDestination {
		if at < 0 {
			return syscall.ENOENT
		}
		s.Destinations[at].Destination = d
		return nil
	}
	if at >= 0 {
		return syscall.EEXIST
	}
	s.Destinations = slices.Insert(s.Destinations, 0, ipvs.DestinationStatus{Destination: d})
	return nil
}

// Schedulers are the schedulers of Linux.
var Schedulers = []string{
	"rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "sed", "nq", "mh", "twos",
}

func checkService(s ipvs.Service) error {
	if !slices.Contains(Schedulers, s.Scheduler) || s.Engine != "" && s.Engine != "sip" {
		return syscall.ENOENT
	}
	if s.Family == ipvs.IPv6 && (s.Netmask < 1 || s.Netmask > 128) {
		return syscall.EINVAL
	}
	return nil
}

func (m *Memory) find(k ipvs.Key) *ipvs.EntryStatus {
	for _, s := range m.services {
		if s.Key == k {
			return s
		}
	}
	return nil
}

func indexOf(s *ipvs.EntryStatus, at netip.AddrPort) int {
	return slices.IndexFunc(s.Destinations, func(d ipvs.DestinationStatus) bool { return d.AddrPort() == at })
}

// Read implements [ipvs.Kernel].
func (m *Memory) Read(ctx context.Context, owned func(ipvs.Key) bool) (ipvs.Table, error) {
	status, err := m.Status(ctx, owned)
	return table(status), err
}

// Get implements [ipvs.Kernel].
func (m *Memory) Get(ctx context.Context, keys ...ipvs.Key) (ipvs.Table, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []ipvs.EntryStatus
	for _, k := range keys {
		if s := m.find(k); s != nil {
			found = append(found, *s)
		}
	}
	return table(found), nil
}

func table(status []ipvs.EntryStatus) ipvs.Table {
	var t ipvs.Table
	for _, s := range status {
		e := ipvs.Entry{Service: s.Service}
		for _, d := range s.Destinations {
			e.Destinations = append(e.Destinations, d.Destination)
		}
		t = append(t, e)
	}
	return t
}

// Status implements [ipvs.Kernel].
func (m *Memory) Status(ctx context.Context, owned func(ipvs.Key) bool) ([]ipvs.EntryStatus, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []ipvs.EntryStatus
	for _, s := range m.services {
		if owned == nil || owned(s.Key) {
			e := *s
			e.Destinations = slices.Clone(s.Destinations)
			out = append(out, e)
		}
	}
	return out, nil
}

// Flush implements [ipvs.Kernel].
func (m *Memory) Flush(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.services = nil
	return nil
}

// Zero implements [ipvs.Kernel].
func (m *Memory) Zero(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.services {
		s.Stats = ipvs.Stats{}
		for i := range s.Destinations {
			s.Destinations[i].Stats = ipvs.Stats{}
		}
	}
	return nil
}

// Timeouts implements [ipvs.Kernel].
func (m *Memory) Timeouts(context.Context) (ipvs.Timeouts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.timeouts, nil
}

// SetTimeouts implements [ipvs.Kernel].
func (m *Memory) SetTimeouts(_ context.Context, t ipvs.Timeouts) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range []struct {
		have *time.Duration
		want time.Duration
	}{
		{&m.timeouts.TCP, t.TCP}, {&m.timeouts.TCPFin, t.TCPFin}, {&m.timeouts.UDP, t.UDP},
	} {
		if f.want != 0 {
			*f.have = f.want
		}
	}
	return nil
}

// Daemons implements [ipvs.Kernel].
func (m *Memory) Daemons(context.Context) ([]ipvs.SyncDaemon, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.daemons), nil
}

// StartDaemon implements [ipvs.Kernel].
func (m *Memory) StartDaemon(_ context.Context, d ipvs.SyncDaemon) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.daemons, func(r ipvs.SyncDaemon) bool { return r.Role == d.Role }) {
		return syscall.EEXIST
	}
	for _, s := range m.services {
		for _, r := range s.Destinations {
			if r.Family() != s.Family {
				return syscall.EINVAL
			}
		}
	}
	if d.MaxLen == 0 {
		d.MaxLen = 1472
	}
	if !d.Group.IsValid() {
		d.Group = netip.AddrFrom4([4]byte{224, 0, 0, 81})
	}
	if d.Port == 0 {
		d.Port = 8848
	}
	if d.TTL == 0 {
		d.TTL = 1
	}
	m.daemons = append(m.daemons, d)
	slices.SortFunc(m.daemons, func(a, b ipvs.SyncDaemon) int { return int(a.Role) - int(b.Role) })
	return nil
}

// StopDaemon implements [ipvs.Kernel].
func (m *Memory) StopDaemon(_ context.Context, d ipvs.SyncDaemon) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.daemons, func(r ipvs.SyncDaemon) bool { return r.Role == d.Role })
	if at < 0 {
		return syscall.ESRCH
	}
	m.daemons = slices.Delete(m.daemons, at, at+1)
	return nil
}
