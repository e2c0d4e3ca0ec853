package healthcheck

import "slices"

// Sharing lets checks that ask the same of the same target be one check, which
// is made once and whose result serves every real server that wants it. It
// stands between those who want checks, each with a key of its own, and those
// who make them.
//
// The zero value is ready. It is plain state, for one goroutine.
type Sharing struct {
	Off bool // every check stays alone

	shared map[string]*sharedCheck // by the key of the check that is made
	of     map[string]string       // wanted key → made key
}

type sharedCheck struct {
	users     []string // wanted keys
	suspended []string // those of the users that do not want it now
	last      Event
	known     bool // last is an event
}

// Set takes the checks that are wanted and returns those to be made, and what
// is known already of those that join one.
func (s *Sharing) Set(want []Spec) (run []Spec, known []Event) {
	old, oldOf := s.shared, s.of
	s.shared, s.of = make(map[string]*sharedCheck, len(old)), make(map[string]string, len(want))
	place := make(map[string]int, len(old))
	run = make([]Spec, 0, len(want))
	for _, w := range want {
		key := s.made(w)
		s.of[w.Key] = key
		c := s.shared[key]
		if c == nil {
			c = &sharedCheck{}
			if was := old[key]; was != nil {
				c.last, c.known = was.last, was.known
			}
			s.shared[key] = c
			place[key] = len(run)
			r := w
			r.Key, r.Also = key, nil
			run = append(run, r)
		} else if at := place[key]; w.For != run[at].For {
			run[at].Also = append(run[at].Also, w.For)
		}
		c.users = append(c.users, w.Key)
		if w.Suspended {
			c.suspended = append(c.suspended, w.Key)
		}
		if c.known && oldOf[w.Key] != key {
			ev := c.last
			ev.Key, ev.First, ev.Turned = w.Key, true, ev.Up == w.Alpha
			known = append(known, ev)
		}
	}
	for i := range run {
		run[i].Suspended = s.shared[run[i].Key].idle()
	}
	return run, known
}

// idle reports whether nobody needs the check at the moment.
func (c *sharedCheck) idle() bool { return len(c.suspended) == len(c.users) }

// made is the key of the check that serves a wanted one. A check whose result
// depends on the real server's own weight is not shared.
func (s *Sharing) made(w Spec) string {
	if m, ok := w.Ask.(Misc); s.Off || ok && m.Dynamic {
		return w.Key
	}
	return w.Definition()
}

// Spread returns what an event means to those who share the check.
func (s *Sharing) Spread(ev Event) []Event {
	c := s.shared[ev.Key]
	if c == nil { // nobody wants it any more
		return nil
	}
	c.last, c.known = ev, true
	events := make([]Event, len(c.users))
	for i, key := range c.users {
		events[i] = ev
		events[i].Key = key
	}
	return events
}

// Suspend notes whether a wanted check is needed at the moment, and returns
// which check to suspend or to make again: one stops when nobody needs it.
func (s *Sharing) Suspend(wanted string, on bool) (key string, suspend, change bool) {
	key = s.of[wanted]
	c := s.shared[key]
	if c == nil || slices.Contains(c.suspended, wanted) == on {
		return "", false, false
	}
	before := c.idle()
	if on {
		c.suspended = append(c.suspended, wanted)
	} else {
		c.suspended = slices.DeleteFunc(c.suspended, func(k string) bool { return k == wanted })
	}
	return key, c.idle(), before != c.idle()
}

// Users are the keys of the wanted checks that a made one serves.
func (s *Sharing) Users(key string) []string {
	if c := s.shared[key]; c != nil {
		return c.users
	}
	return nil
}
