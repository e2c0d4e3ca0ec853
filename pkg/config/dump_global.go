package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (d *dumper) global(c *Config, role Role) {
	g, p := &c.Global, &c.Process
	d.title("Global definitions")
	if g.ConfigSaveDir != "" {
		d.line(" Config save dir = %s", g.ConfigSaveDir)
	}
	d.line(" Network namespace = %s", text(p.NetNamespace, "(default)"))
	switch {
	case p.NetNamespaceIPVS != "":
		d.line(" Network namespace ipvs = %s", p.NetNamespaceIPVS)
	case p.IPVSNamespaceSet:
		d.line(" Network namespace ipvs = (default)")
	default:
		d.line(" Network namespace ipvs = (main namespace)")
	}
	if p.Instance != "" {
		d.line(" Instance name = %s", p.Instance)
	}
	d.names(g)
	d.line(" %s symlinks in script paths", choose(g.UseSymlinkPaths, "Keep", "Replace"))
	d.line(" Router ID = %s", g.RouterID)
	d.mail(g)
	d.line(" Default smtp_alert = %s", onOff(g.SMTPAlert))
	d.line(" Default smtp_alert_vrrp = %s", onOff(g.SMTPAlertVRRP))
	d.line(" Default smtp_alert_checker = %s", onOff(g.SMTPAlertChecker))
	d.line(" Checkers log all failures = %s", trueFalse(g.CheckerLogFailures))
	d.reload(g)
	d.line(" keep script symlinks = %s", trueFalse(g.UseSymlinkPaths))
	if g.ConfigSaveDir != "" {
		d.line(" config save directory = %s", g.ConfigSaveDir)
	}
	d.line(" Dynamic interfaces = %s", trueFalse(g.DynamicInterfaces))
	if g.DynamicInterfaces {
		d.line(" Allow interface changes = %s", trueFalse(g.DynamicAllowIfChanges))
	}
	if g.NoEmailFaults {
		d.line(" Send emails for fault transitions = off")
	}
	d.lvsTimeouts(&g.LVS)
	if role == VRRP {
		d.line(" Default interface = eth0") // whatever default_interface says
	}
	d.line(" Disable local IGMP = %s", yesNo(g.DisableLocalIGMP))
	d.line(" Use VRRPv2 checksum for VRRPv3 IPv4 = %s", yesNo(g.V3ChecksumAsV2))
	d.lvsGlobal(&g.LVS)
	d.fifos(g)
	d.line(" FIFO write vrrp states on reload = %s", trueFalse(g.FIFOStatesOnReload))
	d.line(" VRRP notify priority changes = %s", trueFalse(g.NotifyPriorityChanges))
	d.vrrpGlobal(c)
	d.firewall(g)
	d.line(" VRRP check unicast_src = %s", trueFalse(g.CheckUnicastSrc))
	d.line(" VRRP skip check advert addresses = %s", trueFalse(g.SkipCheckAdvAddr))
	d.line(" VRRP strict mode = %s", trueFalse(g.Strict))
	if g.MaxAutoPriority < 0 {
		d.line(" Max auto priority = Disabled")
	} else {
		d.line(" Max auto priority = %d", g.MaxAutoPriority)
	}
	d.line(" Min auto priority delay = %d usecs", g.MinAutoDelay/time.Microsecond)
	d.process("VRRP", &g.VRRP)
	d.process("Checker", &g.Checkers)
	d.process("BFD", &g.Bfd)
	d.snmp(&g.SNMP)
	d.line(" DBus %s", choose(g.DBus.Enable, "enabled", "disabled"))
	d.line(" DBus service name = %s", g.DBus.ServiceName)
	d.line(" DBus no interface name = %s", text(g.DBus.NoInterfaceName, "none"))
	d.line(" Script security %s", choose(g.ScriptSecurity, "enabled", "disabled"))
	if c.scriptAccount {
		d.line(" Default script uid:gid %d:%d", g.ScriptUID, g.ScriptGID)
	}
	d.buffers(g)
	d.line(" rs_init_notifies = %d", zeroOne(g.RSInitNotifies))
	d.line(" no_checker_emails = %d", zeroOne(g.NoCheckerEmails))
	d.rxBufs(g)
	d.line(" umask = 0%o", g.Umask)
	if g.VMACPrefix != "" {
		d.line(" VMAC prefix = %s", g.VMACPrefix)
	}
	if g.VMACAddrPrefix != "" {
		d.line(" VMAC address prefix = %s", g.VMACAddrPrefix)
	}
	if g.StartupDelay != 0 {
		d.line(" vrrp_startup_delay = %s", strconv.FormatFloat(g.StartupDelay.Seconds(), 'g', 6, 64))
	}
	if g.LogUnknownVRIDs {
		d.line(" log_unknown_vrids")
	}
	if g.OwnerIgnoreAdverts {
		d.line(" vrrp_owner_ignore_adverts")
	}
	d.line(" json_version %d", g.JSONVersion)
	d.line(" iproute usr directory %s", g.IPRouteUsrDir)
	d.line(" iproute etc directory %s", g.IPRouteEtcDir)
}

