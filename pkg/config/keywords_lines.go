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
		Doc: "do not react when somebody else deletes it, nor (in an instance) when its interface is down",
	},
}}

// vipBlock is the options of a line of virtual_ipaddress.
var vipBlock = Block{Keywords: []Keyword{
	{
		Name: "use_vmac", Takes: Option, Tier: 'C',
		Doc: "put this address on its own VMAC",
	},
}, Common: &addressBlock}

// staticAddressBlock is the options of a line of static_ipaddress.
var staticAddressBlock = Block{Keywords: []Keyword{
	{
		Name: "track_group", Takes: Option, Tier: 'C', Args: "<name>",
		Doc: "instances of that group go to BACKUP when the item is deleted",
	},
}, Common: &addressBlock}

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
