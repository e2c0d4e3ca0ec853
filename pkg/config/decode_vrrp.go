package config

import (
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func openInstance(d *decoder, a *arg) bool {
	if !d.named(a) {
		return false
	}
	name := a.words[0]
	for _, i := range d.instances {
		if i.Name == name.Text {
			return d.duplicate(a, i.At)
		}
	}
	d.newInstance(name)
	d.instances = append(d.instances, d.inst)
	return true
}

func (d *decoder) newInstance(name syntax.Word) {
	d.inst = &instanceDraft{Instance: &Instance{
		Name: name.Text, At: name.At, Preempt: true, UnicastTTL: 255,
	}}
	d.inst.GARP = GARPTimers{MasterDelay: notGiven, MasterRepeat: -1, Refresh: notGiven, RefreshRepeat: -1, LowerPrioDelay: notGiven, LowerPrioRepeat: -1}
	d.inst.GARPExtraIf = notGiven
}

// notGiven marks a duration that was not given.
const notGiven = time.Duration(-1)

func endInstance(d *decoder) {}

// wantInterface reports an interface that does not exist.
func (d *decoder) wantInterface(w syntax.Word, what string) {
	if _, ok := d.env.link(w.Text); ok || d.g.DynamicInterfaces {
		return
	}
	d.unusable("unknown-interface", w, "the interface %s of %s does not exist", w.Text, what)
	d.hint("check its name with `ip link`, or set dynamic_interfaces if it comes later")
	if w.Text == "=" {
		d.hint("leave the = away: a keyword and its value stand side by side")
	} else if name := strings.TrimRight(w.Text, ";,"); name != w.Text {
		d.hint("write %s alone: a line needs no %s at its end", name, w.Text[len(name):])
	}
	d.missingLink = true
}

// wantForStart reports an interface without which the test mode, too, says that
// a daemon could not start.
func (d *decoder) wantForStart(w syntax.Word, what string) bool {
	said := len(d.problems)
	d.wantInterface(w, what)
	for i := range d.problems[said:] {
		d.problems[said+i].Class = diag.Fatal
	}
	return len(d.problems) == said
}

// unusable reports what the test mode takes for an ordinary error, but a
// daemon for a reason not to start.
func (d *decoder) unusable(id string, w syntax.Word, format string, args ...any) {
	d.err(id, w, format, args...)
	if d.mode == Start {
		d.problems[len(d.problems)-1].Class = diag.Fatal
	}
}

func setState(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "MASTER":
		d.inst.WantMaster, d.inst.wantMaster = true, true
	case "BACKUP":
		d.inst.WantMaster, d.inst.wantMaster = false, false
	default:
		d.unknownWord(a.words[0], "MASTER", "BACKUP")
	}
}

func setAdvertInt(d *decoder, a *arg) {
	// Hundredths of a second are kept; what is finer is rounded.
	v := a.dur.Round(10 * time.Millisecond)
	if v != a.dur {
		d.err("number-too-precise", a.words[0], "%s is finer than the hundredths of a second that VRRP knows", a.words[0].Text)
	}
	d.inst.AdvertInt = v
}

func setVersion(d *decoder, a *arg) {
	if d.inst.IPv6 && a.n == 2 {
		d.err("version-family", a.words[0], "IPv6 needs VRRP version 3")
		return
	}
	d.inst.Version = int(a.n)
}

func setNativeIPv6(d *decoder, a *arg) {
	if d.inst.familyFixed && !d.inst.IPv6 {
		d.err("family-mismatch", a.key, "native_ipv6 contradicts the IPv4 addresses above")
		return
	}
	if d.inst.Version == 2 {
		d.err("version-family", a.key, "IPv6 needs VRRP version 3")
	}
	d.setFamily(true)
	d.inst.Version, d.inst.native = 3, true
}

// setFamily fixes the family of the adverts.
func (d *decoder) setFamily(v6 bool) { d.inst.IPv6, d.inst.familyFixed = v6, true }

