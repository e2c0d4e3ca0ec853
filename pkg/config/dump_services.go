package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// VirtualState is what the state dump shows of a virtual server that runs.
type VirtualState struct {
	Alive    bool // any server is
	Quorum   bool
	SorrySet bool          // the sorry server is in IPVS
	Servers  []ServerState // in the order of the configuration
}

// ServerState is the same of a real server.
type ServerState struct {
	Weight         int // configured and by its checks
	Alive          bool
	Set            bool // in IPVS
	FailedCheckers int
}

// ServicesText is the part of the state dump of the checkers role about virtual servers,
// in the states that state returns.
func (c *Config) ServicesText(state func(*VirtualServer) VirtualState) string {
	var d dumper
	d.topology(c.ServerGroups)
	for _, v := range c.VirtualServers {
		view := virtualView{VirtualServer: v, granularity: v.granular(), state: state(v)}
		for i, r := range v.RealServers {
			rv := realView{RealServer: r}
			if r.VirtualHost != v.VirtualHost {
				rv.virtualHost = r.VirtualHost
			}
			for _, ck := range r.Checkers {
				if ck.Kind == CheckBFD {
					rv.sessions = append(rv.sessions, ck.BFD)
				}
			}
			if i < len(view.state.Servers) {
				rv.state = view.state.Servers[i]
			}
			view.servers = append(view.servers, rv)
		}
		d.virtual(&c.Global, view)
	}
	return d.String()
}

// granular reports whether persistence is not by single addresses.
func (v *VirtualServer) granular() bool {
	if v.IPv6 {
		return v.Granularity != 128
	}
	return v.Netmask != 1<<32-1
}

// virtualView is a virtual server as a dump shows it.
type virtualView struct {
	*VirtualServer
	granularity bool // it was given
	servers     []realView
	state       VirtualState
}

type realView struct {
	*RealServer
	virtualHost string // if it was given
	sessions    []string
	state       ServerState
}

// view is the virtual server before it runs.
func (v *virtualDraft) view() virtualView {
	view := virtualView{VirtualServer: v.VirtualServer, granularity: v.granularityGiven}
	for _, r := range v.reals {
		rv := realView{RealServer: r.RealServer, virtualHost: r.virtualHost, state: ServerState{Weight: int(r.Weight)}}
		for _, c := range r.checkers {
			if c.Alpha {
				rv.state.FailedCheckers++
			}
			if c.Kind == CheckBFD {
				rv.sessions = append(rv.sessions, c.BFD)
			}
		}
		view.servers = append(view.servers, rv)
	}
	return view
}

func (d *dumper) topology(groups []*ServerGroup) {
	d.title("LVS Topology")
	d.line(" System is compiled with LVS v1.2.1")
	for _, g := range groups {
		d.serverGroup(g)
	}
}

func (d *dumper) serverGroup(g *ServerGroup) {
	var v4, v6 bool
	for _, r := range g.Ranges {
		v4, v6 = v4 || r.First.Is4(), v6 || r.First.Is6()
	}
	d.line(" ------< Virtual server group >------")
	d.line(" Virtual Server Group = %s, IPv4 = %s, IPv6 = %s", g.Name, yesNo(v4), yesNo(v6))
	for _, r := range g.Ranges {
		if r.Count > 1 {
			d.line("   VIP Range = %s-%s, VPORT = %d", r.First, lastOf(r), r.Port)
		} else {
			d.line("   VIP = %s, VPORT = %d", r.First, r.Port)
		}
		d.line("     Alive: 0 tcp, 0 udp, 0 sctp")
		d.line("     reloaded = False")
	}
	for _, m := range g.Marks {
		d.line("   FWMARK = %d", m.Mark)
		d.line("     Alive: 0 IPv4, 0 IPv6")
		d.line("     reloaded = False")
	}
}

// lastOf is the last address of a range.
func lastOf(r GroupRange) netip.Addr {
	b := r.First.As16()
	n := uint32(b[12])<<24 | uint32(b[13])<<16 | uint32(b[14])<<8 | uint32(b[15]) + r.Count - 1
	if r.First.Is4() {
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	b[12], b[13], b[14], b[15] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return netip.AddrFrom16(b)
}

// protocolName is a transport protocol in lower case, or none.
func protocolName(p Protocol) string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	}
	return "none"
}

