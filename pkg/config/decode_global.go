package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// defaultGlobal is global_defs before anything is read.
func defaultGlobal(env *Env) Global {
	role := RoleProcess{RTTimeLimit: 10 * time.Millisecond}
	return Global{
		VRRP: role, Checkers: role, Bfd: role,
		StartupTimeout:   10 * time.Second,
		ShutdownTimeout:  10 * time.Second,
		MinAutoDelay:     time.Second,
		LVS:              LVSGlobal{ReconcileInterval: 5 * time.Second, SharedChecks: true},
		McastGroup4:      netip.AddrFrom4([4]byte{224, 0, 0, 18}),
		McastGroup6:      netip.AddrFrom16([16]byte{0xff, 2, 15: 0x12}),
		GARP:             GARPTimers{MasterDelay: 5 * time.Second, MasterRepeat: 5, RefreshRepeat: 1},
		DownTimerAdverts: downAdverts,
		Version:          2,
		RxBufsMultiplier: 3,
		Firewall: FirewallGlobal{
			NFPriority: -1, NFIPVSPriority: -1, NFIPVSStartFwmark: 1000,
		},
		SNMP:          SNMP{VSInterval: 5 * time.Second},
		Umask:         0o177,
		JSONVersion:   1,
		IPRouteUsrDir: "/etc/iproute2",
		IPRouteEtcDir: "/etc/iproute2",
	}
}

func tri(on bool) Tri {
	if on {
		return True
	}
	return False
}

func setSMTPServer(d *decoder, a *arg) {
	host, port := a.words[0], uint16(25)
	if len(a.words) > 1 {
		n, ok := d.integer(a.words[1], 1, 65535)
		if ok {
			port = uint16(n)
		}
	}
	addr, ok := d.hostAddr(host.Text)
	if !ok {
		d.err("unknown-host", host, "the mail server %q has no address", host.Text)
		d.hint("check the name, or give the server's address")
		return
	}
	d.g.Mail.Server, d.g.Mail.Addr, d.g.Mail.Port = host.Text, addr, port
}

// hostAddr is the address that the resolver makes of s: an address, one of the
// old short forms of IPv4 ("10.1"), or a name.
func (d *decoder) hostAddr(s string) (netip.Addr, bool) {
	if addr, ok := parseAddr(s); ok {
		return addr, true
	}
	if addr, ok := shortIPv4(s); ok || d.env.ResolveHost == nil {
		return addr, ok
	}
	return d.env.ResolveHost(s)
}

// shortIPv4 reads an IPv4 address as the C library does: one to four parts, each
// decimal, octal (0…) or hexadecimal (0x…); the last fills what is missing.
func shortIPv4(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var b [4]byte
	for i, p := range parts {
		if p == "" || p[0] < '0' || p[0] > '9' {
			return netip.Addr{}, false
		}
		n, ok := cLong(p)
		last := i == len(parts)-1
		if !ok || !last && n > 255 || last && n >= 1<<(8*(5-len(parts))) {
			return netip.Addr{}, false
		}
		for k := range 4 - i {
			if !last {
				b[i] = byte(n)
				break
			}
			b[3-k] = byte(n >> (8 * k))
		}
	}
	return netip.AddrFrom4(b), true
}

func (d *decoder) dumpFile(a *arg, to *string) {
	if !d.emptyName(a.words, 1) {
		*to = a.text
	}
}

func setMailFrom(d *decoder, a *arg) {
	d.g.Mail.From = a.text
	if len(a.words) > 1 {
		d.err("extra-words", a.words[1], "notification_email_from takes one word; the rest is ignored")
		d.hint("write the address alone, or all of it in double quotes")
	}
}

func openNotificationEmail(d *decoder, a *arg) bool {
	d.listAt, d.listed = a.key, 0
	return true
}

func itemNotificationEmail(d *decoder, words []syntax.Word) {
	for _, w := range words {
		d.g.Mail.To = append(d.g.Mail.To, w.Text)
		d.listed++
	}
}

func endNotificationEmail(d *decoder) {
	if d.listed == 0 {
		d.err("empty-block", d.listAt, "notification_email names no address")
	}
}

// atLeastOne is the number of an argument that may not be 0.
func (d *decoder) atLeastOne(a *arg) int {
	if a.n == 0 {
		d.err("number-out-of-range", a.words[0], "%s must be at least 1", a.kw.Name)
		return 1
	}
	return int(a.n)
}

func setDynamicInterfaces(d *decoder, a *arg) {
	d.g.DynamicInterfaces = true
	if !a.given {
		return
	}
	if a.words[0].Text != "allow_if_changes" {
		d.unknownWord(a.words[0], "allow_if_changes")
		return
	}
	d.g.DynamicAllowIfChanges = true
}

