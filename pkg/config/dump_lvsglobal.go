package config

import (
	"time"
)

func (d *dumper) lvsTimeouts(l *LVSGlobal) {
	for _, t := range [...]struct {
		what string
		d    time.Duration
	}{{"TCP", l.TimeoutTCP}, {"TCP FIN", l.TimeoutTCPFin}, {"TCP", l.TimeoutUDP}} { // it prints TCP for UDP
		if t.d != 0 {
			d.line(" LVS %s timeout = %d", t.what, t.d/time.Second)
		}
	}
}

func (d *dumper) lvsGlobal(l *LVSGlobal) {
	if s := l.SyncDaemon; s != nil && s.Interface != "" {
		if s.Instance != "" {
			d.line(" LVS syncd vrrp instance = %s", s.Instance)
		}
		d.line(" LVS syncd interface = %s", s.Interface)
		if s.IDGiven {
			d.line(" LVS syncd syncid = %d", s.ID)
		} else {
			d.line(" LVS syncd syncid = %d", uint32(unset))
		}
		if s.MaxLen != 0 {
			d.line(" LVS syncd maxlen = %d", s.MaxLen)
		}
		if s.Group.IsValid() {
			d.line(" LVS mcast group %s", s.Group)
		}
		if s.Port != 0 {
			d.line(" LVS syncd mcast port = %d", s.Port)
		}
		if s.TTL != 0 {
			d.line(" LVS syncd mcast ttl = %d", s.TTL)
		}
	}
	d.line(" LVS flush = %s", trueFalse(l.Flush))
	d.line(" LVS flush on stop = %s", [...]string{"disabled", "full", "VS"}[l.FlushOnStop])
}
