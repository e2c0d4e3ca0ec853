package config

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Actions of rules (FR_ACT_…).
const (
	ruleLookup      = 1
	ruleGoto        = 2
	ruleNop         = 3
	ruleBlackhole   = 6
	ruleUnreachable = 7
	ruleProhibit    = 8
)

var ruleActions = map[string]int{
	"nop": ruleNop, "blackhole": ruleBlackhole, "unreachable": ruleUnreachable, "prohibit": ruleProhibit,
}

// action sets what a rule does, which can be one thing only.
func (d *decoder) action(r *Rule, w syntax.Word, action int) bool {
	if r.Action != 0 {
		d.err("duplicate-option", w, "the rule has its table or action already; it is left out")
		d.hint("write one of table, goto, nop, blackhole, prohibit, unreachable and l3mdev")
		return false
	}
	r.Action = action
	return true
}

// firstRulePreference is given to the first rule without a preference; the
// following ones count down.
const firstRulePreference = 16384

// ruleReader reads one line of a rule block.
type ruleReader struct {
	d       *decoder
	r       Rule
	options *Block
	family  int // 0 not known, 4 or 6
	bad     bool
}

// rule reads a line of virtual_rules or static_rules.
func (d *decoder) rule(words []syntax.Word, list *[]Rule, static bool) {
	p := ruleReader{d: d, options: &ruleBlock, r: Rule{SuppressPrefix: -1, SuppressGroup: -1, Protocol: -1, At: words[0].At, IPProto: -1}}
	if static {
		p.options = &staticRuleBlock
	}
	for i := 0; i < len(words) && !p.bad && !d.stopped; i++ {
		w := words[i]
		if p.flag(w) {
			if i++; w.Text != "inet" && w.Text != "inet6" {
				i--
			} else if i < len(words) {
				d.warnPassedOver(w, words[i])
			}
			continue
		}
		if p.options.Lookup(w.Text) == nil {
			d.err("unknown-option", w, "%q is not an option of a rule", w.Text)
			d.hintClosest(w.Text, p.options.Names())
			return
		}
		if !d.need(words, i+1) {
			return
		}
		i++
		p.value(w, words[i])
	}
	if p.bad || d.stopped {
		return
	}
	r := &p.r
	r.IPv6 = p.family == 6
	if r.FromGiven && !r.From.IsValid() {
		r.From = anyPrefix(r.IPv6)
	}
	if r.ToGiven && !r.To.IsValid() {
		r.To = anyPrefix(r.IPv6)
	}
	if d.ruleComplete(r, words[0]) {
		*list = append(*list, *r)
	}
}

// flag reads an option without a value; false means that w is none.
func (p *ruleReader) flag(w syntax.Word) bool {
	r := &p.r
	switch w.Text {
	case "inet", "inet6":
		p.setFamily(w, w.Text == "inet6")
	case "not":
		r.Not = true
	case "l3mdev":
		p.bad = !p.d.action(r, w, ruleLookup)
		r.L3MDev = true
	case "nop", "blackhole", "unreachable", "prohibit":
		p.bad = !p.d.action(r, w, ruleActions[w.Text])
	case "no_track":
		r.NoTrack = true
	default:
		return false
	}
	return true
}

// value reads the option w with its value v.
func (p *ruleReader) value(w, v syntax.Word) {
	if w.Text != "from" && w.Text != "to" {
		p.bad = !p.d.ruleValue(&p.r, w, v)
		return
	}
	net, ok := p.d.ruleNetwork(v)
	if !ok {
		p.bad = true
		return
	}
	switch {
	case net.IsValid():
		p.setFamily(v, net.Addr().Is6())
	case p.family != 0:
		p.d.err("family-mismatch", v, "%s stands for a whole family, and the rule has an address already; it is left out", v.Text)
		p.d.hint("leave %s %s away: it is what a rule means without it", w.Text, v.Text)
		p.bad = true
	}
	if w.Text == "from" {
		p.r.From, p.r.FromGiven = net, true
	} else {
		p.r.To, p.r.ToGiven = net, true
	}
}

