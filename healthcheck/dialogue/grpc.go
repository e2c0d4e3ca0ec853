package dialogue

import (
	"encoding/binary"
	"net/netip"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// grpc calls Check of grpc.health.v1.Health.
type grpc struct {
	h2      h2
	service string
	host    string
	scheme  string

	httpStatus, status, message string
	answer                      []byte
}

func prepareGRPC(ask healthcheck.GRPC, target netip.AddrPort) Plan {
	p := Plan{TLS: ask.TLS}
	scheme := "http"
	if p.TLS != nil {
		scheme = "https"
		with := *p.TLS
		with.ALPN = []string{"h2"}
		p.TLS = &with
	}
	p.Begin = func(Attempt) Dialogue {
		return &grpc{service: ask.Service, host: orTarget(ask.Host, target), scheme: scheme}
	}
	return p
}

// maxHealth is more than any answer of the health service has.
const maxHealth = 4096

func (g *grpc) Open() Turn {
	g.h2.header = func(name, value string) {
		switch name {
		case ":status":
			g.httpStatus = value
		case "grpc-status":
			g.status = value
		case "grpc-message":
			g.message = value
		}
	}
	g.h2.data = func(b []byte) { g.answer = append(g.answer, b[:min(len(b), maxHealth-len(g.answer))]...) }
	// A message is a flag, a length, and HealthCheckRequest{service = 1}.
	var request []byte
	if g.service != "" {
		request = append(binary.AppendUvarint([]byte{0x0a}, uint64(len(g.service))), g.service...)
	}
	body := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request))), request...)
	return say(g.h2.request([][2]string{
		{":method", "POST"},
		{":scheme", g.scheme},
		{":path", "/grpc.health.v1.Health/Check"},
		{":authority", g.host},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
		{"user-agent", "holdfast"},
	}, body))
}

func (g *grpc) Hear(in []byte) Turn {
	out, ended, err := g.h2.hear(in)
	switch {
	case err != nil:
		return failed(healthcheck.FaultReply, "%v", err)
	case !ended:
		return say(out)
	case g.httpStatus != "200":
		return failed(healthcheck.FaultStatus, "HTTP status %s", quoted([]byte(g.httpStatus)))
	case g.status != "0":
		return failed(healthcheck.FaultReply, "gRPC status %s: %s", quoted([]byte(g.status)), quoted([]byte(g.message)))
	}
	return g.judge()
}

// judge reads HealthCheckResponse{status = 1}.
func (g *grpc) judge() Turn {
	names := []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}
	c := cursor{b: g.answer}
	c.bytes(5)
	status := uint64(0)
	if len(c.b) >= 2 && c.b[0] == 0x08 {
		status, _ = binary.Uvarint(c.b[1:])
	}
	switch {
	case c.short:
		return failed(healthcheck.FaultReply, "no answer in the reply")
	case status == 1:
		return passed()
	case status < uint64(len(names)):
		return failed(healthcheck.FaultState, "health is %s", names[status])
	}
	return failed(healthcheck.FaultState, "health is %d", status)
}

func (g *grpc) Closed() Turn {
	return failed(healthcheck.FaultRead, "connection closed before the answer")
}

func (g *grpc) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no answer in time")
}
