package router

import (
	"slices"
	"time"
)

// refusals are addresses that the kernel did not take. Each is forgotten after
// a while, and so tried again.
type refusals struct{ since map[string]time.Time }

const refusalTime = 30 * time.Second

func (f *refusals) add(text string, now time.Time) { f.since[text] = now }

func (f *refusals) list() []string {
	list := make([]string, 0, len(f.since))
	for text := range f.since {
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

func (f *refusals) clear() { clear(f.since) }

func (f *refusals) expire(now time.Time) bool {
	n := len(f.since)
	for text, at := range f.since {
		if now.Sub(at) > refusalTime {
			delete(f.since, text)
		}
	}
	return len(f.since) != n
}
