package healthcheck

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// The lines below are keepalived's, word for word: administrators grep for them.

// forAll words a message for each real server that the check serves.
func (c *Check) forAll(word func(Name) []Line) []Line {
	lines := word(c.Spec.For)
	for _, n := range c.Spec.Also {
		lines = append(lines, word(n)...)
	}
	return lines
}

// Activating is logged when a check begins to be made. One that is told is not made.
func (c *Check) Activating() []Line {
	if c.told() {
		return nil
	}
	return c.forAll(func(n Name) []Line {
		return said("Activating healthchecker for service %s for VS %s", n.Real, n.Virtual)
	})
}

// Suspending is logged when a check stops being made for a while.
func (c *Check) Suspending() []Line {
	return c.forAll(func(n Name) []Line {
		return said("Suspending healthchecker for service %s for VS %s", n.Real, n.Virtual)
	})
}

// rescheduling is logged when an attempt could not even be made. keepalived does not
// say which server it was about to ask, but for DNS.
func (c *Check) rescheduling(n Name, r Result) []Line {
	if why, ok := strings.CutPrefix(r.Reason, "bind: "); ok {
		bind := Line{Text: "Checker bind failed: " + capital(why), Failed: true}
		switch c.Spec.Ask.(type) {
		case TCP:
			return append([]Line{bind}, failed("TCP socket bind failed. Rescheduling.")...)
		case HTTP:
			return append([]Line{bind}, failed("WEB socket bind failed. Rescheduling")...)
		case SMTP:
			return append([]Line{bind}, failed("SMTP_CHECK socket bind failed. Rescheduling.")...)
		case DNS:
			return failed("DNS_CHECK (%s) UDP socket bind failed. Rescheduling.", n.Real)
		}
	}
	return failed("%s on service %s: %s. Rescheduling.", c.Spec.Ask.Keyword(), n.Real, r.Reason)
}

// success is logged by the first good run and by the one that turns the check.
func (c *Check) success(n Name, turned bool) []Line {
	rs := n.Real
	switch ask := c.Spec.Ask.(type) {
	case TCP:
		return said("TCP connection to %s success.", rs)
	case HTTP:
		return said("Remote Web server %s succeed on service.", rs)
	case SMTP:
		return said("Remote SMTP server %s succeed on service.", rs)
	case UDP:
		return said("UDP connection to %s success.", rs)
	case Ping:
		return said("ICMP connection to %s success.", rs)
	case Misc:
		return said("Misc check for [%s VS %s] by [%s] succeeded.", rs, n.Virtual, ask.Text)
	case BFD:
		return said("BFD check of [%s] RS(%s) is UP", ask.Session, rs)
	case File:
		if !turned {
			return nil
		}
		return said("(%s): tracked file %s leaving FAULT state", rs, ask.Name)
	case DNS: // only the change of the pool is logged
		return nil
	}
	return said("%s on service %s success.", c.Spec.Ask.Keyword(), rs)
}

// urlSuccess is logged for each good URL while the server is down.
func urlSuccess(n Name, u URL) []Line {
	what := "HTTP status code"
	switch {
	case u.Regex != nil:
		what = "Regex match"
	case u.Digest != "":
		what = "MD5 digest"
	}
	return said("%s success to %s url(%s)", what, n.Real, u.Path)
}

// remark is logged while nothing is known yet of a server whose good answer has
// something odd about it.
func remark(n Name, u URL, r Result) []Line {
	return failed("http_check for RS %s VS %s url %s: %s", n.Real, n.Virtual, u.Path, r.Reason)
}

