package config

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// vip reads a line of virtual_ipaddress or virtual_ipaddress_excluded.
func (d *decoder) vip(words []syntax.Word, excluded bool) {
	a, ok := d.addressLine(words, true)
	if !ok {
		return
	}
	i := d.inst
	if !excluded && !d.fitsFamily(words[0], a.Prefix.Addr(), "the address") {
		return
	}
	same := func(b Address) bool { return b.Prefix.Addr() == a.Prefix.Addr() }
	sameThere := func(b Address) bool { return same(b) && b.Dev == a.Dev && b.DevGiven == a.DevGiven }
	sameVIP := same // an advert can name an address once only
	if excluded {
		sameVIP = sameThere
	}
	first := slices.IndexFunc(i.VIPs, sameVIP)
	list := i.VIPs
	if first < 0 {
		list, first = i.ExcludedVIPs, slices.IndexFunc(i.ExcludedVIPs, sameThere)
	}
	if first >= 0 {
		d.err("duplicate-address", words[0], "%s is an address of %s already; this one is ignored", a.Prefix.Addr(), i.Name)
		d.note(list[first].At, "the first one")
		return
	}
	if excluded {
		i.ExcludedVIPs = append(i.ExcludedVIPs, a)
	} else {
		i.VIPs = append(i.VIPs, a)
	}
}

// staticAddress reads a line of static_ipaddress.
func (d *decoder) staticAddress(words []syntax.Word) {
	a, ok := d.addressLine(words, false)
	if !ok {
		return
	}
	if !a.DevGiven {
		a.Dev = d.g.DefaultInterface
		if a.Dev == "" {
			a.Dev = "eth0"
		}
		if _, ok := d.env.link(a.Dev); !ok && !d.g.DynamicInterfaces {
			d.unusable("unknown-interface", words[0], "the static address %s has no dev, and the default interface %s does not exist", words[0].Text, a.Dev)
			d.missingLink = true
			return
		}
	}
	d.cfg.StaticAddresses = append(d.cfg.StaticAddresses, a)
}

// prefix reads ADDRESS[/LENGTH]; a bad length becomes that of a host.
func (d *decoder) prefix(w syntax.Word) (netip.Prefix, bool) {
	text, length, given := strings.Cut(w.Text, "/")
	addr, ok := parseAddr(text)
	bits := 32
	if ok && addr.Is6() {
		bits = 128
	}
	n := bits
	if given {
		switch v, fine := d.integer(syntax.Word{Text: length, At: w.At, Via: w.Via}, 0, int64(bits)); {
		case fine:
			n = int(v)
		case ok:
			d.hint("the length of a prefix is 0 to %d; %d is used", bits, bits)
			if mask, ok := parseAddr(length); ok && mask.Is4() {
				d.hint("write the number of its bits in place of the mask; %d is used", bits)
			} else if strings.Contains(length, ",") {
				d.hint("write one address on each line, without commas; /%d is used", bits)
			} else if strings.HasSuffix(length, ";") {
				d.hint("leave the ; away; /%d is used", bits)
			}
		}
	}
	if !ok {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, n), true
}

// addressLine reads ADDRESS[/LENGTH] OPTION…
func (d *decoder) addressLine(words []syntax.Word, virtual bool) (Address, bool) {
	a := Address{At: words[0].At, Scope: -1}
	var ok bool
	if a.Prefix, ok = d.prefix(words[0]); !ok {
		d.err("invalid-address", words[0], "%q is not an IP address", words[0].Text)
		d.hintAddress(words[0].Text)
		return a, false
	}
	bad := false
	for i := 1; i < len(words) && !d.stopped; i++ {
		w := words[i]
		if used := d.addressOption(&a, words, i, virtual, &bad); used >= 0 {
			i += used
			continue
		}
		if d.stopped {
			break
		}
		d.err("unknown-option", w, "%q is not an option of an address", w.Text)
		d.hintClosest(w.Text, addressBlock.Names())
		if _, ok := d.env.link(w.Text); ok {
			d.hint("write dev in front of the interface: dev %s", w.Text)
		} else if w.Text == "netmask" || strings.HasPrefix(w.Text, "255.") {
			d.hint("write how many bits of the mask are set behind the address: %s/24 for 255.255.255.0", a.Prefix.Addr())
		} else if startsAddress(w.Text) {
			d.hint("write one address on each line")
		}
	}
	if d.stopped || bad {
		return a, false
	}
	a.Scope = max(a.Scope, 0)
	if a.Peer.IsValid() && a.Broadcast.IsValid() {
		d.err("peer-broadcast", words[0], "an address with a peer has no broadcast address; brd is ignored")
		d.hint("leave brd away")
		a.Broadcast = netip.Addr{}
	}
	return a, true
}

// addressOption reads the option at i and returns how many words follow it, or
// -1 for an unknown one. bad is set when the whole line must be dropped.
func (d *decoder) addressOption(a *Address, words []syntax.Word, i int, virtual bool, bad *bool) int {
	w := words[i]
	switch w.Text {
	case "home":
		a.Home = true
	case "-nodad":
		a.DAD = true
	case "mngtmpaddr":
		a.MngTmpAddr = true
	case "noprefixroute":
		a.NoPrefix = true
	case "autojoin":
		a.Autojoin = true
	case "no_track":
		a.NoTrack = true
	case "use_vmac":
		if !virtual {
			return -1
		}
		a.UseVMAC = true
	case "dev", "scope", "brd", "broadcast", "label", "peer", "preferred_lft", "track_group":
		if w.Text == "track_group" && virtual {
			return -1
		}
		if i+1 == len(words) {
			d.err("missing-value", w, "%s needs a value; the address is left out", w.Text)
			*bad = true
			return 0
		}
		if w.Text == "dev" && a.DevGiven {
			d.err("duplicate-option", w, "the address has the interface %s already; the address is left out", a.Dev)
			*bad = true
		}
		d.addressValue(a, w.Text, words[i+1], bad)
		return 1
	default:
		return -1
	}
	return 0
}

