package config

import (
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// instanceBlock is vrrp_instance.
var instanceBlock = Block{Keywords: []Keyword{
	{
		Name: "state", Takes: Text, Tier: 'A', Default: "BACKUP", Args: "MASTER|BACKUP",
		Doc: "wanted start state; MASTER without a priority means priority 255",
		set: func(d *decoder, a *arg) { setState(d, a) },
	},
	{
		Name: "interface", Takes: Text, Tier: 'A', Args: "<ifname>", Default: "required (unless unicast)",
		Doc: "interface the instance runs on; lo refused",
		set: func(d *decoder, a *arg) {
			d.inst.Interface, d.inst.InterfaceAt = a.text, a.words[0].At
			d.wantInterface(a.words[0], "vrrp_instance "+d.inst.Name)
		},
	},
	{
		Name: "virtual_router_id", Takes: Int, Tier: 'A', Min: 1, Max: 255, Default: "required",
		Doc: "VRID; unique per interface and family",
		set: func(d *decoder, a *arg) { d.inst.VRID = uint8(a.n) },
	},
	{
		Name: "priority", Takes: Int, Tier: 'A', Min: 1, Max: 255, Default: "100 (255 if state MASTER)",
		Doc: "base priority",
		set: func(d *decoder, a *arg) { d.inst.Priority, d.inst.PriorityAt = uint8(a.n), a.words[0].At },
		bad: func(d *decoder) { d.inst.Priority = DefaultPriority },
	},
	{
		Name: "advert_int", Takes: Seconds, Tier: 'A', Min: 10000, Max: 255000000, Default: "1",
		Doc: "advert interval; v2 whole seconds, v3 multiples of 10 ms up to 40.95",
		set: func(d *decoder, a *arg) { setAdvertInt(d, a) },
	},
	{
		Name: "version", Takes: Int, Tier: 'A', Default: "global vrrp_version", Min: 2, Max: 3,
		Doc: "VRRP version of the instance",
		set: func(d *decoder, a *arg) { setVersion(d, a) },
	},
	{
		Name: "authentication", Takes: Sub, Tier: 'A',
		Doc:   "VRRPv2 authentication",
		Block: &authBlock,
	},
	{
		Name: "auth_hmac", Takes: Sub, Tier: 'C',
		Doc:   "keyed HMAC trailer on adverts",
		Block: &hmacBlock, open: openHMAC,
	},
	{
		Name: "virtual_ipaddress", Takes: Items, Tier: 'A',
		Doc:   "addresses carried in the advert and set on the master",
		Block: &vipBlock, item: func(d *decoder, w []syntax.Word) { d.vip(w, false) },
	},
	{
		Name: "virtual_ipaddress_excluded", Takes: Items, Tier: 'A',
		Doc:   "addresses set on the master but not carried in the advert; may be of the other family",
		Block: &vipBlock, item: func(d *decoder, w []syntax.Word) { d.vip(w, true) },
	},
	{
		Name: "no_virtual_ipaddress", Takes: Flag, Tier: 'C',
		Doc: "no complaint about a missing address list",
		set: func(d *decoder, a *arg) { d.inst.NoVIPs = true },
	},
	{
		Name: "virtual_routes", Takes: Items, Tier: 'B',
		Doc:   "routes set on the master",
		Block: &routeBlock, item: func(d *decoder, w []syntax.Word) { d.route(w, &d.inst.Routes, false) },
	},
	{
		Name: "virtual_rules", Takes: Items, Tier: 'B',
		Doc:   "policy rules set on the master",
		Block: &ruleBlock, item: func(d *decoder, w []syntax.Word) { d.rule(w, &d.inst.Rules, false) },
	},
	{
		Name: "use_vmac", Takes: Words, Tier: 'B', Args: "[<name> | name <name>] [<mac>] [group <ifgroup>] [netlink_notify_msg]", Default: "off; vrrp.<VRID>", Optional: true,
		Doc: "run on a macvlan with the VRRP MAC; a 5 byte MAC gets the VRID appended",
		set: func(d *decoder, a *arg) { setVMAC(d, a) },
	},
	{
		Name: "use_vmac_addr", Takes: Flag, Tier: 'C',
		Doc: "also make a VMAC for every other interface that carries VIPs",
		set: func(d *decoder, a *arg) { d.inst.useVMACAddr = true },
	},
	{
		Name: "vmac_xmit_base", Takes: Flag, Tier: 'B',
		Doc: "send and receive adverts on the parent interface",
		set: func(d *decoder, a *arg) { d.inst.xmitBase = true },
	},
	{
		Name: "use_ipvlan", Twice: FirstCounts, Takes: Words, Tier: 'C', Args: "[<name> | name <name>] [<source ip>] [bridge|private|vepa] [group <ifgroup>]", Optional: true,
		Doc: "run on an ipvlan interface",
		set: func(d *decoder, a *arg) { setIPVLAN(d, a) },
	},
	{
		Name: "unicast_peer", Takes: Items, Tier: 'A',
		Doc:  "send adverts to these peers rather than to multicast",
		open: func(d *decoder, a *arg) bool { d.inst.unicastGiven = true; return true }, item: itemUnicastPeer,
	},
	{
		Name: "unicast_src_ip", Takes: Words, Args: "<address>", Tier: 'A', Default: "first address of the interface",
		Doc: "source address of unicast adverts",
		set: func(d *decoder, a *arg) { setSourceIP(d, a, true) },
	},
	{
		Name: "unicast_ttl", Takes: Int, Tier: 'C', Max: 255, Default: "255; IPv6: the kernel's hop limit",
		Doc: "TTL / hop limit of unicast adverts; error without peers",
		set: func(d *decoder, a *arg) {
			d.inst.UnicastTTL, d.inst.UnicastTTLGiven, d.inst.ttlAt = uint8(a.n), true, a.words[0]
			d.inst.unicastGiven = true
		},
	},
	{
		Name: "unicast_fault_no_peer", Takes: Flag, Tier: 'C',
		Doc: "unicast instance without peers goes to FAULT rather than to multicast",
		set: func(d *decoder, a *arg) { d.inst.UnicastFaultNoPeer, d.inst.unicastGiven = true, true },
	},
	{
		Name: "check_unicast_src", Takes: Flag, Tier: 'B', Default: "global value",
		Doc: "drop adverts whose source is not a peer",
		set: func(d *decoder, a *arg) { d.inst.CheckUnicastSrc, d.inst.unicastGiven = true, true },
	},
	{
		Name: "old_unicast_checksum", Takes: Words, Tier: 'C', Args: "[never]", Default: "auto", Optional: true,
		Doc: "v3 IPv4 unicast: checksum computed with the multicast group as destination; never = no automatic switch",
		set: func(d *decoder, a *arg) { setOldChecksum(d, a) },
	},
	{
		Name: "mcast_src_ip", Takes: Words, Args: "<address>", Tier: 'B', Default: "first address of the interface",
		Doc: "source address of multicast adverts",
		set: func(d *decoder, a *arg) { setSourceIP(d, a, false) },
	},
	{
		Name: "mcast_dst_ip", Takes: Addr, Tier: 'C', Default: "global group", Args: "<mcast ip>",
		Doc: "multicast group of this instance",
		set: func(d *decoder, a *arg) { setMcastDst(d, a) },
	},
	{
		Name: "track_src_ip", Takes: Flag, Tier: 'C',
		Doc: "FAULT while the source address is absent",
		set: func(d *decoder, a *arg) { d.inst.TrackSrcIP = true },
	},
	{
		Name: "native_ipv6", Takes: Flag, Tier: 'B',
		Doc: "force IPv6 (and version 3)",
		set: func(d *decoder, a *arg) { setNativeIPv6(d, a) },
	},
	{
		Name: "vrf", Takes: Text, Tier: 'C', Args: "<name>",
		Doc: "VRF of a unicast instance without interface",
		set: func(d *decoder, a *arg) {
			setVRF(d, a)
			d.wantInterface(a.words[0], "vrrp_instance "+d.inst.Name)
		},
	},
	{
		Name: "dont_track_primary", Takes: Flag, Tier: 'B',
		Doc: "ignore link state of interface",
		set: func(d *decoder, a *arg) { d.inst.DontTrackPrimary = true },
	},
	{
		Name: "track_interface", Takes: Items, Tier: 'A',
		Doc:   "extra interfaces whose link state matters",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackInterface, &d.inst.TrackInterfaces) },
	},
	{
		Name: "track_script", Takes: Items, Tier: 'A',
		Doc:   "vrrp_scripts that matter",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackScript, &d.inst.TrackScripts) },
	},
	{
		Name: "track_file", Takes: Items, Tier: 'B',
		Doc:   "track_files that matter",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackFile, &d.inst.TrackFiles) },
	},
	{
		Name: "track_process", Takes: Items, Tier: 'B',
		Doc:   "vrrp_track_processes that matter",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackProcess, &d.inst.TrackProcesses) },
	},
	{
		Name: "track_bfd", Takes: Items, Tier: 'C',
		Doc:   "bfd_instances that matter",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackBFD, &d.inst.TrackBFD) },
	},
	{
		Name: "promote_secondaries", Takes: Flag, Tier: 'C',
		Doc: "set the promote_secondaries sysctl on the interface",
		set: func(d *decoder, a *arg) { d.inst.PromoteSecondaries = true },
	},
	{
		Name: "linkbeat_use_polling", Takes: Flag, Tier: 'D', Old: true, Use: "linkbeat_interfaces",
		Doc: "old: use linkbeat_interfaces (counts as an error)",
		set: func(d *decoder, a *arg) {
			d.cfg.Linkbeat, d.inst.linkbeat = append(d.cfg.Linkbeat, Linkbeat{Interface: d.inst.Interface}), true
		},
	},
	{
		Name: "v3_checksum_as_v2", Takes: Bool, Tier: 'C', Default: "global value",
		Doc: "v3 IPv4 checksum without pseudo header",
		set: func(d *decoder, a *arg) { d.inst.V3ChecksumAsV2 = a.on },
	},
	{
		Name: "accept", Takes: Flag, Tier: 'B', Default: "on unless strict",
		Doc: "non-owner master accepts packets for the VIPs",
		set: func(d *decoder, a *arg) { d.inst.Accept, d.inst.AcceptGiven = true, true },
	},
	{
		Name: "no_accept", Takes: Flag, Tier: 'B',
		Doc: "drop packets to/from the VIPs on a non-owner",
		set: func(d *decoder, a *arg) { d.inst.Accept, d.inst.AcceptGiven = false, true },
	},
	{
		Name: "skip_check_adv_addr", Takes: Bool, Tier: 'B', Default: "global value",
		Doc: "skip the address list check for repeated adverts of the same master (2.4.3: even an explicit false switches it on)",
		set: func(d *decoder, a *arg) { d.inst.SkipCheckAdvAddr = true },
	},
	{
		Name: "strict_mode", Takes: Bool, Tier: 'B', Default: "global value",
		Doc: "RFC-only behaviour for this instance",
		set: func(d *decoder, a *arg) { d.inst.Strict = a.on; d.inst.strictGiven = true },
	},
	{
		Name: "preempt", Takes: Flag, Tier: 'D', Default: "on",
		Doc: "old way to undo nopreempt: drop nopreempt instead",
		set: func(d *decoder, a *arg) { d.inst.Preempt = true },
	},
	{
		Name: "nopreempt", Takes: Flag, Tier: 'A',
		Doc: "do not take over from a lower priority master",
		set: func(d *decoder, a *arg) { d.inst.Preempt, d.inst.nopreemptAt = false, a.key },
	},
	{
		Name: "preempt_delay", Takes: Seconds, Tier: 'A', Max: 1000000000, Default: "0",
		Doc: "wait before taking over from a lower priority master",
		set: func(d *decoder, a *arg) { d.inst.PreemptDelay, d.inst.delayAt = a.dur, a.words[0] },
	},
	{
		Name: "debug", Pending: true, Takes: Int, Tier: 'C', Max: 4, Default: "0",
		Doc: "debug level (no visible effect in normal builds)",
		set: func(d *decoder, a *arg) { d.inst.Debug = int(a.n) },
	},
	{
		Name: "notify_master", Takes: Exec, Tier: 'A',
		Doc: "run on becoming MASTER",
		set: func(d *decoder, a *arg) { d.script(a, &d.inst.Notify.Master) },
	},
	{
		Name: "notify_backup", Takes: Exec, Tier: 'A',
		Doc: "run on becoming BACKUP",
		set: func(d *decoder, a *arg) { d.script(a, &d.inst.Notify.Backup) },
	},
	{
		Name: "notify_fault", Takes: Exec, Tier: 'A',
		Doc: "run on becoming FAULT",
		set: func(d *decoder, a *arg) { d.script(a, &d.inst.Notify.Fault) },
	},
	{
		Name: "notify_stop", Takes: Exec, Tier: 'B',
		Doc: "run when VRRP stops",
		set: func(d *decoder, a *arg) { d.script(a, &d.inst.Notify.Stop) },
	},
	{
		Name: "notify_deleted", Twice: FirstCounts, Takes: Exec, Tier: 'C', Default: "off (deletion reported as FAULT)", Optional: true, Args: "[\"<command args>\" [<user> [<group>]]]",
		Doc: "run when a reload removes the instance; without command only changes the reported state",
		set: func(d *decoder, a *arg) {
			d.inst.NotifyDeleted = true
			if a.given {
				d.script(a, &d.inst.Notify.Deleted)
			}
		},
	},
	{
		Name: "notify", Takes: Exec, Tier: 'A',
		Doc: "run at every change with INSTANCE <name> <state> <priority> appended",
		set: func(d *decoder, a *arg) { d.script(a, &d.inst.Notify.Any) },
	},
	{
		Name: "notify_master_rx_lower_pri", Takes: Exec, Tier: 'C',
		Doc: "run when a master hears a lower priority advert",
		set: func(d *decoder, a *arg) { d.script(a, &d.inst.Notify.MasterRxLowerPrio) },
	},
	{
		Name: "smtp_alert", Takes: Bool, Tier: 'A', Default: "global value, else false",
		Doc: "mail at state changes",
		set: func(d *decoder, a *arg) { d.inst.smtpAlert = tri(a.on) },
	},
	{
		Name: "notify_priority_changes", Takes: Bool, Tier: 'C', Default: "global value",
		Doc: "report effective priority changes to the FIFOs",
		set: func(d *decoder, a *arg) { d.inst.notifyPrio = tri(a.on) },
	},
	{
		Name: "lvs_sync_daemon_interface", Takes: Text, Tier: 'D', Args: "<ifname>", Old: true, Use: "lvs_sync_daemon in global_defs",
		Doc: "old: use global lvs_sync_daemon (counts as an error)",
		set: func(d *decoder, a *arg) { setInstanceSyncDaemon(d, a) },
	},
	{
		Name: "garp_master_delay", Takes: Int, Tier: 'B', Max: 4294, Unit: "seconds", Default: "global (5)",
		Doc: "delay of the second set of gratuitous ARPs after becoming master",
		set: func(d *decoder, a *arg) { d.inst.GARP.MasterDelay = time.Duration(a.n) * time.Second },
	},
	{
		Name: "garp_master_refresh", Takes: Int, Tier: 'B', Max: maxUint32, Unit: "seconds", Default: "global (0 = off)",
		Doc: "period of refreshing gratuitous ARPs",
		set: func(d *decoder, a *arg) { d.inst.GARP.Refresh = time.Duration(a.n) * time.Second },
	},
	{
		Name: "garp_master_repeat", Takes: Int, Tier: 'B', Default: "global (5)", Max: maxUint32,
		Doc: "number of ARPs per set",
		set: func(d *decoder, a *arg) { d.inst.GARP.MasterRepeat = d.atLeastOne(a) },
	},
	{
		Name: "garp_master_refresh_repeat", Takes: Int, Tier: 'B', Default: "global (1)", Max: maxUint32,
		Doc: "number of ARPs per refresh",
		set: func(d *decoder, a *arg) { d.inst.GARP.RefreshRepeat = d.atLeastOne(a) },
	},
	{
		Name: "garp_lower_prio_delay", Takes: Int, Tier: 'C', Max: 4294, Unit: "seconds", Default: "global (= garp_master_delay)",
		Doc: "delay of the second set after a lower priority advert was heard",
		set: func(d *decoder, a *arg) {
			d.inst.GARP.LowerPrioDelay, d.inst.GARP.LowerDelayGiven = time.Duration(a.n)*time.Second, true
		},
	},
	{
		Name: "garp_lower_prio_repeat", Takes: Int, Tier: 'C', Max: maxInt32, Default: "global (= garp_master_repeat)",
		Doc: "number of ARPs after a lower priority advert was heard",
		set: func(d *decoder, a *arg) { d.inst.GARP.LowerPrioRepeat, d.inst.GARP.LowerRepeatGiven = int(a.n), true },
	},
	{
		Name: "down_timer_adverts", Takes: Int, Tier: 'B', Min: 1, Max: 100, Default: "global (3)",
		Doc: "missed adverts that make the master count as dead",
		set: func(d *decoder, a *arg) { d.inst.DownAdverts = int(a.n) },
	},
	{
		Name: "timer_expired_backup", Takes: Int, Tier: 'C', Min: 1, Max: 254, Optional: true, Default: "off; 254 without argument",
		Doc: "with nopreempt: a master that was not scheduled for so long that a router of this priority could have taken over drops to BACKUP",
		set: func(d *decoder, a *arg) {
			d.inst.TimerExpired = 254
			if a.given {
				d.inst.TimerExpired = int(a.n)
			}
			d.inst.expiredAt = a.key
		},
	},
	{
		Name: "thread_timer_expired", Takes: Int, Tier: 'D', Old: true, Use: "timer_expired_backup", Min: 1, Max: 254, Optional: true,
		Doc: "old spelling of timer_expired_backup (counts as an error)",
		set: func(d *decoder, a *arg) {
			d.inst.TimerExpired = 254
			if a.given {
				d.inst.TimerExpired = int(a.n)
			}
			d.inst.expiredAt = a.key
		},
	},
	{
		Name: "garp_extra_if", Takes: Words, Tier: 'C', Args: "[all] <int seconds 0..86400>", Default: "global (0)", Lax: true,
		Doc: "period of gratuitous ARPs for addresses on VMACs that no adverts leave through; with all on any such interface",
		set: func(d *decoder, a *arg) { d.extraIf(a, &d.inst.GARPExtraIf, &d.inst.GARPExtraIfAll) },
	},
	{
		Name: "vmac_garp_intvl", Takes: Words, Tier: 'D', Args: "[all] <int>", Lax: true, Old: true, Use: "garp_extra_if",
		Doc: "old spelling of garp_extra_if",
		set: func(d *decoder, a *arg) { d.extraIf(a, &d.inst.GARPExtraIf, &d.inst.GARPExtraIfAll) },
	},
	{
		Name: "lower_prio_no_advert", Takes: Bool, Tier: 'C', Default: "global (false)",
		Doc: "do not answer a lower priority advert with an advert",
		set: func(d *decoder, a *arg) { d.inst.LowerPrioNoAdvert, d.inst.lowerGiven = a.on, true },
	},
	{
		Name: "higher_prio_send_advert", Takes: Bool, Tier: 'C', Default: "global (false)",
		Doc: "send one advert before giving way to a higher priority",
		set: func(d *decoder, a *arg) { d.inst.HigherPrioSendAdvert, d.inst.higherGiven = a.on, true },
	},
	{
		Name: "owner_ignore_adverts", Takes: Bool, Tier: 'C', Default: "global (false)",
		Doc: "priority 255 master ignores all adverts",
		set: func(d *decoder, a *arg) { d.inst.OwnerIgnoreAdverts, d.inst.ownerIgnoreAt = a.on, a.key },
	},
	{
		Name: "kernel_rx_buf_size", Takes: Int, Tier: 'C', Max: maxUint32, Unit: "bytes", Default: "by policy", Alone: true, Lax: true,
		Doc: "receive buffer of the instance's socket",
		set: func(d *decoder, a *arg) { d.inst.RxBufSize = int(a.n) },
	},
	{
		Name: "on_vip_removed", Takes: Words, Tier: 'C', Args: "restore|failover", Default: "restore", Ours: true,
		Doc: "when somebody else deletes a VIP of the master: put it back, or hand over and come back as keepalived does",
		set: func(d *decoder, a *arg) { setOnVIPRemoved(d, a) },
	},
	{
		Name: "preempt_after_sync", Takes: Bool, Tier: 'C', Ours: true,
		Doc: "after a start or a fault, take over from a lower priority master only when the IPVS connection sync of lvs_sync_daemon has caught up, or after a minute",
		set: func(d *decoder, a *arg) { d.inst.PreemptAfterSync = a.on },
	},
	{
		Name: "track_ping", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "witnesses whose answers to pings matter; if the peers lose them too, nothing changes",
		Block: &pingBlock, open: openTrackPing, end: endTrackPing, scratch: scratchTrackPing,
	},
}}
