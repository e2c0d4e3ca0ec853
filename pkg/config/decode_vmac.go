package config

import (
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

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
