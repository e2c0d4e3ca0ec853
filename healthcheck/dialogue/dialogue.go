// Package dialogue holds the conversations of health checks: what to say to a
// server and what its answers mean, as state machines without a connection.
// The same dialogue runs over an event loop, over TLS, or in a test.
//
// Everything that a server sends is hostile until proven otherwise: each
// dialogue bounds what it keeps, and none panics whatever it is fed.
package dialogue

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// Dialogue is one attempt's conversation.
type Dialogue interface {
	// Open is called when the connection stands. It returns what to say first;
	// nothing when the server speaks first.
	Open() Turn
	// Hear takes a piece of a stream, or one datagram. The slice is only lent.
	Hear(in []byte) Turn
	// Closed is called when the server has ended a stream.
	Closed() Turn
	// Silent is called when the server did not say anything in time.
	Silent() healthcheck.Result
}

// Turn is what a dialogue does next: it says something, or has a verdict. With
// a verdict, what it says is a polite last word.
type Turn struct {
	Send   []byte
	Done   bool
	Result healthcheck.Result // when Done

	// Again asks for a new connection to the same server, for which Open is
	// called again.
	Again bool

	// Encrypt asks for TLS on this connection, once Send is sent. After the
	// handshake Open is called again.
	Encrypt bool

	// Judge is set, with Done and instead of Result, when reaching the verdict
	// may take long. It may be called from another goroutine, once.
	Judge func() healthcheck.Result
}

// Attempt is what differs from one run of a check to the next.
type Attempt struct {
	URL int    // which of an HTTP check's URLs
	ID  uint16 // random, for protocols that number their queries
}

// Transport is what a dialogue runs over.
type Transport uint8

// The transports.
const (
	Stream   Transport = iota // TCP, or TLS over TCP
	Datagram                  // UDP
	Echo                      // ICMP echo
)

// Plan is a question made ready to be asked many times.
type Plan struct {
	Transport Transport
	// TLS is set when the stream is to be encrypted. The name to send is that
	// of the URL for keepalived's SSL_GET.
	TLS *healthcheck.TLS
	// Clear is set, with TLS, when the dialogue says when to encrypt.
	Clear bool
	// Begin starts a dialogue. It is nil for a check that asks nothing: it is
	// enough that the connection stands.
	Begin func(Attempt) Dialogue
}

// Prepare compiles what can be compiled once. It fails for a question that
// cannot be asked, such as one with a regular expression nobody understands.
func Prepare(s healthcheck.Spec) (Plan, error) {
	switch ask := s.Ask.(type) {
	case healthcheck.TCP:
		return Plan{}, nil
	case healthcheck.HTTP:
		return prepareHTTP(ask, s.Target)
	case healthcheck.SMTP:
		later := ask.TLS != nil && ask.TLS.Later
		return Plan{TLS: ask.TLS, Clear: later, Begin: func(Attempt) Dialogue { return &smtp{helo: ask.Helo, later: later} }}, nil
	case healthcheck.DNS:
		return prepareDNS(ask)
	case healthcheck.UDP:
		return Plan{Transport: Datagram, Begin: func(Attempt) Dialogue { return &udp{ask} }}, nil
	case healthcheck.Ping:
		v6 := s.Target.Addr().Is6() && !s.Target.Addr().Is4In6()
		return Plan{Transport: Echo, Begin: func(a Attempt) Dialogue { return &ping{v6: v6, seq: a.ID} }}, nil
	}
	return prepareOurs(s)
}

// prepareOurs prepares the kinds that keepalived does not have.
func prepareOurs(s healthcheck.Spec) (Plan, error) {
	switch ask := s.Ask.(type) {
	case healthcheck.SendExpect:
		return scripted(ask.TLS, ask.Steps)
	case healthcheck.Session:
		steps, err := sessionSteps(ask)
		if err != nil {
			return Plan{}, err
		}
		return scripted(ask.TLS, steps)
	case healthcheck.Redis:
		return scripted(ask.TLS, redisSteps(ask))
	case healthcheck.WebSocket:
		return scripted(ask.TLS, webSocketSteps(ask, s.Target))
	case healthcheck.MySQL:
		return Plan{TLS: ask.TLS, Clear: ask.TLS != nil, Begin: func(Attempt) Dialogue { return &mysql{ask: ask} }}, nil
	case healthcheck.PgSQL:
		return preparePgSQL(ask), nil
	case healthcheck.LDAP:
		later := ask.TLS != nil && ask.TLS.Later
		return Plan{TLS: ask.TLS, Clear: later, Begin: func(Attempt) Dialogue { return &ldap{ask: ask, clear: later} }}, nil
	case healthcheck.SIP:
		return prepareSIP(ask, s.Target)
	case healthcheck.Radius:
		return prepareRadius(ask)
	case healthcheck.GRPC:
		return prepareGRPC(ask, s.Target), nil
	case healthcheck.HTTPRequest:
		return prepareRequest(ask, s.Target)
	}
	return Plan{}, fmt.Errorf("%s holds no conversation", s.Ask.Keyword())
}

// encrypt starts TLS, unless the server has said something more already: that
// could be anybody's words, taken for the server's own.
func encrypt(rest []byte, last []byte) Turn {
	if len(rest) > 0 {
		return failed(healthcheck.FaultReply, "server goes on in the clear: %s", quoted(rest))
	}
	return Turn{Send: last, Encrypt: true}
}

func say(b []byte) Turn { return Turn{Send: b} }

func passed() Turn { return Turn{Done: true, Result: healthcheck.Result{OK: true}} }

func failed(f healthcheck.Fault, format string, args ...any) Turn {
	return Turn{Done: true, Result: fault(f, format, args...)}
}

func fault(f healthcheck.Fault, format string, args ...any) healthcheck.Result {
	return healthcheck.Result{Fault: f, Reason: fmt.Sprintf(format, args...)}
}

// quoted shows what a server said: short and printable.
func quoted(b []byte) string {
	const most = 60
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}
