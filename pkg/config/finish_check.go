package config

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// finishCheckers completes what the checkers role read.
func (d *decoder) finishCheckers() {
	d.problems = append(d.problems, d.late...)
	groups := make(map[string]int)
	d.virtuals = slices.DeleteFunc(d.virtuals, d.groupless)
	for _, v := range d.virtuals {
		if v.Group != "" {
			v.groupIndex = groups[v.Group]
			groups[v.Group]++
		}
		d.virtual(v)
	}
	for _, v := range d.virtuals {
		d.servers(v)
		d.cfg.VirtualServers = append(d.cfg.VirtualServers, v.VirtualServer)
	}
	d.countRegexes()
	s := &d.unguarded
	s.d = d
	services := len(d.virtuals)+d.cfg.forgotten > 0
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

// forget checks a service that nobody will ask for. Of groups, which may follow,
// it knows nothing.
func (d *decoder) forget(v *virtualDraft) {
	said := d.problems
	d.problems = d.late
	d.virtual(v)
	d.servers(v)
	d.late, d.problems = d.problems, said
	d.cfg.forgotten += len(v.reals)
}

// groupless reports a service of a group that does not exist. keepalived's test
// does not count that.
func (d *decoder) groupless(v *virtualDraft) bool {
	if v.Group == "" || slices.ContainsFunc(d.cfg.ServerGroups, func(g *ServerGroup) bool { return g.Name == v.Group }) {
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

// countRegexes counts how many urls share each regular expression.
func (d *decoder) countRegexes() {
	type regex struct{ text, options string }
	uses := make(map[regex]int)
	each := func(f func(u *URL, r regex)) {
		for _, v := range d.virtuals {
			for _, r := range v.reals {
				for _, c := range r.checkers {
					if c.HTTP == nil {
						continue
					}
					for k := range c.HTTP.URLs {
						if u := &c.HTTP.URLs[k]; u.Regex != "" {
							f(u, regex{u.Regex, strings.Join(u.RegexOptions, " ")})
						}
					}
				}
			}
		}
	}
	each(func(_ *URL, r regex) { uses[r]++ })
	each(func(u *URL, r regex) { u.regexUses = uses[r] })
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
		if addr := d.serverPort(v, s.Addr, s.Method); addr != s.Addr {
			if s.Addr.Port() != 0 && s.Method.Kind != NAT {
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
	r.Timing.inherit(v.Timing)
	if addr := d.serverPort(v, r.Addr, r.Method); addr != r.Addr {
		if r.Addr.Port() != 0 && r.Method.Kind != NAT && !v.byMark && v.Group == "" {
			d.at("port-mismatch", r.At, "with DR and TUN a real server has the port of the service, %d", addr.Port())
		}
		r.Addr = addr
	}
}

// inherit takes from o what is not given.
func (t *Timing) inherit(o Timing) {
	if t.DelayLoop == nil {
		t.DelayLoop = o.DelayLoop
	}
	if t.Warmup == nil {
		t.Warmup = o.Warmup
	}
	if t.Retry == nil {
		t.Retry = o.Retry
	}
	if t.DelayBeforeRetry == nil {
		t.DelayBeforeRetry = o.DelayBeforeRetry
	}
	if t.ConnectTimeout == nil {
		t.ConnectTimeout = o.ConnectTimeout
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

// completeTarget decides where a checker connects to.
func (d *decoder) completeTarget(c *checkerDraft) bool {
	target := c.connectIP
	if !target.IsValid() {
		target = d.rs.Addr.Addr()
	}
	port := c.connectPort
	if port == 0 {
		port = d.rs.Addr.Port()
	}
	c.Target = netip.AddrPortFrom(target, port)
	if c.bindIP.IsValid() || c.bindPort != 0 {
		if c.bindIP.IsValid() && c.bindIP.Is6() != target.Is6() && c.Kind == CheckSMTP {
			d.warn("family-mismatch", c.bindAt, "the local address %s is of another family than the target %s", c.bindIP, target)
			c.bindIP = netip.Addr{}
		}
		if c.bindIP.IsValid() && c.bindIP.Is6() != target.Is6() {
			d.err("family-mismatch", c.bindAt, "the local address %s is of another family than the target %s", c.bindIP, target)
			c.bindIP = netip.Addr{}
		}
		if !c.bindIP.IsValid() {
			c.bindIP = netip.IPv4Unspecified()
			if target.Is6() {
				c.bindIP = netip.IPv6Unspecified()
			}
		}
		c.Bind = netip.AddrPortFrom(c.bindIP, c.bindPort)
	}
	if target.Is6() && target.IsLinkLocalUnicast() && c.BindIf == "" {
		d.at("link-local-target", c.At, "a link-local target needs bind_if; the check is ignored")
		return false
	}
	return true
}

// complete resolves a checker's schedule.
func (d *decoder) complete(v *virtualDraft, r *realDraft, c *checkerDraft) {
	t := c.given
	t.inherit(r.Timing)
	c.Checker.DelayLoop = or(t.DelayLoop, time.Minute)
	c.Checker.Warmup = or(t.Warmup, c.DelayLoop)
	c.Checker.ConnectTimeout = or(t.ConnectTimeout, 5*time.Second)
	retry, delay := 1, time.Second
	switch c.Kind {
	case CheckMisc:
		retry = 0
	case CheckDNS:
		retry, delay = 3, c.DelayLoop
	case CheckHTTP, CheckSSL:
		delay = 3 * time.Second
	}
	c.Checker.Retry = or(t.Retry, retry)
	c.Checker.DelayBeforeRetry = or(t.DelayBeforeRetry, delay)
	c.Checker.Alpha = c.alpha.Or(r.Alpha)
	c.LogAllFailures = c.logAll.Or(d.g.CheckerLogFailures)
	if c.HTTP != nil && c.HTTP.VirtualHost == "" {
		c.HTTP.VirtualHost = r.VirtualHost
	}
	if c.via.Or(v.via) {
		d.throughVIP(v, r, c)
	}
}

// throughVIP directs a checker to the virtual address. Where that cannot be, it
// goes on asking the real server.
func (d *decoder) throughVIP(v *virtualDraft, r *realDraft, c *checkerDraft) {
	switch c.Kind {
	case CheckMisc, CheckFile, CheckBFD, CheckPing: // IPVS forwards neither
		if c.via == True {
			d.warn("via-vip", c.viaAt, "this kind of check does not go through IPVS; probe_via_vip is ignored")
		}
		return
	}
	vip, port := c.connectIP, c.connectPort
	if !vip.IsValid() && !v.byMark && v.Group == "" {
		vip = v.Addr.Addr()
	}
	if port == 0 {
		port = r.Addr.Port()
	}
	why := ""
	switch {
	case r.Method.Kind != DR && r.Method.Kind != TUN:
		why = "the server is not reached by DR or TUN"
	case !vip.IsValid():
		why = "the service has no single address; connect_ip may name one"
	case vip.Is6() != r.Addr.Addr().Is6():
		why = "the virtual address and the server's are of two families"
	default:
		c.ViaVIP, c.Target = true, netip.AddrPortFrom(vip, port)
	}
	at := c.viaAt
	if c.via == Unset { // said once for all servers
		at, v.viaAt = v.viaAt, syntax.Word{}
	}
	switch {
	case why != "" && !at.At.IsZero():
		d.warn("via-vip", at, "probe_via_vip is ignored: %s", why)
	case why == "" && c.Mark != 0:
		d.warn("mark-ignored", syntax.Word{At: c.At}, "probe_via_vip needs the mark of the packets; fwmark is ignored")
	}
}

func or[T any](v *T, def T) T {
	if v == nil {
		return def
	}
	return *v
}
