package config

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

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
