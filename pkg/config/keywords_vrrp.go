package config

import (
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// groupBlock is vrrp_sync_group.
var groupBlock = Block{Keywords: []Keyword{
	{
		Name: "group", Takes: Items, Tier: 'A', Default: "required",
		Doc:  "members (also accepted one per line); a second group block is an error",
		open: openMembers, item: itemMembers, scratch: (*decoder).newSyncGroup,
	},
	{
		Name: "track_interface", Takes: Items, Tier: 'B',
		Doc:   "as vrrp_instance/track_interface, for the whole group",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackInterface, &d.group.TrackInterfaces) },
	},
	{
		Name: "track_script", Takes: Items, Tier: 'B',
		Doc:   "as vrrp_instance/track_script, for the whole group",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackScript, &d.group.TrackScripts) },
	},
	{
		Name: "track_file", Takes: Items, Tier: 'C',
		Doc:   "as vrrp_instance/track_file, for the whole group",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackFile, &d.group.TrackFiles) },
	},
	{
		Name: "track_process", Takes: Items, Tier: 'C',
		Doc:   "as vrrp_instance/track_process, for the whole group",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackProcess, &d.group.TrackProcesses) },
	},
	{
		Name: "track_bfd", Takes: Items, Tier: 'C',
		Doc:   "as vrrp_instance/track_bfd, for the whole group",
		Block: &trackBlock, item: func(d *decoder, w []syntax.Word) { d.track(w, trackBFD, &d.group.TrackBFD) },
	},
	{
		Name: "notify_master", Takes: Exec, Tier: 'A',
		Doc: "run when the group becomes MASTER",
		set: func(d *decoder, a *arg) { d.script(a, &d.group.Notify.Master) },
	},
	{
		Name: "notify_backup", Takes: Exec, Tier: 'A',
		Doc: "run when the group becomes BACKUP",
		set: func(d *decoder, a *arg) { d.script(a, &d.group.Notify.Backup) },
	},
	{
		Name: "notify_fault", Takes: Exec, Tier: 'A',
		Doc: "run when the group becomes FAULT",
		set: func(d *decoder, a *arg) { d.script(a, &d.group.Notify.Fault) },
	},
	{
		Name: "notify_stop", Takes: Exec, Tier: 'B',
		Doc: "run when VRRP stops",
		set: func(d *decoder, a *arg) { d.script(a, &d.group.Notify.Stop) },
	},
	{
		Name: "notify", Takes: Exec, Tier: 'A',
		Doc: "run at every change with GROUP <name> <state> 0 appended",
		set: func(d *decoder, a *arg) { d.script(a, &d.group.Notify.Any) },
	},
	{
		Name: "smtp_alert", Takes: Bool, Tier: 'B', Default: "global value, else false",
		Doc: "mail at group state changes",
		set: func(d *decoder, a *arg) { d.group.smtpAlert = tri(a.on) },
	},
	{
		Name: "global_tracking", Takes: Flag, Tier: 'D', Old: true, Use: "sync_group_tracking_weight, or track_… blocks of the group",
		Doc: "old: use sync_group_tracking_weight or put trackers on the group (counts as an error)",
		set: func(d *decoder, a *arg) { d.group.TrackingWeight = true },
	},
	{
		Name: "sync_group_tracking_weight", Takes: Flag, Tier: 'C',
		Doc: "let weighted trackers of members change their priority although they are in a group",
		set: func(d *decoder, a *arg) { d.group.TrackingWeight = true },
	},
	{
		Name: "notify_priority_changes", Takes: Bool, Tier: 'C', Default: "global value",
		Doc: "report priority changes of members to the FIFOs",
		set: func(d *decoder, a *arg) { d.group.NotifyPriorityChanges = tri(a.on) },
	},
}}

// scriptBlock is vrrp_script.
var scriptBlock = Block{Keywords: []Keyword{
	{
		Name: "script", Takes: Words, Optional: true, Tier: 'A', Default: "required", Args: "\"<command args>\"",
		Doc: "command; exit 0 = good",
		set: func(d *decoder, a *arg) {
			if text := d.commandText(a); strings.TrimSpace(text) != "" {
				d.trackScript.text, d.trackScript.textAt = text, a.first()
			}
		},
	},
	{
		Name: "interval", Takes: Seconds, Tier: 'A', Min: 1000, Max: 4294000000, Default: "1",
		Doc: "time between runs (0 becomes 1 with an error)",
		set: func(d *decoder, a *arg) { setScriptInterval(d, a) },
	},
	{
		Name: "timeout", Takes: Seconds, Tier: 'A', Max: 4294000000, Default: "= interval",
		Doc: "a longer run counts as failure",
		set: func(d *decoder, a *arg) { setScriptTimeout(d, a) },
	},
	{
		Name: "weight", Takes: Words, Tier: 'A', Args: "<int -253..253> [reverse]", Default: "0", Min: -253, Max: 253,
		Doc: "priority change; 0 = failure means FAULT",
		set: setScriptWeight,
	},
	{
		Name: "rise", Takes: Int, Tier: 'A', Min: 1, Max: maxInt32, Default: "1",
		Doc: "successes in a row to become good",
		set: func(d *decoder, a *arg) { d.trackScript.Rise = int(a.n) },
	},
	{
		Name: "fall", Takes: Int, Tier: 'A', Min: 1, Max: maxInt32, Default: "1",
		Doc: "failures in a row to become bad",
		set: func(d *decoder, a *arg) { d.trackScript.Fall = int(a.n) },
	},
	{
		Name: "user", Takes: Words, Tier: 'A', Args: "<user> [<group>]", Default: "script_user",
		Doc: "account for the command",
		set: func(d *decoder, a *arg) { d.trackScript.user = slices.Clone(a.words) },
	},
	{
		Name: "init_fail", Takes: Flag, Tier: 'B',
		Doc: "start as failed rather than as unknown (overridden when a track_script reference is parsed later)",
		set: func(d *decoder, a *arg) { d.trackScript.InitFail = true },
	},
}}