// endpoint is a server's address as keepalived prints it.
func endpoint(a netip.AddrPort, p Protocol) string {
	return fmt.Sprintf("[%s]:%s:%d", a.Addr(), protocolName(p), a.Port())
}

// Label is the name of the service in messages, such as "[192.0.2.1]:tcp:80".
func (v *VirtualServer) Label() string {
	switch {
	case v.Group != "":
		return fmt.Sprintf("[%s]:%d", v.Group, v.groupIndex)
	case v.Addr.IsValid():
		return endpoint(v.Addr, v.Protocol)
	case v.FwMark != 0:
		return fmt.Sprintf("FWM %d", v.FwMark)
	}
	return "[(none)]:" + protocolName(v.Protocol) + ":0"
}

func (d *dumper) virtual(g *Global, v virtualView) {
	d.line(" ------< Virtual server >------")
	switch {
	case v.Group != "":
		d.line(" VS GROUP = %s", v.Label())
	case v.FwMark != 0:
		d.line(" VS FWMARK = %d", v.FwMark)
	case v.Addr.IsValid():
		d.line(" VS VIP = %s, VPORT = %d", v.Addr.Addr(), v.Addr.Port())
	default:
		d.line(" VS VIP = (none), VPORT = 0")
	}
	if v.VirtualHost != "" {
		d.line("   VirtualHost = %s", v.VirtualHost)
	}
	d.line("   Address family = %s", choose(v.IPv6, "inet6", "inet"))
	d.line("   connection timeout = %s", micros6(or(v.Timing.ConnectTimeout, 5*time.Second)))
	d.line("   delay_loop = %s", micros6(or(v.Timing.DelayLoop, time.Minute)))
	d.line("   lvs_sched = %s", v.Scheduler)
	d.line("   Hashed = %s", enabled(v.Hashed))
	d.schedulerFlags(v.VirtualServer)
	d.line("   One packet scheduling = %s", enabled(v.OnePacket))
	if v.Persistence != 0 {
		d.line("   persistence timeout = %d", v.Persistence/time.Second)
	}
	if v.granularity {
		if v.IPv6 {
			d.line("   persistence granularity = %d", v.Granularity)
		} else {
			n := v.Netmask
			d.line("   persistence granularity = %d.%d.%d.%d", n>>24, n>>16&0xff, n>>8&0xff, n&0xff)
		}
	}
	if v.Engine != "" {
		d.line("   persistence engine = %s", v.Engine)
	}
	d.line("   protocol = %s", choose(v.Protocol == 0, "none", strings.ToUpper(protocolName(v.Protocol))))
	d.line("   alpha is %s", choose(v.Alpha, "ON", "OFF"))
	d.line("   omega is %s", choose(v.Omega, "ON", "OFF"))
	d.timing(&v.Timing, true)
	d.line("   Inhibit on failure is %s", choose(v.Inhibit, "ON", "OFF"))
	d.line("   quorum = %d, hysteresis = %d", v.Quorum, v.Hysteresis)
	d.command("Quorum up notify script", v.QuorumUp)
	d.command("Quorum down notify script", v.QuorumDown)
	if v.HASuspend {
		d.line("   Using HA suspend")
	}
	d.line("   Using smtp notification = %s", yesNo(v.SMTPAlert.Or(g.SMTPAlertChecker.Or(g.SMTPAlert.Or(false)))))
	d.line("   %sforwarding method = %s", choose(v.Method.Kind == TUN && v.Method.CsumGiven, "", "default "), v.Method)
	if s := v.Sorry; s != nil {
		d.line("   sorry server = %s", endpoint(s.Addr, v.Protocol))
		d.line("     forwarding method = %s", s.Method)
		d.line("     Inhibit on failure is %s", choose(v.SorryInhibit, "ON", "OFF"))
		d.line("     set = %d", zeroOne(v.state.SorrySet))
		d.line("     alive = %d", zeroOne(v.state.SorrySet))
	}
	d.line("   VS alive = %d", zeroOne(v.state.Alive))
	d.line("   quorum_state_up = %d", zeroOne(v.state.Quorum))
	d.line("   reloaded = 0")
	for _, r := range v.servers {
		d.real(g, r)
	}
}

