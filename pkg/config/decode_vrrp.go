package config

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// named reports whether a block has its name, one word; otherwise it is skipped.
func (d *decoder) named(a *arg) bool {
	if len(a.words) == 1 {
		return true
	}
	if a.given {
		d.err("extra-words", a.words[1], "the name of a %s is one word; the whole block is ignored", a.kw.Name)
		d.hint("remove what stands behind the name, or put it all into double quotes")
		return false
	}
	d.err("missing-name", a.key, "%s needs a name", a.kw.Name)
	d.hint("write: %s NAME {", a.kw.Name)
	return false
}

// nameOrStop is named for the blocks whose missing name ends the reading.
func (d *decoder) nameOrStop(a *arg) bool {
	if !a.given {
		d.missing(a.kw, a)
	}
	return a.given
}

// duplicate reports the second thing of a name; it is skipped.
func (d *decoder) duplicate(a *arg, first diag.Span) bool {
	d.err("duplicate-name", a.words[0], "%s %s is defined already; this one is ignored", a.kw.Name, a.words[0].Text)
	d.note(first, "the first one")
	return false
}

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

func setAuthType(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "PASS":
		d.inst.Auth.Type = AuthPass
	case "AH":
		d.inst.Auth.Type = AuthAH
	default:
		d.unknownWord(a.words[0], "PASS", "AH")
	}
}

func setAuthPass(d *decoder, a *arg) {
	if len(a.text) > 8 {
		d.err("password-too-long", a.words[0], "VRRPv2 knows passwords of at most 8 bytes; this one is cut")
		a.text = a.text[:8]
	}
	d.inst.Auth.Pass = a.text
}

func openHMAC(d *decoder, a *arg) bool {
	d.inst.HMAC = &HMAC{}
	return true
}

func setHMACKey(d *decoder, a *arg) {
	if len(a.words) < 2 {
		d.err("missing-value", a.key, "key needs a number and a secret")
		return
	}
	id, ok := d.integer(a.words[0], 1, 255)
	if !ok {
		return
	}
	w := a.words[1]
	k := HMACKey{ID: uint8(id)}
	text := w.Text
	switch {
	case strings.HasPrefix(text, "file:"):
		k.File = text[len("file:"):]
	case strings.HasPrefix(text, "credential:"):
		k.Credential = text[len("credential:"):]
		if k.Credential == "" || strings.Contains(k.Credential, "/") {
			d.err("invalid-key", w, "a credential is named without a directory")
			return
		}
	case strings.HasPrefix(text, "env:"):
		k.Env = text[len("env:"):]
	case strings.HasPrefix(text, "hex:"):
		secret, err := hex.DecodeString(text[len("hex:"):])
		if err != nil {
			d.err("invalid-key", w, "this is not an even number of hexadecimal digits")
			return
		}
		k.Secret = secret
	default:
		k.Secret = []byte(text)
	}
	if n := len(k.Secret); k.File+k.Credential+k.Env == "" && (n < 32 || n > 64) {
		d.err("invalid-key", w, "the key has %d bytes; it must have 32 to 64", n)
		return
	}
	d.inst.HMAC.Keys = append(d.inst.HMAC.Keys, k)
	d.inst.hmacKeys = append(d.inst.hmacKeys, w)
}

func setHMACReplay(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "time", "monotonic":
		d.inst.HMAC.Monotonic = a.words[0].Text == "monotonic"
	default:
		d.unknownWord(a.words[0], "time", "monotonic")
	}
}

func setHMACMode(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "enforce":
		d.inst.HMAC.Mode = HMACEnforce
	case "permissive":
		d.inst.HMAC.Mode = HMACPermissive
	case "receive-only":
		d.inst.HMAC.Mode = HMACReceiveOnly
	default:
		d.unknownWord(a.words[0], "enforce", "permissive", "receive-only")
	}
}

