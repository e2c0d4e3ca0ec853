package config

// The blocks of our own kinds of checks.

// checkTLSBlock is TLS for a check of ours, and how it connects.
var checkTLSBlock = Block{Keywords: []Keyword{
	{
		Name: "tls", Takes: Bool, Tier: 'C', Default: "false", Ours: true,
		Doc: "speak TLS from the start of the connection, with databases as soon as they allow it",
		set: func(d *decoder, a *arg) { d.chkTLS().On = a.on },
	},
	{
		Name: "tls_verify", Takes: Bool, Tier: 'C', Default: "false", Ours: true,
		Doc: "verify the server's certificate, by tls_ca or the system's authorities",
		set: func(d *decoder, a *arg) { d.chkTLS().Verify = a.on },
	},
	{
		Name: "tls_name", Takes: Text, Tier: 'C', Args: "<host name>", Ours: true,
		Doc: "name sent in the handshake and expected in the certificate",
		set: func(d *decoder, a *arg) { d.chkTLS().Name = a.text },
	},
	{
		Name: "tls_ca", Takes: Text, Tier: 'C', Args: "<path>", Ours: true,
		Doc: "file with the authorities to verify the server by",
		set: func(d *decoder, a *arg) { d.chkTLS().CA = a.text },
	},
	{
		Name: "tls_certificate", Takes: Text, Tier: 'C', Args: "<path>", Ours: true,
		Doc: "file with our certificate",
		set: func(d *decoder, a *arg) { d.chkTLS().Certificate = a.text },
	},
	{
		Name: "tls_key", Takes: Text, Tier: 'C', Args: "<path>", Default: "tls_certificate", Ours: true,
		Doc: "file with the key of our certificate",
		set: func(d *decoder, a *arg) { d.chkTLS().Key = a.text },
	},
}, Common: &connectBlock}

// startTLS is for protocols that can also ask for TLS later.
var startTLS = Keyword{
	Name: "starttls", Takes: Bool, Tier: 'C', Default: "false", Ours: true,
	Doc: "begin in the clear and ask for TLS, instead of tls",
	set: func(d *decoder, a *arg) { d.chkTLS().On, d.chkTLS().Later = a.on, a.on },
}

// startTLSBlock is both kinds of TLS, and how a check connects.
var startTLSBlock = Block{Keywords: []Keyword{startTLS}, Common: &checkTLSBlock}

// sessionBlock is IMAP_CHECK, POP3_CHECK, NNTP_CHECK and FTP_CHECK.
var sessionBlock = Block{Keywords: []Keyword{startTLS}, Common: &loginBlock}

// loginBlock is a user name and a password, with TLS.
var loginBlock = Block{Keywords: []Keyword{
	{
		Name: "username", Takes: Text, Tier: 'C', Args: "<str>", Ours: true,
		Doc: "user to log in as",
		set: func(d *decoder, a *arg) { d.chk.App.Username = a.text },
	},
	{
		Name: "password", Takes: Text, Tier: 'C', Args: "<str>", Ours: true,
		Doc: "password of the user",
		set: func(d *decoder, a *arg) { d.chk.App.Password = a.text },
	},
}, Common: &checkTLSBlock}

// plainLoginBlock is the same without TLS.
var plainLoginBlock = Block{Keywords: []Keyword{
	{
		Name: "username", Takes: Text, Tier: 'C', Args: "<str>", Ours: true,
		Doc: "user to log in as",
		set: func(d *decoder, a *arg) { d.chk.App.Username = a.text },
	},
	{
		Name: "password", Takes: Text, Tier: 'C', Args: "<str>", Ours: true,
		Doc: "password of the user",
		set: func(d *decoder, a *arg) { d.chk.App.Password = a.text },
	},
}, Common: &connectBlock}

// redisBlock is REDIS_CHECK.
var redisBlock = Block{Keywords: []Keyword{
	{
		Name: "role", Takes: Words, Tier: 'C', Args: "master|replica", Default: "any", Ours: true,
		Doc: "role that the server must have",
		set: func(d *decoder, a *arg) { setRole(d, a) },
	},
}, Common: &loginBlock}

