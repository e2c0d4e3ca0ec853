package config

// AppCheck is one of our own kinds of checks: a conversation with a server in
// its own protocol. Each kind has a part of the fields.
type AppCheck struct {
	Username, Password string
	Database, Query    string // MYSQL_CHECK, PGSQL_CHECK
	Role               string // REDIS_CHECK: master, replica, or empty for any
	BindDN, Base       string // LDAP_CHECK
	URI                string // SIP_CHECK
	TCP                bool   // SIP_CHECK
	Secret             string // RADIUS_CHECK
	Service            string // GRPC_CHECK

	Exchanges []Exchange // SEND_EXPECT_CHECK

	Page    URL // path, host, status and regex of the kinds that have them
	Method  string
	Body    string
	HTTP2   bool
	Follow  int         // redirects
	Headers []Header    // to send
	Expect  []Header    // values are regular expressions
	JSON    []JSONValue // that the body must have
}

// CheckTLS is how a check speaks TLS.
type CheckTLS struct {
	On               bool
	Later            bool // begin in the clear and ask for it
	Verify           bool
	Name             string
	CA               string
	Certificate, Key string
}

// Exchange is one thing to send, or one to expect.
type Exchange struct {
	Send   []byte
	Expect string // regular expression; empty for one to send
	Reject string // regular expression that ends the wait with a failure
}

// Header is a field of an HTTP header.
type Header struct{ Name, Value string }

// JSONValue is a value and the path to it, names and indexes joined by dots.
type JSONValue struct{ Path, Value string }
