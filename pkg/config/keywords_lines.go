package config

// addressBlock is the options of an address line.
var addressBlock = Block{Keywords: []Keyword{
	{
		Name: "dev", Takes: Option, Tier: 'A', Default: "default_interface", Args: "<ifname>",
		Doc: "interface",
	},
	{
		Name: "scope", Takes: Option, Tier: 'A', Default: "global (IPv6 link-local: link)", Args: "<name|num>",
		Doc: "address scope",
	},
	{
		Name: "brd", Takes: Option, Tier: 'A', Args: "<ip>|+|-",
		Doc: "broadcast address; + sets and - clears the host bits; IPv4, prefix ≤30",
	},
	{
		Name: "broadcast", Takes: Option, Tier: 'B', Args: "<ip>|+|-",
		Doc: "same as brd",
	},
	{
		Name: "label", Takes: Option, Tier: 'A', Args: "<str ≤15>",
		Doc: "address label; IPv4",
	},
	{
		Name: "peer", Takes: Option, Tier: 'C', Args: "<ip>[/<prefix>]",
		Doc: "point-to-point peer",
	},
	{
		Name: "home", Takes: Option, Tier: 'C',
		Doc: "IPv6 home address flag",
	},
	{
		Name: "-nodad", Takes: Option, Tier: 'C',
		Doc: "do duplicate address detection (otherwise skipped)",
	},
	{
		Name: "mngtmpaddr", Takes: Option, Tier: 'C',
		Doc: "IPv6 flag",
	},
	{
		Name: "noprefixroute", Takes: Option, Tier: 'C',
		Doc: "no kernel route for the prefix",
	},
	{
		Name: "autojoin", Takes: Option, Tier: 'C',
		Doc: "join multicast group",
	},
	{
		Name: "preferred_lft", Takes: Option, Tier: 'C', Default: "IPv6 /128: 0, else forever", Args: "forever|<int>",
		Doc: "preferred lifetime",
	},
	{
		Name: "no_track", Takes: Option, Tier: 'B',
		Doc: "do not react when somebody else deletes it",
	},
}}

// vipBlock is the options of a line of virtual_ipaddress.
var vipBlock = Block{Keywords: []Keyword{
	{
		Name: "use_vmac", Takes: Option, Tier: 'C',
		Doc: "put this address on its own VMAC",
	},
}, Common: &addressBlock}

