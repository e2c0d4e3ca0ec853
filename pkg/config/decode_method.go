package config

import (
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

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