// processBlock is vrrp_track_process.
var processBlock = Block{Keywords: []Keyword{
	{
		Name: "process", Takes: Words, Tier: 'B', Args: "<path or name> [<param> …]", Default: "required",
		Doc: "program to look for",
		set: func(d *decoder, a *arg) { setProcess(d, a) },
	},
	{
		Name: "param_match", Takes: Words, Tier: 'C', Args: "[initial|partial]", Default: "none; no argument = exact", Optional: true,
		Doc: "how the parameters are compared",
		set: func(d *decoder, a *arg) { setParamMatch(d, a) },
	},
	{
		Name: "weight", Takes: Words, Tier: 'B', Args: "<int -254..254> [reverse]", Default: "0", Lax: true, Min: -254, Max: 254,
		Doc: "priority change; 0 = failure means FAULT",
		set: func(d *decoder, a *arg) { d.weight(a, &d.process.Weight, &d.process.Reverse, 254) },
	},
	{
		Name: "quorum", Takes: Int, Tier: 'B', Min: 1, Max: 65535, Default: "1",
		Doc: "least number of copies",
		set: func(d *decoder, a *arg) { d.process.Quorum = int(a.n) },
	},
	{
		Name: "quorum_max", Takes: Int, Tier: 'C', Max: 65535, Default: "no limit",
		Doc: "greatest number of copies (0 = good only while none runs)",
		set: func(d *decoder, a *arg) { d.process.QuorumMax = int(a.n) },
	},
	{
		Name: "delay", Takes: Seconds, Tier: 'B', Min: 1, Max: 3600000000, Default: "0",
		Doc: "sets both terminate_delay and fork_delay",
		set: func(d *decoder, a *arg) { d.process.TerminateDelay, d.process.ForkDelay = a.dur, a.dur },
	},
	{
		Name: "terminate_delay", Takes: Seconds, Tier: 'C', Min: 1, Max: 3600000000, Default: "0",
		Doc: "wait before a lost copy counts",
		set: func(d *decoder, a *arg) { d.process.TerminateDelay = a.dur },
	},
	{
		Name: "fork_delay", Takes: Seconds, Tier: 'C', Min: 1, Max: 3600000000, Default: "0",
		Doc: "wait before a new copy counts",
		set: func(d *decoder, a *arg) { d.process.ForkDelay = a.dur },
	},
	{
		Name: "full_command", Takes: Flag, Tier: 'C',
		Doc: "compare the whole command line rather than the short process name",
		set: func(d *decoder, a *arg) { d.process.FullCommand = true },
	},
}}

// fileBlock is track_file.
var fileBlock = Block{Keywords: []Keyword{
	{
		Name: "file", Takes: Text, Tier: 'B', Args: "<path>", Default: "required", Lax: true,
		Doc: "file to watch",
		set: func(d *decoder, a *arg) { setTrackFilePath(d, a) },
	},
	{
		Name: "weight", Twice: FirstCounts, Takes: Words, Tier: 'B', Args: "<int -254..254> [reverse]", Default: "1", Lax: true, Min: -254, Max: 254,
		Doc: "multiplier for the number in the file",
		set: func(d *decoder, a *arg) { d.weight(a, &d.file.Weight, &d.file.Reverse, 254) },
	},
	{
		Name: "init_file", Takes: Words, Tier: 'B', Args: "[<int>] [overwrite]", Default: "off; 0", Optional: true,
		Doc: "create the file with this number when absent (overwrite: always)",
		set: func(d *decoder, a *arg) { setInitFile(d, a) },
	},
}}

// trackGroupBlock is track_group.
var trackGroupBlock = Block{Keywords: []Keyword{
	{
		Name: "group", Takes: Items, Tier: 'C',
		Doc:  "members; the group is dropped if empty",
		open: openTrackMembers, item: itemTrackGroup, end: endTrackMembers, scratch: (*decoder).newTrackGroup,
	},
}}

