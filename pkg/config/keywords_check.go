package config

import (
	"slices"
	"strings"
	"time"
)

// timingBlock is the schedule of a checker.
var timingBlock = Block{Keywords: []Keyword{
	{
		Name: "retry", Takes: Int, Tier: 'A', Max: maxUint32, Default: "real/virtual server value, else 0",
		Doc: "retries before the check counts as failed",
		set: func(d *decoder, a *arg) { d.chk.given.Retry = new(int(a.n)) },
	},
	{
		Name: "delay_before_retry", Takes: Seconds, Tier: 'A', Max: maxMicros, Default: "real/virtual server value, else 1",
		Doc: "pause before a retry",
		set: func(d *decoder, a *arg) { d.chk.given.DelayBeforeRetry = new(a.dur) },
	},
	{
		Name: "warmup", Takes: Seconds, Tier: 'B', Max: maxMicros, Default: "real/virtual server value, else delay_loop",
		Doc: "upper end of the random start delay",
		set: func(d *decoder, a *arg) { d.chk.given.Warmup = new(a.dur) },
	},
	{
		Name: "delay_loop", Takes: Seconds, Tier: 'B', Min: 1, Max: maxMicros, Default: "real/virtual server value, else 60",
		Doc: "check period",
		set: func(d *decoder, a *arg) { d.chk.given.DelayLoop = new(a.dur) },
	},
	{
		Name: "alpha", Takes: Bool, Tier: 'C', Default: "real/virtual server value",
		Doc: "this check starts as failed",
		set: func(d *decoder, a *arg) { d.chk.alpha = tri(a.on) },
	},
	{
		Name: "log_all_failures", Takes: Bool, Tier: 'B', Default: "global checker_log_all_failures",
		Doc: "log every failed attempt, not only the final verdict",
		set: func(d *decoder, a *arg) { d.chk.logAll = tri(a.on) },
	},
	{
		Name: "critical", Takes: Bool, Tier: 'C', Ours: true,
		Doc: "the server is down with this check even with check_group any",
		set: func(d *decoder, a *arg) { d.chk.Critical = a.on },
	},
}}

// connectBlock is how a checker connects, and its schedule.
var connectBlock = Block{Keywords: []Keyword{
	{
		Name: "connect_ip", Takes: Addr, Tier: 'A', Default: "real server address",
		Doc: "address to check",
		set: func(d *decoder, a *arg) { d.chk.connectIP, d.chk.connectIPAt = a.addr, a.words[0] },
	},
	{
		Name: "connect_port", Takes: Int, Tier: 'A', Min: 1, Max: 65535, Default: "real server port",
		Doc: "port to check",
		set: func(d *decoder, a *arg) { d.chk.connectPort = uint16(a.n) },
	},
	{
		Name: "bindto", Takes: Addr, Tier: 'B',
		Doc: "local address of the check",
		set: func(d *decoder, a *arg) { d.chk.bindIP, d.chk.bindAt = a.addr, a.words[0] },
	},
	{
		Name: "bind_port", Takes: Int, Tier: 'C', Min: 1, Max: 65535,
		Doc: "local port of the check",
		set: func(d *decoder, a *arg) { d.chk.bindPort, d.chk.bindAt = uint16(a.n), a.words[0] },
	},
	{
		Name: "bind_if", Takes: Text, Tier: 'C', Args: "<ifname>",
		Doc: "local interface (needed for a link-local target)",
		set: func(d *decoder, a *arg) {
			if name := d.linkName(a.words[0]); name != "" {
				d.chk.BindIf = name
			}
		},
	},
	{
		Name: "connect_timeout", Takes: Seconds, Tier: 'A', Min: 1, Max: 4294967295, Default: "real/virtual server value, else 5",
		Doc: "connect (and per-step) timeout",
		set: func(d *decoder, a *arg) { d.chk.given.ConnectTimeout = new(a.dur) },
	},
	{
		Name: "fwmark", Takes: Int, Tier: 'C', Max: maxUint32, Default: "0",
		Doc: "mark on packets of the check",
		set: func(d *decoder, a *arg) { d.chk.Mark = uint32(a.n) },
	},
	{
		Name: "probe_via_vip", Takes: Bool, Tier: 'C', Default: "virtual server value", Ours: true,
		Doc: "ask the virtual address, by the way that IPVS takes to this server; for DR and TUN",
		set: func(d *decoder, a *arg) { d.chk.via, d.chk.viaAt = tri(a.on), a.key },
	},
}, Common: &timingBlock}

