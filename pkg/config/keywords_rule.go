package config

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
		Doc: "do not react when somebody else deletes it, nor (in an instance) when its interface is down",
	},
}}

// staticRuleBlock is the options of a line of static_rules.
var staticRuleBlock = Block{Keywords: []Keyword{
	{
		Name: "track_group", Takes: Option, Tier: 'C', Args: "<name>",
		Doc: "instances of that group go to BACKUP when the item is deleted",
	},
}, Common: &ruleBlock}