func (d *decoder) addressValue(a *Address, option string, w syntax.Word, bad *bool) {
	switch option {
	case "dev":
		a.Dev, a.DevGiven = w.Text, true
		if _, ok := d.env.link(w.Text); !ok && !d.g.DynamicInterfaces {
			d.unusable("unknown-interface", w, "the interface %s of the address %s does not exist", w.Text, a.Prefix)
			d.missingLink, *bad = true, true
		}
	case "scope":
		if a.Prefix.Addr().Is6() {
			if n, ok := d.number(&scopeNames, w.Text); !ok || n != 0 {
				d.err("option-family", w, "the scope of an IPv6 address follows from the address; it is ignored")
			}
			return
		}
		n, ok := d.number(&scopeNames, w.Text)
		if !ok {
			d.err("unknown-scope", w, "%q is not a scope", w.Text)
			d.hint("it may be global, site, link, host, nowhere or a number")
			return
		}
		a.Scope = int(n)
	case "brd", "broadcast":
		d.broadcast(a, w)
	case "label":
		if len(w.Text) > 15 {
			d.err("name-too-long", w, "a label has at most 15 characters; the address is left out")
			*bad = true
			return
		}
		if a.Prefix.Addr().Is6() {
			d.err("option-family", w, "IPv6 addresses have no labels; it is ignored")
			return
		}
		a.Label = w.Text
	case "peer":
		addr, ok := parseAddr(w.Text)
		if !ok || addr.Is6() != a.Prefix.Addr().Is6() {
			d.err("invalid-address", w, "%q is not a peer address of the same family", w.Text)
			d.hint("write the peer's address without a prefix length")
			return
		}
		a.Peer = netip.PrefixFrom(addr, addr.BitLen())
		if !a.Prefix.IsSingleIP() {
			d.err("peer-prefix-length", w, "an address with a peer has no prefix length of its own; it is ignored")
			d.hint("write %s peer %s", a.Prefix.Addr(), addr)
			a.Prefix = netip.PrefixFrom(a.Prefix.Addr(), addr.BitLen())
		}
	case "preferred_lft":
		if w.Text == "forever" {
			a.PreferredLft = new(Lifetime)
		} else if n, ok := d.integer(w, 0, int64(Lifetime)); ok {
			a.PreferredLft = new(uint32(n))
		}
	case "track_group":
		a.TrackGroup = d.trackGroupNamed(w)
	}
}

// trackGroupNamed finds the track_group that an address, route or rule names.
func (d *decoder) trackGroupNamed(w syntax.Word) string {
	var names []string
	for _, g := range d.cfg.TrackGroups {
		if g.Name == w.Text {
			return w.Text
		}
		names = append(names, g.Name)
	}
	d.err("unknown-track", w, "there is no track_group %s above this line", w.Text)
	d.hintClosest(w.Text, names)
	return ""
}

// broadcast reads an address, or + or - for the host bits set or cleared.
func (d *decoder) broadcast(a *Address, w syntax.Word) {
	addr := a.Prefix.Addr()
	if addr.Is6() {
		d.err("option-family", w, "IPv6 has no broadcast addresses")
		return
	}
	if w.Text != "+" && w.Text != "-" {
		b, ok := parseAddr(w.Text)
		if !ok || !b.Is4() {
			d.err("invalid-address", w, "%q is not an IPv4 broadcast address", w.Text)
			return
		}
		a.Broadcast = b
		return
	}
	if a.Prefix.Bits() > 30 {
		d.err("no-broadcast", w, "a prefix of /%d has no broadcast address", a.Prefix.Bits())
		return
	}
	host := uint32(1)<<(32-a.Prefix.Bits()) - 1
	b := addr.As4()
	n := binary.BigEndian.Uint32(b[:])
	if w.Text == "+" {
		n |= host
	} else {
		n &^= host
	}
	binary.BigEndian.PutUint32(b[:], n)
	a.Broadcast = netip.AddrFrom4(b)
}

// hintAddress tells what is wrong with a word that is no address, if it is one
// of the usual mistakes.
func (d *decoder) hintAddress(text string) {
	addrPort, err := netip.ParseAddrPort(text)
	switch {
	case err == nil:
		d.hint("write the port as a word of its own: %s %d", addrPort.Addr(), addrPort.Port())
	case strings.Contains(text, ","):
		d.hint("write one address on each line, without commas")
	case text != "" && text[0]|0x20 >= 'a' && text[0]|0x20 <= 'z' && !strings.Contains(text, ":"):
		d.hint("names are not looked up here: write the address of %s", text)
	}
}

// hintClosest hints at the name that was perhaps meant.
func (d *decoder) hintClosest(word string, names []string) {
	if s := diag.Suggest(word, names); s != "" {
		d.hint("did you mean %s?", s)
	}
}
