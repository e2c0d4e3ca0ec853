package config

import (
	"time"
)

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
