package config

import (
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// inherit takes from o what is not given.
func (t *Timing) inherit(o Timing) {
	if t.DelayLoop == nil {
		t.DelayLoop = o.DelayLoop
	}
	if t.Warmup == nil {
		t.Warmup = o.Warmup
	}
	if t.Retry == nil {
		t.Retry = o.Retry
	}
	if t.DelayBeforeRetry == nil {
		t.DelayBeforeRetry = o.DelayBeforeRetry
	}
	if t.ConnectTimeout == nil {
		t.ConnectTimeout = o.ConnectTimeout
	}
}

// completeTarget decides where a checker connects to.
func (d *decoder) completeTarget(c *checkerDraft) bool {
	target := c.connectIP
	if !target.IsValid() {
		target = d.rs.Addr.Addr()
	}
	port := c.connectPort
	if port == 0 {
		port = d.rs.Addr.Port()
	}
	c.Target = netip.AddrPortFrom(target, port)
	if c.bindIP.IsValid() || c.bindPort != 0 {
		if c.bindIP.IsValid() && c.bindIP.Is6() != target.Is6() && c.Kind == CheckSMTP {
			d.warn("family-mismatch", c.bindAt, "the local address %s is of another family than the target %s", c.bindIP, target)
			c.bindIP = netip.Addr{}
		}
		if c.bindIP.IsValid() && c.bindIP.Is6() != target.Is6() {
			d.err("family-mismatch", c.bindAt, "the local address %s is of another family than the target %s", c.bindIP, target)
			c.bindIP = netip.Addr{}
		}
		if !c.bindIP.IsValid() {
			c.bindIP = netip.IPv4Unspecified()
			if target.Is6() {
				c.bindIP = netip.IPv6Unspecified()
			}
		}
		c.Bind = netip.AddrPortFrom(c.bindIP, c.bindPort)
	}
	if target.Is6() && target.IsLinkLocalUnicast() && c.BindIf == "" {
		d.at("link-local-target", c.At, "a link-local target needs bind_if; the check is ignored")
		return false
	}
	return true
}

// complete resolves a checker's schedule.
func (d *decoder) complete(v *virtualDraft, r *realDraft, c *checkerDraft) {
	t := c.given
	t.inherit(*r.Timing)
	c.Checker.DelayLoop = or(t.DelayLoop, time.Minute)
	c.Checker.Warmup = or(t.Warmup, c.DelayLoop)
	c.Checker.ConnectTimeout = or(t.ConnectTimeout, 5*time.Second)
	retry, delay := 1, time.Second
	switch c.Kind {
	case CheckMisc:
		retry = 0
	case CheckDNS:
		retry, delay = 3, c.DelayLoop
	case CheckHTTP, CheckSSL:
		delay = 3 * time.Second
	}
	c.Checker.Retry = or(t.Retry, retry)
	c.Checker.DelayBeforeRetry = or(t.DelayBeforeRetry, delay)
	c.Checker.Alpha = c.alpha.Or(r.Alpha)
	c.LogAllFailures = c.logAll.Or(d.g.CheckerLogFailures)
	if c.via.Or(v.via) {
		d.throughVIP(v, r, c)
	}
}

// throughVIP directs a checker to the virtual address. Where that cannot be, it
// goes on asking the real server.
func (d *decoder) throughVIP(v *virtualDraft, r *realDraft, c *checkerDraft) {
	switch c.Kind {
	case CheckMisc, CheckFile, CheckBFD, CheckPing: // IPVS forwards neither
		if c.via == True {
			d.warn("via-vip", c.viaAt, "this kind of check does not go through IPVS; probe_via_vip is ignored")
		}
		return
	}
	vip, port := c.connectIP, c.connectPort
	if !vip.IsValid() && !v.byMark && v.Group == "" {
		vip = v.Addr.Addr()
	}
	if port == 0 {
		port = r.Addr.Port()
	}
	why := ""
	switch {
	case r.Method.Kind != DR && r.Method.Kind != TUN:
		why = "the server is not reached by DR or TUN"
	case !vip.IsValid():
		why = "the service has no single address; connect_ip may name one"
	case vip.Is6() != r.Addr.Addr().Is6():
		why = "the virtual address and the server's are of two families"
	default:
		c.ViaVIP, c.Target = true, netip.AddrPortFrom(vip, port)
	}
	at := c.viaAt
	if c.via == Unset { // said once for all servers
		at, v.viaAt = v.viaAt, syntax.Word{}
	}
	switch {
	case why != "" && !at.At.IsZero():
		d.warn("via-vip", at, "probe_via_vip is ignored: %s", why)
	case why == "" && c.Mark != 0:
		d.warn("mark-ignored", syntax.Word{At: c.At}, "probe_via_vip needs the mark of the packets; fwmark is ignored")
	}
}

func or[T any](v *T, def T) T {
	if v == nil {
		return def
	}
	return *v
}