// unknownWord reports a word that should be one of some words.
func (d *decoder) unknownWord(w syntax.Word, words ...string) {
	d.err("unknown-word", w, "%q is not known here", w.Text)
	if w.Text == "=" {
		d.hint("leave the = away: a keyword and its value stand side by side")
		return
	}
	if word := strings.TrimRight(w.Text, ";,"); slices.Contains(words, word) {
		d.hint("write %s alone: a line needs no %s at its end", word, w.Text[len(word):])
		return
	}
	for _, word := range words {
		if strings.EqualFold(w.Text, word) {
			d.hint("write %s: upper and lower case are not the same", word)
			return
		}
	}
	d.hint("it may be %s", strings.Join(words, ", "))
}

func setMcastGroup(d *decoder, a *arg, to *netip.Addr, v6 bool) {
	if a.addr.Is6() != v6 || !a.addr.IsMulticast() {
		family := "IPv4"
		if v6 {
			family = "IPv6"
		}
		d.err("not-multicast", a.words[0], "%s is not an %s multicast address", a.words[0].Text, family)
		return
	}
	*to = a.addr
}

// extraIf reads garp_extra_if: [all] SECONDS.
func (d *decoder) extraIf(a *arg, to *time.Duration, all *bool) {
	least := int64(0)
	if d.inst == nil { // an instance may switch off what global_defs says
		least = 1
	}
	w := a.words
	both := w[0].Text == "all"
	if both {
		if w = w[1:]; len(w) == 0 {
			d.err("missing-value", a.words[0], "%s all needs a number of seconds", a.kw.Name)
			return
		}
	}
	if n, ok := d.integer(w[0], least, 86400); ok {
		*to, *all = time.Duration(n)*time.Second, both
	}
}

func setIPTables(d *decoder, a *arg) {
	if d.emptyName(a.words, 2) {
		return
	}
	f := &d.g.Firewall
	f.IPTables, f.ChainIn, f.ChainOut = true, "INPUT", "OUTPUT"
	d.iptablesAt = a.key
	chain := func(i int) string {
		if name := a.words[i].Text; len(name) <= 28 {
			return name
		}
		d.err("name-too-long", a.words[i], "a chain name has at most 28 characters")
		return a.words[i].Text[:28]
	}
	switch {
	case len(a.words) > 1:
		f.ChainIn, f.ChainOut = chain(0), chain(1)
	case len(a.words) == 1:
		f.ChainIn, f.ChainOut = chain(0), ""
	}
}

// emptyName reports an empty name among the first words; the line is ignored.
func (d *decoder) emptyName(words []syntax.Word, most int) bool {
	for _, w := range words[:min(most, len(words))] {
		if w.Text == "" {
			d.err("missing-name", w, "this name is empty; the line is ignored")
			d.hint("write a name, or leave the quotes away for the default")
			return true
		}
	}
	return false
}

func setIPSets(d *decoder, a *arg) {
	f := &d.g.Firewall
	if d.emptyName(a.words, len(f.IPSetNames)) {
		return
	}
	if !a.given {
		f.IPSets, f.IPSetsGiven = false, true
		return
	}
	f.IPSets, f.IPSetsGiven = true, true
	for i, w := range a.words[:min(len(a.words), len(f.IPSetNames))] {
		f.IPSetNames[i] = w.Text
	}
	f.nameIPSets()
}

func setNFTables(d *decoder, a *arg) {
	if d.emptyName(a.words, 1) {
		return
	}
	f := &d.g.Firewall
	f.NFTables, f.NFTable = true, "keepalived"
	if a.given {
		f.NFTable = a.words[0].Text
	}
}

func setNFIPVS(d *decoder, a *arg) {
	if d.emptyName(a.words, 1) {
		return
	}
	f := &d.g.Firewall
	f.NFIPVS, f.NFIPVSTable = true, "keepalived_ipvs"
	if a.given {
		f.NFIPVSTable = a.words[0].Text
	}
}

func setRxBufsPolicy(d *decoder, a *arg) {
	for _, w := range a.words {
		switch {
		case strings.EqualFold(w.Text, "MTU"):
			d.g.RxBufsPolicy |= RxBufsMTU
		case strings.EqualFold(w.Text, "ADVERT"):
			d.g.RxBufsPolicy |= RxBufsAdvert
		default:
			if n, ok := d.integer(w, 0, maxUint32); ok {
				d.g.RxBufsPolicy, d.g.RxBufsSize = RxBufsBytes, int(n)
			}
		}
	}
}

func checkIncludeWords(d *decoder, a *arg) {
	for i, w := range a.words {
		if i > 0 && w.Text != "" && w.Text[0] != '+' && w.Text[0] != '-' {
			d.err("unknown-word", w, "%s has no + or - in front of it and is not the first word; it is ignored", w.Text)
			d.hint("write +%s to add it", w.Text)
			continue
		}
		switch strings.TrimLeft(w.Text, "+-") {
		case "read", "match", "wildcard_match", "brace_match":
		default:
			d.unknownWord(w, "read", "match", "wildcard_match", "brace_match")
		}
	}
}