// fitsFamily reports an address of the wrong family; the first one decides.
func (d *decoder) fitsFamily(w syntax.Word, addr netip.Addr, what string) bool {
	if !d.inst.familyFixed {
		d.setFamily(addr.Is6())
		return true
	}
	if d.inst.IPv6 == addr.Is6() {
		return true
	}
	d.err("family-mismatch", w, "%s %s is of another family than the addresses of %s", what, w.Text, d.inst.Name)
	d.hint("an instance speaks IPv4 or IPv6; use a second vrrp_instance for the other family")
	return false
}

func setSourceIP(d *decoder, a *arg, unicast bool) {
	d.inst.unicastGiven = d.inst.unicastGiven || unicast
	addr, ok := d.address(a.words[0])
	if !ok || !d.fitsFamily(a.words[0], addr, "the source address") {
		return
	}
	d.inst.SrcIP, d.inst.srcAt, d.inst.srcGiven = addr, a.words[0], true
}

func setMcastDst(d *decoder, a *arg) {
	if !a.addr.IsMulticast() {
		d.err("not-multicast", a.words[0], "%s is not a multicast address", a.words[0].Text)
		return
	}
	if d.fitsFamily(a.words[0], a.addr, "the multicast address") {
		d.inst.McastDst, d.inst.mcastGiven = a.addr, true
	}
}

func itemUnicastPeer(d *decoder, words []syntax.Word) {
	addr, ok := d.address(words[0])
	if !ok || !d.fitsFamily(words[0], addr, "the peer") {
		return
	}
	for _, have := range d.inst.UnicastPeers {
		if have.Addr == addr {
			d.err("duplicate-peer", words[0], "the peer %s is listed already; this one is ignored", addr)
			d.note(have.At, "the first one")
			return
		}
	}
	p := UnicastPeer{Addr: addr, MinTTL: -1, MaxTTL: -1, At: words[0].At}
	for i := 1; i < len(words); i += 2 {
		var to *int
		switch words[i].Text {
		case "min_ttl":
			to = &p.MinTTL
		case "max_ttl":
			to = &p.MaxTTL
		default:
			d.unknownWord(words[i], "min_ttl", "max_ttl")
			i--
			continue
		}
		if i+1 == len(words) {
			d.err("missing-value", words[i], "%s needs a number", words[i].Text)
			break
		}
		if n, ok := d.integer(words[i+1], 0, 255); ok {
			*to = int(n)
			d.inst.CheckUnicastSrc = true
		}
	}
	d.inst.UnicastPeers = append(d.inst.UnicastPeers, p)
}

func setVRF(d *decoder, a *arg) {
	if d.inst.Interface != "" {
		d.err("vrf-and-interface", a.words[0], "an instance has an interface or a vrf; the vrf is ignored")
		return
	}
	d.inst.VRF = a.text
}

func setOldChecksum(d *decoder, a *arg) {
	d.inst.unicastGiven = true
	d.inst.OldUnicastChecksum = ChecksumOld
	if !a.given {
		return
	}
	if a.words[0].Text != "never" {
		d.unknownWord(a.words[0], "never")
		return
	}
	d.inst.OldUnicastChecksum = ChecksumNever
}

func setInstanceSyncDaemon(d *decoder, a *arg) {
	if s := d.g.LVS.SyncDaemon; s != nil {
		d.err("duplicate-keyword", a.key, "the sync daemon has its interface %s already; this one is ignored", s.Interface)
		return
	}
	d.g.LVS.SyncDaemon = &SyncDaemon{Interface: a.text, Instance: d.inst.Name, ID: -1}
	d.syncDaemonAt = a.words[0]
}

func setOnVIPRemoved(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "restore":
		d.inst.OnVIPRemoved = RestoreVIP
	case "failover":
		d.inst.OnVIPRemoved = FailoverVIP
	default:
		d.unknownWord(a.words[0], "restore", "failover")
	}
}
