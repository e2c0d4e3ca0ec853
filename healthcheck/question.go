package healthcheck

import "time"

// Question is what a check asks. The set is closed: the types below.
type Question interface {
	// Keyword is the configuration's name of the kind, such as TCP_CHECK.
	Keyword() string
}

// TCP asks whether a connection can be made.
type TCP struct{}

// HTTP asks for URLs, one per step. With TLS it is SSL_GET.
type HTTP struct {
	TLS          *TLS
	Protocol     HTTPProtocol
	FastRecovery bool // while not up, ask for the next URL at once
	URLs         []URL
}

// HTTPProtocol is the version in the request line.
type HTTPProtocol uint8

// The protocols of keepalived's http_protocol.
const (
	HTTP10      HTTPProtocol = iota // HTTP/1.0
	HTTP10Close                     // HTTP/1.0 with Connection: close
	HTTP11                          // HTTP/1.1 with Connection: close
)

// URL is one request of an HTTP check and what its answer must be.
type URL struct {
	Path         string
	Host         string        // Host header as typed; empty means the target's address and port
	SNI          string        // name sent in the TLS handshake, empty for none
	Status       []StatusRange // accepted codes; empty means 200-299
	Digest       string        // MD5 of the body in lower case hex, empty for any
	Regex        *Regex
	TLSCompliant bool // end TLS with a close-notify
}

// StatusRange is a range of status codes, both ends included.
type StatusRange struct{ Low, High int }

// Regex must match the body, or must not.
type Regex struct {
	Pattern   string
	Options   []string // keepalived's regex_options
	NoMatch   bool
	MinOffset int // earliest start of a match, in bytes
	MaxOffset int // latest start of a match; 0 for no limit
}

// TLS is how to speak TLS to a server. Certificates of servers are not
// verified unless Verify is set: keepalived never does.
type TLS struct {
	CA          string // file with roots
	Certificate string // file with our certificate
	Key         string // file with its key
	Password    string // pass phrase of the key
	Verify      bool   // verify the server's certificate against CA
	Name        string // SNI, and the name to verify
	ALPN        []string

	// Later begins in the clear and asks the server for TLS in its protocol's
	// way (STARTTLS and its kin). Databases always do.
	Later bool
}

// SMTP asks for a greeting and an answer to HELO.
type SMTP struct {
	TLS  *TLS
	Helo string
}

// DNS asks one question by UDP.
type DNS struct {
	Type uint16
	Name string // with or without the final dot; empty is the root
}

// UDP sends one datagram. Silence is success unless a reply is required.
type UDP struct {
	Payload      []byte
	RequireReply bool
	Reply        []byte // expected start of the reply
	ReplyMask    []byte // bits of Reply that count
	MinReply     int    // shortest accepted reply
	MaxReply     int    // longest accepted reply
}

// Ping asks for an ICMP echo.
type Ping struct{}

// Misc runs a program of the user's.
type Misc struct {
	Command []string // program and arguments
	Text    string   // the command as messages name it
	Timeout time.Duration
	Dynamic bool // the exit status sets the weight
	UID     uint32
	GID     uint32
}

// File follows the number in a track file.
type File struct {
	Name    string
	Weight  int64 // multiplies the number; 0 means that any nonzero number is down
	Reverse bool  // turns the effect round: with Weight 0 the number 0 is down
}

// BFD follows the state of a BFD session.
type BFD struct{ Session string }

// Keyword implements Question.
func (TCP) Keyword() string { return "TCP_CHECK" }

// Keyword implements Question.
func (h HTTP) Keyword() string {
	if h.TLS != nil {
		return "SSL_GET"
	}
	return "HTTP_GET"
}

// Keyword implements Question.
func (SMTP) Keyword() string { return "SMTP_CHECK" }

// Keyword implements Question.
func (DNS) Keyword() string { return "DNS_CHECK" }

// Keyword implements Question.
func (UDP) Keyword() string { return "UDP_CHECK" }

// Keyword implements Question.
func (Ping) Keyword() string { return "PING_CHECK" }

// Keyword implements Question.
func (Misc) Keyword() string { return "MISC_CHECK" }

// Keyword implements Question.
func (File) Keyword() string { return "FILE_CHECK" }

// Keyword implements Question.
func (BFD) Keyword() string { return "BFD_CHECK" }
