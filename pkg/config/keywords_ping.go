package config

// pingBlock is track_ping, a witness.
var pingBlock = Block{Keywords: []Keyword{
	{
		Name: "target", Takes: Words, Tier: 'C', Args: "<address> …", Ours: true,
		Doc: "addresses to ping; may be repeated",
		set: setPingTargets,
	},
	{
		Name: "require", Takes: Words, Tier: 'C', Args: "any|all", Default: "any", Ours: true,
		Doc: "how many of the targets must answer",
		set: setPingRequire,
	},
	{
		Name: "interval", Takes: Seconds, Tier: 'C', Min: 1000, Max: 3600000000, Default: "1", Ours: true,
		Doc: "time between two pings of a target",
		set: func(d *decoder, a *arg) { d.inst.TrackPing.Interval = a.dur },
	},
	{
		Name: "timeout", Takes: Seconds, Tier: 'C', Min: 1000, Max: 3600000000, Default: "1", Ours: true,
		Doc: "how long an answer may take",
		set: func(d *decoder, a *arg) { d.inst.TrackPing.Timeout = a.dur },
	},
	{
		Name: "rise", Takes: Int, Tier: 'C', Min: 1, Max: maxInt32, Default: "1", Ours: true,
		Doc: "answers in a row to count as reachable",
		set: func(d *decoder, a *arg) { d.inst.TrackPing.Rise = int(a.n) },
	},
	{
		Name: "fall", Takes: Int, Tier: 'C', Min: 1, Max: maxInt32, Default: "3", Ours: true,
		Doc: "missing answers in a row to count as unreachable",
		set: func(d *decoder, a *arg) { d.inst.TrackPing.Fall = int(a.n) },
	},
	{
		Name: "weight", Takes: Int, Tier: 'C', Min: -253, Max: 253, Default: "0", Ours: true,
		Doc: "priority change; 0 lowers the priority to 1 while unreachable, which is no fault",
		set: func(d *decoder, a *arg) { d.inst.TrackPing.Weight = int(a.n) },
	},
}}