// tcpBlock is TCP_CHECK.
var tcpBlock = Block{Common: &connectBlock}

// pingCheckBlock is PING_CHECK.
var pingCheckBlock = Block{Common: &connectBlock}

// httpBlock is HTTP_GET.
var httpBlock = Block{Keywords: []Keyword{
	{
		Name: "nb_get_retry", Takes: Int, Tier: 'D', Old: true, Use: "retry", Max: maxUint32,
		Doc: "old spelling of retry (counts as an error)",
		set: func(d *decoder, a *arg) { d.chk.given.Retry = new(int(a.n)) },
	},
	{
		Name: "virtualhost", Twice: Replaces, Takes: Text, Tier: 'A', Args: "<str>", Default: "real/virtual server value", Lax: true,
		Doc: "HTTP Host for all urls",
		set: func(d *decoder, a *arg) { d.chk.HTTP.VirtualHost = a.text },
	},
	{
		Name: "http_protocol", Takes: Words, Tier: 'B', Args: "1.0|1.0C|1.0c|1.1", Default: "1.0", Lax: true,
		Doc: "request line version; C = 1.0 plus Connection: close",
		set: func(d *decoder, a *arg) { setHTTPProtocol(d, a) },
	},
	{
		Name: "enable_sni", Takes: Bool, Tier: 'C',
		Doc: "send the host name in the TLS handshake",
		set: func(d *decoder, a *arg) { d.chk.HTTP.SNI = a.on },
	},
	{
		Name: "fast_recovery", Takes: Bool, Tier: 'C',
		Doc: "while down continue with the next url at once instead of after delay_loop",
		set: func(d *decoder, a *arg) { d.chk.HTTP.FastRecovery = a.on },
	},
	{
		Name: "url", Takes: Sub, Tier: 'A', Default: "required (one or more)",
		Doc:   "one request",
		Block: &urlBlock, open: openURL, end: endURL,
	},
}, Common: &connectBlock}

// sslGetBlock is SSL_GET.
var sslGetBlock = Block{Keywords: []Keyword{
	{
		Name: "tls_compliant", Takes: Bool, Tier: 'C',
		Doc: "send a TLS close-notify when closing (otherwise quiet shutdown)",
		set: func(d *decoder, a *arg) { d.chk.HTTP.TLSCompliant = a.on },
	},
	{
		Name: "url", Takes: Sub, Tier: 'A', Default: "required (one or more)",
		Doc:   "one request",
		Block: &sslURLBlock, open: openURL, end: endURL,
	},
}, Common: &httpBlock}

