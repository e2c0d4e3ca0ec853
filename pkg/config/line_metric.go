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

// lockedTime reads a time in milliseconds, or seconds with s; the kernel keeps
// it in units of 1/unit milliseconds.
func (p *routeReader) lockedTime(to **uint32, bit, unit uint32) {
	v, ok := p.next()
	if ok && v.Text == "lock" {
		p.r.Metrics.Lock |= bit
		v, ok = p.next()
	}
	if !ok {
		return
	}
	text := strings.TrimSuffix(v.Text, "ms")
	scale := 1.0
	if text == v.Text {
		if text = strings.TrimSuffix(v.Text, "s"); text != v.Text {
			scale = 1000
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f*scale*float64(unit) > maxUint32 {
		p.d.err("invalid-time", v, "%q is not a time", v.Text)
		p.d.hint("write milliseconds, or seconds as in 0.2s")
		return
	}
	ms := uint32(f * scale)
	least := leastRTO * unit
	switch {
	case ms < least:
		p.d.err("time-too-short", v, "%s is less than the %d ms that the kernel's timers know; %d ms is used", v.Text, least, leastRTO)
		ms = leastRTO
	case unit == 1 && ms > mostRTO:
		p.d.err("number-out-of-range", v, "%s is more than the %d ms that the kernel's timers know", v.Text, mostRTO)
		return
	}
	*to = new(ms * unit)
}

// leastRTO and mostRTO bound the retransmission timeout, in milliseconds.
const (
	leastRTO = 200
	mostRTO  = 120_000
)