// sqlBlock is MYSQL_CHECK and PGSQL_CHECK.
var sqlBlock = Block{Keywords: []Keyword{
	{
		Name: "database", Takes: Text, Tier: 'C', Args: "<str>", Ours: true,
		Doc: "database to open",
		set: func(d *decoder, a *arg) { d.chk.App.Database = a.text },
	},
	{
		Name: "query", Takes: Text, Tier: 'C', Args: "\"<statement>\"", Ours: true,
		Doc: "statement to run after the login; a select must give a row",
		set: func(d *decoder, a *arg) { d.chk.App.Query = a.text },
	},
}, Common: &loginBlock}

// ldapBlock is LDAP_CHECK.
var ldapBlock = Block{Keywords: []Keyword{
	{
		Name: "bind_dn", Takes: Text, Tier: 'C', Args: "<dn>", Default: "anonymous", Ours: true,
		Doc: "name to bind as",
		set: func(d *decoder, a *arg) { d.chk.App.BindDN = a.text },
	},
	{
		Name: "password", Takes: Text, Tier: 'C', Args: "<str>", Ours: true,
		Doc: "password to bind with",
		set: func(d *decoder, a *arg) { d.chk.App.Password = a.text },
	},
	{
		Name: "base", Takes: Text, Tier: 'C', Args: "<dn>", Ours: true,
		Doc: "entry that must be there",
		set: func(d *decoder, a *arg) { d.chk.App.Base = a.text },
	},
}, Common: &startTLSBlock}

// sipBlock is SIP_CHECK.
var sipBlock = Block{Keywords: []Keyword{
	{
		Name: "transport", Takes: Words, Tier: 'C', Args: "udp|tcp", Default: "udp; tcp with tls", Ours: true,
		Doc: "what OPTIONS is sent over",
		set: func(d *decoder, a *arg) { setSIPTransport(d, a) },
	},
	{
		Name: "uri", Takes: Text, Tier: 'C', Args: "<sip uri>", Default: "sip:<address>:<port>", Ours: true,
		Doc: "what OPTIONS asks about",
		set: func(d *decoder, a *arg) { d.chk.App.URI = a.text },
	},
	{
		Name: "status_code", Takes: Words, Tier: 'C', Args: "<int 100..599 or low-high> …", Default: "200-299", Ours: true,
		Doc: "accepted status codes",
		set: func(d *decoder, a *arg) { setStatus(d, a) },
	},
}, Common: &checkTLSBlock}

// radiusBlock is RADIUS_CHECK.
var radiusBlock = Block{Keywords: []Keyword{
	{
		Name: "secret", Takes: Text, Tier: 'C', Args: "<str>", Default: "required", Ours: true,
		Doc: "secret shared with the server",
		set: func(d *decoder, a *arg) { d.chk.App.Secret = a.text },
	},
}, Common: &plainLoginBlock}

// grpcBlock is GRPC_CHECK.
var grpcBlock = Block{Keywords: []Keyword{
	{
		Name: "service", Takes: Text, Tier: 'C', Args: "<str>", Default: "the server as a whole", Ours: true,
		Doc: "service whose health is asked for",
		set: func(d *decoder, a *arg) { d.chk.App.Service = a.text },
	},
	{
		Name: "virtualhost", Takes: Text, Tier: 'C', Args: "<str>", Default: "address and port", Ours: true,
		Doc: "authority of the request",
		set: func(d *decoder, a *arg) { d.url.VirtualHost = a.text },
	},
}, Common: &checkTLSBlock}

// webSocketBlock is WEBSOCKET_CHECK.
var webSocketBlock = Block{Keywords: []Keyword{
	{
		Name: "path", Takes: Text, Tier: 'C', Args: "<str>", Default: "/", Ours: true,
		Doc: "request path",
		set: func(d *decoder, a *arg) { d.url.Path = a.text },
	},
	{
		Name: "virtualhost", Takes: Text, Tier: 'C', Args: "<str>", Default: "real/virtual server value", Ours: true,
		Doc: "HTTP Host of the request",
		set: func(d *decoder, a *arg) { d.url.VirtualHost = a.text },
	},
}, Common: &checkTLSBlock}