func setVMAC(d *decoder, a *arg) {
	v := &VMAC{}
	d.inst.VMAC = v
	words := a.words
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w.Text == "name":
			if i+1 >= len(words) {
				d.err("missing-value", w, "name needs a value")
				return
			}
			i++
			v.Name = d.vmacName(words[i])
		case w.Text == "group":
			if i+1 >= len(words) {
				d.err("missing-value", w, "group needs a value")
				return
			}
			i++
			v.Group = words[i].Text
		case w.Text == "netlink_notify_msg":
			// about the messages of keepalived's own sockets, which we do not have
		case strings.Contains(w.Text, ":"):
			d.vmacAddress(v, w)
		case i == 0:
			v.Name = d.vmacName(w)
		default:
			d.unknownWord(w, "name", "group", "netlink_notify_msg")
		}
	}
	if _, ok := d.env.link(v.Name); ok && v.Name != "" && (d.env.VMAC == nil || !d.env.VMAC(v.Name)) {
		d.err("vmac-name-taken", a.first(), "the interface %s exists and is not a private macvlan; the name is ignored", v.Name)
		v.Name = ""
	}
}

// vmacName is the name of an interface that we shall make.
func (d *decoder) vmacName(w syntax.Word) string {
	if w.Text == "" || w.Text == "." || w.Text == ".." || strings.ContainsAny(w.Text, "/ \t\v\f\r") {
		d.err("invalid-name", w, "%q cannot be the name of an interface", w.Text)
		return ""
	}
	return d.linkName(w)
}

// vmacAddress reads a MAC address; one of five bytes is completed by the VRID.
func (d *decoder) vmacAddress(v *VMAC, w syntax.Word) {
	parts := strings.Split(w.Text, ":")
	if len(parts) != 5 && len(parts) != 6 {
		d.err("invalid-mac", w, "%q is not a MAC address", w.Text)
		return
	}
	for i, p := range parts {
		b, err := hex.DecodeString(strings.Repeat("0", max(0, 2-len(p))) + p)
		if err != nil || len(b) != 1 {
			d.err("invalid-mac", w, "%q is not a MAC address", w.Text)
			return
		}
		v.MAC[i] = b[0]
	}
	v.MACGiven, v.macShort = true, len(parts) == 5
}

// linkName cuts the name of an interface to what the kernel keeps of it.
func (d *decoder) linkName(w syntax.Word) string {
	if len(w.Text) > 15 {
		d.err("name-too-long", w, "an interface name has at most 15 characters")
		return ""
	}
	return w.Text
}

func setIPVLAN(d *decoder, a *arg) {
	v := &IPVLAN{Flags: "bridge"}
	d.inst.IPVLAN = v
	words := a.words
	for i := 0; i < len(words); i++ {
		w := words[i]
		source, isAddr := sourceOfIPVLAN(w.Text)
		switch {
		case (w.Text == "name" || w.Text == "group") && i+1 >= len(words):
			d.err("missing-value", w, "%s needs a value", w.Text)
			return
		case w.Text == "name":
			i++
			v.Name = d.linkName(words[i])
		case w.Text == "group":
			i++
			v.Group = words[i].Text
		case w.Text == "bridge" || w.Text == "private" || w.Text == "vepa":
			v.Flags = w.Text
		case isAddr:
			if d.fitsFamily(w, source.Addr(), "the source address") {
				v.Source = source
			}
		case i == 0:
			v.Name = d.linkName(w)
		default:
			d.unknownWord(w, "name", "group", "bridge", "private", "vepa")
		}
	}
}

// sourceOfIPVLAN reads an address, with or without the length of its network.
func sourceOfIPVLAN(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, true
	}
	addr, ok := parseAddr(text)
	return netip.PrefixFrom(addr, addr.BitLen()), ok
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

func openTrackPing(d *decoder, a *arg) bool {
	if d.inst.TrackPing != nil {
		d.err("duplicate-keyword", a.key, "track_ping is given twice; this one is ignored")
		return false
	}
	d.inst.TrackPing = &TrackPing{Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 3}
	d.blockAt = a.key
	return true
}

func endTrackPing(d *decoder) {
	if len(d.inst.TrackPing.Targets) == 0 {
		d.err("empty-block", d.blockAt, "track_ping names no target")
		d.inst.TrackPing = nil
	}
}

func setPingTargets(d *decoder, a *arg) {
	for _, w := range a.words {
		if addr, ok := d.address(w); ok {
			d.inst.TrackPing.Targets = append(d.inst.TrackPing.Targets, addr)
		}
	}
}

func setPingRequire(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "any", "all":
		d.inst.TrackPing.All = a.words[0].Text == "all"
	default:
		d.unknownWord(a.words[0], "any", "all")
	}
}
