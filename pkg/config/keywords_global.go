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
	{
		Name: "vrrp_mcast_group4", Takes: Addr, Tier: 'B', Role: VRRP, Default: "224.0.0.18", Args: "<ipv4 mcast>",
		Doc: "multicast group for IPv4 adverts",
		set: func(d *decoder, a *arg) { setMcastGroup(d, a, &d.g.McastGroup4, false) },
	},
	{
		Name: "vrrp_mcast_group6", Takes: Addr, Tier: 'B', Role: VRRP, Default: "ff02::12", Args: "<ipv6 mcast>",
		Doc: "multicast group for IPv6 adverts",
		set: func(d *decoder, a *arg) { setMcastGroup(d, a, &d.g.McastGroup6, true) },
	},
	{
		Name: "vrrp_garp_master_delay", Takes: Int, Tier: 'B', Role: VRRP, Max: 4294, Unit: "seconds", Default: "5",
		Doc: "default for garp_master_delay",
		set: func(d *decoder, a *arg) { d.g.GARP.MasterDelay = time.Duration(a.n) * time.Second },
	},
	{
		Name: "vrrp_garp_master_repeat", Takes: Int, Tier: 'B', Role: VRRP, Default: "5", Max: maxUint32,
		Doc: "default for garp_master_repeat (0 becomes 1 with an error)",
		set: func(d *decoder, a *arg) { d.g.GARP.MasterRepeat = d.atLeastOne(a) },
	},
	{
		Name: "vrrp_garp_master_refresh", Takes: Int, Tier: 'B', Role: VRRP, Max: maxUint32, Unit: "seconds", Default: "0 (off)",
		Doc: "default for garp_master_refresh",
		set: func(d *decoder, a *arg) { d.g.GARP.Refresh = time.Duration(a.n) * time.Second },
	},
	{
		Name: "vrrp_garp_master_refresh_repeat", Takes: Int, Tier: 'B', Role: VRRP, Default: "1", Max: maxUint32,
		Doc: "default for garp_master_refresh_repeat",
		set: func(d *decoder, a *arg) { d.g.GARP.RefreshRepeat = d.atLeastOne(a) },
	},
	{
		Name: "vrrp_garp_lower_prio_delay", Takes: Int, Tier: 'C', Role: VRRP, Max: 4294, Unit: "seconds", Default: "= vrrp_garp_master_delay",
		Doc: "default for garp_lower_prio_delay",
		set: func(d *decoder, a *arg) {
			d.g.GARP.LowerPrioDelay, d.g.GARP.LowerDelayGiven = time.Duration(a.n)*time.Second, true
		},
	},
	{
		Name: "vrrp_garp_lower_prio_repeat", Takes: Int, Tier: 'C', Role: VRRP, Max: maxInt32, Default: "= vrrp_garp_master_repeat",
		Doc: "default for garp_lower_prio_repeat",
		set: func(d *decoder, a *arg) { d.g.GARP.LowerPrioRepeat, d.g.GARP.LowerRepeatGiven = int(a.n), true },
	},
	{
		Name: "vrrp_down_timer_adverts", Takes: Int, Tier: 'C', Role: VRRP, Min: 1, Max: 100, Default: "3",
		Doc: "default for down_timer_adverts",
		set: func(d *decoder, a *arg) { d.g.DownTimerAdverts = int(a.n) },
	},
	{
		Name: "vrrp_garp_interval", Takes: Seconds, Tier: 'B', Role: VRRP, Min: 1, Max: 4294967295, Default: "0",
		Doc: "gap between gratuitous ARPs on one interface",
		set: func(d *decoder, a *arg) { d.g.GARPInterval = a.dur },
	},
	{
		Name: "vrrp_gna_interval", Takes: Seconds, Tier: 'B', Role: VRRP, Min: 1, Max: 4294967295, Default: "0",
		Doc: "gap between unsolicited NAs on one interface",
		set: func(d *decoder, a *arg) { d.g.GNAInterval = a.dur },
	},
	{
		Name: "vrrp_min_garp", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "one GARP only: repeat 1, second-set delay 0, refresh 0, refresh repeat 1, for values still at their built-in default",
		set: func(d *decoder, a *arg) { d.g.MinGARP = a.on },
	},
	{
		Name: "vrrp_garp_extra_if", Takes: Words, Tier: 'C', Role: VRRP, Args: "[all] <int seconds 1..86400>", Default: "0 (off)", Lax: true,
		Doc: "default for garp_extra_if",
		set: func(d *decoder, a *arg) { d.extraIf(a, &d.g.GARPExtraIf, &d.g.GARPExtraIfAll) },
	},
	{
		Name: "vrrp_vmac_garp_intvl", Takes: Words, Tier: 'D', Role: VRRP, Args: "[all] <int>", Lax: true, Old: true, Use: "vrrp_garp_extra_if",
		Doc: "old spelling of vrrp_garp_extra_if (counts as an error)",
		set: func(d *decoder, a *arg) { d.extraIf(a, &d.g.GARPExtraIf, &d.g.GARPExtraIfAll) },
	},
	{
		Name: "vrrp_lower_prio_no_advert", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "default for lower_prio_no_advert",
		set: func(d *decoder, a *arg) { d.g.LowerPrioNoAdvert = a.on },
	},
	{
		Name: "vrrp_higher_prio_send_advert", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "default for higher_prio_send_advert",
		set: func(d *decoder, a *arg) { d.g.HigherPrioSendAdvert = a.on },
	},
	{
		Name: "vrrp_version", Takes: Int, Tier: 'A', Role: VRRP, Default: "2", Min: 2, Max: 3,
		Doc: "default VRRP version (IPv6 instances are always 3)",
		set: func(d *decoder, a *arg) { d.g.Version = int(a.n) },
	},
	{
		Name: "vrrp_iptables", Twice: FirstCounts, Takes: Words, Tier: 'B', Role: VRRP, Args: "[<in chain> [<out chain>]]", Default: "none; INPUT OUTPUT without arguments", Optional: true,
		Doc: "use iptables (or ipsets) instead of nftables for no_accept and VMAC filtering; chain names ≤28 chars",
		set: func(d *decoder, a *arg) { setIPTables(d, a) },
	},
	{
		Name: "vrrp_ipsets", Pending: true, Takes: Words, Tier: 'C', Role: VRRP, Args: "[<set4> [<set6> [<set_if6> [<set_igmp> [<set_mld> [<set_nd>]]]]]]", Default: "keepalived keepalived6 keepalived_if6 keepalived_igmp keepalived_mld keepalived_nd", Optional: true,
		Doc: "names of ipsets used with vrrp_iptables; no argument = do not use ipsets",
		set: func(d *decoder, a *arg) { setIPSets(d, a) },
	},
	{
		Name: "nftables", Twice: FirstCounts, Takes: Words, Tier: 'C', Role: VRRP, Args: "[<table>]", Default: "keepalived", Optional: true,
		Doc: "use nftables and set the table name; not reloadable",
		set: func(d *decoder, a *arg) { setNFTables(d, a) },
	},
	{
		Name: "nftables_priority", Takes: Int, Tier: 'C', Role: VRRP, Min: -1 << 31, Max: maxInt32, Default: "-1",
		Doc: "priority of the nftables base chains",
		set: func(d *decoder, a *arg) { d.g.Firewall.NFPriority = int(a.n) },
	},
	{
		Name: "nftables_ifindex", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "match interfaces by index rather than by name in nftables rules",
		set: func(d *decoder, a *arg) { d.g.Firewall.NFIfindex = true },
	},
	{
		Name: "nftables_counters", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "add counters to the nftables rules",
		set: func(d *decoder, a *arg) { d.g.Firewall.NFCounters = true },
	},
	{
		Name: "nftables_ipvs", Twice: FirstCounts, Takes: Words, Tier: 'C', Role: Checkers, Args: "[<table>]", Default: "off; keepalived_ipvs", Optional: true,
		Doc: "map virtual server groups to one fwmark each by nftables rules; not reloadable",
		set: func(d *decoder, a *arg) { setNFIPVS(d, a) },
	},
	{
		Name: "nftables_ipvs_priority", Takes: Int, Tier: 'C', Role: Checkers, Min: -1 << 31, Max: maxInt32, Default: "-1",
		Doc: "priority of the nftables IPVS chain",
		set: func(d *decoder, a *arg) {
			d.g.Firewall.NFIPVSPriority = int(a.n)
		},
	},
	{
		Name: "nftables_ipvs_start_fwmark", Takes: Int, Tier: 'C', Role: Checkers, Min: 1, Max: maxUint32, Default: "1000",
		Doc: "first fwmark handed out",
		set: func(d *decoder, a *arg) { d.g.Firewall.NFIPVSStartFwmark = uint32(a.n) },
	},
	{
		Name: "vrrp_check_unicast_src", Takes: Flag, Tier: 'B', Role: VRRP,
		Doc: "default for check_unicast_src",
		set: func(d *decoder, a *arg) { d.g.CheckUnicastSrc = true },
	},
	{
		Name: "vrrp_skip_check_adv_addr", Takes: Bool, Tier: 'A', Role: VRRP,
		Doc: "default for skip_check_adv_addr",
		set: func(d *decoder, a *arg) { d.g.SkipCheckAdvAddr = a.on },
	},
	{
		Name: "vrrp_strict", Takes: Bool, Tier: 'A', Role: VRRP,
		Doc: "default for strict_mode (RFC-only behaviour)",
		set: func(d *decoder, a *arg) { d.g.Strict = a.on },
	},
	{
		Name: "vrrp_priority", Takes: Int, Tier: 'C', Role: VRRP, Min: -20, Max: 19, Default: "0", Lax: true,
		Doc: "nice value of the VRRP process",
		set: func(d *decoder, a *arg) { d.g.VRRP.Nice = int(a.n) },
	},
	{
		Name: "vrrp_no_swap", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "lock the VRRP process in memory",
		set: func(d *decoder, a *arg) { d.g.VRRP.NoSwap = true },
	},
	{
		Name: "vrrp_rt_priority", Takes: Words, Tier: 'C', Role: VRRP, Lax: true, Args: "<1..99>",
		Doc: "real-time scheduling priority; clamped into 1..99",
		set: func(d *decoder, a *arg) { d.rtPriority(a, &d.g.VRRP) },
	},
	{
		Name: "vrrp_cpu_affinity", Takes: Words, Tier: 'C', Role: VRRP, Args: "<cpu id> …", Default: "all", Lax: true,
		Doc: "CPUs the process may use",
		set: func(d *decoder, a *arg) { d.cpuAffinity(a, &d.g.VRRP) },
	},
	{
		Name: "vrrp_rlimit_rttime", Takes: Int, Tier: 'C', Role: VRRP, Min: 1, Max: maxUint32, Unit: "µs", Default: "10000",
		Doc: "limit of uninterrupted CPU time under real-time scheduling (1 becomes 2)",
		set: func(d *decoder, a *arg) { d.g.VRRP.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "vrrp_rlimit_rtime", Takes: Int, Tier: 'D', Role: VRRP, Min: 1, Max: maxUint32, Use: "vrrp_rlimit_rttime",
		Doc: "old spelling of vrrp_rlimit_rttime (log line only)",
		set: func(d *decoder, a *arg) { d.g.VRRP.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "checker_priority", Takes: Int, Tier: 'C', Role: Checkers, Min: -20, Max: 19, Default: "0", Lax: true,
		Doc: "nice value of the checker process",
		set: func(d *decoder, a *arg) { d.g.Checkers.Nice = int(a.n) },
	},
	{
		Name: "checker_no_swap", Takes: Flag, Tier: 'C', Role: Checkers,
		Doc: "lock the checker process in memory",
		set: func(d *decoder, a *arg) { d.g.Checkers.NoSwap = true },
	},
	{
		Name: "checker_rt_priority", Takes: Words, Tier: 'C', Role: Checkers, Lax: true, Args: "<1..99>",
		Doc: "real-time priority of the checker process; clamped into 1..99",
		set: func(d *decoder, a *arg) { d.rtPriority(a, &d.g.Checkers) },
	},
	{
		Name: "checker_cpu_affinity", Takes: Words, Tier: 'C', Role: Checkers, Args: "<cpu id> …", Default: "all", Lax: true,
		Doc: "CPUs of the checker process",
		set: func(d *decoder, a *arg) { d.cpuAffinity(a, &d.g.Checkers) },
	},
	{
		Name: "checker_rlimit_rttime", Takes: Int, Tier: 'C', Role: Checkers, Min: 1, Max: maxUint32, Unit: "µs", Default: "10000",
		Doc: "as vrrp_rlimit_rttime",
		set: func(d *decoder, a *arg) { d.g.Checkers.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "checker_rlimit_rtime", Takes: Int, Tier: 'D', Role: Checkers, Min: 1, Max: maxUint32, Use: "checker_rlimit_rttime",
		Doc: "old spelling of checker_rlimit_rttime (log line only)",
		set: func(d *decoder, a *arg) { d.g.Checkers.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "bfd_priority", Takes: Int, Tier: 'C', Role: BFD, Min: -20, Max: 19, Default: "0", Lax: true,
		Doc: "nice value of the BFD process",
		set: func(d *decoder, a *arg) { d.g.Bfd.Nice = int(a.n) },
	},
	{
		Name: "bfd_no_swap", Takes: Flag, Tier: 'C', Role: BFD,
		Doc: "lock the BFD process in memory",
		set: func(d *decoder, a *arg) { d.g.Bfd.NoSwap = true },
	},
	{
		Name: "bfd_rt_priority", Takes: Words, Tier: 'C', Role: BFD, Lax: true, Args: "<1..99>",
		Doc: "real-time priority of the BFD process; clamped into 1..99",
		set: func(d *decoder, a *arg) { d.rtPriority(a, &d.g.Bfd) },
	},
	{
		Name: "bfd_cpu_affinity", Takes: Words, Tier: 'C', Role: BFD, Args: "<cpu id> …", Default: "all", Lax: true,
		Doc: "CPUs of the BFD process",
		set: func(d *decoder, a *arg) { d.cpuAffinity(a, &d.g.Bfd) },
	},
	{
		Name: "bfd_rlimit_rttime", Takes: Int, Tier: 'C', Role: BFD, Min: 1, Max: maxUint32, Unit: "µs", Default: "10000",
		Doc: "as vrrp_rlimit_rttime",
		set: func(d *decoder, a *arg) { d.g.Bfd.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "bfd_rlimit_rtime", Takes: Int, Tier: 'D', Role: BFD, Min: 1, Max: maxUint32, Use: "bfd_rlimit_rttime",
		Doc: "old spelling of bfd_rlimit_rttime (log line only)",
		set: func(d *decoder, a *arg) { d.g.Bfd.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
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
	{
		Name: "script_user", Takes: Words, Tier: 'A', Args: "<user> [<group>]", Default: "keepalived_script if that user exists, else root", Lax: true,
		Doc: "account for all scripts without their own; no group = the user's own group",
		set: func(d *decoder, a *arg) { setScriptUser(d, a) },
	},
	{
		Name: "enable_script_security", Takes: Flag, Tier: 'A',
		Doc: "refuse root-run scripts whose path a non-root user could alter",
		set: func(d *decoder, a *arg) { d.g.ScriptSecurity = true },
	},
	{
		Name: "vrrp_netlink_cmd_rcv_bufs", Takes: Int, Tier: 'C', Role: VRRP, Max: maxUint32, Unit: "bytes", Default: "0 = kernel default", Lax: true,
		Doc: "receive buffer of the VRRP command netlink socket",
		set: func(d *decoder, a *arg) { d.g.VRRP.NetlinkCmd.Size = int(a.n) },
	},
	{
		Name: "vrrp_netlink_cmd_rcv_bufs_force", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "set that buffer ignoring the system limit",
		set: func(d *decoder, a *arg) { d.g.VRRP.NetlinkCmd.Force = a.on },
	},
	{
		Name: "vrrp_netlink_monitor_rcv_bufs", Takes: Int, Tier: 'C', Role: VRRP, Max: maxUint32, Unit: "bytes", Default: "0 = kernel default", Lax: true,
		Doc: "receive buffer of the VRRP monitor netlink socket",
		set: func(d *decoder, a *arg) { d.g.VRRP.NetlinkWatch.Size = int(a.n) },
	},
	{
		Name: "vrrp_netlink_monitor_rcv_bufs_force", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "as above",
		set: func(d *decoder, a *arg) { d.g.VRRP.NetlinkWatch.Force = a.on },
	},
	{
		Name: "process_monitor_rcv_bufs", Takes: Int, Tier: 'C', Role: VRRP, Max: maxUint32, Unit: "bytes", Default: "0 = kernel default", Lax: true,
		Doc: "receive buffer of the process connector socket",
		set: func(d *decoder, a *arg) { d.g.ProcessMonitor.Size = int(a.n) },
	},
	{
		Name: "process_monitor_rcv_bufs_force", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "as above",
		set: func(d *decoder, a *arg) { d.g.ProcessMonitor.Force = a.on },
	},
	{
		Name: "lvs_netlink_cmd_rcv_bufs", Takes: Int, Tier: 'C', Role: Checkers, Max: maxUint32, Unit: "bytes", Default: "0 = kernel default", Lax: true,
		Doc: "receive buffer of the IPVS command socket",
		set: func(d *decoder, a *arg) { d.g.Checkers.NetlinkCmd.Size = int(a.n) },
	},
	{
		Name: "lvs_netlink_cmd_rcv_bufs_force", Takes: Bool, Tier: 'C', Role: Checkers,
		Doc: "as above",
		set: func(d *decoder, a *arg) { d.g.Checkers.NetlinkCmd.Force = a.on },
	},
	{
		Name: "lvs_netlink_monitor_rcv_bufs", Takes: Int, Tier: 'C', Role: Checkers, Max: maxUint32, Unit: "bytes", Default: "0 = kernel default", Lax: true,
		Doc: "receive buffer of the checker monitor socket",
		set: func(d *decoder, a *arg) { d.g.Checkers.NetlinkWatch.Size = int(a.n) },
	},
	{
		Name: "lvs_netlink_monitor_rcv_bufs_force", Takes: Bool, Tier: 'C', Role: Checkers,
		Doc: "as above",
		set: func(d *decoder, a *arg) { d.g.Checkers.NetlinkWatch.Force = a.on },
	},
	{
		Name: "rs_init_notifies", Takes: Bool, Tier: 'C', Role: Checkers,
		Doc: "run notify_up/notify_down for the first known state of each real server",
		set: func(d *decoder, a *arg) { d.g.RSInitNotifies = a.on },
	},
	{
		Name: "vrrp_rx_bufs_policy", Takes: Words, Tier: 'C', Role: VRRP, Args: "MTU|ADVERT|<int bytes> (words in any case)", Default: "kernel default", Lax: true,
		Doc: "how VRRP receive socket buffers are sized; a number beats a word and MTU beats ADVERT",
		set: func(d *decoder, a *arg) { setRxBufsPolicy(d, a) },
	},
	{
		Name: "vrrp_rx_bufs_multiplier", Takes: Int, Tier: 'C', Role: VRRP, Min: 1, Max: maxUint32, Default: "3", Alone: true, Lax: true,
		Doc: "multiplier for the word policies",
		set: func(d *decoder, a *arg) { d.g.RxBufsMultiplier = int(a.n) },
	},
	{
		Name: "vrrp_startup_delay", Takes: Seconds, Tier: 'B', Role: VRRP, Min: 1000, Max: 4294967295, Default: "0",
		Doc: "do not start VRRP for that long after process start",
		set: func(d *decoder, a *arg) { d.g.StartupDelay = a.dur },
	},
	{
		Name: "vrrp_delay_after_boot", Takes: Seconds, Tier: 'C', Role: VRRP, Min: 1000, Max: 4294967295, Default: "0",
		Doc: "do not start VRRP before the machine has been up that long",
		set: func(d *decoder, a *arg) { d.g.DelayAfterBoot = a.dur },
	},
	{
		Name: "log_unknown_vrids", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "log adverts for VRIDs that are not configured on the interface",
		set: func(d *decoder, a *arg) { d.g.LogUnknownVRIDs = true },
	},
	{
		Name: "vrrp_owner_ignore_adverts", Takes: Bool, Tier: 'C', Role: VRRP,
		Doc: "default for owner_ignore_adverts",
		set: func(d *decoder, a *arg) { d.g.OwnerIgnoreAdverts = a.on },
	},
	{
		Name: "vmac_prefix", Twice: FirstCounts, Takes: Text, Tier: 'C', Role: VRRP, Args: "<str>", Default: "vrrp",
		Doc: "prefix of automatic VMAC interface names",
		set: func(d *decoder, a *arg) { d.g.VMACPrefix = a.text },
	},
	{
		Name: "vmac_addr_prefix", Twice: FirstCounts, Takes: Text, Tier: 'C', Role: VRRP, Args: "<str>", Default: "= vmac_prefix",
		Doc: "prefix of names of interfaces made by use_vmac_addr",
		set: func(d *decoder, a *arg) { d.g.VMACAddrPrefix = a.text },
	},
	{
		Name: "umask", Takes: Words, Tier: 'C', Args: "<num: 0nnn octal, decimal or 0x hex> | I{R|W|X}{USR|GRP|OTH} or IRWX{U|G|O} joined by \"|\"", Default: "0177",
		Doc: "umask of the daemon and its scripts; command line wins",
		set: func(d *decoder, a *arg) { setUmask(d, a) },
	},
	{
		Name: "random_seed", Takes: Int, Tier: 'C', Max: maxUint32, Default: "time based",
		Doc: "seed of _RANDOM and of the checker start jitter",
		set: func(d *decoder, a *arg) { d.g.RandomSeed = new(uint32(a.n)) },
	},
	{
		Name: "reload_check_config", Takes: Words, Tier: 'B', Args: "[<log file>]", Default: "off; /dev/null", Optional: true,
		Doc: "before a reload test the new configuration in a separate process and refuse it if that fails",
		set: func(d *decoder, a *arg) {
			d.g.ReloadCheckConfig = true
			if a.given {
				d.g.ReloadCheckLog = a.words[0].Text
			}
		},
	},
	{
		Name: "reload_time_file", Takes: Text, Tier: 'C', Args: "<path>", Alone: true, Lax: true,
		Doc: "file holding the time of a scheduled reload",
		set: func(d *decoder, a *arg) { d.g.ReloadTimeFile = a.text },
	},
	{
		Name: "reload_repeat", Takes: Flag, Tier: 'C',
		Doc: "keep a time-only schedule for every day",
		set: func(d *decoder, a *arg) { d.g.ReloadRepeat = true },
	},
	{
		Name: "reload_file", Takes: Words, Tier: 'C', Args: "[<path>]", Default: "off; keepalived.reload in the run dir", Optional: true,
		Doc: "file that exists while a reload is in progress",
		set: func(d *decoder, a *arg) {
			d.g.ReloadFile = DefaultReloadFile
			if a.given {
				d.g.ReloadFile = a.words[0].Text
			}
		},
	},
	{
		Name: "include_check", Takes: Words, Tier: 'C', Args: "[[+|-]read|match|wildcard_match|brace_match] …", Default: "off; no argument = all", Optional: true,
		Doc: "which include problems make the configuration fail",
		set: func(d *decoder, a *arg) { checkIncludeWords(d, a) },
	},
	{
		Name: "config_save_dir", Pending: true, Takes: Text, Tier: 'C', Args: "<dir>",
		Doc: "each process writes the configuration it read into this directory (made with mode 0700)",
		set: func(d *decoder, a *arg) { setConfigSaveDir(d, a) },
	},
	{
		Name: "tmp_config_directory", Twice: FirstCounts, Pending: true, Takes: Text, Tier: 'C', Args: "<dir>", Default: "memory file", Lax: true,
		Doc: "where the merged configuration copy is kept; not reloadable",
		set: func(d *decoder, a *arg) { d.g.TmpConfigDirectory = a.text },
	},
	{
		Name: "data_use_instance", Takes: Bool, Tier: 'C',
		Doc: "add namespace and instance names to the state dump file names",
		set: func(d *decoder, a *arg) { d.g.DataUseInstance = a.on },
	},
	{
		Name: "json_version", Takes: Int, Tier: 'C', Role: VRRP, Default: "1", Lax: true, Min: 1, Max: 2,
		Doc: "layout of the JSON dump",
		set: func(d *decoder, a *arg) { d.g.JSONVersion = int(a.n) },
	},
	{
		Name: "iproute_usr_dir", Takes: Text, Tier: 'C', Args: "<dir>", Default: "build time value (here /etc/iproute2)", Alone: true, Lax: true,
		Doc: "distribution directory of the iproute2 name tables (rt_tables, rt_protos …)",
		set: func(d *decoder, a *arg) { d.g.IPRouteUsrDir = a.text },
	},
	{
		Name: "iproute_etc_dir", Takes: Text, Tier: 'C', Args: "<dir>", Default: "build time value (here /etc/iproute2)", Alone: true, Lax: true,
		Doc: "local directory of the iproute2 name tables",
		set: func(d *decoder, a *arg) { d.g.IPRouteEtcDir = a.text },
	},
	{
		Name: "state_dump_file", Takes: Text, Tier: 'C', Args: "<path>", Default: "keepalived.data in the temp dir", Alone: true, Lax: true,
		Doc: "name pattern of the state dump files",
		set: func(d *decoder, a *arg) { d.dumpFile(a, &d.g.StateDumpFile) },
	},
	{
		Name: "stats_dump_file", Takes: Text, Tier: 'C', Role: VRRP, Args: "<path>", Default: "keepalived.stats in the temp dir", Alone: true, Lax: true,
		Doc: "accepted and displayed but not used by 2.4.3",
		set: func(d *decoder, a *arg) { d.dumpFile(a, &d.g.StatsDumpFile) },
	},
	{
		Name: "json_dump_file", Takes: Text, Tier: 'C', Role: VRRP, Args: "<path>", Default: "keepalived.json in the temp dir", Alone: true, Lax: true,
		Doc: "accepted and displayed but not used by 2.4.3",
		set: func(d *decoder, a *arg) { d.dumpFile(a, &d.g.JSONDumpFile) },
	},
	{
		Name: "lvs_reconcile_interval", Takes: Seconds, Tier: 'C', Role: Checkers, Max: 86400000000, Default: "5", Ours: true,
		Doc: "how often the IPVS table is compared with the configuration and put right; 0 only at changes",
		set: func(d *decoder, a *arg) { d.g.LVS.ReconcileInterval = a.dur },
	},
	{
		Name: "shared_checks", Takes: Bool, Tier: 'C', Role: Checkers, Default: "true", Ours: true,
		Doc: "make checks that ask the same of the same target once, for all their real servers; read at start",
		set: func(d *decoder, a *arg) { d.g.LVS.SharedChecks = a.on },
	},
}}
