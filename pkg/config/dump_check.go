package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

func (d *dumper) checkers(r *Reading, c *Config) {
	if c.SSL != nil {
		d.title("SSL definitions")
		for _, v := range [...]struct{ what, text string }{
			{"Password", c.SSL.Password}, {"CA-file", c.SSL.CA}, {"Certificate file", c.SSL.Certificate}, {"Key file", c.SSL.Key},
		} {
			if v.text != "" {
				d.line(" %s : %s", v.what, v.text)
			}
		}
	}
	if len(c.VirtualServers) > 0 {
		d.title("LVS Topology")
		d.line(" System is compiled with LVS v1.2.1")
		for _, g := range c.ServerGroups {
			d.serverGroup(g)
		}
		for _, v := range r.virtuals {
			d.virtual(c, v)
		}
	}
	d.healthChecks(r)
	d.trackedBFDs(c, r)
	d.trackFiles(c, "Checker")
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

func (d *dumper) virtual(c *Config, v *virtualDraft) {
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
	d.schedulerFlags(v)
	d.line("   One packet scheduling = %s", enabled(v.OnePacket))
	if v.Persistence != 0 {
		d.line("   persistence timeout = %d", v.Persistence/time.Second)
	}
	if v.granularityGiven {
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
	g := &c.Global
	d.line("   Using smtp notification = %s", yesNo(v.SMTPAlert.Or(g.SMTPAlertChecker.Or(g.SMTPAlert.Or(false)))))
	d.line("   %sforwarding method = %s", choose(v.Method.Kind == TUN && v.Method.CsumGiven, "", "default "), v.Method)
	if s := v.Sorry; s != nil {
		d.line("   sorry server = %s", endpoint(s.Addr, v.Protocol))
		d.line("     forwarding method = %s", s.Method)
		d.line("     Inhibit on failure is %s", choose(v.SorryInhibit, "ON", "OFF"))
		d.line("     set = 0")
		d.line("     alive = 0")
	}
	d.line("   VS alive = 0")
	d.line("   quorum_state_up = 0")
	d.line("   reloaded = 0")
	for _, r := range v.reals {
		d.real(g, v, r)
	}
}

func enabled(on bool) string { return choose(on, "enabled", "disabled") }

func (d *dumper) schedulerFlags(v *virtualDraft) {
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

func (d *dumper) real(g *Global, v *virtualDraft, r *realDraft) {
	d.line("   ------< Real server >------")
	d.line("   RIP = %s, RPORT = %d, WEIGHT = %d EFF WEIGHT = %d", r.Addr.Addr(), r.Addr.Port(), r.Weight, r.Weight)
	d.line("   forwarding method = %s", r.Method)
	d.line("   Alpha is %s", choose(r.Alpha, "ON", "OFF"))
	d.line("   connection timeout = %s", micros6(or(r.Timing.ConnectTimeout, 5*time.Second)))
	d.line("   connection limit range = %d -> %d", r.LThreshold, r.UThreshold)
	d.line("   Delay loop = %s", micros6(or(r.Timing.DelayLoop, time.Minute)))
	if r.virtualHost != "" {
		d.line("   VirtualHost = %s", r.virtualHost)
	}
	d.timing(&r.Timing, false)
	d.line("   Inhibit on failure is %s", choose(r.Inhibit, "ON", "OFF"))
	d.command("RS up notify script", r.NotifyUp)
	d.command("RS down notify script", r.NotifyDown)
	d.line("   Using smtp notification = %s", yesNo(r.SMTPAlert.Or(g.SMTPAlertChecker.Or(g.SMTPAlert.Or(true)))))
	d.line("   initial weight = %d", r.Weight)
	d.line("   effective weight = %d", r.Weight)
	d.line("   previous effective_weight = 0")
	d.line("   alive = 0")
	failed := 0
	var sessions []string
	for _, c := range r.checkers {
		if c.Alpha {
			failed++
		}
		if c.Kind == CheckBFD {
			sessions = append(sessions, c.BFD)
		}
	}
	d.line("   num failed checkers = %d", failed)
	d.line("   RS set = 0")
	d.line("   reloaded = 0")
	if len(sessions) > 0 {
		d.line("   Tracked BFDs")
		for _, s := range sessions {
			d.line("     %s", s)
		}
	}
}

func (d *dumper) healthChecks(r *Reading) {
	titled := false
	for _, v := range r.virtuals {
		for _, rs := range v.reals {
			for _, c := range rs.checkers {
				if !titled {
					d.title("Health checkers")
					titled = true
				}
				d.checker(v, rs, c)
			}
		}
	}
}

func (d *dumper) checker(v *virtualDraft, r *realDraft, c *checkerDraft) {
	us := func(t time.Duration) int64 { return int64(t / time.Microsecond) }
	d.line(" %s -> %s", v.Label(), endpoint(r.Addr, v.Protocol))
	d.line("   Enabled = yes")
	d.line("   Up = %s", yesNo(!c.Alpha))
	d.line("   Has run = no")
	d.line("   Current weight = 0")
	d.line("   Alpha = %s", yesNo(c.Alpha))
	if c.Kind == CheckBFD {
		d.bfdCheck(c)
		return
	}
	d.line("   Delay loop = %d us", us(c.DelayLoop))
	d.line("   Warmup = %d us", us(c.Warmup))
	d.line("   Retries = %d", c.Retry)
	defDelay := time.Second
	switch c.Kind {
	case CheckDNS:
		defDelay = 0
	case CheckHTTP, CheckSSL:
		defDelay = 3 * time.Second
	}
	if c.Retry > 0 {
		d.line("   Delay before retry = %d us", us(c.DelayBeforeRetry))
		d.line("   Retries iterations = %d", c.Retry)
	}
	d.line("   Default delay before retry = %d us", us(defDelay))
	d.line("   Log all failures = %s", yesNo(c.LogAllFailures))
	if c.Target.IsValid() {
		d.line("   Connection")
		d.line("     Dest = [%s]:%d", c.Target.Addr(), c.Target.Port())
		if c.Bind.IsValid() {
			d.line("     Bind to = [%s]:%d", c.Bind.Addr(), c.Bind.Port())
		}
		if c.BindIf != "" {
			d.line("     Bind i/f = %s", c.BindIf)
		}
		if c.Mark != 0 {
			d.line("     Mark = %d", c.Mark)
		}
		d.line("     Timeout = %s", micros6(c.ConnectTimeout))
	}
	d.checkerKind(c)
}

// bfdCheck prints what keepalived shows of a BFD_CHECK: it has no schedule.
func (d *dumper) bfdCheck(c *checkerDraft) {
	const none = uint64(1<<64 - 1)
	d.line("   Delay loop = %d us", none)
	d.line("   Warmup = %d us", none)
	d.line("   Retries = %d", uint32(unset))
	d.line("   Delay before retry = %d us", none)
	d.line("   Retries iterations = %d", uint32(unset))
	d.line("   Default delay before retry = 1000000 us")
	d.line("   Log all failures = %s", yesNo(c.LogAllFailures))
	d.line("   Keepalive method = BFD_CHECK")
	d.line("   Name = %s", c.BFD)
	d.line("   Alpha is %s", choose(c.Alpha, "ON", "OFF"))
}

func (d *dumper) checkerKind(c *checkerDraft) {
	switch c.Kind {
	case CheckTCP:
		d.line("   Keepalive method = TCP_CHECK")
	case CheckHTTP, CheckSSL:
		d.httpCheck(c)
	case CheckSMTP:
		d.line("   Keepalive method = SMTP_CHECK")
		d.line("   helo = %s", c.SMTP.Helo)
	case CheckDNS:
		d.line("   Keepalive method = DNS_CHECK")
		d.line("   Type = %s", dnsTypeName(c.DNS.Type))
		d.line("   Name = %s", c.DNS.Name)
	case CheckMisc:
		d.line("   Keepalive method = MISC_CHECK")
		d.line("   script = %s", c.Misc.Command.quoted())
		d.line("   timeout = %d", c.Misc.Timeout/time.Second)
		d.line("   dynamic = %s", choose(c.Misc.Dynamic, "YES", "NO"))
		d.line("   uid:gid = %d:%d", c.Misc.Command.UID, c.Misc.Command.GID)
		d.line("   Last ran = 0.000000 (Thu Jan  1 00:00:00 1970.000000)")
		d.line("   Last status = 0")
	case CheckPing:
		d.line("   Keepalive method = PING_CHECK")
		d.line("     ICMP seq no = 0")
	case CheckUDP:
		d.line("   Keepalive method = UDP_CHECK")
		if c.UDP.PayloadGiven {
			d.line("   Payload len = %d", len(c.UDP.Payload))
		}
		d.line("   Require reply = %s", yesNo(c.UDP.RequireReply))
		if c.UDP.RequireReply {
			d.line("     Min reply length = %d", c.UDP.MinReply)
			d.line("     Max reply length = %d", c.UDP.MaxReply)
			if len(c.UDP.Reply) > 0 {
				d.line("     Reply data len = %d", len(c.UDP.Reply))
				d.line("     Reply data mask = %s", yesNo(masked(c.UDP.ReplyMask)))
			}
		}
	case CheckFile:
		d.line("   Keepalive method = FILE_CHECK")
		d.line("   Track file = %s", c.File.File)
		d.line("   Weight = %d%s", c.File.Weight, choose(c.File.Reverse, " reverse", ""))
	}
}

// masked reports whether a pattern has wildcards.
func masked(mask []byte) bool {
	for _, m := range mask {
		if m != 0xff {
			return true
		}
	}
	return false
}

func dnsTypeName(t uint16) string {
	for name, n := range dnsTypes {
		if n == t {
			return name
		}
	}
	return fmt.Sprint(t)
}

func (d *dumper) httpCheck(c *checkerDraft) {
	d.line("   Keepalive method = %s_GET, http protocol %s", choose(c.Kind == CheckSSL, "SSL", "HTTP"),
		[...]string{"1.0", "1.0C", "1.1"}[c.HTTP.Protocol])
	if c.ownHost != "" {
		d.line("   Virtual host = %s", c.ownHost)
	}
	set := func(on bool) string { return choose(on, "set", "unset") }
	d.line("   Enable SNI %s", set(c.HTTP.SNI))
	d.line("   Fast recovery %s", set(c.HTTP.FastRecovery))
	if c.Kind == CheckSSL {
		d.line("   tls_compliant %s", set(c.HTTP.TLSCompliant))
	}
	for i := range c.HTTP.URLs {
		u := &c.HTTP.URLs[i]
		d.line("   Checked url = %s", u.Path)
		if u.DigestGiven {
			d.line("     digest = %x", u.Digest)
		}
		d.line("     tls_compliant %s", set(u.TLSCompliant == True))
		d.line("     HTTP Status Code(s)")
		for _, s := range u.Status {
			if s.Low == s.High {
				d.line("       %d", s.Low)
			} else {
				d.line("       %d-%d", s.Low, s.High)
			}
		}
		if len(u.Status) == 0 {
			d.line("       200-299")
		}
		if u.VirtualHost != "" {
			d.line("     Virtual host = %s", u.VirtualHost)
		}
		if u.Regex != "" {
			d.regex(u)
		}
	}
}

func (d *dumper) regex(u *URL) {
	d.line("     Regex = \"%s\"", u.Regex)
	if u.RegexNoMatch {
		d.line("     Regex no match")
	}
	options := ""
	if len(u.RegexOptions) > 0 {
		options = " " + strings.Join(regexOptions, " ")
	}
	d.line("     Regex options:%s", options)
	d.line("     Regex ref count = %d", u.regexUses)
	if u.RegexMin != 0 || u.RegexMax != 0 {
		d.line("     Regex min offset = %d", u.RegexMin)
		d.line("     Regex max offset = %d", u.RegexMax)
	}
}

func (d *dumper) trackedBFDs(c *Config, r *Reading) {
	if len(c.BFD) == 0 {
		return
	}
	d.title("Checker track BFDs")
	for _, b := range c.BFD {
		d.line(" Checker Track BFD = %s", b.Name)
		d.line("   Tracking RS :")
		for _, v := range r.virtuals {
			for _, rs := range v.reals {
				for _, k := range rs.checkers {
					if k.Kind == CheckBFD && k.BFD == b.Name {
						d.line("   %s", endpoint(rs.Addr, v.Protocol))
					}
				}
			}
		}
	}
}

func (d *dumper) trackFiles(c *Config, who string) {
	if len(c.TrackFiles) == 0 {
		return
	}
	d.title(who + " track files")
	for _, f := range c.TrackFiles {
		d.line(" Track file = %s", f.Name)
		d.line("   File = %s", f.Path)
		d.line("   Status = 0")
		d.line("   Weight = %d%s", f.Weight, choose(f.Reverse, " reverse", ""))
	}
}
