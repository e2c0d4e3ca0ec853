package config

import (
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func openGARPGroup(d *decoder, a *arg) bool {
	d.garp = &GARPGroup{GARPInterval: notGiven, GNAInterval: notGiven}
	d.blockAt = a.key
	return true
}

func endGARPGroup(d *decoder) {
	g := d.garp
	if g.GARPInterval < 0 && g.GNAInterval < 0 {
		d.err("incomplete-block", d.blockAt, "this garp_group has neither garp_interval nor gna_interval; it is ignored")
		return
	}
	if len(g.Interfaces) == 0 {
		d.err("incomplete-block", d.blockAt, "this garp_group names no interface; it is ignored")
		return
	}
	g.GARPInterval, g.GNAInterval = max(g.GARPInterval, 0), max(g.GNAInterval, 0)
	d.cfg.GARPGroups = append(d.cfg.GARPGroups, g)
}

func openGARPInterfaces(d *decoder, a *arg) bool {
	d.listAt, d.listed = a.key, 0
	return true
}

func itemGARPInterfaces(d *decoder, words []syntax.Word) {
	for _, name := range words {
		d.garpInterface(name)
		d.listed++
	}
}

func endGARPInterfaces(d *decoder) {
	if d.listed == 0 {
		d.err("empty-block", d.listAt, "this block names no interface")
	}
}

func (d *decoder) garpInterface(w syntax.Word) {
	for _, g := range d.cfg.GARPGroups {
		for _, name := range g.Interfaces {
			if name == w.Text {
				d.err("duplicate-interface", w, "the interface %s is in another garp_group already", w.Text)
				return
			}
		}
	}
	for _, name := range d.garp.Interfaces {
		if name == w.Text {
			d.err("duplicate-interface", w, "the interface %s is in this garp_group already", w.Text)
			return
		}
	}
	d.wantInterface(w, "garp_group")
	d.garp.Interfaces = append(d.garp.Interfaces, w.Text)
}

func itemLinkbeat(d *decoder, words []syntax.Word) {
	l := Linkbeat{Interface: words[0].Text}
	known := d.wantForStart(words[0], "linkbeat_interfaces")
	if len(words) > 1 && known {
		switch words[1].Text {
		case "MII", "ETHTOOL", "IOCTL":
			l.Method = words[1].Text
		default:
			d.unknownWord(words[1], "MII", "ETHTOOL", "IOCTL")
		}
	}
	d.cfg.Linkbeat = append(d.cfg.Linkbeat, l)
}

func itemInterfaceDelay(d *decoder, words []syntax.Word) {
	if len(words) < 2 {
		d.err("missing-value", words[0], "%s needs the seconds to wait", words[0].Text)
		return
	}
	if !d.wantForStart(words[0], "interface_up_down_delays") {
		return
	}
	down, ok := d.micros(words[1], 6, 0, 255000000)
	up := down
	if ok && len(words) > 2 {
		up, ok = d.micros(words[2], 6, 0, 255000000)
	}
	if ok {
		d.cfg.InterfaceDelays = append(d.cfg.InterfaceDelays, InterfaceDelay{words[0].Text, down, up})
	}
}