// verdict is logged when a run has failed and the server goes down, or was
// down from the start.
func (c *Check) verdict(n Name, r Result, was, first bool) []Line {
	rs := n.Real
	switch ask := c.Spec.Ask.(type) {
	case TCP:
		return failed("TCP_CHECK on service %s failed%s.", rs, c.after(first))
	case HTTP:
		if !was {
			return nil
		}
		kind := "HTTP"
		if ask.TLS != nil {
			kind = "SSL"
		}
		return failed("%s_CHECK on service %s failed%s.", kind, rs, c.after(false))
	case UDP:
		return failed("UDP_CHECK on service %s failed%s.", rs, c.after(first))
	case Ping:
		if first {
			return failed("ICMP CHECK on service %s failed.", rs)
		}
		return failed("ICMP CHECK on service %s of %s failed%s.", rs, n.Virtual, c.after(first))
	case SMTP, DNS, Misc:
		if was && c.Spec.LogAllFailures { // said already, with the attempt
			return nil
		}
		return c.attemptFailed(n, r, false)
	case BFD:
		return failed("BFD check of [%s] RS(%s) is DOWN", ask.Session, rs)
	case File:
		if first { // it starts like this
			return nil
		}
		return failed("(%s): tracked file %s now FAULT state", rs, ask.Name)
	}
	return failed("%s on service %s failed%s: %s.", c.Spec.Ask.Keyword(), rs, c.after(first), r.Reason)
}

// after is the part of a verdict that tells of retries.
func (c *Check) after(first bool) string {
	if first || c.Spec.Retry == 0 {
		return ""
	}
	return fmt.Sprintf(" after %d retries", c.Spec.Retry)
}

// attemptFailed is logged for each failed attempt with log_all_failures; for
// some kinds it is also the verdict.
func (c *Check) attemptFailed(n Name, r Result, again bool) []Line {
	rs := n.Real
	switch ask := c.Spec.Ask.(type) {
	case TCP:
		switch r.Fault {
		case FaultTimeout:
			return failed("TCP connection to %s timeout.", rs)
		case FaultUnreachable:
			return nil
		}
		return failed("TCP connection to %s failed.", rs)
	case HTTP:
		if ask.TLS != nil {
			return failed("%s", sslFault(r, rs))
		}
		return failed("%s", httpFault(r, rs))
	case SMTP:
		if r.Fault == FaultUnreachable {
			return failed("SMTP_CHECK Network unreachable for server %s - real server %s", c.Spec.Target.Addr(), withoutProtocol(rs))
		}
		return failed("SMTP_CHECK %s", smtpFault(r, c.Spec.Target))
	case DNS:
		if r.Fault == FaultUnreachable {
			return failed("DNS_CHECK (%s) network unreachable for %s", rs, bracketed(c.Spec.Target))
		}
		return failed("DNS_CHECK (%s) %s%s", rs, dnsFault(r), c.afterAttempt(again))
	case UDP:
		switch r.Fault {
		case FaultReply:
			return failed("UDP check to %s reply data mismatch.", rs)
		case FaultUnreachable:
			return failed("UDP connect error %d - %s", r.Value, capital(syscall.Errno(r.Value).Error()))
		}
		return failed("UDP connection to %s failed.", rs)
	case Ping:
		if r.Fault != FaultReadTimeout {
			return failed("send ICMP packet fail")
		}
		return failed("ICMP connection to address %s timeout.", rs)
	case Misc:
		return failed("Misc check for [%s VS %s] by [%s] %s.", rs, n.Virtual, ask.Text, c.miscFault(r, again))
	case File, BFD:
		return nil
	}
	return failed("%s to %s: %s.", c.Spec.Ask.Keyword(), rs, r.Reason)
}

// afterAttempt tells of retries once they are used up.
func (c *Check) afterAttempt(again bool) string {
	if again || c.retries == 0 {
		return ""
	}
	return fmt.Sprintf(" after %d retries", c.Spec.Retry)
}

