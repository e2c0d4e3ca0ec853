package lint

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

func (l *linter) instance(i *config.Instance) {
	if i.Strict && !i.Accept {
		l.warn("strict-unreachable", i.At, "add accept to the instance, or remove vrrp_strict (strict_mode)",
			"strict mode makes the addresses of %s unreachable: the master drops what is sent to them, pings and services alike", i.Name)
	}
	if i.Auth.Type != config.AuthNone {
		l.remark("auth-readable", i.At, "auth_hmac keeps others out; a password only keeps apart what is wired up by mistake",
			"the password of %s can be read by anyone on the link", i.Name)
	}
	for _, p := range i.UnicastPeers {
		if p.Addr == i.SrcIP {
			l.warn("peer-is-self", p.At, "list the other routers only", "%s is this router's own address (unicast_src_ip)", p.Addr)
		}
	}
	l.prefixes(i)
	for _, list := range [...][]config.Track{i.TrackInterfaces, i.TrackScripts, i.TrackFiles, i.TrackProcesses, i.TrackBFD} {
		for _, t := range list {
			l.weight(i, t)
		}
	}
}

// prefixes reports addresses that bring a whole network along.
func (l *linter) prefixes(i *config.Instance) {
	var wide []config.Address
	for _, a := range i.VIPs {
		if a.Prefix.Bits() < a.Prefix.Addr().BitLen() && !a.NoPrefix && !a.Prefix.Addr().IsLinkLocalUnicast() {
			wide = append(wide, a)
		}
	}
	if len(wide) == 0 {
		return
	}
	a := wide[0]
	more := ""
	if n := len(wide) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more of %s)", n, i.Name)
	}
	l.warn("vip-prefix", a.At,
		fmt.Sprintf("write %s/%d, unless no other address of the master is in that network", a.Prefix.Addr(), a.Prefix.Addr().BitLen()),
		"%s%s brings a route to %s with it, which comes and goes with the master", a.Prefix, more, a.Prefix.Masked())
}

// weight reports a weight that has no room between the priorities 1 and 254.
func (l *linter) weight(i *config.Instance, t config.Track) {
	p := int(i.Priority)
	if t.Weight == 0 || p == 0 || p == 255 {
		return
	}
	w := t.Weight
	if t.Reverse {
		w = -w
	}
	switch {
	case w > 0 && p+w > 254:
		pr := l.warn("weight-clamped", t.At, "lower the priority, or the weight",
			"the weight %d of %s cannot take effect: the priority %d rises to no more than 254", t.Weight, t.Name, p)
		note(pr, i.PriorityAt, "the priority")
	case w < 0 && p+w < 1:
		pr := l.warn("weight-clamped", t.At, "raise the priority, or use a smaller weight",
			"the weight %d of %s cannot take effect: the priority %d falls to no less than 1", t.Weight, t.Name, p)
		note(pr, i.PriorityAt, "the priority")
	}
}

// scripts reports scripts that nobody tracks, and those that may still run
// when the next run is due.
func (l *linter) scripts() {
	used := map[string]bool{}
	for _, i := range l.c.Instances {
		for _, t := range i.TrackScripts {
			used[t.Name] = true
		}
	}
	for _, g := range l.c.SyncGroups {
		for _, t := range g.TrackScripts {
			used[t.Name] = true
		}
	}
	for _, s := range l.c.Scripts {
		if !used[s.Name] {
			l.remark("script-unused", s.At, "add it to track_script of an instance, or remove it", "nothing tracks the script %s, so it never runs", s.Name)
		}
		if s.Timeout > s.Interval {
			l.warn("timeout-over-interval", s.At, "make timeout at most as long as interval",
				"the script %s may run for %s, but is due every %s: while it hangs, no answer comes", s.Name, s.Timeout, s.Interval)
		}
	}
}
