package lint

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// service is what makes two virtual servers the same for the kernel.
type service struct {
	addr  netip.AddrPort
	proto config.Protocol
	mark  uint32
	v6    bool
	group string
}

// name is how a service is called in messages.
func name(v *config.VirtualServer) string {
	switch {
	case v.Group != "":
		return "group " + v.Group
	case v.Addr.IsValid():
		return v.Addr.String()
	}
	return fmt.Sprintf("fwmark %d", v.FwMark)
}

func (l *linter) services() {
	first := map[service]*config.VirtualServer{}
	for _, v := range l.c.VirtualServers {
		key := service{addr: v.Addr, mark: v.FwMark, v6: v.IPv6, group: v.Group}
		if v.Addr.IsValid() {
			key.proto = v.Protocol
		}
		if f := first[key]; f != nil {
			p := l.warn("duplicate-virtual-server", v.At, "keep one of them, with the real servers of both",
				"%s is configured twice: both change the same service in the kernel", name(v))
			note(p, f.At, "the first one")
		} else {
			first[key] = v
		}
		l.service(v)
	}
}

func (l *linter) service(v *config.VirtualServer) {
	l.persistence(v)
	l.checks(v)
	unchecked := 0
	var bare *config.RealServer
	for _, r := range v.RealServers {
		l.server(v, r)
		if len(r.Checkers) == 0 {
			unchecked++
			bare = r
		}
	}
	if unchecked > 0 {
		l.remark("never-checked", bare.At, "add a check, such as TCP_CHECK { }",
			"%d of %d real servers of %s have no check and count as healthy for ever", unchecked, len(v.RealServers), name(v))
	}
}

func (l *linter) server(v *config.VirtualServer, r *config.RealServer) {
	if s := v.Sorry; s != nil && s.Addr == r.Addr {
		p := l.warn("sorry-is-real-server", s.At, "let another machine say sorry", "the sorry server %s is one of the real servers: when they are all down, it is down too", s.Addr)
		note(p, r.At, "the real server")
	}
	if v.Addr.IsValid() && v.Addr.Addr() == r.Addr.Addr() {
		p := l.warn("real-server-is-virtual", r.At, "write the server's own address", "the real server %s has the address of the service: it would send to itself", r.Addr)
		note(p, v.At, "the service")
	}
}

// persistence reports granularities that make no sense.
func (l *linter) persistence(v *config.VirtualServer) {
	bits := 32
	if v.IPv6 {
		bits = 128
	}
	if v.Persistence > 0 && v.Granularity < bits/4 {
		l.warn("granularity-too-wide", v.At, "IPv4: 255.255.255.255 tells clients apart, 255.255.255.0 takes a network as one",
			"with a granularity of /%d, %s takes nearly all clients for one and sends them to one server", v.Granularity, name(v))
	}
}

// checks reports checks that may still wait when the next one is due: once for
// each service, as they mostly share their timing.
func (l *linter) checks(v *config.VirtualServer) {
	var slow *config.Checker
	var limit, every string
	n := 0
	for _, r := range v.RealServers {
		for _, c := range r.Checkers {
			timeout := c.ConnectTimeout
			switch c.Kind {
			case config.CheckBFD, config.CheckFile:
				continue
			case config.CheckMisc:
				timeout = c.Misc.Timeout
			}
			if timeout > c.DelayLoop {
				if n++; slow == nil {
					slow, limit, every = c, timeout.String(), c.DelayLoop.String()
				}
			}
		}
	}
	if slow == nil {
		return
	}
	more := ""
	if n > 1 {
		more = fmt.Sprintf(" (and %d more of %s)", n-1, name(v))
	}
	p := l.add(diag.Warning, "timeout-over-interval", slow.At, "make connect_timeout at most as long as delay_loop",
		"this check%s may wait for %s, but is due every %s: a dead server is noticed late", more, limit, every)
	note(p, v.At, "the service")
}
