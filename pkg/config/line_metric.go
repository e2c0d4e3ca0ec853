package config

import (
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// realms reads [SOURCE/]DESTINATION.
func (d *decoder) realms(w syntax.Word) (realms uint32, ok bool) {
	from, to, both := strings.Cut(w.Text, "/")
	if !both {
		from, to = "0", from
	}
	a, ok1 := d.number(&realmNames, from)
	b, ok2 := d.number(&realmNames, to)
	if !ok1 || !ok2 {
		d.err("unknown-realm", w, "%q is not a realm", w.Text)
		return 0, false
	}
	return a<<16 | b, true
}

func (p *routeReader) metric(to **uint32, limit int64) {
	if v, ok := p.next(); ok {
		if n, ok := p.d.integer(v, 0, limit); ok {
			*to = new(uint32(n))
		}
	}
}

func (p *routeReader) locked(to **uint32, bit uint32) {
	v, ok := p.next()
	if ok && v.Text == "lock" {
		p.r.Metrics.Lock |= bit
		v, ok = p.next()
	}
	if !ok {
		return
	}
	if n, ok := p.d.integer(v, 0, maxUint32); ok {
		*to = new(uint32(n))
	}
}

// lockedTime reads a time with ms or s behind it, or a number of the kernel's units,
// of which a millisecond has unit.
func (p *routeReader) lockedTime(to **uint32, bit, unit uint32) {
	v, ok := p.next()
	if ok && v.Text == "lock" {
		p.r.Metrics.Lock |= bit
		v, ok = p.next()
	}
	if !ok {
		return
	}
	text, scale := v.Text, 1.0
	if t, ok := strings.CutSuffix(text, "ms"); ok {
		text, scale = t, float64(unit)
	} else if t, ok := strings.CutSuffix(text, "s"); ok {
		text, scale = t, 1000*float64(unit)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.") != "" {
		p.d.err("invalid-time", v, "%q is not a time", v.Text)
		p.d.hint("write it as in 200ms or 0.2s")
		return
	}
	least, most := float64(leastRTO*unit), float64(mostRTO*unit)
	units := min(max(f*scale, least), most)
	switch {
	case f*scale < least:
		p.d.err("time-too-short", v, "%s is less than the %d ms that the kernel's timers know, which is used", v.Text, leastRTO)
	case f*scale > most && text == v.Text:
		p.d.err("number-out-of-range", v, "%s is more than the %.0f units that the kernel's timers know", v.Text, most)
		p.d.hint("write milliseconds as in 200ms")
		return
	case f*scale > most:
		p.d.err("time-too-long", v, "%s is more than the %d s that the kernel's timers know, which is used", v.Text, mostRTO/1000)
	}
	*to = new(uint32(units))
}

// leastRTO and mostRTO bound the retransmission timeout, in milliseconds.
const (
	leastRTO = 200
	mostRTO  = 120_000
)
