package config

import "time"

// DefaultReloadFile is the file of reload_file without an argument.
const DefaultReloadFile = "/run/keepalived.reload"

// globalBlock is global_defs.
var globalBlock = Block{Keywords: []Keyword{
	{
		Name: "process_names", Takes: Flag, Tier: 'C',
		Doc: "name the processes keepalived_vrrp, keepalived_lvs, keepalived_bfd",
		set: func(d *decoder, a *arg) { d.g.ProcessNames = true },
	},
	{
		Name: "process_name", Takes: Words, Tier: 'C', Args: "<str ≤15>", Default: "keepalived",
		Doc: "name of the parent process (longer: cut, error)",
		set: func(d *decoder, a *arg) { d.g.ProcessName = d.processName(a) },
	},
	{
		Name: "vrrp_process_name", Takes: Words, Tier: 'C', Role: VRRP, Args: "<str ≤15>", Default: "keepalived",
		Doc: "name of the VRRP process",
		set: func(d *decoder, a *arg) { d.g.VRRP.Name = d.processName(a) },
	},
	{
		Name: "checker_process_name", Takes: Words, Tier: 'C', Role: Checkers, Args: "<str ≤15>", Default: "keepalived",
		Doc: "name of the checker process",
		set: func(d *decoder, a *arg) { d.g.Checkers.Name = d.processName(a) },
	},
	{
		Name: "lvs_process_name", Takes: Text, Tier: 'D', Role: Checkers, Args: "<str ≤15>", Use: "checker_process_name",
		Doc: "old spelling of checker_process_name (log line only)",
		set: func(d *decoder, a *arg) { d.g.Checkers.Name = d.processName(a) },
	},
	{
		Name: "bfd_process_name", Takes: Words, Tier: 'C', Role: BFD, Args: "<str ≤15>", Default: "keepalived",
		Doc: "name of the BFD process",
		set: func(d *decoder, a *arg) { d.g.Bfd.Name = d.processName(a) },
	},
	{
		Name: "use_symlink_paths", Takes: Bool, Tier: 'C',
		Doc: "keep script paths as written instead of resolving symlinks",
		set: func(d *decoder, a *arg) { d.g.UseSymlinkPaths = a.on },
	},
	{
		Name: "router_id", Takes: Text, Tier: 'A', Args: "<str>", Default: "canonical local host name", Lax: true,
		Doc: "text put into mail subjects and SNMP",
		set: func(d *decoder, a *arg) { d.g.RouterID = a.text },
	},
	{
		Name: "notification_email", Takes: Items, Tier: 'A',
		Doc:   "recipients of alert mails (quote an entry that holds spaces)",
		Block: &mailBlock, open: openNotificationEmail, item: itemNotificationEmail, end: endNotificationEmail,
	},
	{
		Name: "notification_email_from", Takes: Text, Tier: 'A', Args: "<address>", Default: "<user>@<host> when smtp_server is set", Lax: true,
		Doc: "sender address of alert mails",
		set: func(d *decoder, a *arg) { setMailFrom(d, a) },
	},
	{
		Name: "smtp_server", Takes: Words, Tier: 'A', Args: "<ip|host> [<port 1..65535>]", Default: "none; port 25",
		Doc: "mail relay",
		set: func(d *decoder, a *arg) { setSMTPServer(d, a) },
	},
	{
		Name: "smtp_helo_name", Takes: Text, Tier: 'B', Args: "<str>", Default: "local host name", Optional: true,
		Doc: "name used in HELO for alert mails",
		set: func(d *decoder, a *arg) {
			if a.given {
				d.g.Mail.Helo = a.text
			}
		},
	},
	{
		Name: "smtp_connect_timeout", Takes: Int, Tier: 'A', Max: 4294, Unit: "seconds", Default: "30",
		Doc: "connect timeout for alert mails (0 becomes 1 with an error)",
		set: func(d *decoder, a *arg) { d.g.Mail.DialTimeout = time.Duration(d.atLeastOne(a)) * time.Second },
	},
	{
		Name: "smtp_alert", Takes: Bool, Tier: 'B', Default: "unset",
		Doc: "default for smtp_alert of instances, groups, virtual and real servers",
		set: func(d *decoder, a *arg) { d.g.SMTPAlert = tri(a.on) },
	},
	{
		Name: "smtp_alert_vrrp", Takes: Bool, Tier: 'B', Role: VRRP, Default: "unset",
		Doc: "as smtp_alert but only for VRRP",
		set: func(d *decoder, a *arg) { d.g.SMTPAlertVRRP = tri(a.on) },
	},
	{
		Name: "smtp_alert_checker", Takes: Bool, Tier: 'B', Role: Checkers, Default: "unset",
		Doc: "as smtp_alert but only for virtual/real servers",
		set: func(d *decoder, a *arg) { d.g.SMTPAlertChecker = tri(a.on) },
	},
	{
		Name: "no_email_faults", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "no mails for FAULT transitions",
		set: func(d *decoder, a *arg) { d.g.NoEmailFaults = true },
	},
	{
		Name: "no_checker_emails", Takes: Bool, Tier: 'C', Role: Checkers,
		Doc: "no mails for single checker state changes (real/virtual server mails stay)",
		set: func(d *decoder, a *arg) { d.g.NoCheckerEmails = a.on },
	},
	{
		Name: "startup_script", Takes: Exec, Strict: true, Tier: 'C', Lax: true,
		Doc: "run once before the children start",
		set: func(d *decoder, a *arg) { d.g.StartupScript = d.once(d.g.StartupScript, a) },
	},
	{
		Name: "startup_script_timeout", Takes: Int, Tier: 'C', Min: 1, Max: 1000, Unit: "seconds", Default: "10", Lax: true,
		Doc: "limit for startup_script",
		set: func(d *decoder, a *arg) { d.g.StartupTimeout = time.Duration(a.n) * time.Second },
	},
	{
		Name: "shutdown_script", Takes: Exec, Strict: true, Tier: 'C', Lax: true,
		Doc: "run once after the children ended",
		set: func(d *decoder, a *arg) { d.g.ShutdownScript = d.once(d.g.ShutdownScript, a) },
	},
	{
		Name: "shutdown_script_timeout", Takes: Int, Tier: 'C', Min: 1, Max: 1000, Unit: "seconds", Default: "10", Lax: true,
		Doc: "limit for shutdown_script",
		set: func(d *decoder, a *arg) { d.g.ShutdownTimeout = time.Duration(a.n) * time.Second },
	},
	{
		Name: "max_auto_priority", Takes: Int, Tier: 'C', Min: -1, Max: 99, Optional: true, Default: "0 (off); 99 without argument",
		Doc: "highest real-time priority the daemon may give itself when it is scheduled late; -1 disables incl. the log",
		set: func(d *decoder, a *arg) {
			d.g.MaxAutoPriority = 99
			if a.given {
				d.g.MaxAutoPriority = int(a.n)
			}
		},
	},
	{
		Name: "min_auto_priority_delay", Takes: Int, Tier: 'C', Min: 1, Max: 10000000, Unit: "µs", Default: "1000000", Lax: true,
		Doc: "lateness that triggers an automatic priority increase",
		set: func(d *decoder, a *arg) { d.g.MinAutoDelay = time.Duration(a.n) * time.Microsecond },
	},
	{
		Name: "checker_log_all_failures", Takes: Bool, Tier: 'B', Role: Checkers,
		Doc: "default of log_all_failures for all checkers",
		set: func(d *decoder, a *arg) { d.g.CheckerLogFailures = a.on },
	},
	{
		Name: "dynamic_interfaces", Takes: Words, Tier: 'B', Role: VRRP, Args: "[allow_if_changes]", Optional: true,
		Doc: "interfaces may be missing at start and appear/vanish later; the option also allows an interface to be re-created with another type",
		set: func(d *decoder, a *arg) { setDynamicInterfaces(d, a) },
	},
	{
		Name: "default_interface", Takes: Text, Tier: 'B', Role: VRRP, Args: "<ifname>", Default: "eth0", Lax: true,
		Doc: "interface for static addresses/routes without dev",
		set: func(d *decoder, a *arg) { d.g.DefaultInterface = a.text },
	},
	{
		Name: "disable_local_igmp", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "turn off the kernel answering IGMP for the VRRP group on VMAC-using interfaces; not reloadable",
		set: func(d *decoder, a *arg) { d.g.DisableLocalIGMP = true },
	},
	{
		Name: "v3_checksum_as_v2", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "VRRPv3 over IPv4: checksum without pseudo header",
		set: func(d *decoder, a *arg) { d.g.V3ChecksumAsV2 = true },
	},
	{
		Name: "lvs_timeouts", Takes: Words, Tier: 'B', Role: Checkers, Args: "[tcp <int>] [tcpfin <int>] [udp <int>] each 0..2678400 s", Default: "kernel values", Lax: true,
		Doc: "IPVS connection timeouts; 0 = leave",
		set: func(d *decoder, a *arg) { setLVSTimeouts(d, a) },
	},
	{
		Name: "lvs_flush", Takes: Flag, Tier: 'B', Role: Checkers,
		Doc: "empty the whole IPVS table at start",
		set: func(d *decoder, a *arg) { d.g.LVS.Flush = true },
	},
	{
		Name: "lvs_flush_on_stop", Takes: Words, Tier: 'B', Role: Checkers, Args: "[VS]", Optional: true,
		Doc: "at stop empty the whole IPVS table; with VS remove only own services without touching real servers one by one",
		set: func(d *decoder, a *arg) { setFlushOnStop(d, a) },
	},
	{
		Name: "lvs_flush_onstop", Takes: Words, Tier: 'D', Role: Checkers, Args: "[VS]", Optional: true, Use: "lvs_flush_on_stop",
		Doc: "old spelling of lvs_flush_on_stop",
		set: func(d *decoder, a *arg) { setFlushOnStop(d, a) },
	},
	{
		Name: "lvs_sync_daemon", Takes: Words, Tier: 'B', Role: VRRP, Args: "<ifname> [inst <vrrp_instance>] [id <0..255>] [maxlen <1..65507>] [port <1..65535>] [ttl <1..255>] [group <mcast>]", Default: "off; id = VRID of inst or 0; others kernel default", Lax: true,
		Doc: "IPVS connection synchronisation daemon; legacy form: <ifname> <instance> [<id>]",
		set: func(d *decoder, a *arg) { setSyncDaemon(d, a) },
	},
}, Common: &globalVRRPBlock}
