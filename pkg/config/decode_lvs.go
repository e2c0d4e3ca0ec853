package config

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// schedulers are the IPVS schedulers that keepalived accepts.
var schedulers = []string{"rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"}

func openVirtual(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	v := d.cells.virtual(a.key.At.To(a.words[min(len(a.words), 2)-1].At))
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
	switch {
	case v.Group != "" || d.cells.keep == KeepAll:
		d.cells.service = nil // v stays
		d.virtuals = append(d.virtuals, v)
	case d.cells.keep == KeepChecks:
		d.settle(v)
		d.cfg.forgotten += len(v.reals)
		return
	default:
		d.settle(v)
	}
	d.cfg.VirtualServers = append(d.cfg.VirtualServers, v.VirtualServer)
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
	d.rs = d.cells.real(a.key.At.To(a.words[min(len(a.words), 2)-1].At))
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
		d.rs.AnyCheck = a.words[0].Text == "any"
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
