package config

import (
	"fmt"
	"strings"
	"time"
)

func (d *dumper) checkers(r *Reading, c *Config) {
	if c.SSL != nil {
		d.title("SSL definitions")
		for _, v := range [...]struct{ what, text string }{
			{"Password", c.SSL.Password}, {"CA-file", c.SSL.CA}, {"Certificate file", c.SSL.Certificate}, {"Key file", c.SSL.Key},
		} {
			if v.text != "" {
				d.line(" %s : %s", v.what, v.text)
			}
		}
	}
	if len(c.VirtualServers) > 0 {
		d.topology(c.ServerGroups)
		for _, v := range r.virtuals {
			d.virtual(&c.Global, v.view())
		}
	}
	d.healthChecks(r)
	d.trackedBFDs(c, r)
	d.trackFiles(c, "Checker")
}

func (d *dumper) healthChecks(r *Reading) {
	type checked struct {
		v  *virtualDraft
		rs *realDraft
		c  *checkerDraft
	}
	var all []checked
	d.regexes = make(map[regexUse]int)
	for _, v := range r.virtuals {
		for _, rs := range v.reals {
			for _, c := range rs.checkers {
				all = append(all, checked{v, rs, c})
				if c.HTTP != nil {
					for i := range c.HTTP.URLs {
						d.regexes[c.HTTP.URLs[i].regex()]++
					}
				}
			}
		}
	}
	if len(all) > 0 {
		d.title("Health checkers")
	}
	for _, a := range all {
		d.checker(a.v, a.rs, a.c)
	}
}

// regexUse is what URLs that share a regular expression have in common.
type regexUse struct{ text, options string }

func (u *URL) regex() regexUse { return regexUse{u.Regex, strings.Join(u.RegexOptions, " ")} }

func (d *dumper) checker(v *virtualDraft, r *realDraft, c *checkerDraft) {
	us := func(t time.Duration) int64 { return int64(t / time.Microsecond) }
	d.line(" %s -> %s", v.Label(), endpoint(r.Addr, v.Protocol))
	d.line("   Enabled = yes")
	d.line("   Up = %s", yesNo(!c.Alpha))
	d.line("   Has run = no")
	d.line("   Current weight = 0")
	d.line("   Alpha = %s", yesNo(c.Alpha))
	if c.Kind == CheckBFD {
		d.bfdCheck(c)
		return
	}
	d.line("   Delay loop = %d us", us(c.DelayLoop))
	d.line("   Warmup = %d us", us(c.Warmup))
	d.line("   Retries = %d", c.Retry)
	defDelay := time.Second
	switch c.Kind {
	case CheckDNS:
		defDelay = 0
	case CheckHTTP, CheckSSL:
		defDelay = 3 * time.Second
	}
	if c.Retry > 0 {
		d.line("   Delay before retry = %d us", us(c.DelayBeforeRetry))
		d.line("   Retries iterations = %d", c.Retry)
	}
	d.line("   Default delay before retry = %d us", us(defDelay))
	d.line("   Log all failures = %s", yesNo(c.LogAllFailures))
	if c.Target.IsValid() {
		d.line("   Connection")
		d.line("     Dest = [%s]:%d", c.Target.Addr(), c.Target.Port())
		if c.Bind.IsValid() {
			d.line("     Bind to = [%s]:%d", c.Bind.Addr(), c.Bind.Port())
		}
		if c.BindIf != "" {
			d.line("     Bind i/f = %s", c.BindIf)
		}
		if c.Mark != 0 {
			d.line("     Mark = %d", c.Mark)
		}
		d.line("     Timeout = %s", micros6(c.ConnectTimeout))
	}
	d.checkerKind(c)
}

// bfdCheck prints what keepalived shows of a BFD_CHECK: it has no schedule.
func (d *dumper) bfdCheck(c *checkerDraft) {
	const none = uint64(1<<64 - 1)
	d.line("   Delay loop = %d us", none)
	d.line("   Warmup = %d us", none)
	d.line("   Retries = %d", uint32(unset))
	d.line("   Delay before retry = %d us", none)
	d.line("   Retries iterations = %d", uint32(unset))
	d.line("   Default delay before retry = 1000000 us")
	d.line("   Log all failures = %s", yesNo(c.LogAllFailures))
	d.line("   Keepalive method = BFD_CHECK")
	d.line("   Name = %s", c.BFD)
	d.line("   Alpha is %s", choose(c.Alpha, "ON", "OFF"))
}

