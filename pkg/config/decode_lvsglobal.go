package config

import (
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func setFlushOnStop(d *decoder, a *arg) {
	d.g.LVS.FlushOnStop = FlushAll
	if !a.given {
		return
	}
	if a.words[0].Text != "VS" {
		d.g.LVS.FlushOnStop = FlushNothing
		d.unknownWord(a.words[0], "VS")
		return
	}
	d.g.LVS.FlushOnStop = FlushServices
}

func setLVSTimeouts(d *decoder, a *arg) {
	l := &d.g.LVS
	for i := 0; i < len(a.words); i += 2 {
		var to *time.Duration
		switch a.words[i].Text {
		case "tcp":
			to = &l.TimeoutTCP
		case "tcpfin":
			to = &l.TimeoutTCPFin
		case "udp":
			to = &l.TimeoutUDP
		default:
			d.unknownWord(a.words[i], "tcp", "tcpfin", "udp")
			i--
			continue
		}
		if i+1 >= len(a.words) {
			d.err("missing-value", a.words[i], "%s needs a number of seconds", a.words[i].Text)
			return
		}
		if n, ok := d.integer(a.words[i+1], 0, 2678400); ok {
			*to = time.Duration(n) * time.Second
		}
	}
}

func setSyncDaemon(d *decoder, a *arg) {
	if d.g.LVS.SyncDaemon != nil {
		d.err("duplicate-keyword", a.key, "lvs_sync_daemon is given twice; this one is ignored")
		return
	}
	if len(a.words[0].Text) > 15 {
		d.linkName(a.words[0])
		return
	}
	s := &SyncDaemon{Interface: a.words[0].Text, ID: -1}
	d.g.LVS.SyncDaemon = s
	d.syncDaemonAt = a.words[0]
	words := a.words[1:]
	if len(words) > 0 && !isSyncOption(words[0].Text) { // the old form: interface instance [id]
		s.Instance = words[0].Text
		words = words[1:]
		if len(words) > 0 && !isSyncOption(words[0].Text) {
			d.err("missing-id", words[0], "the number of the sync daemon has no keyword in front of it")
			d.hint("write: id %s", words[0].Text)
			if n, ok := d.integer(words[0], 0, 255); ok {
				s.ID, s.IDGiven = int(n), true
			}
			words = words[1:]
		}
	}
	for i := 0; i < len(words); i += 2 {
		if !isSyncOption(words[i].Text) {
			d.unknownWord(words[i], "inst", "id", "maxlen", "port", "ttl", "group")
			i--
			continue
		}
		if i+1 >= len(words) {
			d.err("missing-value", words[i], "%s needs a value", words[i].Text)
			return
		}
		d.syncOption(s, words[i].Text, words[i+1])
	}
}

func isSyncOption(s string) bool {
	switch s {
	case "inst", "id", "maxlen", "port", "ttl", "group":
		return true
	}
	return false
}

func (d *decoder) syncOption(s *SyncDaemon, option string, w syntax.Word) {
	number := func(low, high int64) int {
		n, _ := d.integer(w, low, high)
		return int(n)
	}
	switch option {
	case "inst":
		s.Instance = w.Text
	case "id":
		if n, ok := d.integer(w, 0, 255); ok {
			s.ID, s.IDGiven = int(n), true
		}
	case "maxlen":
		s.MaxLen = number(1, 65507)
	case "port":
		s.Port = uint16(number(1, 65535))
	case "ttl":
		s.TTL = uint8(number(1, 255))
	case "group":
		if addr, ok := d.address(w); ok {
			if !addr.IsMulticast() {
				d.err("not-multicast", w, "%s is not a multicast address", w.Text)
				return
			}
			s.Group = addr
		}
	}
}
