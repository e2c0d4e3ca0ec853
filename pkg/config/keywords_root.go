package config

import (
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// rootBlock is the top level. Role is the processes that follow the keyword;
// the others skip its block.
var rootBlock = Block{Keywords: []Keyword{
	{
		Name: "global_defs", Takes: Sub, Tier: 'A',
		Doc:   "block of process-wide settings; may appear several times, last value wins",
		Block: &globalBlock,
	},
	{
		Name: "vrrp_instance", Takes: Sub, Tier: 'A', Args: "<name>",
		Doc:  "one virtual router (VRID + family + interface)",
		Role: VRRP, Block: &instanceBlock, open: openInstance, end: endInstance, scratch: (*decoder).newInstance,
	},
	{
		Name: "vrrp_sync_group", Takes: Sub, Tier: 'A', Args: "<name>",
		Doc:  "set of instances that change state together",
		Role: VRRP, Block: &groupBlock, open: openSyncGroup, end: endSyncGroup, scratch: (*decoder).newSyncGroup,
	},
	{
		Name: "vrrp_script", Takes: Sub, Tier: 'A', Args: "<name>",
		Doc:  "periodically run check command usable from track_script",
		Role: VRRP, Block: &scriptBlock, open: openTrackScript, end: endTrackScript, scratch: (*decoder).newTrackScript,
	},
	{
		Name: "vrrp_track_process", Takes: Sub, Tier: 'B', Args: "<name>",
		Doc:  "watch the number of running copies of a program",
		Role: VRRP, Block: &processBlock, open: openTrackProcess, end: endTrackProcess, scratch: (*decoder).newTrackProcess,
	},
	{
		Name: "track_file", Takes: Sub, Tier: 'B', Args: "<name>",
		Doc:  "watch a file whose content is a number; usable by VRRP (track_file) and checker (FILE_CHECK)",
		Role: VRRP | Checkers, Block: &fileBlock, open: openTrackFile, end: endTrackFile, scratch: (*decoder).newTrackFile,
	},
	{
		Name: "vrrp_track_file", Takes: Sub, Tier: 'D', Args: "<name>", Use: "track_file",
		Doc:  "old spelling of track_file (logged, not counted as an error)",
		Role: VRRP | Checkers, Block: &fileBlock, open: openTrackFile, end: endTrackFile, scratch: (*decoder).newTrackFile,
	},
	{
		Name: "track_group", Takes: Sub, Tier: 'C', Args: "<name>",
		Doc:  "named list of instances used by track_group on static addresses/routes/rules",
		Role: VRRP, Block: &trackGroupBlock, open: openTrackGroup, end: endTrackGroup, scratch: (*decoder).newTrackGroup,
	},
	{
		Name: "static_ipaddress", Takes: Items, Tier: 'B',
		Doc:  "addresses added at start independent of VRRP state",
		Role: VRRP, Block: &staticAddressBlock, item: func(d *decoder, w []syntax.Word) { d.staticAddress(w) },
	},
	{
		Name: "static_routes", Takes: Items, Tier: 'B',
		Doc:  "routes added at start independent of VRRP state",
		Role: VRRP, Block: &staticRouteBlock, item: func(d *decoder, w []syntax.Word) { d.route(w, &d.cfg.StaticRoutes, true) },
	},
	{
		Name: "static_rules", Takes: Items, Tier: 'B',
		Doc:  "policy rules added at start independent of VRRP state",
		Role: VRRP, Block: &staticRuleBlock, item: func(d *decoder, w []syntax.Word) { d.rule(w, &d.cfg.StaticRules, true) },
	},
	{
		Name: "garp_group", Takes: Sub, Tier: 'C',
		Doc:  "pace gratuitous ARP / unsolicited NA sending over a set of interfaces",
		Role: VRRP, Block: &garpBlock, open: openGARPGroup, end: endGARPGroup,
	},
	{
		Name: "linkbeat_interfaces", Takes: Items, Tier: 'C',
		Doc:  "interfaces whose link state is polled instead of taken from netlink",
		Role: VRRP, item: itemLinkbeat,
	},
	{
		Name: "linkbeat_use_polling", Takes: Flag, Tier: 'C',
		Doc:  "poll link state on all interfaces in use",
		Role: VRRP, set: func(d *decoder, a *arg) { d.cfg.LinkbeatPolling = true },
	},
	{
		Name: "interface_up_down_delays", Takes: Items, Tier: 'C', Default: "0 0",
		Doc:  "hold link down / up events for that long before acting; fractions allowed; the same value is used for both when only one is given",
		Role: VRRP, item: itemInterfaceDelay,
	},
	{
		Name: "virtual_server", Takes: Sub, Tier: 'A', Args: "<addr> [<port>] | fwmark <int> | group <name>",
		Doc:  "one IPVS service (or set of services)",
		Role: Checkers, Block: &virtualBlock, open: openVirtual, end: endVirtual, scratch: scratchVirtual,
	},
	{
		Name: "virtual_server_group", Takes: Items, Tier: 'B', Args: "<name>",
		Doc:  "set of addresses/ranges/fwmarks served by one virtual_server",
		Role: Checkers, Block: &serverGroupBlock, open: openServerGroup, item: itemServerGroup, end: endServerGroup, scratch: scratchServerGroup,
	},
	{
		Name: "SSL", Takes: Sub, Tier: 'C',
		Doc:  "client certificate settings for SSL_GET",
		Role: Checkers, Block: &sslBlock, open: openSSL,
	},
	{
		Name: "bfd_instance", Takes: Sub, Tier: 'C', Args: "<name, <32 chars>",
		Doc:  "one BFD session",
		Role: VRRP | Checkers | BFD, Block: &bfdBlock, open: openBFD, end: endBFD, scratch: (*decoder).newBFD,
	},
	{
		Name: "net_namespace", Takes: Text, Tier: 'B', Args: "<name>", Default: "process namespace", Lax: true,
		Doc: "run inside this network namespace; implies use_pid_dir; not reloadable; command line value wins; second definition is an error",
		set: func(d *decoder, a *arg) { setNetNamespace(d, a) },
	},
	{
		Name: "net_namespace_ipvs", Takes: Words, Tier: 'C', Args: "[<name>]", Default: "net_namespace", Optional: true,
		Doc: "network namespace that holds IPVS (no name = the default namespace); not reloadable",
		set: func(d *decoder, a *arg) { setNetNamespaceIPVS(d, a) },
	},
	{
		Name: "namespace_with_ipsets", Pending: true, Takes: Flag, Tier: 'C',
		Doc: "allow ipsets together with net_namespace",
		set: func(d *decoder, a *arg) { d.cfg.Process.NamespaceIPSets = true },
	},
	{
		Name: "use_pid_dir", Takes: Flag, Tier: 'B',
		Doc: "put pid files in <run dir>/keepalived/",
		set: func(d *decoder, a *arg) { d.cfg.Process.UsePidDir = true },
	},
	{
		Name: "instance", Takes: Text, Tier: 'B', Args: "<name>", Lax: true,
		Doc: "name of this copy of the daemon: goes into pid file names, syslog identity, dump names; implies use_pid_dir; not reloadable",
		set: func(d *decoder, a *arg) { setProcessInstance(d, a) },
	},
	{
		Name: "child_wait_time", Takes: Int, Tier: 'C', Max: maxUint32, Unit: "seconds", Default: "5",
		Doc: "how long the parent waits for children at shutdown before killing them",
		set: func(d *decoder, a *arg) {
			d.cfg.Process.ChildWaitTime, d.cfg.Process.ChildWaitTimeGiven = time.Duration(a.n)*time.Second, true
		},
	},
}}
