package director

import (
	"cmp"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// appOf translates a checker of one of our own kinds.
func appOf(vs *config.VirtualServer, rs *config.RealServer, ck *config.Checker) healthcheck.Question {
	a := ck.App
	tls := tlsOf(ck.TLS)
	host := cmp.Or(a.Page.VirtualHost, rs.VirtualHost, vs.VirtualHost)
	switch ck.Kind {
	case config.CheckSendExpect:
		q := healthcheck.SendExpect{TLS: tls}
		for _, e := range a.Exchanges {
			q.Steps = append(q.Steps, healthcheck.Exchange{Send: e.Send, Expect: e.Expect, Reject: e.Reject})
		}
		return q
	case config.CheckIMAP:
		return healthcheck.Session{Protocol: healthcheck.IMAP, TLS: tls, Username: a.Username, Password: a.Password}
	case config.CheckPOP3:
		return healthcheck.Session{Protocol: healthcheck.POP3, TLS: tls, Username: a.Username, Password: a.Password}
	case config.CheckNNTP:
		return healthcheck.Session{Protocol: healthcheck.NNTP, TLS: tls, Username: a.Username, Password: a.Password}
	case config.CheckFTP:
		return healthcheck.Session{Protocol: healthcheck.FTP, TLS: tls, Username: a.Username, Password: a.Password}
	case config.CheckRedis:
		return healthcheck.Redis{TLS: tls, Username: a.Username, Password: a.Password, Role: a.Role}
	case config.CheckMySQL:
		return healthcheck.MySQL{TLS: tls, Username: a.Username, Password: a.Password, Database: a.Database, Query: a.Query}
	case config.CheckPgSQL:
		return healthcheck.PgSQL{TLS: tls, Username: a.Username, Password: a.Password, Database: a.Database, Query: a.Query}
	case config.CheckLDAP:
		return healthcheck.LDAP{TLS: tls, BindDN: a.BindDN, Password: a.Password, Base: a.Base}
	case config.CheckSIP:
		return healthcheck.SIP{TLS: tls, TCP: a.TCP, URI: a.URI, Status: statusOf(a.Page.Status)}
	case config.CheckRadius:
		return healthcheck.Radius{Secret: a.Secret, Username: a.Username, Password: a.Password}
	case config.CheckGRPC:
		return healthcheck.GRPC{TLS: tls, Service: a.Service, Host: a.Page.VirtualHost}
	case config.CheckWebSocket:
		return healthcheck.WebSocket{TLS: tls, Path: a.Page.Path, Host: host}
	default:
		return requestOf(a, tls, host)
	}
}

func requestOf(a *config.AppCheck, tls *healthcheck.TLS, host string) healthcheck.HTTPRequest {
	q := healthcheck.HTTPRequest{
		TLS: tls, HTTP2: a.HTTP2, Redirects: a.Follow, Method: a.Method, Path: a.Page.Path, Host: host, Body: a.Body,
		Username: a.Username, Password: a.Password, Status: statusOf(a.Page.Status), Regex: regexOf(&a.Page),
	}
	for _, h := range a.Headers {
		q.Headers = append(q.Headers, healthcheck.Header(h))
	}
	for _, h := range a.Expect {
		q.Expect = append(q.Expect, healthcheck.Header(h))
	}
	for _, j := range a.JSON {
		q.JSON = append(q.JSON, healthcheck.JSONValue(j))
	}
	return q
}

func tlsOf(t *config.CheckTLS) *healthcheck.TLS {
	if t == nil {
		return nil
	}
	return &healthcheck.TLS{Later: t.Later, Verify: t.Verify, Name: t.Name, CA: t.CA, Certificate: t.Certificate, Key: t.Key}
}

func statusOf(ranges []config.StatusRange) []healthcheck.StatusRange {
	var out []healthcheck.StatusRange
	for _, r := range ranges {
		out = append(out, healthcheck.StatusRange(r))
	}
	return out
}

func regexOf(u *config.URL) *healthcheck.Regex {
	if u.Regex == "" {
		return nil
	}
	return &healthcheck.Regex{
		Pattern: u.Regex, Options: u.RegexOptions, NoMatch: u.RegexNoMatch,
		MinOffset: u.RegexMin, MaxOffset: u.RegexMax,
	}
}