// routeBlock is the options of a route line.
var routeBlock = Block{Keywords: []Keyword{
	{
		Name: "default6", Takes: Option, Tier: 'D',
		Doc: "old: use \"inet6 default\"",
	},
	{
		Name: "inet", Takes: Option, Tier: 'C', Default: "by address",
		Doc: "force IPv4",
	},
	{
		Name: "inet6", Takes: Option, Tier: 'C', Default: "by address",
		Doc: "force IPv6",
	},
	{
		Name: "via", Takes: Option, Tier: 'A', Args: "[inet|inet6] <ip>",
		Doc: "gateway",
	},
	{
		Name: "gw", Takes: Option, Tier: 'D', Args: "<ip>",
		Doc: "old: use via (counts as an error)",
	},
	{
		Name: "or", Takes: Option, Tier: 'D', Args: "<ip>",
		Doc: "old: use nexthop (counts as an error)",
	},
	{
		Name: "src", Takes: Option, Tier: 'A', Args: "<ip>",
		Doc: "preferred source",
	},
	{
		Name: "from", Takes: Option, Tier: 'C', Args: "<net>",
		Doc: "IPv6 source prefix",
	},
	{
		Name: "dev", Takes: Option, Tier: 'A', Args: "<ifname>",
		Doc: "output interface",
	},
	{
		Name: "oif", Takes: Option, Tier: 'C', Args: "<ifname>",
		Doc: "same as dev",
	},
	{
		Name: "table", Takes: Option, Tier: 'A', Default: "main", Args: "<num|name>",
		Doc: "routing table",
	},
	{
		Name: "vrf", Takes: Option, Tier: 'C', Args: "<name>",
		Doc: "use the table of that VRF",
	},
	{
		Name: "scope", Takes: Option, Tier: 'A', Default: "by type", Args: "<num|name>",
		Doc: "route scope",
	},
	{
		Name: "metric", Takes: Option, Tier: 'A', Args: "<int>",
		Doc: "route priority",
	},
	{
		Name: "priority", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "same as metric",
	},
	{
		Name: "preference", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "same as metric",
	},
	{
		Name: "protocol", Takes: Option, Tier: 'C', Default: "keepalived (18)", Args: "<num|name>",
		Doc: "only for untracked routes; tracked ones are forced to 18",
	},
	{
		Name: "tos", Takes: Option, Tier: 'C', Default: "0", Args: "<num|name>",
		Doc: "type of service",
	},
	{
		Name: "dsfield", Takes: Option, Tier: 'C', Default: "0", Args: "<num|name>",
		Doc: "same as tos",
	},
	{
		Name: "onlink", Takes: Option, Tier: 'B',
		Doc: "gateway is directly reachable",
	},
	{
		Name: "encap", Takes: Option, Tier: 'C', Args: "ip|ip6|mpls|ila …",
		Doc: "lightweight tunnel encapsulation",
	},
	{
		Name: "expires", Takes: Option, Tier: 'C', Args: "<seconds>",
		Doc: "IPv6 lifetime",
	},
	{
		Name: "mtu", Takes: Option, Tier: 'B', Args: "[lock] <int>",
		Doc: "path MTU",
	},
	{
		Name: "hoplimit", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "hop limit",
	},
	{
		Name: "advmss", Takes: Option, Tier: 'B', Args: "[lock] <int>",
		Doc: "MSS to advertise",
	},
	{
		Name: "rtt", Takes: Option, Tier: 'C', Args: "[lock] <time>",
		Doc: "initial RTT",
	},
	{
		Name: "rttvar", Takes: Option, Tier: 'C', Args: "[lock] <time>",
		Doc: "initial RTT variance",
	},
	{
		Name: "rto_min", Takes: Option, Tier: 'C', Args: "[lock] <time>",
		Doc: "least RTO",
	},
	{
		Name: "reordering", Takes: Option, Tier: 'C', Args: "[lock] <int>",
		Doc: "TCP reordering",
	},
	{
		Name: "window", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "window clamp",
	},
	{
		Name: "cwnd", Takes: Option, Tier: 'C', Args: "[lock] <int>",
		Doc: "congestion window clamp",
	},
	{
		Name: "ssthresh", Takes: Option, Tier: 'C', Args: "[lock] <int>",
		Doc: "slow start threshold",
	},
	{
		Name: "initcwnd", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "initial congestion window",
	},
	{
		Name: "initrwnd", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "initial receive window",
	},
	{
		Name: "realms", Takes: Option, Tier: 'C', Args: "[<src>/]<dst>",
		Doc: "realms",
	},
	{
		Name: "features", Takes: Option, Tier: 'C', Args: "ecn",
		Doc: "route features",
	},
	{
		Name: "quickack", Takes: Option, Tier: 'C', Args: "0|1",
		Doc: "quick ACK",
	},
	{
		Name: "congctl", Takes: Option, Tier: 'C', Args: "[lock] <str>",
		Doc: "congestion control",
	},
	{
		Name: "pref", Takes: Option, Tier: 'C', Args: "low|medium|high",
		Doc: "IPv6 router preference",
	},
	{
		Name: "ttl-propagate", Takes: Option, Tier: 'C', Args: "enabled|disabled",
		Doc: "MPLS TTL handling",
	},
	{
		Name: "fastopen_no_cookie", Takes: Option, Tier: 'C', Args: "0|1",
		Doc: "TFO without cookie",
	},
	{
		Name: "add", Takes: Option, Tier: 'C',
		Doc: "only add when absent",
	},
	{
		Name: "prepend", Takes: Option, Tier: 'C', Default: "on",
		Doc: "put in front of an equal route (default)",
	},
	{
		Name: "append", Takes: Option, Tier: 'C',
		Doc: "put behind an equal route",
	},
	{
		Name: "nexthop", Takes: Option, Tier: 'B', Args: "via <ip> dev <if> weight <1..256> onlink encap … realms …",
		Doc: "one of several next hops; may be repeated",
	},
	{
		Name: "as", Takes: Option, Tier: 'C', Args: "[to]",
		Doc: "ignored filler word",
	},
	{
		Name: "no_track", Takes: Option, Tier: 'B',
		Doc: "do not react when somebody else deletes it",
	},
}}

