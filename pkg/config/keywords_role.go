package config

import "time"

// globalRoleBlock is how the processes of the roles run.
var globalRoleBlock = Block{Keywords: []Keyword{
	{
		Name: "vrrp_priority", Takes: Int, Tier: 'C', Role: VRRP, Min: -20, Max: 19, Default: "0", Lax: true,
		Doc: "nice value of the VRRP process",
		set: func(d *decoder, a *arg) { d.g.VRRP.Nice = int(a.n) },
	},
	{
		Name: "vrrp_no_swap", Takes: Flag, Tier: 'C', Role: VRRP,
		Doc: "lock the VRRP process in memory",
		set: func(d *decoder, a *arg) { d.g.VRRP.NoSwap = true },
	},
	{
		Name: "vrrp_rt_priority", Takes: Words, Tier: 'C', Role: VRRP, Lax: true, Args: "<1..99>",
		Doc: "real-time scheduling priority; clamped into 1..99",
		set: func(d *decoder, a *arg) { d.rtPriority(a, &d.g.VRRP) },
	},
	{
		Name: "vrrp_cpu_affinity", Takes: Words, Tier: 'C', Role: VRRP, Args: "<cpu id> …", Default: "all", Lax: true,
		Doc: "CPUs the process may use",
		set: func(d *decoder, a *arg) { d.cpuAffinity(a, &d.g.VRRP) },
	},
	{
		Name: "vrrp_rlimit_rttime", Takes: Int, Tier: 'C', Role: VRRP, Min: 1, Max: maxUint32, Unit: "µs", Default: "10000",
		Doc: "limit of uninterrupted CPU time under real-time scheduling (1 becomes 2)",
		set: func(d *decoder, a *arg) { d.g.VRRP.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "vrrp_rlimit_rtime", Takes: Int, Tier: 'D', Role: VRRP, Min: 1, Max: maxUint32, Use: "vrrp_rlimit_rttime",
		Doc: "old spelling of vrrp_rlimit_rttime (log line only)",
		set: func(d *decoder, a *arg) { d.g.VRRP.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "checker_priority", Takes: Int, Tier: 'C', Role: Checkers, Min: -20, Max: 19, Default: "0", Lax: true,
		Doc: "nice value of the checker process",
		set: func(d *decoder, a *arg) { d.g.Checkers.Nice = int(a.n) },
	},
	{
		Name: "checker_no_swap", Takes: Flag, Tier: 'C', Role: Checkers,
		Doc: "lock the checker process in memory",
		set: func(d *decoder, a *arg) { d.g.Checkers.NoSwap = true },
	},
	{
		Name: "checker_rt_priority", Takes: Words, Tier: 'C', Role: Checkers, Lax: true, Args: "<1..99>",
		Doc: "real-time priority of the checker process; clamped into 1..99",
		set: func(d *decoder, a *arg) { d.rtPriority(a, &d.g.Checkers) },
	},
	{
		Name: "checker_cpu_affinity", Takes: Words, Tier: 'C', Role: Checkers, Args: "<cpu id> …", Default: "all", Lax: true,
		Doc: "CPUs of the checker process",
		set: func(d *decoder, a *arg) { d.cpuAffinity(a, &d.g.Checkers) },
	},
	{
		Name: "checker_rlimit_rttime", Takes: Int, Tier: 'C', Role: Checkers, Min: 1, Max: maxUint32, Unit: "µs", Default: "10000",
		Doc: "as vrrp_rlimit_rttime",
		set: func(d *decoder, a *arg) { d.g.Checkers.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "checker_rlimit_rtime", Takes: Int, Tier: 'D', Role: Checkers, Min: 1, Max: maxUint32, Use: "checker_rlimit_rttime",
		Doc: "old spelling of checker_rlimit_rttime (log line only)",
		set: func(d *decoder, a *arg) { d.g.Checkers.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "bfd_priority", Takes: Int, Tier: 'C', Role: BFD, Min: -20, Max: 19, Default: "0", Lax: true,
		Doc: "nice value of the BFD process",
		set: func(d *decoder, a *arg) { d.g.Bfd.Nice = int(a.n) },
	},
	{
		Name: "bfd_no_swap", Takes: Flag, Tier: 'C', Role: BFD,
		Doc: "lock the BFD process in memory",
		set: func(d *decoder, a *arg) { d.g.Bfd.NoSwap = true },
	},
	{
		Name: "bfd_rt_priority", Takes: Words, Tier: 'C', Role: BFD, Lax: true, Args: "<1..99>",
		Doc: "real-time priority of the BFD process; clamped into 1..99",
		set: func(d *decoder, a *arg) { d.rtPriority(a, &d.g.Bfd) },
	},
	{
		Name: "bfd_cpu_affinity", Takes: Words, Tier: 'C', Role: BFD, Args: "<cpu id> …", Default: "all", Lax: true,
		Doc: "CPUs of the BFD process",
		set: func(d *decoder, a *arg) { d.cpuAffinity(a, &d.g.Bfd) },
	},
	{
		Name: "bfd_rlimit_rttime", Takes: Int, Tier: 'C', Role: BFD, Min: 1, Max: maxUint32, Unit: "µs", Default: "10000",
		Doc: "as vrrp_rlimit_rttime",
		set: func(d *decoder, a *arg) { d.g.Bfd.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
	{
		Name: "bfd_rlimit_rtime", Takes: Int, Tier: 'D', Role: BFD, Min: 1, Max: maxUint32, Use: "bfd_rlimit_rttime",
		Doc: "old spelling of bfd_rlimit_rttime (log line only)",
		set: func(d *decoder, a *arg) { d.g.Bfd.RTTimeLimit = time.Duration(max(a.n, 2)) * time.Microsecond },
	},
}, Common: &globalNotifyBlock}