func (d *dumper) checkerKind(c *checkerDraft) {
	switch c.Kind {
	case CheckTCP:
		d.line("   Keepalive method = TCP_CHECK")
	case CheckHTTP, CheckSSL:
		d.httpCheck(c)
	case CheckSMTP:
		d.line("   Keepalive method = SMTP_CHECK")
		d.line("   helo = %s", c.SMTP.Helo)
	case CheckDNS:
		d.line("   Keepalive method = DNS_CHECK")
		d.line("   Type = %s", dnsTypeName(c.DNS.Type))
		d.line("   Name = %s", c.DNS.Name)
	case CheckMisc:
		d.line("   Keepalive method = MISC_CHECK")
		d.line("   script = %s", c.Misc.Command.quoted())
		d.line("   timeout = %d", c.Misc.Timeout/time.Second)
		d.line("   dynamic = %s", choose(c.Misc.Dynamic, "YES", "NO"))
		d.line("   uid:gid = %d:%d", c.Misc.Command.UID, c.Misc.Command.GID)
		d.line("   Last ran = 0.000000 (Thu Jan  1 00:00:00 1970.000000)")
		d.line("   Last status = 0")
	case CheckPing:
		d.line("   Keepalive method = PING_CHECK")
		d.line("     ICMP seq no = 0")
	case CheckUDP:
		d.line("   Keepalive method = UDP_CHECK")
		if c.UDP.PayloadGiven {
			d.line("   Payload len = %d", len(c.UDP.Payload))
		}
		d.line("   Require reply = %s", yesNo(c.UDP.RequireReply))
		if c.UDP.RequireReply {
			d.line("     Min reply length = %d", c.UDP.MinReply)
			d.line("     Max reply length = %d", c.UDP.MaxReply)
			if len(c.UDP.Reply) > 0 {
				d.line("     Reply data len = %d", len(c.UDP.Reply))
				d.line("     Reply data mask = %s", yesNo(masked(c.UDP.ReplyMask)))
			}
		}
	case CheckFile:
		d.line("   Keepalive method = FILE_CHECK")
		d.line("   Track file = %s", c.File.File)
		d.line("   Weight = %d%s", c.File.Weight, choose(c.File.Reverse, " reverse", ""))
	}
}

// masked reports whether a pattern has wildcards.
func masked(mask []byte) bool {
	for _, m := range mask {
		if m != 0xff {
			return true
		}
	}
	return false
}

func dnsTypeName(t uint16) string {
	for name, n := range dnsTypes {
		if n == t {
			return name
		}
	}
	return fmt.Sprint(t)
}

func (d *dumper) httpCheck(c *checkerDraft) {
	d.line("   Keepalive method = %s_GET, http protocol %s", choose(c.Kind == CheckSSL, "SSL", "HTTP"),
		[...]string{"1.0", "1.0C", "1.1"}[c.HTTP.Protocol])
	if c.HTTP.VirtualHost != "" {
		d.line("   Virtual host = %s", c.HTTP.VirtualHost)
	}
	set := func(on bool) string { return choose(on, "set", "unset") }
	d.line("   Enable SNI %s", set(c.HTTP.SNI))
	d.line("   Fast recovery %s", set(c.HTTP.FastRecovery))
	if c.Kind == CheckSSL {
		d.line("   tls_compliant %s", set(c.HTTP.TLSCompliant))
	}
	for i := range c.HTTP.URLs {
		u := &c.HTTP.URLs[i]
		d.line("   Checked url = %s", u.Path)
		if u.DigestGiven {
			d.line("     digest = %x", u.Digest)
		}
		d.line("     tls_compliant %s", set(u.TLSCompliant == True))
		d.line("     HTTP Status Code(s)")
		for _, s := range u.Status {
			if s.Low == s.High {
				d.line("       %d", s.Low)
			} else {
				d.line("       %d-%d", s.Low, s.High)
			}
		}
		if len(u.Status) == 0 {
			d.line("       200-299")
		}
		if u.VirtualHost != "" {
			d.line("     Virtual host = %s", u.VirtualHost)
		}
		if u.Regex != "" {
			d.regex(u)
		}
	}
}

func (d *dumper) regex(u *URL) {
	d.line("     Regex = \"%s\"", u.Regex)
	if u.RegexNoMatch {
		d.line("     Regex no match")
	}
	options := ""
	if len(u.RegexOptions) > 0 {
		options = " " + strings.Join(regexOptions, " ")
	}
	d.line("     Regex options:%s", options)
	d.line("     Regex ref count = %d", d.regexes[u.regex()])
	if u.RegexMin != 0 || u.RegexMax != 0 {
		d.line("     Regex min offset = %d", u.RegexMin)
		d.line("     Regex max offset = %d", u.RegexMax)
	}
}

func (d *dumper) trackedBFDs(c *Config, r *Reading) {
	if len(c.BFD) == 0 {
		return
	}
	d.title("Checker track BFDs")
	for _, b := range c.BFD {
		d.line(" Checker Track BFD = %s", b.Name)
		d.line("   Tracking RS :")
		for _, v := range r.virtuals {
			for _, rs := range v.reals {
				for _, k := range rs.checkers {
					if k.Kind == CheckBFD && k.BFD == b.Name {
						d.line("   %s", endpoint(rs.Addr, v.Protocol))
					}
				}
			}
		}
	}
}

func (d *dumper) trackFiles(c *Config, who string) {
	if len(c.TrackFiles) == 0 {
		return
	}
	d.title(who + " track files")
	for _, f := range c.TrackFiles {
		d.line(" Track file = %s", f.Name)
		d.line("   File = %s", f.Path)
		d.line("   Status = 0")
		d.line("   Weight = %d%s", f.Weight, choose(f.Reverse, " reverse", ""))
	}
}