// urlBlock is url of HTTP_GET.
var urlBlock = Block{Keywords: []Keyword{
	{
		Name: "path", Takes: Text, Tier: 'A', Args: "<str>", Default: "required",
		Doc: "request path",
		set: func(d *decoder, a *arg) { setPath(d, a) },
	},
	{
		Name: "digest", Takes: Words, Tier: 'A', Args: "<32 hex digits>",
		Doc: "expected MD5 of the body",
		set: func(d *decoder, a *arg) { setDigest(d, a) },
	},
	{
		Name: "status_code", Takes: Words, Tier: 'A', Args: "<int 100..599 or low-high> …", Default: "200-299 (also with digest or regex)", Optional: true,
		Doc: "accepted status codes",
		set: func(d *decoder, a *arg) { setStatus(d, a) },
	},
	{
		Name: "virtualhost", Twice: Replaces, Takes: Text, Tier: 'B', Args: "<str>", Default: "checker value", Lax: true,
		Doc: "HTTP Host of this url",
		set: func(d *decoder, a *arg) { d.url.VirtualHost = a.text },
	},
	{
		Name: "regex", Takes: Words, Tier: 'B', Args: "\"<PCRE2 pattern>\"", Lax: true,
		Doc: "must match the body",
		set: func(d *decoder, a *arg) { setRegex(d, a) },
	},
	{
		Name: "regex_no_match", Takes: Flag, Tier: 'C',
		Doc: "invert regex",
		set: func(d *decoder, a *arg) { d.url.RegexNoMatch = true },
	},
	{
		Name: "regex_options", Takes: Words, Tier: 'C', Args: "<word> …", Optional: true,
		Doc: "PCRE2 options: allow_empty_class alt_bsux auto_callout caseless dollar_endonly dotall dupnames extended firstline match_unset_backref multiline never_ucp never_utf no_auto_capture no_auto_possess no_dotstar_anchor no_start_optimize ucp ungreedy utf never_backslash_c alt_circumflex alt_verbnames use_offset_limit",
		set: func(d *decoder, a *arg) { setRegexOptions(d, a) },
	},
	{
		Name: "regex_min_offset", Takes: Words, Tier: 'C', Default: "0", Optional: true, Args: "<int>",
		Doc: "earliest start of a match",
		set: func(d *decoder, a *arg) { setRegexOffset(d, a, &d.url.RegexMin) },
	},
	{
		Name: "regex_max_offset", Takes: Words, Tier: 'C', Optional: true, Args: "<int>",
		Doc: "latest start of a match",
		set: func(d *decoder, a *arg) { setRegexOffset(d, a, &d.url.RegexMax) },
	},
	{
		Name: "regex_stack", Pending: true, Takes: Words, Tier: 'C', Args: "<start> <max>", Default: "engine default", Optional: true,
		Doc: "JIT stack size",
		set: func(d *decoder, a *arg) { setRegexStack(d, a) },
	},
}}

// sslURLBlock is url of SSL_GET.
var sslURLBlock = Block{Keywords: []Keyword{
	{
		Name: "tls_compliant", Takes: Bool, Tier: 'C', Default: "checker value",
		Doc: "as above for one url",
		set: func(d *decoder, a *arg) { d.url.TLSCompliant = tri(a.on) },
	},
}, Common: &urlBlock}

// smtpBlock is SMTP_CHECK.
var smtpBlock = Block{Keywords: []Keyword{
	{
		Name: "helo_name", Twice: FirstCounts, Takes: Text, Tier: 'B', Args: "<str>", Default: "smtpchecker.keepalived.org", Lax: true,
		Doc: "name sent in HELO",
		set: func(d *decoder, a *arg) { d.chk.SMTP.Helo = a.text },
	},
	{
		Name: "host", Takes: Sub, Tier: 'D',
		Doc: "old: one check per host block; use several SMTP_CHECKs",
		Use: "several SMTP_CHECK blocks", Block: &hostBlock, open: openHost, end: endHost,
	},
}, Common: &startTLSBlock}

// hostBlock is host of SMTP_CHECK: one check each.
var hostBlock = Block{Common: &connectBlock}

// dnsBlock is DNS_CHECK.
var dnsBlock = Block{Keywords: []Keyword{
	{
		Name: "type", Takes: Words, Tier: 'B', Args: "A|NS|CNAME|SOA|MX|TXT|AAAA|RRSIG|DNSKEY (any case)", Default: "SOA",
		Doc: "record type asked for",
		set: func(d *decoder, a *arg) { setDNSType(d, a) },
	},
	{
		Name: "name", Twice: FirstCounts, Takes: Words, Tier: 'B', Default: ". (root)", Args: "<str>",
		Doc: "name asked for",
		set: func(d *decoder, a *arg) { setDNSName(d, a) },
	},
}, Common: &connectBlock}

