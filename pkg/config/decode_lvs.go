package config

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// schedulers are the IPVS schedulers that keepalived accepts.
var schedulers = []string{"rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"}

func openVirtual(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	v := d.cells.virtual(d.env.Brief, a.key.At.To(a.words[min(len(a.words), 2)-1].At))
	w := a.words[0]
	switch w.Text {
	case "group":
		if !d.need(a.words, 1) {
			return false
		}
		v.Group = a.words[1].Text
	case "fwmark":
		if !d.need(a.words, 1) {
			return false
		}
		n, ok := d.integer(a.words[1], 0, maxUint32)
		if !ok {
			return false
		}
		v.FwMark, v.byMark = uint32(n), n != 0
	default:
		addr, ok := d.serverAddr(a.words)
		if !ok {
			return false
		}
		v.Addr, v.IPv6, v.familyGiven = addr, addr.Addr().Is6(), true
	}
	d.vs = v
	return true
}

// serverAddr reads ADDRESS [PORT].
func (d *decoder) serverAddr(words []syntax.Word) (netip.AddrPort, bool) {
	var port int64
	if len(words) > 1 {
		var ok bool
		if port, ok = d.integer(words[1], 0, 65535); !ok {
			d.hint("ports are 1 to 65535; the whole block is ignored")
			return netip.AddrPort{}, false
		}
	}
	addr, ok := d.address(words[0])
	if !ok {
		d.problems[len(d.problems)-1].Text += "; the whole block is ignored"
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr, uint16(port)), true
}

// endVirtual keeps the service if it has somewhere to send to.
func endVirtual(d *decoder) {
	v := d.vs
	d.vs = nil
	if s := v.Sorry; s != nil && s.Addr.Addr().Is6() != v.IPv6 && v.familyGiven && v.Method.Kind != TUN {
		d.at("family-mismatch", s.At, "the sorry server %s is of another family than the service; it is left out", s.Addr.Addr())
		d.hint("only lb_kind TUN goes from one family to the other")
		v.Sorry = nil
	}
	if len(v.reals) == 0 {
		d.err("no-real-servers", syntax.Word{At: v.At}, "this virtual_server has no real_server; it is ignored")
		d.hint("add at least one real_server ADDRESS PORT { }")
		return
	}
	if d.env.Brief && v.Group == "" {
		d.forget(v)
		return
	}
	d.cells = cells{} // v stays
	d.virtuals = append(d.virtuals, v)
}

func setIPFamily(d *decoder, a *arg) {
	var v6 bool
	switch a.words[0].Text {
	case "inet":
	case "inet6":
		v6 = true
	default:
		d.unknownWord(a.words[0], "inet", "inet6")
		return
	}
	if d.vs.familyGiven && d.vs.IPv6 != v6 {
		d.err("family-mismatch", a.words[0], "the service is of the other family")
		return
	}
	d.vs.IPv6, d.vs.familyGiven = v6, true
}

func setScheduler(d *decoder, a *arg) {
	w := a.words[0]
	for _, s := range schedulers {
		if s == w.Text {
			d.vs.Scheduler = s
			return
		}
	}
	d.err("unknown-scheduler", w, "%q is not an IPVS scheduler", w.Text)
	d.hintClosest(w.Text, schedulers)
}

// schedulerFlag sets a flag that one scheduler alone knows.
func schedulerFlag(d *decoder, a *arg, scheduler string, flag uint32) {
	if d.vs.Scheduler != scheduler || flag == 0 {
		d.err("scheduler-flag", a.key, "%s belongs to the scheduler %s", a.kw.Name, scheduler)
		d.hint("write it below `lb_algo %s`", scheduler)
		return
	}
	d.vs.SchedFlags |= flag
}

// setMethod reads NAT, DR or TUN with the options of TUN.
func setMethod(d *decoder, a *arg, to *Method, given *bool) {
	w := a.words[0]
	m := Method{}
	switch w.Text {
	case "NAT":
	case "DR":
		m.Kind = DR
	case "TUN":
		m.Kind = TUN
	case "FULLNAT":
		m.FullNAT = true
	default:
		d.err("unknown-method", w, "%q is not a forwarding method", w.Text)
		d.hint("it may be NAT, DR or TUN")
		return
	}
	switch options := a.words[1:]; {
	case m.Kind == TUN:
		if !d.tunnel(&m, options) {
			return
		}
	case len(options) > 0:
		d.err("tunnel-option", options[0], "%s takes no options; those behind TUN are meant", w.Text)
		return
	}
	*to, *given = m, true
}

func (d *decoder) tunnel(m *Method, words []syntax.Word) bool {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch w.Text {
		case "type", "port":
			if i+1 >= len(words) {
				d.err("missing-value", w, "%s needs a value", w.Text)
				return false
			}
			i++
			if !d.tunnelValue(m, w.Text, words[i]) {
				return false
			}
		case "nocsum":
			m.Csum, m.CsumGiven = NoCsum, true
		case "csum":
			m.Csum, m.CsumGiven = Csum, true
		case "remcsum":
			m.Csum, m.CsumGiven = RemCsum, true
		default:
			d.unknownWord(w, "type", "port", "nocsum", "csum", "remcsum")
			return false
		}
	}
	if m.Tunnel == IPIP && m.CsumGiven && m.Csum != NoCsum {
		d.err("tunnel-option", words[0], "IPIP tunnels have no checksum")
		return false
	}
	if (m.Tunnel == GUE) != (m.TunPort != 0) {
		d.err("tunnel-port", words[0], "type gue needs a port, and no other type has one")
		return false
	}
	return true
}

