package director

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// checksFor returns the checks of each real server of a configuration. The key
// of a check is made of the names of its servers and of its definition, not of
// its place in the file: over a reload it is the same check as long as it asks
// the same. Numbers are those in track files, by the files' names.
func checksFor(cfg *config.Config, numbers map[string]int64) func(*config.VirtualServer, *config.RealServer) []healthcheck.Spec {
	marks := pathsOf(cfg)
	return func(vs *config.VirtualServer, rs *config.RealServer) []healthcheck.Spec {
		if len(rs.Checkers) == 0 {
			return nil
		}
		name := healthcheck.Name{Real: serverName(vs, rs.Addr), Virtual: serviceName(vs)}
		specs := make([]healthcheck.Spec, 0, len(rs.Checkers))
		times := make(map[string]int)
		for _, ck := range rs.Checkers {
			s := specOf(cfg, vs, rs, ck)
			s.For = name
			if f, ok := s.Ask.(healthcheck.File); ok {
				if n, known := numbers[f.Name]; known {
					s.Number = &n
				}
			}
			if ck.ViaVIP {
				s.Via, s.Mark = rs.Addr.Addr(), marks[pathOf(rs)]
			}
			s.Key = name.Real + " in " + name.Virtual + ": " + s.Definition()
			if times[s.Key]++; times[s.Key] > 1 { // written twice: two checks
				s.Key = fmt.Sprintf("%s #%d", s.Key, times[s.Key])
			}
			specs = append(specs, s)
		}
		return specs
	}
}

// specOf translates one checker. Its timing has been completed from the real
// server, the virtual server and the defaults already.
func specOf(cfg *config.Config, vs *config.VirtualServer, rs *config.RealServer, ck *config.Checker) healthcheck.Spec {
	s := healthcheck.Spec{
		Ask:    questionOf(cfg, vs, rs, ck),
		Target: ck.Target, Bind: ck.Bind, Device: ck.BindIf, Mark: ck.Mark,
		Timing: healthcheck.Timing{
			DelayLoop: ck.DelayLoop, Warmup: ck.Warmup, Retry: ck.Retry,
			DelayBeforeRetry: ck.DelayBeforeRetry, ConnectTimeout: ck.ConnectTimeout,
		},
		Rise: int(max(rs.Rise, 1)), Fall: int(max(rs.Fall, 1)),
		Alpha: ck.Alpha, LogAllFailures: ck.LogAllFailures,
		RealWeight: int(rs.Weight), Critical: ck.Critical,
	}
	if rs.Fall > 0 { // counts failures instead of retries
		s.Retry = 0
	}
	switch s.Ask.(type) {
	case healthcheck.Misc, healthcheck.File, healthcheck.BFD: // nobody is connected to
		s.Target, s.Bind, s.Device, s.Mark = netip.AddrPort{}, netip.AddrPort{}, "", 0
	}
	if ck.Kind == config.CheckFile { // what the file says is known from the start
		s.Alpha = false
	}
	return s
}

func questionOf(cfg *config.Config, vs *config.VirtualServer, rs *config.RealServer, ck *config.Checker) healthcheck.Question {
	switch ck.Kind {
	case config.CheckHTTP, config.CheckSSL:
		return httpOf(cfg, vs, rs, ck)
	case config.CheckSMTP:
		return healthcheck.SMTP{TLS: tlsOf(ck.TLS), Helo: ck.SMTP.Helo}
	case config.CheckDNS:
		return healthcheck.DNS{Type: ck.DNS.Type, Name: ck.DNS.Name}
	case config.CheckMisc:
		m := ck.Misc
		return healthcheck.Misc{
			Command: m.Command.Argv, Text: m.Command.Argv[0], Timeout: cmp.Or(m.Timeout, ck.DelayLoop),
			Dynamic: m.Dynamic, UID: m.Command.UID, GID: m.Command.GID,
		}
	case config.CheckPing:
		return healthcheck.Ping{}
	case config.CheckUDP:
		return udpOf(ck.UDP)
	case config.CheckBFD:
		return healthcheck.BFD{Session: ck.BFD}
	case config.CheckFile:
		return healthcheck.File{Name: ck.File.File, Weight: int64(ck.File.Weight), Reverse: ck.File.Reverse}
	}
	if ck.App != nil {
		return appOf(vs, rs, ck)
	}
	return healthcheck.TCP{}
}

// httpOf completes host names: the innermost that is given counts. That of the real
// server is for the Host header, and not for the handshake.
func httpOf(cfg *config.Config, vs *config.VirtualServer, rs *config.RealServer, ck *config.Checker) healthcheck.HTTP {
	h := ck.HTTP
	q := healthcheck.HTTP{Protocol: healthcheck.HTTPProtocol(h.Protocol), FastRecovery: h.FastRecovery}
	if ck.Kind == config.CheckSSL {
		q.TLS = &healthcheck.TLS{}
		if ssl := cfg.SSL; ssl != nil { // its ca has nothing to do: servers are not verified
			q.TLS.Certificate, q.TLS.Key, q.TLS.Password = ssl.Certificate, ssl.Key, ssl.Password
		}
	}
	for _, u := range h.URLs {
		url := healthcheck.URL{
			Path:         u.Path,
			Host:         cmp.Or(u.VirtualHost, h.VirtualHost, rs.VirtualHost, vs.VirtualHost),
			Status:       statusOf(u.Status),
			Regex:        regexOf(&u),
			TLSCompliant: u.TLSCompliant.Or(h.TLSCompliant),
		}
		if h.SNI {
			url.SNI = cmp.Or(u.VirtualHost, h.VirtualHost, vs.VirtualHost)
		}
		if u.DigestGiven {
			url.Digest = hex.EncodeToString(u.Digest[:])
		}
		q.URLs = append(q.URLs, url)
	}
	return q
}

// udpPayload is what is sent when no payload is given.
const udpPayload = "keepalived check - keepalived ch"

func udpOf(u *config.UDPCheck) healthcheck.UDP {
	q := healthcheck.UDP{
		Payload: u.Payload, RequireReply: u.RequireReply, Reply: u.Reply, ReplyMask: u.ReplyMask,
		MinReply: u.MinReply, MaxReply: u.MaxReply,
	}
	if u.MaxReply == config.DefaultMaxReply && len(u.Reply) == 0 {
		q.MaxReply = 0 // any, where nothing is compared
	}
	if !u.PayloadGiven {
		q.Payload = []byte(udpPayload)
	}
	return q
}
