package vrrp

import (
	"testing"
)

func TestGroup(t *testing.T) {
	a := v3()
	both := func(f func(router int) Action) []Action { return []Action{f(0), f(1)} }
	sends := func(p uint8) []Action {
		return both(func(r int) Action { return Send{Router: r, Priority: p} })
	}
	become := func(from, to State) []Action {
		list := both(func(r int) Action { return Become{Router: r, From: from, To: to} })
		if to == Backup && from != Fault {
			return append([]Action{GroupBecome{From: from, To: to}}, list...)
		}
		return append(list, GroupBecome{From: from, To: to})
	}
	// causedBy1 puts the second router first, if what follows began with it.
	causedBy1 := func(from, to State) []Action {
		list := become(from, to)
		at := 0
		if _, ok := list[0].(GroupBecome); ok {
			at = 1
		}
		list[at], list[at+1] = list[at+1], list[at]
		return list
	}
	announces := both(func(r int) Action { return Announce{Router: r, Repeat: 5} })
	join := func(lists ...[]Action) (all []Action) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	on := func(router int, a Advert) Advert { a.Router = router; return a }
	started := step{0, Start{}, become(Init, Backup), 3500 * ms}
	toMaster := join(sends(128), become(Backup, Master), announces)

	for _, c := range []struct {
		name  string
		story []step
	}{
		{"together", []step{
			started,
			{3500 * ms, Expired{}, toMaster, 4500 * ms},
		}},
		{"one router that still hears its master keeps all back", []step{
			started,
			{3 * sec, on(1, adv(200)), nil, 6500 * ms},
			{3500 * ms, Expired{}, nil, 6500 * ms},
			{6500 * ms, Expired{}, toMaster, 7500 * ms},
		}},
		{"a good-bye to one is a good-bye to all", []step{
			started,
			{2900 * ms, on(1, adv(200)), nil, 6400 * ms},
			{3 * sec, on(0, adv(0)), nil, 3500 * ms},
			{3500 * ms, Expired{}, toMaster, 4500 * ms},
		}},
		{"unless the other router hears a master afterwards", []step{
			started,
			{3 * sec, on(0, adv(0)), nil, 3500 * ms},
			{3100 * ms, on(1, adv(200)), nil, 6600 * ms},
		}},
		{"a better master of one ends it for all", []step{
			started,
			{3500 * ms, Expired{}, toMaster, 4500 * ms},
			{4 * sec, on(1, adv(200)), causedBy1(Master, Backup), 7500 * ms},
		}},
		{"a fault of one is a fault of all, said on every net", []step{
			started,
			{3500 * ms, Expired{}, toMaster, 4500 * ms},
			{4 * sec, Faults{Router: 0, Reasons: []string{"x"}}, join(sends(0), become(Master, Fault)), -1},
			{5 * sec, Faults{Router: 1, Reasons: []string{"y"}}, nil, -1},
			{6 * sec, Faults{Router: 0}, nil, -1},
			{7 * sec, Faults{Router: 1}, causedBy1(Fault, Backup), 10500 * ms},
		}},
		{"a lower master of one is announced against on all", []step{
			started,
			{3500 * ms, Expired{}, toMaster, 4500 * ms},
			{4 * sec, on(1, adv(100)), join(
				[]Action{Conflict{Router: 1, With: peer, Priority: 100}, Send{Router: 1, Priority: 128}, LowerHeard{Router: 1}},
				announces), 4500 * ms},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { tell(t, New(true, a, a), c.story) })
	}
}