func enabled(on bool) string { return choose(on, "enabled", "disabled") }

func (d *dumper) schedulerFlags(v *VirtualServer) {
	flag := func(name string, bit uint32) { d.line("   %s = %s", name, enabled(v.SchedFlags&bit != 0)) }
	switch v.Scheduler {
	case "sh", "mh":
		flag(v.Scheduler+"-port", SchedFlag2)
		flag(v.Scheduler+"-fallback", SchedFlag1)
	default:
		flag("flag-1", SchedFlag1)
		flag("flag-2", SchedFlag2)
		flag("flag-3", SchedFlag3)
	}
}

// timing prints what was given of a level's schedule.
func (d *dumper) timing(t *Timing, _ bool) {
	if t.Retry != nil {
		d.line("   Retry count = %d", *t.Retry)
	}
	if t.DelayBeforeRetry != nil {
		d.line("   Retry delay = %s", micros6(*t.DelayBeforeRetry))
	}
	if t.Warmup != nil {
		d.line("   Warmup = %s", micros6(*t.Warmup))
	}
}

func (d *dumper) command(what string, c *Command) {
	if c != nil {
		d.line("   %s = %s, uid:gid %d:%d", what, c.quoted(), c.UID, c.GID)
	}
}

// String is the method as keepalived prints it.
func (m Method) String() string {
	switch m.Kind {
	case DR:
		return "DR"
	case TUN:
	default:
		return choose(m.FullNAT, "FULLNAT", "NAT")
	}
	s := "TUN, type = " + [...]string{"IPIP", "GUE", "GRE"}[m.Tunnel]
	if m.Tunnel == GUE {
		s += fmt.Sprintf(", port = %d", m.TunPort)
	}
	if m.Tunnel != IPIP {
		s += ", " + [...]string{"no checksum", "checksum", "remote checksum"}[m.Csum]
	}
	return s
}

func (d *dumper) real(g *Global, r realView) {
	d.line("   ------< Real server >------")
	d.line("   RIP = %s, RPORT = %d, WEIGHT = %d EFF WEIGHT = %d", r.Addr.Addr(), r.Addr.Port(), r.Weight, r.state.Weight)
	d.line("   forwarding method = %s", r.Method)
	d.line("   Alpha is %s", choose(r.Alpha, "ON", "OFF"))
	d.line("   connection timeout = %s", micros6(or(r.Timing.ConnectTimeout, 5*time.Second)))
	d.line("   connection limit range = %d -> %d", r.LThreshold, r.UThreshold)
	d.line("   Delay loop = %s", micros6(or(r.Timing.DelayLoop, time.Minute)))
	if r.virtualHost != "" {
		d.line("   VirtualHost = %s", r.virtualHost)
	}
	d.timing(r.Timing, false)
	d.line("   Inhibit on failure is %s", choose(r.Inhibit, "ON", "OFF"))
	d.command("RS up notify script", r.NotifyUp)
	d.command("RS down notify script", r.NotifyDown)
	d.line("   Using smtp notification = %s", yesNo(r.SMTPAlert.Or(g.SMTPAlertChecker.Or(g.SMTPAlert.Or(true)))))
	d.line("   initial weight = %d", r.Weight)
	d.line("   effective weight = %d", r.state.Weight)
	d.line("   previous effective_weight = 0")
	d.line("   alive = %d", zeroOne(r.state.Alive))
	d.line("   num failed checkers = %d", r.state.FailedCheckers)
	d.line("   RS set = %d", zeroOne(r.state.Set))
	d.line("   reloaded = 0")
	if len(r.sessions) > 0 {
		d.line("   Tracked BFDs")
		for _, s := range r.sessions {
			d.line("     %s", s)
		}
	}
}