func (d *dumper) names(g *Global) {
	for _, n := range [...]struct{ what, name string }{
		{"Parent", g.ProcessName}, {"VRRP", g.VRRP.Name}, {"LVS", g.Checkers.Name}, {"BFD", g.Bfd.Name},
	} {
		if n.name != "" {
			d.line(" %s process name = %s", n.what, n.name)
		}
	}
}

func (d *dumper) mail(g *Global) {
	m := &g.Mail
	if m.Server != "" {
		d.line(" Smtp server = %s", m.address())
		d.line(" Smtp server port = %d", m.Port)
	}
	if m.Helo != "" {
		d.line(" Smtp HELO name = %s", m.Helo)
	}
	if m.DialTimeout != 0 {
		d.line(" Smtp server connection timeout = %d", m.DialTimeout/time.Second)
	}
	if m.From != "" {
		d.line(" Email notification from = %s", m.From)
		d.line(" Email notification to:")
		for _, to := range m.To {
			d.line("   %s", to)
		}
	}
}

func (d *dumper) reload(g *Global) {
	if g.ReloadCheckConfig {
		d.line(" Test config before reload, log to %s", text(g.ReloadCheckLog, "/dev/null"))
	} else {
		d.line(" No test config before reload")
	}
	if g.ReloadTimeFile != "" {
		d.line(" Reload time file = %s%s", g.ReloadTimeFile, choose(g.ReloadRepeat, ", repeat", ""))
		d.line(" No reload scheduled")
	}
	if g.ReloadFile != "" {
		d.line(" Reload_file = %s", g.ReloadFile)
	}
}

func (d *dumper) fifos(g *Global) {
	for _, f := range [...]struct {
		what string
		fifo *FIFO
	}{{"Global", g.NotifyFIFO}, {"VRRP", g.VRRPFIFO}, {"LVS", g.LVSFIFO}} {
		if f.fifo == nil || f.fifo.Path == "" {
			continue
		}
		d.line(" %s notify fifo = %s, uid:gid %d:%d", f.what, f.fifo.Path, f.fifo.UID, f.fifo.GID)
		if s := f.fifo.Script; s != nil {
			d.line(" %s notify fifo script = %s '%s', uid:gid %d:%d", f.what, s.quoted(), f.fifo.Path, s.UID, s.GID)
		}
	}
}

func (d *dumper) process(what string, p *RoleProcess) {
	d.line(" %s process priority = %d", what, p.Nice)
	d.line(" %s don't swap = %s", what, trueFalse(p.NoSwap))
	d.line(" %s realtime priority = %d", what, p.RTPriority)
	if len(p.CPUs) > 0 {
		var cpus strings.Builder
		for _, n := range p.CPUs {
			fmt.Fprintf(&cpus, " %d", n)
		}
		d.line(" %s CPU Affinity =%s", what, cpus.String())
	}
	d.line(" %s realtime limit = %d", what, p.RTTimeLimit/time.Microsecond)
}

func (d *dumper) snmp(s *SNMP) {
	for _, v := range [...]struct {
		what string
		on   bool
	}{{"vrrp", s.VRRP}, {"checker", s.Checkers}, {"RFCv2", s.RFCv2}, {"RFCv3", s.RFCv3}, {"traps", s.Traps}} {
		d.line(" SNMP %s %s", v.what, choose(v.on, "enabled", "disabled"))
	}
	d.line(" SNMP socket = %s", text(s.Socket, "default (unix:/var/agentx/master)"))
	d.line(" SNMP VS stats update interval = %s", micros6(s.VSInterval))
	rs := s.RSInterval
	if rs == 0 {
		rs = s.VSInterval
	}
	d.line(" SNMP RS stats update interval = %s", micros6(rs))
}

func (d *dumper) buffers(g *Global) {
	for _, b := range [...]struct {
		what string
		buf  RcvBuf
	}{
		{"vrrp_netlink_cmd", g.VRRP.NetlinkCmd},
		{"vrrp_netlink_monitor", g.VRRP.NetlinkWatch},
		{"process_monitor", g.ProcessMonitor},
		{"lvs_netlink_cmd", g.Checkers.NetlinkCmd},
		{"lvs_netlink_monitor", g.Checkers.NetlinkWatch},
	} {
		d.line(" %s_rcv_bufs = %d", b.what, b.buf.Size)
		d.line(" %s_rcv_bufs_force = %d", b.what, zeroOne(b.buf.Force))
	}
}

func (d *dumper) rxBufs(g *Global) {
	if g.RxBufsPolicy != RxBufsDefault {
		var policy string
		switch {
		case g.RxBufsPolicy&RxBufsBytes == RxBufsBytes:
			policy = fmt.Sprint(g.RxBufsSize)
		case g.RxBufsPolicy&RxBufsMTU != 0:
			policy = "MTU"
		default:
			policy = "ADVERT"
		}
		d.line(" rx_bufs_policy = %s", policy)
	}
	d.line(" rx_bufs_multiples = %d", g.RxBufsMultiplier)
}

// address is the mail server as dumps show it.
func (m *Mail) address() string {
	if m.Addr.IsValid() {
		return m.Addr.String()
	}
	return m.Server
}
