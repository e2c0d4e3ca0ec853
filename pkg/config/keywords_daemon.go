package config

// globalDaemonBlock is about the daemon itself: accounts, buffers, start, reload and the files it writes.
var globalDaemonBlock = Block{Keywords: []Keyword{
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
		Doc: "how often the IPVS table is compared with the configuration and put right; 0 only at changes, and until the kernel takes what it has refused",
		set: func(d *decoder, a *arg) { d.g.LVS.ReconcileInterval = a.dur },
	},
	{
		Name: "shared_checks", Takes: Bool, Tier: 'C', Role: Checkers, Default: "true", Ours: true,
		Doc: "make checks that ask the same of the same target once, for all their real servers; read at start",
		set: func(d *decoder, a *arg) { d.g.LVS.SharedChecks = a.on },
	},
}}
