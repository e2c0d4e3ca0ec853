package config

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
		Doc: "do not react when somebody else deletes it, nor (in an instance) when its interface is down",
	},
}}

// staticRouteBlock is the options of a line of static_routes.
var staticRouteBlock = Block{Keywords: []Keyword{
	{
		Name: "track_group", Takes: Option, Tier: 'C', Args: "<name>",
		Doc: "instances of that group go to BACKUP when the item is deleted",
	},
}, Common: &routeBlock}