func httpFault(r Result, rs string) string {
	switch r.Fault {
	case FaultStatus:
		return "HTTP status code error to server " + rs + "."
	case FaultDigest:
		return "MD5 digest error to server " + rs + "."
	case FaultRegex:
		return "Regex match failed server " + rs + "."
	case FaultTimeout:
		return "Timeout connecting server " + rs + "."
	case FaultUnreachable:
		return "HTTP/SSL_CHECK - network unreachable server " + rs + "."
	case FaultTLS:
		return "SSL handshake/communication error connecting to server " + rs + "."
	case FaultSend:
		return "Cannot send get request to server " + rs + "."
	case FaultReadTimeout:
		return "Timeout WEB read server " + rs + "."
	case FaultStopped:
		return "Timeout HTTP read server " + rs + "."
	case FaultRead:
		return "Read error with server " + rs + "."
	case FaultNoData:
		return "Read, no data received from  server " + rs + "." // two blanks, as ever
	default:
		return "Connection failed server " + rs + "."
	}
}

func smtpFault(r Result, target netip.AddrPort) string {
	rs := bracketed(target)
	switch r.Fault {
	case FaultBanner:
		return "Bad greeting banner from server " + rs
	case FaultReply:
		return "Bad HELO response from server " + rs
	case FaultReadTimeout:
		return "Read timeout from server " + rs
	case FaultRead, FaultNoData:
		return "Read failure from server " + rs
	case FaultTimeout:
		return "Connection timeout to server " + rs
	case FaultConnect:
		return "Could not connect to server " + rs
	default:
		return "Error connecting to server " + rs
	}
}

// sslFault has other words for what breaks off inside of TLS.
func sslFault(r Result, rs string) string {
	switch r.Fault {
	case FaultStopped:
		return "Timeout SSL read server " + rs + "."
	case FaultNoData:
		return "SSL read error from server " + rs + "."
	case FaultRead:
		r.Fault = FaultNoData
	}
	return httpFault(r, rs)
}

// bracketed is an address and port as keepalived writes them, of IPv4, too.
func bracketed(a netip.AddrPort) string { return fmt.Sprintf("[%s]:%d", a.Addr(), a.Port()) }

// withoutProtocol makes [10.0.0.2]:80 of [10.0.0.2]:tcp:80.
func withoutProtocol(rs string) string {
	at := strings.Index(rs, "]:") + 2
	_, port, ok := strings.Cut(rs[at:], ":")
	if !ok {
		return rs
	}
	return rs[:at] + port
}

func dnsFault(r Result) string {
	switch r.Fault {
	case FaultReadTimeout, FaultTimeout:
		return "read timeout from socket"
	case FaultStatus:
		return fmt.Sprintf("read error occurred. (rcode = %d)", r.Value)
	case FaultConnect, FaultRead:
		if r.Value != 0 {
			return fmt.Sprintf("failed to read socket; errno %d (%s)", r.Value, capital(syscall.Errno(r.Value).Error()))
		}
	}
	return r.Reason
}

// capital undoes what Go does to the first letter of the C library's texts.
func capital(s string) string {
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

func (c *Check) miscFault(r Result, again bool) string {
	what, detail := "failed", ""
	switch r.Fault {
	case FaultReadTimeout:
		what = "timed out"
	case FaultSignal:
		detail = fmt.Sprintf(" (due to signal %d)", r.Value)
	case FaultExit:
		detail = fmt.Sprintf(" (exited with status %d)", r.Value)
	default:
		detail = " (" + r.Reason + ")"
	}
	switch {
	case c.Spec.Retry == 0:
		return what + " with retry disabled" + detail
	case again && c.retries == 1:
		return fmt.Sprintf("%s, will do %s%s", what, retries(c.Spec.Retry), detail)
	case again:
		return fmt.Sprintf("%s on retry %d/%d%s", what, c.retries-1, c.Spec.Retry, detail)
	default:
		return fmt.Sprintf("%s after %s%s", what, retries(c.Spec.Retry), detail)
	}
}

// retries are counted in words for scripts only.
func retries(n int) string {
	if n == 1 {
		return "1 retry"
	}
	return fmt.Sprintf("%d retries", n)
}

func said(format string, args ...any) []Line {
	return []Line{{Text: fmt.Sprintf(format, args...)}}
}

func failed(format string, args ...any) []Line {
	return []Line{{Text: fmt.Sprintf(format, args...), Failed: true}}
}