// ruleBlock is the options of a rule line.
var ruleBlock = Block{Keywords: []Keyword{
	{
		Name: "inet", Takes: Option, Tier: 'C', Default: "by address",
		Doc: "force IPv4",
	},
	{
		Name: "inet6", Takes: Option, Tier: 'C', Default: "by address",
		Doc: "force IPv6",
	},
	{
		Name: "not", Takes: Option, Tier: 'C',
		Doc: "invert",
	},
	{
		Name: "from", Takes: Option, Tier: 'A', Default: "all", Args: "<net>",
		Doc: "source",
	},
	{
		Name: "to", Takes: Option, Tier: 'A', Default: "all", Args: "<net>",
		Doc: "destination",
	},
	{
		Name: "table", Takes: Option, Tier: 'A', Default: "main", Args: "<num|name>",
		Doc: "table to look up",
	},
	{
		Name: "lookup", Takes: Option, Tier: 'A', Default: "main", Args: "<num|name>",
		Doc: "same as table",
	},
	{
		Name: "preference", Takes: Option, Tier: 'A', Default: "16384 counting down (with an error)", Args: "<int>",
		Doc: "rule priority",
	},
	{
		Name: "priority", Takes: Option, Tier: 'A', Args: "<int>",
		Doc: "same as preference",
	},
	{
		Name: "order", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "same as preference",
	},
	{
		Name: "tos", Takes: Option, Tier: 'C', Default: "0", Args: "<num|name>",
		Doc: "type of service",
	},
	{
		Name: "dsfield", Takes: Option, Tier: 'C', Default: "0", Args: "<num|name>",
		Doc: "same as tos",
	},
	{
		Name: "fwmark", Takes: Option, Tier: 'B', Args: "<num>[/<mask>]",
		Doc: "firewall mark",
	},
	{
		Name: "realms", Takes: Option, Tier: 'C', Args: "[<src>/]<dst>",
		Doc: "realms",
	},
	{
		Name: "iif", Takes: Option, Tier: 'B', Args: "<ifname>",
		Doc: "input interface",
	},
	{
		Name: "dev", Takes: Option, Tier: 'C', Args: "<ifname>",
		Doc: "same as iif",
	},
	{
		Name: "oif", Takes: Option, Tier: 'B', Args: "<ifname>",
		Doc: "output interface",
	},
	{
		Name: "suppress_prefixlength", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "ignore results with this prefix length or shorter",
	},
	{
		Name: "sup_pl", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "same",
	},
	{
		Name: "suppress_ifgroup", Takes: Option, Tier: 'C', Args: "<num|name>",
		Doc: "ignore results through this interface group",
	},
	{
		Name: "sup_group", Takes: Option, Tier: 'C', Args: "<num|name>",
		Doc: "same",
	},
	{
		Name: "tunnel-id", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "tunnel id",
	},
	{
		Name: "uidrange", Takes: Option, Tier: 'C', Args: "<a>-<b>",
		Doc: "user id range",
	},
	{
		Name: "l3mdev", Takes: Option, Tier: 'C',
		Doc: "VRF rule",
	},
	{
		Name: "protocol", Takes: Option, Tier: 'C', Default: "keepalived (18)", Args: "<num|name>",
		Doc: "only for untracked rules",
	},
	{
		Name: "ipproto", Takes: Option, Tier: 'C', Args: "<num|name>",
		Doc: "transport protocol",
	},
	{
		Name: "sport", Takes: Option, Tier: 'C', Args: "<a>-<b>",
		Doc: "source ports (a single number is refused by 2.4.3)",
	},
	{
		Name: "dport", Takes: Option, Tier: 'C', Args: "<a>-<b>",
		Doc: "destination ports (same remark)",
	},
	{
		Name: "goto", Takes: Option, Tier: 'C', Args: "<int>",
		Doc: "jump to rule",
	},
	{
		Name: "nop", Takes: Option, Tier: 'C',
		Doc: "no action",
	},
	{
		Name: "blackhole", Takes: Option, Tier: 'C',
		Doc: "drop silently",
	},
	{
		Name: "unreachable", Takes: Option, Tier: 'C',
		Doc: "answer unreachable",
	},
	{
		Name: "prohibit", Takes: Option, Tier: 'C',
		Doc: "answer prohibited",
	},
	{
		Name: "no_track", Takes: Option, Tier: 'C',
		Doc: "do not react when somebody else deletes it",
	},
}}

// staticAddressBlock is the options of a line of static_ipaddress.
var staticAddressBlock = Block{Keywords: []Keyword{
	{
		Name: "track_group", Takes: Option, Tier: 'C', Args: "<name>",
		Doc: "instances of that group go to BACKUP when the item is deleted",
	},
}, Common: &addressBlock}

// staticRouteBlock is the options of a line of static_routes.
var staticRouteBlock = Block{Keywords: []Keyword{
	{
		Name: "track_group", Takes: Option, Tier: 'C', Args: "<name>",
		Doc: "instances of that group go to BACKUP when the item is deleted",
	},
}, Common: &routeBlock}

// staticRuleBlock is the options of a line of static_rules.
var staticRuleBlock = Block{Keywords: []Keyword{
	{
		Name: "track_group", Takes: Option, Tier: 'C', Args: "<name>",
		Doc: "instances of that group go to BACKUP when the item is deleted",
	},
}, Common: &ruleBlock}

// serverGroupBlock is the words of a line of virtual_server_group.
var serverGroupBlock = Block{Keywords: []Keyword{
	{
		Name: "fwmark", Takes: Option, Tier: 'B', Args: "<0..4294967295> [inet|inet6]", Default: "inet unless ip_family says otherwise",
		Doc: "a firewall mark instead of an address",
	},
}}

// trackBlock is the options of a line of a track block.
var trackBlock = Block{Keywords: []Keyword{
	{
		Name: "weight", Takes: Option, Tier: 'A', Args: "<-253..253> [reverse|noreverse]", Default: "that of the tracked thing",
		Doc: "priority change; 0 means FAULT on failure",
	},
}}

// mailBlock is the lines of notification_email.
var mailBlock = Block{}
