package config

import "time"

// globalVRRPBlock is what global_defs says for all virtual routers.
var globalVRRPBlock = Block{Keywords: []Keyword{
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
}, Common: &globalRoleBlock}
