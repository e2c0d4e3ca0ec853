package healthcheck

// The questions below are ours: keepalived's users run scripts for them.

// SendExpect is a conversation of the operator's own over a stream.
type SendExpect struct {
	TLS   *TLS
	Steps []Exchange
}

// Exchange is one thing to send, or one thing to expect.
type Exchange struct {
	Send   []byte
	Expect string // regular expression for what comes; empty for a step that sends
	Reject string // regular expression that ends the wait with a failure

	Encrypt bool // neither: TLS starts here, where it is Later
}

// Session logs in to a server that speaks in lines, or just greets it when
// there is no user name.
type Session struct {
	Protocol           Protocol
	TLS                *TLS
	Username, Password string
}

// Protocol is one of those that a Session speaks.
type Protocol string

// The protocols of a Session.
const (
	IMAP Protocol = "IMAP" // RFC 9051
	POP3 Protocol = "POP3" // RFC 1939
	NNTP Protocol = "NNTP" // RFC 3977, RFC 4643
	FTP  Protocol = "FTP"  // RFC 959
)

// Redis asks for PONG, and perhaps for the role of the server.
type Redis struct {
	TLS                *TLS
	Username, Password string
	Role               string // "master", "replica" or empty for any
}

// MySQL logs in and may run a query that must give a row. Without a user name
// it is content with the greeting.
type MySQL struct {
	TLS                                 *TLS
	Username, Password, Database, Query string
}

// PgSQL logs in to PostgreSQL and may run a query that must give a row.
// Without a password it is content that the server asks for one.
type PgSQL struct {
	TLS                                 *TLS
	Username, Password, Database, Query string
}

// LDAP binds, and reads an entry if there is a base (RFC 4511).
type LDAP struct {
	TLS              *TLS
	BindDN, Password string // both empty: anonymous
	Base             string
}

// SIP sends OPTIONS (RFC 3261 section 11).
type SIP struct {
	TCP    bool // or UDP
	TLS    *TLS
	URI    string
	Status []StatusRange // accepted; empty means 200-299
}

// Radius asks for access, or for the server's status if there is no user name
// (RFC 2865, RFC 5997).
type Radius struct{ Secret, Username, Password string }

// GRPC asks grpc.health.v1 for the health of a service; empty is the server's.
type GRPC struct {
	TLS           *TLS
	Service, Host string
}

// WebSocket asks for an upgrade (RFC 6455 section 4).
type WebSocket struct {
	TLS        *TLS
	Path, Host string
}

// HTTPRequest is any request, judged by any part of its answer.
type HTTPRequest struct {
	TLS                *TLS
	HTTP2              bool
	Redirects          int // how many are followed, on the same server
	Method, Path, Host string
	Headers            []Header
	Body               string
	Username, Password string // basic authentication
	Status             []StatusRange
	Expect             []Header // the value is a regular expression
	JSON               []JSONValue
	Regex              *Regex
}

// Header is a field of an HTTP header.
type Header struct{ Name, Value string }

// JSONValue is what must stand at a place in a JSON body.
type JSONValue struct {
	Path  string // names and indexes joined by dots: status.checks.0
	Value string // as text; strings without their quotes
}

// Keyword implements Question.
func (SendExpect) Keyword() string { return "SEND_EXPECT_CHECK" }

// Keyword implements Question.
func (s Session) Keyword() string { return string(s.Protocol) + "_CHECK" }

// Keyword implements Question.
func (Redis) Keyword() string { return "REDIS_CHECK" }

// Keyword implements Question.
func (MySQL) Keyword() string { return "MYSQL_CHECK" }

// Keyword implements Question.
func (PgSQL) Keyword() string { return "PGSQL_CHECK" }

// Keyword implements Question.
func (LDAP) Keyword() string { return "LDAP_CHECK" }

// Keyword implements Question.
func (SIP) Keyword() string { return "SIP_CHECK" }

// Keyword implements Question.
func (Radius) Keyword() string { return "RADIUS_CHECK" }

// Keyword implements Question.
func (GRPC) Keyword() string { return "GRPC_CHECK" }

// Keyword implements Question.
func (WebSocket) Keyword() string { return "WEBSOCKET_CHECK" }

// Keyword implements Question.
func (HTTPRequest) Keyword() string { return "HTTP_CHECK" }
