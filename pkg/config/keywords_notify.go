package config

// globalNotifyBlock is how others are told what happens: FIFOs, SNMP and D-Bus.
var globalNotifyBlock = Block{Keywords: []Keyword{
	{
		Name: "notify_fifo", Takes: Words, Tier: 'B', Args: "<path> [<user> [<group>]]", Lax: true,
		Doc: "FIFO that receives VRRP and checker events",
		set: func(d *decoder, a *arg) { d.fifo(a, &d.g.NotifyFIFO) },
	},
	{
		Name: "notify_fifo_script", Takes: Exec, Tier: 'B', Lax: true,
		Doc: "program started to read notify_fifo; FIFO path is appended as last argument",
		set: func(d *decoder, a *arg) { d.fifoScript(a, &d.g.NotifyFIFO) },
	},
	{
		Name: "vrrp_notify_fifo", Takes: Words, Tier: 'B', Role: VRRP, Args: "<path> [<user> [<group>]]", Lax: true,
		Doc: "FIFO for VRRP events only",
		set: func(d *decoder, a *arg) { d.fifo(a, &d.g.VRRPFIFO) },
	},
	{
		Name: "vrrp_notify_fifo_script", Takes: Exec, Tier: 'B', Role: VRRP, Lax: true,
		Doc: "reader of vrrp_notify_fifo",
		set: func(d *decoder, a *arg) { d.fifoScript(a, &d.g.VRRPFIFO) },
	},
	{
		Name: "lvs_notify_fifo", Takes: Words, Tier: 'B', Role: Checkers, Args: "<path> [<user> [<group>]]", Lax: true,
		Doc: "FIFO for virtual/real server events only",
		set: func(d *decoder, a *arg) { d.fifo(a, &d.g.LVSFIFO) },
	},
	{
		Name: "lvs_notify_fifo_script", Takes: Exec, Tier: 'B', Role: Checkers, Lax: true,
		Doc: "reader of lvs_notify_fifo",
		set: func(d *decoder, a *arg) { d.fifoScript(a, &d.g.LVSFIFO) },
	},
	{
		Name: "vrrp_notify_priority_changes", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "default of notify_priority_changes",
		set: func(d *decoder, a *arg) { d.g.NotifyPriorityChanges = a.on },
	},
	{
		Name: "fifo_write_vrrp_states_on_reload", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "write the current state of every instance and group to the FIFOs after a reload",
		set: func(d *decoder, a *arg) { d.g.FIFOStatesOnReload = true },
	},
	{
		Name: "snmp_socket", Pending: true, Takes: Text, Tier: 'C', Args: "<str>", Default: "unix:/var/agentx/master", Lax: true,
		Doc: "AgentX master address",
		set: func(d *decoder, a *arg) { d.g.SNMP.Socket = a.text },
	},
	{
		Name: "enable_traps", Pending: true, Takes: Flag, Tier: 'C',
		Doc: "send SNMP traps",
		set: func(d *decoder, a *arg) { d.g.SNMP.Traps = true },
	},
	{
		Name: "enable_snmp_vrrp", Pending: true, Takes: Flag, Tier: 'B', Role: VRRP,
		Doc: "serve the VRRP part of the keepalived MIB",
		set: func(d *decoder, a *arg) { d.g.SNMP.VRRP = true },
	},
	{
		Name: "enable_snmp_keepalived", Pending: true, Takes: Flag, Tier: 'D', Role: VRRP, Old: true, Use: "enable_snmp_vrrp",
		Doc: "old spelling of enable_snmp_vrrp",
		set: func(d *decoder, a *arg) { d.g.SNMP.VRRP = true },
	},
	{
		Name: "enable_snmp_rfc", Pending: true, Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "serve both RFC MIBs",
		set: func(d *decoder, a *arg) { d.g.SNMP.RFCv2, d.g.SNMP.RFCv3 = true, true },
	},
	{
		Name: "enable_snmp_rfcv2", Pending: true, Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "serve VRRP-MIB (RFC 2787)",
		set: func(d *decoder, a *arg) { d.g.SNMP.RFCv2 = true },
	},
	{
		Name: "enable_snmp_rfcv3", Pending: true, Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "serve VRRPv3-MIB (RFC 6527)",
		set: func(d *decoder, a *arg) { d.g.SNMP.RFCv3 = true },
	},
	{
		Name: "enable_snmp_checker", Pending: true, Takes: Flag, Tier: 'B', Role: Checkers,
		Doc: "serve the checker part of the keepalived MIB",
		set: func(d *decoder, a *arg) { d.g.SNMP.Checkers = true },
	},
	{
		Name: "snmp_vs_stats_update_interval", Pending: true, Takes: Seconds, Tier: 'C', Role: Checkers, Min: 1000, Max: 30000000, Default: "5",
		Doc: "how old virtual server counters may get before they are read again",
		set: func(d *decoder, a *arg) { d.g.SNMP.VSInterval = a.dur },
	},
	{
		Name: "snmp_rs_stats_update_interval", Pending: true, Takes: Seconds, Tier: 'C', Role: Checkers, Min: 1000, Max: 30000000, Default: "= vs value",
		Doc: "the same for real server counters",
		set: func(d *decoder, a *arg) { d.g.SNMP.RSInterval = a.dur },
	},
	{
		Name: "enable_dbus", Pending: true, Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "offer the D-Bus service",
		set: func(d *decoder, a *arg) { d.g.DBus.Enable = true },
	},
	{
		Name: "dbus_service_name", Pending: true, Takes: Text, Tier: 'C', Role: VRRP, Args: "<str>", Default: "org.keepalived.Vrrp1", Lax: true,
		Doc: "D-Bus bus name",
		set: func(d *decoder, a *arg) { d.g.DBus.ServiceName = a.text },
	},
	{
		Name: "dbus_no_interface_name", Pending: true, Takes: Text, Tier: 'C', Role: VRRP, Args: "<str>",
		Doc: "path element for instances without an interface",
		set: func(d *decoder, a *arg) { d.g.DBus.NoInterfaceName = a.text },
	},
}, Common: &globalDaemonBlock}
