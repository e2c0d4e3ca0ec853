package config

// realBlock is real_server.
var realBlock = Block{Keywords: []Keyword{
	{
		Name: "weight", Takes: Int, Tier: 'A', Max: maxInt32, Default: "virtual_server weight (1)",
		Doc: "IPVS weight",
		set: func(d *decoder, a *arg) { d.rs.Weight, d.rs.weightGiven = int32(a.n), true },
	},
	{
		Name: "lvs_method", Takes: Words, Tier: 'B', Default: "virtual_server value", Args: "<as lb_kind>",
		Doc: "forwarding method of this server",
		set: func(d *decoder, a *arg) { setMethod(d, a, &d.rs.Method, &d.rs.methodGiven) },
	},
	{
		Name: "uthreshold", Takes: Int, Tier: 'C', Max: maxUint32, Default: "0",
		Doc: "IPVS upper connection threshold",
		set: func(d *decoder, a *arg) { d.rs.UThreshold = uint32(a.n) },
	},
	{
		Name: "lthreshold", Takes: Int, Tier: 'C', Max: maxUint32, Default: "0",
		Doc: "IPVS lower connection threshold",
		set: func(d *decoder, a *arg) { d.rs.LThreshold = uint32(a.n) },
	},
	{
		Name: "inhibit_on_failure", Takes: Bool, Tier: 'A', Default: "virtual_server value",
		Doc: "weight 0 instead of removal",
		set: func(d *decoder, a *arg) { d.rs.inhibit = tri(a.on) },
	},
	{
		Name: "notify_up", Takes: Exec, Tier: 'A',
		Doc: "run when the server comes up",
		set: func(d *decoder, a *arg) { d.script(a, &d.rs.NotifyUp) },
	},
	{
		Name: "notify_down", Takes: Exec, Tier: 'A',
		Doc: "run when the server goes down",
		set: func(d *decoder, a *arg) { d.script(a, &d.rs.NotifyDown) },
	},
	{
		Name: "alpha", Takes: Bool, Tier: 'C', Default: "virtual_server value",
		Doc: "start as down until the checks succeed",
		set: func(d *decoder, a *arg) { d.rs.alpha = tri(a.on) },
	},
	{
		Name: "retry", Takes: Int, Tier: 'B', Min: 1, Max: maxUint32, Default: "virtual_server value",
		Doc: "default for its checkers",
		set: func(d *decoder, a *arg) { d.rs.timing().Retry = new(int(a.n)) },
	},
	{
		Name: "delay_before_retry", Takes: Seconds, Tier: 'B', Max: maxMicros, Default: "virtual_server value",
		Doc: "default for its checkers",
		set: func(d *decoder, a *arg) { d.rs.timing().DelayBeforeRetry = new(a.dur) },
	},
	{
		Name: "warmup", Takes: Seconds, Tier: 'C', Max: maxMicros, Default: "virtual_server value",
		Doc: "default for its checkers",
		set: func(d *decoder, a *arg) { d.rs.timing().Warmup = new(a.dur) },
	},
	{
		Name: "connect_timeout", Takes: Seconds, Tier: 'B', Min: 1, Max: 4294967295, Default: "virtual_server value",
		Doc: "default for its checkers",
		set: func(d *decoder, a *arg) { d.rs.timing().ConnectTimeout = new(a.dur) },
	},
	{
		Name: "delay_loop", Takes: Seconds, Tier: 'B', Min: 1, Max: maxMicros, Default: "virtual_server value",
		Doc: "default for its checkers",
		set: func(d *decoder, a *arg) { d.rs.timing().DelayLoop = new(a.dur) },
	},
	{
		Name: "smtp_alert", Takes: Bool, Tier: 'B', Default: "virtual_server/global value, else true",
		Doc: "mail on state changes",
		set: func(d *decoder, a *arg) { d.rs.SMTPAlert = tri(a.on) },
	},
	{
		Name: "virtualhost", Twice: Replaces, Takes: Text, Tier: 'B', Args: "<str>", Default: "virtual_server value", Lax: true,
		Doc: "HTTP Host for its checkers",
		set: func(d *decoder, a *arg) { d.rs.VirtualHost, d.rs.virtualHost = a.text, a.text },
	},
	{
		Name: "snmp_name", Pending: true, Takes: Text, Tier: 'C', Args: "<str>", Lax: true,
		Doc: "label in the MIB",
		set: func(d *decoder, a *arg) { d.rs.SNMPName = a.text },
	},
	{
		Name: "TCP_CHECK", Takes: Sub, Tier: 'A',
		Doc:   "TCP connect check",
		Block: &tcpBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckTCP) }, end: endChecker,
	},
	{
		Name: "HTTP_GET", Takes: Sub, Tier: 'A',
		Doc:   "HTTP check",
		Block: &httpBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckHTTP) }, end: endChecker,
	},
	{
		Name: "SSL_GET", Takes: Sub, Tier: 'A',
		Doc:   "HTTPS check",
		Block: &sslGetBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckSSL) }, end: endChecker,
	},
	{
		Name: "SMTP_CHECK", Takes: Sub, Tier: 'B',
		Doc:   "SMTP check",
		Block: &smtpBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckSMTP) }, end: endChecker,
	},
	{
		Name: "DNS_CHECK", Takes: Sub, Tier: 'B',
		Doc:   "DNS check",
		Block: &dnsBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckDNS) }, end: endChecker,
	},
	{
		Name: "MISC_CHECK", Takes: Sub, Tier: 'A',
		Doc:   "external program check",
		Block: &miscBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckMisc) }, end: endChecker,
	},
	{
		Name: "PING_CHECK", Takes: Sub, Tier: 'B',
		Doc:   "ICMP echo check",
		Block: &pingCheckBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckPing) }, end: endChecker,
	},
	{
		Name: "UDP_CHECK", Takes: Sub, Tier: 'B',
		Doc:   "UDP check",
		Block: &udpBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckUDP) }, end: endChecker,
	},
	{
		Name: "BFD_CHECK", Takes: Sub, Tier: 'C',
		Doc:   "state of a BFD session",
		Block: &bfdCheckBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckBFD) }, end: endChecker,
	},
	{
		Name: "FILE_CHECK", Takes: Sub, Tier: 'B',
		Doc:   "number in a track_file",
		Block: &fileCheckBlock, open: func(d *decoder, a *arg) bool { return d.openChecker(a, CheckFile) }, end: endChecker,
	},
	{
		Name: "HTTP_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "any HTTP request, judged by any part of its answer",
		Block: &requestBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckRequest) }, end: endApp,
	},
	{
		Name: "SEND_EXPECT_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "a conversation of your own over TCP or TLS",
		Block: &sendExpectBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckSendExpect) }, end: endApp,
	},
	{
		Name: "REDIS_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "redis: PING, and perhaps its role",
		Block: &redisBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckRedis) }, end: endApp,
	},
	{
		Name: "MYSQL_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "MySQL or MariaDB: login and perhaps a query",
		Block: &sqlBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckMySQL) }, end: endApp,
	},
	{
		Name: "PGSQL_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "PostgreSQL: login and perhaps a query",
		Block: &sqlBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckPgSQL) }, end: endApp,
	},
	{
		Name: "LDAP_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "LDAP: bind, and perhaps an entry",
		Block: &ldapBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckLDAP) }, end: endApp,
	},
	{
		Name: "IMAP_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "IMAP: greeting, and perhaps a login",
		Block: &sessionBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckIMAP) }, end: endApp,
	},
	{
		Name: "POP3_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "POP3: greeting, and perhaps a login",
		Block: &sessionBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckPOP3) }, end: endApp,
	},
	{
		Name: "NNTP_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "NNTP: greeting, and perhaps a login",
		Block: &sessionBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckNNTP) }, end: endApp,
	},
	{
		Name: "FTP_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "FTP: greeting, and perhaps a login",
		Block: &sessionBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckFTP) }, end: endApp,
	},
	{
		Name: "SIP_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "SIP: OPTIONS",
		Block: &sipBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckSIP) }, end: endApp,
	},
	{
		Name: "RADIUS_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "RADIUS: access, or the status of the server",
		Block: &radiusBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckRadius) }, end: endApp,
	},
	{
		Name: "GRPC_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "gRPC: grpc.health.v1",
		Block: &grpcBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckGRPC) }, end: endApp,
	},
	{
		Name: "WEBSOCKET_CHECK", Takes: Sub, Tier: 'C', Ours: true,
		Doc:   "WebSocket: the upgrade",
		Block: &webSocketBlock, open: func(d *decoder, a *arg) bool { return d.openApp(a, CheckWebSocket) }, end: endApp,
	},
	{
		Name: "rise", Takes: Int, Tier: 'C', Min: 1, Max: maxInt32, Ours: true,
		Doc: "successes in a row of a checker to count as up again",
		set: func(d *decoder, a *arg) { d.rs.Rise = int32(a.n) },
	},
	{
		Name: "fall", Takes: Int, Tier: 'C', Min: 1, Max: maxInt32, Ours: true,
		Doc: "failures in a row of a checker to count as down, instead of retry",
		set: func(d *decoder, a *arg) { d.rs.Fall = int32(a.n) },
	},
	{
		Name: "check_group", Takes: Words, Tier: 'C', Args: "all|any", Default: "all", Ours: true,
		Doc: "whether all checkers must succeed or any one is enough, besides those that are critical",
		set: setCheckGroup,
	},
}}