// warnPassedOver says that a word behind inet or inet6 counts for nothing.
func (d *decoder) warnPassedOver(family, w syntax.Word) {
	if w.Text == "to" {
		return // what it is for
	}
	d.warn("passed-over", w, "the word behind %s is passed over", family.Text)
	d.hint("leave %s away: the addresses say it", family.Text)
}

func (p *ruleReader) setFamily(w syntax.Word, v6 bool) {
	family := 4
	if v6 {
		family = 6
	}
	if p.family != 0 && p.family != family {
		p.d.err("family-mismatch", w, "the rule mixes IPv4 and IPv6; it is left out")
		p.bad = true
	}
	p.family = family
}

// anyPrefix is all addresses of a family.
func anyPrefix(v6 bool) netip.Prefix {
	if v6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

// ruleNetwork reads a network; all, any and default are the invalid prefix.
func (d *decoder) ruleNetwork(w syntax.Word) (netip.Prefix, bool) {
	switch w.Text {
	case "all", "any", "default":
		return netip.Prefix{}, true
	}
	p, ok := d.prefix(w)
	if !ok {
		d.err("invalid-address", w, "%q is not a network; the rule is left out", w.Text)
	}
	return p, ok
}

// ruleValue reads one option with its value and reports whether the rule can
// be kept.
func (d *decoder) ruleValue(r *Rule, w, v syntax.Word) bool {
	named := func(t *nameTable, what string) (uint32, bool) {
		n, ok := d.number(t, v.Text)
		if !ok {
			d.err("unknown-"+what, v, "%q is no %s; the rule is left out", v.Text, strings.ReplaceAll(what, "-", " "))
		}
		return n, ok
	}
	var ok bool
	var n uint32
	switch w.Text {
	case "table", "lookup":
		if r.Table, ok = named(&tableNames, "routing-table"); ok && r.Table == 0 {
			d.err("unknown-routing-table", v, "there is no table 0; the rule is left out")
			return false
		}
		ok = ok && d.action(r, w, ruleLookup)
	case "preference", "priority", "order":
		if strings.HasPrefix(v.Text, "0x") {
			r.Preference, ok = cNumber(v.Text)
		}
		if !ok {
			var p int64
			p, ok = d.integer(v, 0, maxUint32)
			r.Preference = uint32(p)
		}
		r.PreferenceGiven = ok
	case "tos", "dsfield":
		n, ok = named(&dsNames, "type-of-service")
		r.TOS = int(n)
	case "fwmark":
		ok = d.ruleMark(r, v)
	case "realms":
		r.Realms, ok = d.realms(v)
	case "iif", "dev", "oif":
		ok = true
		if w.Text == "oif" {
			r.OIF = v.Text
		} else {
			r.IIF = v.Text
		}
		if _, there := d.env.link(v.Text); !there && !d.g.DynamicInterfaces {
			d.unusable("unknown-interface", v, "the interface %s of the rule does not exist", v.Text)
			d.missingLink = true
		}
	case "suppress_prefixlength", "sup_pl":
		var p int64
		p, ok = d.integer(v, 0, maxInt32)
		r.SuppressPrefix = int(p)
	case "suppress_ifgroup", "sup_group":
		n, ok = named(&groupNames, "interface-group")
		r.SuppressGroup = int(n)
	case "tunnel-id":
		var p int64
		p, ok = d.integer(v, 0, 1<<62)
		r.TunnelID = uint64(p)
	case "uidrange":
		r.UIDLow, r.UIDHigh, ok = d.span(v, maxUint32-1)
		r.UIDGiven = ok
	case "protocol":
		var p int64
		p, ok = d.integer(v, 0, 255)
		r.Protocol = int(p)
	case "ipproto":
		ok = d.ruleIPProto(r, v)
	case "sport":
		var low, high uint32
		low, high, ok = d.span(v, 65535)
		r.SPortLow, r.SPortH = uint16(low), uint16(high)
	case "dport":
		var low, high uint32
		low, high, ok = d.span(v, 65535)
		r.DPortLow, r.DPortH = uint16(low), uint16(high)
	case "goto":
		var p int64
		p, ok = d.integer(v, 0, maxUint32)
		r.Goto = uint32(p)
		ok = ok && d.action(r, w, ruleGoto)
	case "track_group":
		r.TrackGroup, ok = d.trackGroupNamed(v), true
	}
	return ok
}

// ruleMark reads MARK[/MASK], decimal, octal or hexadecimal.
func (d *decoder) ruleMark(r *Rule, w syntax.Word) bool {
	mark, mask, both := strings.Cut(w.Text, "/")
	a, ok1 := markNumber(mark)
	b, ok2 := uint32(maxUint32), true
	if both {
		b, ok2 = markNumber(mask)
	}
	if !ok1 || !ok2 {
		d.err("invalid-number", w, "%q is not a firewall mark; the rule is left out", w.Text)
		return false
	}
	r.FwMark, r.FwMask, r.FwMarkGiven, r.FwMaskGiven = a, b, true, both
	return true
}

// markNumber is a number as the C library reads it, within 32 bits.
func markNumber(s string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 0, 32)
	return uint32(n), err == nil || s == ""
}

