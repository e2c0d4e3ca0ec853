package config

import (
	"math"
	"net/netip"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// finishCheckers completes what the checkers role read.
func (d *decoder) finishCheckers() {
	d.problems = append(d.problems, d.late...)
	groups := make(map[string]int)
	d.virtuals = slices.DeleteFunc(d.virtuals, d.groupless)
	d.cfg.VirtualServers = slices.DeleteFunc(d.cfg.VirtualServers, func(v *VirtualServer) bool {
		return v.Group != "" && !d.isGroup(v.Group)
	})
	for _, v := range d.virtuals {
		if v.Group != "" {
			v.groupIndex = groups[v.Group]
			groups[v.Group]++
		}
		d.virtual(v)
	}
	for _, v := range d.virtuals {
		d.servers(v)
	}
	s := &d.unguarded
	s.d = d
	services := d.cfg.HasCheckers()
	if f := d.g.LVSFIFO; f != nil && services {
		s.keep(&f.Script)
	}
	if f := d.g.NotifyFIFO; f != nil && services {
		s.keep(&f.Script)
	}
	s.end()
}

// servers completes the checkers and the scripts of a service.
func (d *decoder) servers(v *virtualDraft) {
	s := &d.unguarded
	s.d = d
	v.RealServers = slices.Grow(v.RealServers[:0], len(v.reals))
	for _, r := range v.reals {
		kept := r.checkers[:0]
		for _, c := range r.checkers {
			d.complete(v, r, c)
			if c.Misc != nil {
				if s.keep(&c.Misc.Command); c.Misc.Command == nil {
					continue
				}
			}
			kept = append(kept, c)
			r.Checkers = append(r.Checkers, c.Checker)
		}
		r.checkers = kept
		s.keep(&r.NotifyUp)
		s.keep(&r.NotifyDown)
		v.RealServers = append(v.RealServers, r.RealServer)
	}
	s.keep(&v.QuorumUp)
	s.keep(&v.QuorumDown)
}

// settle completes a service as soon as it has been read. Of groups, which may
// follow, it knows nothing.
func (d *decoder) settle(v *virtualDraft) {
	said := d.problems
	d.problems = d.late
	d.virtual(v)
	d.servers(v)
	d.late, d.problems = d.problems, said
}

func (d *decoder) isGroup(name string) bool {
	return slices.ContainsFunc(d.cfg.ServerGroups, func(g *ServerGroup) bool { return g.Name == name })
}

// groupless reports a service of a group that does not exist. keepalived's test
// does not count that.
func (d *decoder) groupless(v *virtualDraft) bool {
	if v.Group == "" || d.isGroup(v.Group) {
		return false
	}
	var names []string
	for _, g := range d.cfg.ServerGroups {
		names = append(names, g.Name)
	}
	d.warn("unknown-server-group", syntax.Word{At: v.At}, "there is no virtual_server_group %s; the service is ignored", v.Group)
	d.hintClosest(v.Group, names)
	return true
}

// virtual completes one service and checks its servers.
func (d *decoder) virtual(v *virtualDraft) {
	name := syntax.Word{At: v.At}
	marks := v.byMark || d.onlyMarks(v.Group)
	switch {
	case marks && v.protocolGiven:
		d.err("protocol-of-mark", name, "a service of firewall marks has no protocol; protocol is ignored")
		v.Protocol = 0
	case !marks && !v.protocolGiven:
		d.err("missing-protocol", name, "the service has no protocol; UDP is used")
		d.hint("add: protocol TCP, UDP or SCTP")
		v.Protocol = UDP
	}
	if v.Scheduler == "" {
		d.err("missing-scheduler", name, "the service has no lb_algo; wlc is used")
		d.hint("add: lb_algo wlc")
		v.Scheduler = "wlc"
	}
	if !v.methodGiven {
		d.err("missing-method", name, "the service has no lb_kind; NAT is used")
		d.hint("add: lb_kind NAT, DR or TUN")
	}
	if v.OnePacket && v.Protocol != UDP && !marks {
		d.err("ops-needs-udp", name, "one-packet scheduling works with UDP only; ops is ignored")
		v.OnePacket = false
	}
	if d.anyPort(v) && v.Persistence == 0 {
		d.err("port-zero", name, "a service for all ports needs persistence_timeout; %s is set", DefaultPersistence)
		v.Persistence = DefaultPersistence
	}
	if !v.granularityGiven {
		v.Granularity, v.Netmask = 32, math.MaxUint32
		if v.IPv6 {
			v.Granularity = 128
		}
	}
	d.dropDoubleServers(v)
	for _, r := range v.reals {
		d.real(v, r)
	}
	d.fullNAT(v, name)
	if s := v.Sorry; s != nil {
		if !v.sorryMethodGiven {
			s.Method = v.Method
		}
		// With NAT, port 0 is every service's own.
		if addr := d.serverPort(v, s.Addr, s.Method); addr != s.Addr && s.Method.Kind != NAT {
			if s.Addr.Port() != 0 {
				d.at("port-mismatch", s.At, "with DR and TUN the sorry server has the port of the service, %d", addr.Port())
			}
			s.Addr = addr
		}
	}
	d.quorum(v)
}

// fullNAT checks that there is a source address where one is needed.
func (d *decoder) fullNAT(v *virtualDraft, name syntax.Word) {
	switch {
	case !v.Method.FullNAT:
	case v.byMark:
		d.err("fullnat-mark", name, "FULLNAT needs the address of the service, which a firewall mark does not tell; it is NAT here")
		d.hint("name the service by its address and port")
	case !v.SNAT.IsValid():
		d.err("missing-snat-address", name, "FULLNAT has no source address; it is NAT here")
		d.hint("add: snat_address and an address of this machine")
	}
}

// anyPort reports whether a service takes all ports of an address.
func (d *decoder) anyPort(v *virtualDraft) bool {
	if v.byMark {
		return false
	}
	if v.Group == "" {
		return v.Addr.Port() == 0
	}
	for _, g := range d.cfg.ServerGroups {
		if g.Name == v.Group {
			return slices.ContainsFunc(g.Ranges, func(r GroupRange) bool { return r.Port == 0 })
		}
	}
	return false
}

// onlyMarks reports whether a group consists of firewall marks alone.
func (d *decoder) onlyMarks(group string) bool {
	for _, g := range d.cfg.ServerGroups {
		if g.Name == group {
			return len(g.Ranges) == 0
		}
	}
	return false
}

func (d *decoder) dropDoubleServers(v *virtualDraft) {
	if d.seen == nil {
		d.seen = make(map[netip.AddrPort]*realDraft)
	}
	seen := d.seen
	defer clear(seen)
	kept := v.reals[:0]
	for _, r := range v.reals {
		if first := seen[r.Addr]; first != nil {
			d.at("duplicate-real-server", r.At, "%s is a real server of this service already; this one is removed", r.Addr)
			d.note(first.At, "the first one")
			continue
		}
		seen[r.Addr] = r
		kept = append(kept, r)
	}
	v.reals = kept
}

// real completes one real server.
func (d *decoder) real(v *virtualDraft, r *realDraft) {
	if !r.weightGiven {
		r.Weight = v.DefaultWeight
	}
	if !r.methodGiven {
		r.Method = v.Method
	}
	r.Inhibit = r.inhibit.Or(v.Inhibit)
	r.Alpha = r.alpha.Or(v.Alpha)
	if r.VirtualHost == "" {
		r.VirtualHost = v.VirtualHost
	}
	if r.SMTPAlert == Unset {
		r.SMTPAlert = v.SMTPAlert
	}
	if r.Timing == nil {
		r.Timing = &v.Timing
	} else {
		r.Timing.inherit(v.Timing)
	}
	if addr := d.serverPort(v, r.Addr, r.Method); addr != r.Addr {
		if r.Addr.Port() != 0 && r.Method.Kind != NAT && !v.byMark && v.Group == "" {
			d.at("port-mismatch", r.At, "with DR and TUN a real server has the port of the service, %d", addr.Port())
		}
		r.Addr = addr
	}
}

// serverPort is the port that a server has in the kernel.
func (d *decoder) serverPort(v *virtualDraft, addr netip.AddrPort, m Method) netip.AddrPort {
	switch {
	case v.byMark || v.Group != "":
		return addr
	case m.Kind != NAT || addr.Port() == 0:
		return netip.AddrPortFrom(addr.Addr(), v.Addr.Port())
	}
	return addr
}

func (d *decoder) quorum(v *virtualDraft) {
	var sum int64
	for _, r := range v.reals {
		sum += int64(r.Weight)
	}
	if int64(v.Quorum) > sum {
		at := v.quorumAt
		if at.At.IsZero() {
			at.At = v.At
		}
		d.adjusted("quorum-too-high", at, "quorum %d is more than all servers weigh together, %d; it is lowered", v.Quorum, sum)
		v.Quorum = uint32(sum)
	}
	if v.Hysteresis != 0 && v.Hysteresis >= v.Quorum {
		low := max(int64(v.Quorum)-1, 0)
		d.adjusted("hysteresis-too-high", v.hysteresisAt, "hysteresis %d is not below the quorum %d; %d is used", v.Hysteresis, v.Quorum, low)
		v.Hysteresis = uint32(low)
	}
}