func (d *decoder) tunnelValue(m *Method, option string, w syntax.Word) bool {
	if option == "port" {
		n, ok := d.integer(w, 1, 65535)
		m.TunPort = uint16(n)
		return ok
	}
	switch w.Text {
	case "ipip":
		m.Tunnel = IPIP
	case "gue":
		m.Tunnel = GUE
	case "gre":
		m.Tunnel = GRE
	default:
		d.unknownWord(w, "ipip", "gue", "gre")
		return false
	}
	return true
}

func setProtocol(d *decoder, a *arg) {
	switch strings.ToUpper(a.words[0].Text) {
	case "TCP":
		d.vs.Protocol = TCP
	case "UDP":
		d.vs.Protocol = UDP
	case "SCTP":
		d.vs.Protocol = SCTP
	default:
		d.err("unknown-protocol", a.words[0], "%q is not a transport protocol of IPVS", a.words[0].Text)
		d.hint("it may be TCP, UDP or SCTP")
		return
	}
	d.vs.protocolGiven = true
}

// setGranularity reads an IPv4 netmask or an IPv6 prefix length.
func setGranularity(d *decoder, a *arg) {
	w := a.words[0]
	var mask netip.Addr
	if strings.Contains(w.Text, ".") || d.vs.familyGiven && !d.vs.IPv6 {
		mask, _ = shortIPv4(w.Text)
	}
	length := 0
	switch {
	case mask.Is4():
		b := mask.As4()
		n := binary.BigEndian.Uint32(b[:])
		length = bits.OnesCount32(n)
		d.vs.Netmask = n
	default:
		n, ok := d.integer(w, 1, 128)
		if !ok {
			return
		}
		length = int(n)
	}
	if v6 := !mask.Is4(); d.vs.familyGiven && d.vs.IPv6 != v6 {
		d.err("family-mismatch", w, "the granularity is a netmask for IPv4, a prefix length for IPv6")
		return
	} else if !d.vs.familyGiven {
		d.vs.IPv6, d.vs.familyGiven = v6, true
	}
	d.vs.Granularity, d.vs.granularityGiven = length, true
	if d.vs.Persistence == 0 {
		d.vs.Persistence = DefaultPersistence
	}
}

func setEngine(d *decoder, a *arg) {
	if len(a.words[0].Text) > 15 {
		d.err("name-too-long", a.words[0], "a persistence engine has at most 15 characters")
		return
	}
	d.vs.Engine = a.words[0].Text
}

func setSorryServer(d *decoder, a *arg) {
	addr, ok := d.serverAddr(a.words)
	if !ok {
		return
	}
	d.vs.Sorry = &SorryServer{Addr: addr, At: a.words[0].At}
	d.fitServer(a.words[0], addr.Addr())
}

// fitServer fixes the family of a mark's or a group's service by its servers.
func (d *decoder) fitServer(w syntax.Word, addr netip.Addr) {
	if !d.vs.familyGiven {
		d.vs.IPv6, d.vs.familyGiven = addr.Is6(), true
	}
}

// haveSorry reports a keyword that needs a sorry_server above it.
func (d *decoder) haveSorry(a *arg) bool {
	if d.vs.Sorry == nil {
		d.err("missing-sorry-server", a.key, "%s must follow sorry_server", a.kw.Name)
		return false
	}
	if !a.given && a.kw.Takes != Flag {
		d.missing(a.kw, a)
		return false
	}
	return true
}

func setMinUp(d *decoder, a *arg) {
	text := strings.TrimSuffix(a.words[0].Text, "%")
	n, ok := d.integer(syntax.Word{Text: text, At: a.words[0].At, Via: a.words[0].Via}, 1, 100)
	if !ok {
		return
	}
	d.vs.MinUp = int(n)
	if len(a.words) < 2 {
		return
	}
	switch a.words[1].Text {
	case "sorry":
		d.vs.OnPanic = PanicSorry
	case "keep_last":
		d.vs.OnPanic = PanicKeepLast
	case "all":
		d.vs.OnPanic = PanicAll
	default:
		d.unknownWord(a.words[1], "sorry", "keep_last", "all")
	}
}

func openReal(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	addr, ok := d.serverAddr(a.words)
	if !ok {
		return false
	}
	d.fitServer(a.words[0], addr.Addr())
	d.rs = d.cells.real(d.env.Brief, a.key.At.To(a.words[min(len(a.words), 2)-1].At))
	d.rs.Addr = addr
	return true
}