func (d *decoder) ruleIPProto(r *Rule, w syntax.Word) bool {
	if n, ok := ipProtocols[strings.ToLower(w.Text)]; ok {
		r.IPProto = n
		return true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(w.Text, "+"), 10, 8)
	if err != nil {
		d.err("unknown-protocol", w, "%q is not an IP protocol; the rule is left out", w.Text)
		return false
	}
	r.IPProto = int(n)
	return true
}

// span reads LOW-HIGH.
func (d *decoder) span(w syntax.Word, limit int64) (low, high uint32, ok bool) {
	a, b, both := strings.Cut(w.Text, "-")
	if !both || a == "" || b == "" {
		d.err("invalid-range", w, "%q is not a range", w.Text)
		d.hint("write both ends, as in %[1]s-%[1]s", a+b)
		return 0, 0, false
	}
	n, ok1 := d.integer(syntax.Word{Text: a, At: w.At, Via: w.Via}, 0, limit)
	m, ok2 := d.integer(syntax.Word{Text: b, At: w.At, Via: w.Via}, 0, limit)
	if ok1 && ok2 && n > m {
		d.err("invalid-range", w, "the range %s ends before it begins", w.Text)
		return 0, 0, false
	}
	return uint32(n), uint32(m), ok1 && ok2
}

// ruleComplete checks a whole rule and gives it a preference.
func (d *decoder) ruleComplete(r *Rule, w syntax.Word) bool {
	if r.Action == 0 {
		d.err("missing-table", w, "the rule has no table and no action; it is left out")
		d.hint("add: table TABLE")
		return false
	}
	if r.Action == ruleGoto && r.PreferenceGiven && r.Preference >= r.Goto {
		d.err("route-conflict", w, "the rule has preference %d, and goto leads back to %d; it is left out", r.Preference, r.Goto)
		d.hint("goto can only lead to a rule with a higher preference")
		return false
	}
	if r.IPv6 && r.Realms != 0 {
		d.err("option-family", w, "only IPv4 rules can have realms; the rule is left out")
		return false
	}
	if r.Action != ruleLookup && (r.Realms != 0 || r.SuppressPrefix >= 0 || r.SuppressGroup >= 0) {
		d.err("route-conflict", w, "only a rule with a table can have realms or suppress routes; the rule is left out")
		d.hint("write a table, or leave realms and suppress_… away")
		return false
	}
	if r.Action == ruleGoto && !r.PreferenceGiven {
		d.err("missing-preference", w, "a rule with goto needs a preference of its own; it is left out")
		d.hint("add: preference NUMBER")
		return false
	}
	if !r.PreferenceGiven {
		count := &d.rules4
		if r.IPv6 {
			count = &d.rules6
		}
		r.Preference = firstRulePreference - *count
		*count++
		d.err("missing-preference", w, "the rule has no preference; it gets %d, which is hardly what is wanted", r.Preference)
		d.hint("add: preference NUMBER")
	}
	if r.Protocol >= 0 && r.Protocol != protocolKeepalived && !r.NoTrack {
		d.err("tracked-protocol", w, "a rule whose deletion is noticed must have the protocol keepalived")
		r.Protocol = protocolKeepalived
	}
	if r.Protocol < 0 && !r.NoTrack {
		r.Protocol = protocolKeepalived
	}
	r.Protocol = max(r.Protocol, 0) // nobody's mark
	return true
}
