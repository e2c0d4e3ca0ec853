package logging

import "time"

// Limiter thins out lines that could flood the log: of each key, one line an
// interval. It is for one goroutine; the zero value with an Interval is ready.
type Limiter struct {
	Interval time.Duration

	last map[string]limited
}

type limited struct {
	at         time.Time
	suppressed int
}

// maxKeys bounds the memory that strangers can make a Limiter use.
const maxKeys = 1024

// Allow reports whether a line with this key may be logged at now, and how
// many were held back since the last one that was.
func (l *Limiter) Allow(key string, now time.Time) (suppressed int, ok bool) {
	was, known := l.last[key]
	if known && now.Sub(was.at) < l.Interval {
		was.suppressed++
		l.last[key] = was
		return 0, false
	}
	if !known && len(l.last) >= maxKeys {
		l.forget(now)
		if len(l.last) >= maxKeys {
			return 0, false
		}
	}
	if l.last == nil {
		l.last = make(map[string]limited)
	}
	l.last[key] = limited{at: now}
	return was.suppressed, true
}

// forget drops the keys that hold nothing back any more.
func (l *Limiter) forget(now time.Time) {
	for key, was := range l.last {
		if now.Sub(was.at) >= l.Interval {
			delete(l.last, key)
		}
	}
}