func endReal(d *decoder) {
	m := d.rs.Method
	if !d.rs.methodGiven {
		m = d.vs.Method
	}
	if d.vs.familyGiven && d.rs.Addr.Addr().Is6() != d.vs.IPv6 && m.Kind != TUN {
		d.at("family-mismatch", d.rs.At, "%s is of another family than the service; it is left out", d.rs.Addr.Addr())
		d.hint("only lb_kind TUN goes from one family to the other")
		d.rs = nil
		return
	}
	d.vs.reals = append(d.vs.reals, d.rs)
	d.rs = nil
}

func setCheckGroup(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "all", "any":
		d.rs.CheckGroupMode = a.words[0].Text
	default:
		d.unknownWord(a.words[0], "all", "any")
	}
}

func openSSL(d *decoder, a *arg) bool {
	if d.cfg.SSL == nil {
		d.cfg.SSL = &SSL{}
	}
	return true
}

func openServerGroup(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	for _, g := range d.cfg.ServerGroups {
		if g.Name == a.words[0].Text {
			return d.duplicate(a, g.At)
		}
	}
	if len(a.words) > 1 || d.pos >= d.lines.Len() || d.lines.Kind(d.pos) != syntax.Open {
		d.add(fault{"missing-opening-brace", diag.Error, diag.Missing}, a.words[len(a.words)-1],
			"virtual_server_group NAME must be followed by an opening brace", "write: virtual_server_group "+a.words[0].Text+" {")
		d.stop()
		return false
	}
	d.serverGroup = &ServerGroup{Name: a.words[0].Text, At: a.words[0].At}
	return true
}

func endServerGroup(d *decoder) {
	g := d.serverGroup
	if len(g.Ranges)+len(g.Marks) == 0 {
		d.err("empty-block", syntax.Word{At: g.At}, "virtual_server_group %s has no entries; it is ignored", g.Name)
		return
	}
	d.cfg.ServerGroups = append(d.cfg.ServerGroups, g)
}

// itemServerGroup reads fwmark N [inet|inet6], or ADDRESS, ADDRESS-END or
// ADDRESS/LENGTH with a port behind it.
func itemServerGroup(d *decoder, words []syntax.Word) {
	g := d.serverGroup
	if words[0].Text == "fwmark" {
		if !d.need(words, 1) {
			return
		}
		n, ok := d.integer(words[1], 0, maxUint32)
		if !ok {
			return
		}
		m := GroupMark{Mark: uint32(n), At: words[0].At}
		if len(words) > 2 {
			switch words[2].Text {
			case "inet", "inet6":
				m.IPv6 = words[2].Text == "inet6"
			default:
				d.unknownWord(words[2], "inet", "inet6")
			}
		}
		g.Marks = append(g.Marks, m)
		return
	}
	r, ok := d.groupRange(words[0])
	if !ok {
		d.err("invalid-address", words[0], "%q is neither an address, a range nor a block of addresses", words[0].Text)
		d.hint("write for example 192.0.2.1, 192.0.2.1-10 or 192.0.2.0/28, and a port")
		return
	}
	if len(words) > 1 {
		n, ok := d.integer(words[1], 0, 65535)
		if !ok {
			return
		}
		r.Port = uint16(n)
	}
	g.Ranges = append(g.Ranges, r)
}

func (d *decoder) groupRange(w syntax.Word) (GroupRange, bool) {
	r := GroupRange{Count: 1, At: w.At}
	if first, last, ok := strings.Cut(w.Text, "-"); ok {
		addr, ok := parseAddr(first)
		if !ok {
			return r, false
		}
		r.First = addr
		return r, rangeEnd(&r, last)
	}
	if strings.Contains(w.Text, "/") {
		p, err := netip.ParsePrefix(w.Text)
		if err != nil || p.Masked() != p || p.Addr().BitLen()-p.Bits() > 31 {
			return r, false
		}
		r.First, r.Count = p.Addr(), 1<<(p.Addr().BitLen()-p.Bits())
		return r, true
	}
	addr, ok := parseAddr(w.Text)
	r.First = addr
	return r, ok
}

// rangeEnd reads the end of a range: a whole address, the last part of an IPv4
// address in decimal, or that of an IPv6 address in hexadecimal.
func rangeEnd(r *GroupRange, last string) bool {
	b := r.First.As16()
	end, whole := parseAddr(last)
	if whole {
		e := end.As16()
		if end.Is6() != r.First.Is6() || [12]byte(e[:12]) != [12]byte(b[:12]) {
			return false
		}
		n, m := binary.BigEndian.Uint32(b[12:]), binary.BigEndian.Uint32(e[12:])
		r.Count = m - n + 1
		return m >= n && r.Count != 0
	}
	base, width, low := 10, 255, uint32(b[15])
	if r.First.Is6() {
		base, width, low = 16, 65535, uint32(binary.BigEndian.Uint16(b[14:]))
	}
	n := 0
	for _, c := range []byte(last) {
		v := strings.IndexByte("0123456789abcdef", lower(c))
		if v < 0 || v >= base {
			return false
		}
		if n = n*base + v; n > width {
			return false
		}
	}
	r.Count = uint32(n) - low + 1
	return last != "" && uint32(n) >= low
}