// requestBlock is HTTP_CHECK. What it shares with url is declared there.
var requestBlock = Block{Keywords: []Keyword{
	{
		Name: "method", Takes: Text, Tier: 'C', Args: "<str>", Default: "GET", Ours: true,
		Doc: "request method",
		set: func(d *decoder, a *arg) { d.chk.App.Method = a.text },
	},
	{
		Name: "path", Takes: Text, Tier: 'C', Args: "<str>", Default: "/", Ours: true,
		Doc: "request path",
		set: func(d *decoder, a *arg) { d.url.Path = a.text },
	},
	{
		Name: "virtualhost", Takes: Text, Tier: 'C', Args: "<str>", Default: "real/virtual server value", Ours: true,
		Doc: "HTTP Host of the request",
		set: func(d *decoder, a *arg) { d.url.VirtualHost = a.text },
	},
	{
		Name: "http2", Takes: Bool, Tier: 'C', Default: "false", Ours: true,
		Doc: "speak HTTP/2, with prior knowledge when there is no TLS",
		set: func(d *decoder, a *arg) { d.chk.App.HTTP2 = a.on },
	},
	{
		Name: "follow_redirects", Takes: Int, Tier: 'C', Max: 20, Default: "0", Ours: true,
		Doc: "how many redirects to follow, on the same server",
		set: func(d *decoder, a *arg) { d.chk.App.Follow = int(a.n) },
	},
	{
		Name: "header", Takes: Words, Tier: 'C', Args: "<name> <value>", Ours: true,
		Doc: "field to send in the header",
		set: func(d *decoder, a *arg) { addHeader(d, a, &d.chk.App.Headers) },
	},
	{
		Name: "body", Takes: Text, Tier: 'C', Args: "\"<text>\"", Ours: true,
		Doc: "body to send",
		set: func(d *decoder, a *arg) { d.chk.App.Body = string(unescapeText(d, a)) },
	},
	{
		Name: "status_code", Takes: Words, Tier: 'C', Args: "<int 100..599 or low-high> …", Default: "200-299", Ours: true,
		Doc: "accepted status codes",
		set: func(d *decoder, a *arg) { setStatus(d, a) },
	},
	{
		Name: "expect_header", Takes: Words, Tier: 'C', Args: "<name> \"<regex>\"", Ours: true,
		Doc: "field that the answer must have",
		set: func(d *decoder, a *arg) { addHeader(d, a, &d.chk.App.Expect) },
	},
	{
		Name: "expect_json", Takes: Words, Tier: 'C', Args: "<path.to.value> <value>", Ours: true,
		Doc: "value that a JSON body must have",
		set: func(d *decoder, a *arg) { addJSON(d, a) },
	},
	{
		Name: "regex", Takes: Words, Tier: 'C', Args: "\"<PCRE2 pattern>\"", Ours: true,
		Doc: "must match the body",
		set: func(d *decoder, a *arg) { setRegex(d, a) },
	},
	{
		Name: "regex_no_match", Takes: Flag, Tier: 'C', Ours: true,
		Doc: "invert regex",
		set: func(d *decoder, a *arg) { d.url.RegexNoMatch = true },
	},
	{
		Name: "regex_options", Takes: Words, Tier: 'C', Args: "<word> …", Optional: true, Ours: true,
		Doc: "options of regex, as in HTTP_GET",
		set: func(d *decoder, a *arg) { setRegexOptions(d, a) },
	},
}, Common: &loginBlock}

// sendExpectBlock is SEND_EXPECT_CHECK; its lines keep their order.
var sendExpectBlock = Block{Keywords: []Keyword{
	{
		Name: "send", Takes: Text, Tier: 'C', Args: "\"<text>\"", Ours: true,
		Doc: `text to send; \r \n \t \0 \xHH and \\ are known in it`,
		set: func(d *decoder, a *arg) { d.exchange(Exchange{Send: unescapeText(d, a)}) },
	},
	{
		Name: "send_hex", Takes: Words, Tier: 'C', Args: "<hex>", Ours: true,
		Doc: "bytes to send",
		set: func(d *decoder, a *arg) { addSendHex(d, a) },
	},
	{
		Name: "expect", Takes: Text, Tier: 'C', Args: "\"<regex>\"", Ours: true,
		Doc: "wait until this comes; RE2 syntax",
		set: func(d *decoder, a *arg) { addExpect(d, a) },
	},
	{
		Name: "reject", Takes: Text, Tier: 'C', Args: "\"<regex>\"", Ours: true,
		Doc: "fail at once when this comes before what the line above expects",
		set: func(d *decoder, a *arg) { setReject(d, a) },
	},
}, Common: &checkTLSBlock}
