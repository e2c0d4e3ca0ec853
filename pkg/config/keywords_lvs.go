package config

import "time"

// DefaultPersistence is persistence_timeout without an argument.
const DefaultPersistence = 360 * time.Second

// The scheduler flags of an IPVS service.
const (
	SchedFlag1 = 0x8
	SchedFlag2 = 0x10
	SchedFlag3 = 0x20
)

// virtualBlock is virtual_server.
var virtualBlock = Block{Keywords: []Keyword{
	{
		Name: "ip_family", Takes: Words, Tier: 'B', Default: "inet", Args: "inet|inet6",
		Doc: "family of a fwmark service (needed with IPv6 real servers)",
		set: func(d *decoder, a *arg) { setIPFamily(d, a) },
	},
	{
		Name: "delay_loop", Takes: Seconds, Tier: 'A', Min: 1, Max: maxMicros, Default: "60",
		Doc: "default check period",
		set: func(d *decoder, a *arg) { d.vs.Timing.DelayLoop = new(a.dur) },
	},
	{
		Name: "retry", Takes: Int, Tier: 'B', Min: 1, Max: maxUint32, Default: "by checker type",
		Doc: "default number of retries for the checkers",
		set: func(d *decoder, a *arg) { d.vs.Timing.Retry = new(int(a.n)) },
	},
	{
		Name: "delay_before_retry", Takes: Seconds, Tier: 'B', Max: maxMicros, Default: "by checker type",
		Doc: "default pause before a retry",
		set: func(d *decoder, a *arg) { d.vs.Timing.DelayBeforeRetry = new(a.dur) },
	},
	{
		Name: "warmup", Takes: Seconds, Tier: 'B', Max: maxMicros, Default: "= delay_loop",
		Doc: "upper end of the random delay before the first check",
		set: func(d *decoder, a *arg) { d.vs.Timing.Warmup = new(a.dur) },
	},
	{
		Name: "connect_timeout", Takes: Seconds, Tier: 'B', Min: 1, Max: 4294967295, Default: "5",
		Doc: "default connect timeout",
		set: func(d *decoder, a *arg) { d.vs.Timing.ConnectTimeout = new(a.dur) },
	},
	{
		Name: "lb_algo", Takes: Words, Tier: 'A', Args: "rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos", Default: "wlc (with an error)",
		Doc: "IPVS scheduler",
		set: func(d *decoder, a *arg) { setScheduler(d, a) },
	},
	{
		Name: "lvs_sched", Takes: Words, Tier: 'A', Args: "<as lb_algo>",
		Doc: "same as lb_algo",
		set: func(d *decoder, a *arg) { setScheduler(d, a) },
	},
	{
		Name: "lb_kind", Takes: Words, Tier: 'A', Args: "NAT|DR|TUN [type ipip|gue|gre] [port <1..65535>] [nocsum|csum|remcsum]", Default: "NAT (with an error)",
		Doc: "forwarding method; the extras belong to TUN; port is needed with gue",
		set: func(d *decoder, a *arg) { setMethod(d, a, &d.vs.Method, &d.vs.methodGiven) },
	},
	{
		Name: "lvs_method", Takes: Words, Tier: 'A', Args: "<as lb_kind>",
		Doc: "same as lb_kind",
		set: func(d *decoder, a *arg) { setMethod(d, a, &d.vs.Method, &d.vs.methodGiven) },
	},
	{
		Name: "protocol", Takes: Words, Tier: 'A', Args: "TCP|UDP|SCTP (any case)", Default: "UDP with an error when missing (fwmark: not needed)",
		Doc: "transport protocol",
		set: func(d *decoder, a *arg) { setProtocol(d, a) },
	},
	{
		Name: "persistence_timeout", Takes: Int, Tier: 'A', Min: 1, Max: 2678400, Optional: true, Unit: "seconds", Default: "off; 360 without argument",
		Doc: "IPVS persistence",
		set: func(d *decoder, a *arg) {
			d.vs.Persistence = DefaultPersistence
			if a.given {
				d.vs.Persistence = time.Duration(a.n) * time.Second
			}
		},
	},
	{
		Name: "persistence_granularity", Takes: Words, Tier: 'B', Args: "<ipv4 netmask> | <ipv6 prefix length 1..128>", Default: "single host",
		Doc: "client grouping for persistence; sets persistence 360 if unset",
		set: func(d *decoder, a *arg) { setGranularity(d, a) },
	},
	{
		Name: "persistence_engine", Takes: Words, Tier: 'C', Args: "<str ≤15>",
		Doc: "IPVS persistence engine, e.g. sip",
		set: func(d *decoder, a *arg) { setEngine(d, a) },
	},
	{
		Name: "hashed", Takes: Flag, Tier: 'C',
		Doc: "accepted but always refused with an error for non-sh schedulers; no effect",
		set: func(d *decoder, a *arg) { schedulerFlag(d, a, "sh", 0) },
	},
	{
		Name: "ops", Takes: Flag, Tier: 'B',
		Doc: "one-packet scheduling (UDP and fwmark only)",
		set: func(d *decoder, a *arg) { d.vs.OnePacket = true },
	},
	{
		Name: "flag-1", Takes: Flag, Tier: 'C',
		Doc: "scheduler flag 1",
		set: func(d *decoder, a *arg) { d.vs.SchedFlags |= SchedFlag1 },
	},
	{
		Name: "flag-2", Takes: Flag, Tier: 'C',
		Doc: "scheduler flag 2",
		set: func(d *decoder, a *arg) { d.vs.SchedFlags |= SchedFlag2 },
	},
	{
		Name: "flag-3", Takes: Flag, Tier: 'C',
		Doc: "scheduler flag 3",
		set: func(d *decoder, a *arg) { d.vs.SchedFlags |= SchedFlag3 },
	},
	{
		Name: "sh-port", Takes: Flag, Tier: 'C',
		Doc: "sh scheduler: hash the port too (flag 2); must follow lb_algo sh",
		set: func(d *decoder, a *arg) { schedulerFlag(d, a, "sh", SchedFlag2) },
	},
	{
		Name: "sh-fallback", Takes: Flag, Tier: 'C',
		Doc: "sh scheduler: fall back to another server (flag 1); must follow lb_algo sh",
		set: func(d *decoder, a *arg) { schedulerFlag(d, a, "sh", SchedFlag1) },
	},
	{
		Name: "mh-port", Takes: Flag, Tier: 'C',
		Doc: "mh scheduler: hash the port too (flag 2); must follow lb_algo mh",
		set: func(d *decoder, a *arg) { schedulerFlag(d, a, "mh", SchedFlag2) },
	},
	{
		Name: "mh-fallback", Takes: Flag, Tier: 'C',
		Doc: "mh scheduler: fall back (flag 1); must follow lb_algo mh",
		set: func(d *decoder, a *arg) { schedulerFlag(d, a, "mh", SchedFlag1) },
	},
	{
		Name: "inhibit_on_failure", Takes: Flag, Tier: 'B',
		Doc: "default for real servers: weight 0 instead of removal",
		set: func(d *decoder, a *arg) { d.vs.Inhibit = true },
	},
	{
		Name: "ha_suspend", Takes: Flag, Tier: 'B',
		Doc: "suspend checks while the service address is not on this machine",
		set: func(d *decoder, a *arg) { d.vs.HASuspend = true },
	},
	{
		Name: "probe_via_vip", Takes: Bool, Tier: 'C', Default: "false", Ours: true,
		Doc: "checks ask the virtual address, by the way that IPVS takes to each server; for DR and TUN",
		set: func(d *decoder, a *arg) { d.vs.via, d.vs.viaAt = a.on, a.key },
	},
	{
		Name: "smtp_alert", Takes: Bool, Tier: 'B', Default: "global value, else false",
		Doc: "mail on quorum changes (and default for its real servers)",
		set: func(d *decoder, a *arg) { d.vs.SMTPAlert = tri(a.on) },
	},
	{
		Name: "virtualhost", Twice: Replaces, Takes: Text, Tier: 'A', Args: "<str>", Lax: true,
		Doc: "default HTTP Host",
		set: func(d *decoder, a *arg) { d.vs.VirtualHost = a.text },
	},
	{
		Name: "snmp_name", Pending: true, Takes: Text, Tier: 'C', Args: "<str>", Lax: true,
		Doc: "label in the MIB",
		set: func(d *decoder, a *arg) { d.vs.SNMPName = a.text },
	},
	{
		Name: "alpha", Takes: Flag, Tier: 'B',
		Doc: "all real servers start as down until their checks succeed",
		set: func(d *decoder, a *arg) { d.vs.Alpha = true },
	},
	{
		Name: "omega", Takes: Flag, Tier: 'B',
		Doc: "run the down notifications at stop",
		set: func(d *decoder, a *arg) { d.vs.Omega = true },
	},
	{
		Name: "quorum", Takes: Int, Tier: 'B', Min: 1, Max: maxUint32, Default: "1",
		Doc: "weight sum needed to count as up",
		set: func(d *decoder, a *arg) { d.vs.Quorum, d.vs.quorumAt = uint32(a.n), a.words[0] },
	},
	{
		Name: "hysteresis", Takes: Int, Tier: 'C', Max: maxUint32, Default: "0",
		Doc: "band around quorum",
		set: func(d *decoder, a *arg) { d.vs.Hysteresis, d.vs.hysteresisAt = uint32(a.n), a.words[0] },
	},
	{
		Name: "quorum_up", Takes: Exec, Tier: 'B',
		Doc: "run on quorum gain",
		set: func(d *decoder, a *arg) { d.script(a, &d.vs.QuorumUp) },
	},
	{
		Name: "quorum_down", Takes: Exec, Tier: 'B',
		Doc: "run on quorum loss",
		set: func(d *decoder, a *arg) { d.script(a, &d.vs.QuorumDown) },
	},
	{
		Name: "weight", Takes: Int, Tier: 'B', Min: 1, Max: maxInt32, Default: "1",
		Doc: "default weight of its real servers",
		set: func(d *decoder, a *arg) { d.vs.DefaultWeight = int32(a.n) },
	},
	{
		Name: "sorry_server", Takes: Words, Tier: 'A', Args: "<ip> [<port>]",
		Doc: "used while quorum is lost",
		set: func(d *decoder, a *arg) { setSorryServer(d, a) },
	},
	{
		Name: "sorry_server_inhibit", Takes: Flag, Tier: 'C',
		Doc: "sorry server is kept at weight 0 instead of removed; after sorry_server",
		set: func(d *decoder, a *arg) {
			if d.haveSorry(a) {
				d.vs.SorryInhibit = true
			}
		},
	},
	{
		Name: "sorry_server_lvs_method", Takes: Words, Optional: true, Tier: 'C', Default: "= lb_kind", Args: "<as lb_kind>",
		Doc: "forwarding method of the sorry server; after sorry_server",
		set: func(d *decoder, a *arg) {
			if d.haveSorry(a) {
				setMethod(d, a, &d.vs.Sorry.Method, &d.vs.sorryMethodGiven)
			}
		},
	},
	{
		Name: "real_server", Takes: Sub, Tier: 'A', Args: "<ip> [<port>]",
		Doc:   "one destination",
		Block: &realBlock, open: openReal, end: endReal, scratch: scratchReal,
	},
	{
		Name: "snat_address", Takes: Addr, Tier: 'C', Ours: true,
		Doc: "with lvs_method FULLNAT: the source address that real servers see, one of this machine; sets net.ipv4.vs.conntrack",
		set: func(d *decoder, a *arg) { d.vs.SNAT = a.addr },
	},
	{
		Name: "slow_start", Takes: Seconds, Tier: 'C', Max: 86400000000, Default: "0", Ours: true,
		Doc: "a server that comes back reaches its weight step by step over this time",
		set: func(d *decoder, a *arg) { d.vs.SlowStart = a.dur },
	},
	{
		Name: "min_up", Takes: Words, Tier: 'C', Args: "<1..100>% [sorry|keep_last|all]", Ours: true,
		Doc: "below this share of healthy servers: the sorry server, the last state, or all servers",
		set: setMinUp,
	},
	{
		Name: "expire_connections", Takes: Bool, Tier: 'C', Ours: true,
		Doc: "move the flows of a server that failed at once, and remove it even with inhibit_on_failure; switches net.ipv4.vs.expire_nodest_conn on while the server is removed (Linux 5.9)",
		set: func(d *decoder, a *arg) { d.vs.ExpireConns = tri(a.on) },
	},
}}

// sslBlock is SSL.
var sslBlock = Block{Keywords: []Keyword{
	{
		Name: "password", Twice: Replaces, Takes: Text, Tier: 'C', Args: "<str>", Lax: true,
		Doc: "pass phrase of the key",
		set: func(d *decoder, a *arg) { d.cfg.SSL.Password = a.text },
	},
	{
		Name: "ca", Twice: Replaces, Takes: Text, Tier: 'C', Args: "<path>", Lax: true,
		Doc: "CA file",
		set: func(d *decoder, a *arg) { d.cfg.SSL.CA = a.text },
	},
	{
		Name: "certificate", Twice: Replaces, Takes: Text, Tier: 'C', Args: "<path>", Lax: true,
		Doc: "client certificate file",
		set: func(d *decoder, a *arg) { d.cfg.SSL.Certificate = a.text },
	},
	{
		Name: "key", Twice: Replaces, Takes: Text, Tier: 'C', Args: "<path>", Lax: true,
		Doc: "private key file",
		set: func(d *decoder, a *arg) { d.cfg.SSL.Key = a.text },
	},
}}