// garpBlock is garp_group.
var garpBlock = Block{Keywords: []Keyword{
	{
		Name: "garp_interval", Takes: Seconds, Tier: 'C', Max: 4294967295, Default: "0",
		Doc: "gap between gratuitous ARPs over the group",
		set: func(d *decoder, a *arg) { d.garp.GARPInterval = a.dur },
	},
	{
		Name: "gna_interval", Takes: Seconds, Tier: 'C', Max: 4294967295, Default: "0",
		Doc: "gap between unsolicited NAs over the group",
		set: func(d *decoder, a *arg) { d.garp.GNAInterval = a.dur },
	},
	{
		Name: "interface", Takes: Text, Tier: 'C', Args: "<ifname>",
		Doc: "the single interface of the group",
		set: func(d *decoder, a *arg) { d.garpInterface(a.words[0]) },
	},
	{
		Name: "interfaces", Takes: Items, Tier: 'C',
		Doc:  "the interfaces sharing the delay; an interface may be in one group only; not for VMACs",
		open: openGARPInterfaces, item: itemGARPInterfaces, end: endGARPInterfaces,
	},
}}

// bfdBlock is bfd_instance.
var bfdBlock = Block{Keywords: []Keyword{
	{
		Name: "neighbor_ip", Takes: Addr, Tier: 'C', Default: "required",
		Doc: "peer",
		set: func(d *decoder, a *arg) { setNeighbor(d, a) },
	},
	{
		Name: "neighbour_ip", Takes: Addr, Tier: 'D', Use: "neighbor_ip",
		Doc: "other spelling of neighbor_ip",
		set: func(d *decoder, a *arg) { setNeighbor(d, a) },
	},
	{
		Name: "source_ip", Takes: Addr, Tier: 'C', Default: "chosen by kernel",
		Doc: "local address",
		set: func(d *decoder, a *arg) { d.bfd.Source = a.addr },
	},
	{
		Name: "min_rx", Takes: Millis, Tier: 'C', Min: 1000, Max: 4294967000, Default: "10",
		Doc: "slowest accepted receive interval",
		set: func(d *decoder, a *arg) { d.bfd.MinRx = a.dur },
	},
	{
		Name: "min_tx", Takes: Millis, Tier: 'C', Min: 1000, Max: 4294967000, Default: "10",
		Doc: "wanted send interval",
		set: func(d *decoder, a *arg) { d.bfd.MinTx = a.dur },
	},
	{
		Name: "idle_tx", Takes: Millis, Tier: 'C', Min: 1000000, Max: 4294967000, Default: "1000",
		Doc: "send interval while not up",
		set: func(d *decoder, a *arg) { d.bfd.IdleTx = a.dur },
	},
	{
		Name: "multiplier", Takes: Int, Tier: 'C', Min: 1, Max: 255, Default: "5",
		Doc: "missed packets that make the session go down",
		set: func(d *decoder, a *arg) { d.bfd.Multiplier = int(a.n) },
	},
	{
		Name: "passive", Takes: Flag, Tier: 'C',
		Doc: "do not send before the peer does",
		set: func(d *decoder, a *arg) { d.bfd.Passive = true },
	},
	{
		Name: "ttl", Takes: Int, Tier: 'C', Min: 1, Max: 255, Default: "255 (IPv4), 64 (IPv6)",
		Doc: "TTL / hop limit of sent packets",
		set: func(d *decoder, a *arg) { d.bfd.TTL = int(a.n) },
	},
	{
		Name: "hoplimit", Takes: Int, Tier: 'C', Min: 1, Max: 255,
		Doc: "other spelling of ttl",
		set: func(d *decoder, a *arg) { d.bfd.TTL = int(a.n) },
	},
	{
		Name: "max_hops", Takes: Int, Tier: 'C', Min: -1, Max: 255, Default: "0",
		Doc: "hops a received packet may have made; -1 = not checked",
		set: func(d *decoder, a *arg) { d.bfd.MaxHops = int(a.n) },
	},
	{
		Name: "multihop", Takes: Bool, Tier: 'C',
		Doc: "use port 4784 rather than 3784",
		set: func(d *decoder, a *arg) { d.bfd.Multihop = a.on },
	},
	{
		Name: "weight", Takes: Words, Tier: 'C', Args: "<int -253..253> [reverse]", Default: "0", Min: -253, Max: 253,
		Doc: "default weight for track_bfd",
		set: func(d *decoder, a *arg) { d.weight(a, &d.bfd.Weight, &d.bfd.Reverse, 253) },
	},
	{
		Name: "vrrp", Takes: Flag, Tier: 'C', Default: "both",
		Doc: "send events to the VRRP process only",
		set: func(d *decoder, a *arg) { d.bfd.VRRP, d.bfd.rolesGiven = true, true },
	},
	{
		Name: "checker", Takes: Flag, Tier: 'C', Default: "both",
		Doc: "send events to the checker process only",
		set: func(d *decoder, a *arg) { d.bfd.Checkers, d.bfd.rolesGiven = true, true },
	},
}}