// miscBlock is MISC_CHECK.
var miscBlock = Block{Keywords: []Keyword{
	{
		Name: "misc_path", Takes: Words, Tier: 'A', Default: "required", Args: "\"<command args>\"", Optional: true,
		Doc: "command to run",
		set: func(d *decoder, a *arg) {
			if a.given || a.line.Text != "" && strings.ContainsAny(a.line.Text, `"'`) {
				d.chk.text, d.chk.textAt = d.commandText(a), a.first()
			}
		},
	},
	{
		Name: "misc_timeout", Takes: Int, Tier: 'A', Max: 4294, Unit: "seconds", Default: "delay_loop",
		Doc: "limit for the command",
		set: func(d *decoder, a *arg) { d.chk.Misc.Timeout = time.Duration(a.n) * time.Second },
	},
	{
		Name: "misc_dynamic", Takes: Flag, Tier: 'A',
		Doc: "exit status sets the weight",
		set: func(d *decoder, a *arg) { d.chk.Misc.Dynamic = true },
	},
	{
		Name: "user", Takes: Words, Tier: 'A', Args: "<user> [<group>]", Default: "script_user", Lax: true,
		Doc: "account for the command",
		set: func(d *decoder, a *arg) { d.chk.user = slices.Clone(a.words) },
	},
}, Common: &timingBlock}

// udpBlock is UDP_CHECK.
var udpBlock = Block{Keywords: []Keyword{
	{
		Name: "payload", Takes: Words, Tier: 'B', Args: "<hex>", Default: "32 byte text pattern", Lax: true,
		Doc: "data to send",
		set: func(d *decoder, a *arg) { setPayload(d, a) },
	},
	{
		Name: "require_reply", Takes: Words, Tier: 'B', Args: "[<hex with x as wildcard digit>]", Optional: true,
		Doc: "a reply must come (and match)",
		set: func(d *decoder, a *arg) { setRequireReply(d, a) },
	},
	{
		Name: "min_reply_length", Takes: Int, Tier: 'C', Max: 65535, Default: "0",
		Doc: "shortest accepted reply",
		set: func(d *decoder, a *arg) { d.chk.UDP.MinReply = int(a.n) },
	},
	{
		Name: "max_reply_length", Takes: Int, Tier: 'C', Max: 65535, Default: "255",
		Doc: "longest accepted reply",
		set: func(d *decoder, a *arg) { d.chk.UDP.MaxReply = int(a.n) },
	},
}, Common: &connectBlock}

// bfdCheckBlock is BFD_CHECK.
var bfdCheckBlock = Block{Keywords: []Keyword{
	{
		Name: "name", Takes: Words, Tier: 'C', Default: "required", Args: "<bfd_instance>",
		Doc: "session to follow",
		set: func(d *decoder, a *arg) { setBFDName(d, a) },
	},
	{
		Name: "alpha", Takes: Bool, Tier: 'C', Default: "real/virtual server value",
		Doc: "start as failed",
		set: func(d *decoder, a *arg) { d.chk.alpha = tri(a.on) },
	},
}}

// fileCheckBlock is FILE_CHECK.
var fileCheckBlock = Block{Keywords: []Keyword{
	{
		Name: "track_file", Takes: Text, Tier: 'B', Default: "required", Args: "<track_file>",
		Doc: "track_file to use",
		set: func(d *decoder, a *arg) { setCheckFile(d, a) },
	},
	{
		Name: "weight", Takes: Words, Tier: 'B', Args: "<int -2147483647..2147483647> [reverse|noreverse]", Default: "track_file weight", Lax: true,
		Doc: "multiplier; 0 = any nonzero number means down, with reverse 0 does",
		set: func(d *decoder, a *arg) { d.fileWeight(a) },
	},
}}
