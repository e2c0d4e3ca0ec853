package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	self  = netip.MustParseAddr("192.0.2.2")
	lower = netip.MustParseAddr("192.0.2.1")
	peer  = netip.MustParseAddr("192.0.2.3")
	epoch = time.Unix(1_790_000_000, 0)
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// v3 is a backup of priority 128: skew 500 ms, master down 3.5 s.
func v3(change ...func(*Config)) Config {
	c := Config{
		Version: 3, Priority: 128, Self: self, Interval: sec, DownAdverts: 3, Preempt: true,
		Announce: Announcements{Repeat: 5, Delay: 5 * sec, RefreshRepeat: 1, LowerRepeat: 5, LowerDelay: 5 * sec},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func owner(c *Config)     { c.Priority = Owner }
func nopreempt(c *Config) { c.Preempt = false }

func adv(priority uint8) Advert { return Advert{From: peer, Priority: priority, Interval: sec} }

// step is one event of a story: when, what, what comes of it (log lines
// aside) and when the machine wants to be called next.
type step struct {
	at   time.Duration
	ev   Event
	want []Action
	next time.Duration // -1: never
}

// acts leaves out log lines, whose words are tested apart.
func acts(list []Action) []Action {
	var out []Action
	for _, a := range list {
		if _, ok := a.(Log); !ok {
			out = append(out, a)
		}
	}
	return out
}

func tell(t *testing.T, m *Machine, story []step) {
	t.Helper()
	for i, s := range story {
		got := acts(m.Handle(s.ev, epoch.Add(s.at)))
		if diff := cmp.Diff(s.want, got, cmp.Comparer(sameAddr)); diff != "" {
			t.Fatalf("step %d at %v, %#v (-want +got):\n%s", i, s.at, s.ev, diff)
		}
		next := time.Duration(-1)
		if d := m.Deadline(); !d.IsZero() {
			next = d.Sub(epoch)
		}
		if next != s.next {
			t.Fatalf("step %d at %v, %#v: next deadline %v, want %v", i, s.at, s.ev, next, s.next)
		}
	}
}

func sameAddr(a, b netip.Addr) bool { return a == b }

func send(p uint8) Action          { return Send{Priority: p} }
func became(from, to State) Action { return Become{From: from, To: to} }
func announce(n int) Action        { return Announce{Repeat: n} }

// takeover is what becoming master from Backup takes.
func takeover(p uint8) []Action {
	return []Action{send(p), became(Backup, Master), announce(5)}
}

func TestElection(t *testing.T) {
	started := step{0, Start{}, []Action{became(Init, Backup)}, 3500 * ms}
	for _, c := range []struct {
		name  string
		cfg   Config
		story []step
	}{
		{"a lone backup becomes master after the master down interval", v3(), []step{
			started,
			{1 * sec, Expired{}, nil, 3500 * ms},
			{3500 * ms, Expired{}, takeover(128), 4500 * ms},
			{4500 * ms, Expired{}, []Action{send(128)}, 5500 * ms},
		}},
		{"state master gives no head start, an owner does not wait", v3(owner), []step{
			{0, Start{}, []Action{send(255), became(Init, Master), announce(5)}, 1 * sec},
		}},
		{"version 2 counts skew in parts of a second", v3(func(c *Config) { c.Version, c.Interval = 2, 2*sec }), []step{
			{0, Start{}, []Action{became(Init, Backup)}, 6500 * ms},
			{1 * sec, Advert{From: peer, Priority: 200, Interval: 2 * sec}, nil, 7500 * ms},
		}},
		{"a backup learns the master's interval, and uses its own as master", v3(), []step{
			started,
			{1 * sec, Advert{From: peer, Priority: 200, Interval: 2 * sec}, nil, 8 * sec},
			{8 * sec, Expired{}, takeover(128), 9 * sec},
		}},
		{"an equal priority is followed by a backup", v3(), []step{
			started,
			{1 * sec, adv(128), nil, 4500 * ms},
		}},
		{"a lower priority is discarded, so the timer runs on", v3(), []step{
			started,
			{1 * sec, adv(100), nil, 3500 * ms},
			{3 * sec, adv(100), nil, 3500 * ms},
			{3500 * ms, Expired{}, takeover(128), 4500 * ms},
		}},
		{"nopreempt follows a lower priority, but replaces a dead master", v3(nopreempt), []step{
			started,
			{1 * sec, adv(100), nil, 4500 * ms},
			{4500 * ms, Expired{}, takeover(128), 5500 * ms},
		}},
		{"priority 0 leaves the skew time only", v3(), []step{
			started,
			{1 * sec, adv(200), nil, 4500 * ms},
			{2 * sec, adv(0), nil, 2500 * ms},
			{2400 * ms, adv(0), nil, 2500 * ms}, // again does not begin anew
			{2500 * ms, Expired{}, takeover(128), 3500 * ms},
		}},
		{"another master in time cancels priority 0", v3(), []step{
			started,
			{2 * sec, adv(0), nil, 2500 * ms},
			{2100 * ms, adv(150), nil, 5600 * ms},
		}},
		{"down_timer_adverts", v3(func(c *Config) { c.DownAdverts = 5 }), []step{
			{0, Start{}, []Action{became(Init, Backup)}, 5500 * ms},
		}},
		{"preempt_delay begins with the first lower advert", v3(func(c *Config) { c.PreemptDelay = 3 * sec }), []step{
			started,
			{1 * sec, adv(100), nil, 4500 * ms},
			{2 * sec, adv(100), nil, 5500 * ms},
			{4 * sec, adv(100), nil, 5500 * ms}, // over: discarded
			{5500 * ms, Expired{}, takeover(128), 6500 * ms},
		}},
		{"preempt_delay is cancelled by a better master", v3(func(c *Config) { c.PreemptDelay = 3 * sec }), []step{
			started,
			{1 * sec, adv(100), nil, 4500 * ms},
			{2 * sec, adv(200), nil, 5500 * ms},
			{4 * sec, adv(100), nil, 7500 * ms}, // begins anew
		}},
		{"preempt_delay does not hold back when the master dies", v3(func(c *Config) { c.PreemptDelay = 100 * sec }), []step{
			started,
			{1 * sec, adv(100), nil, 4500 * ms},
			{4500 * ms, Expired{}, takeover(128), 5500 * ms},
		}},
		{"preemption can be held", v3(), []step{
			started,
			{0, HoldPreempt{On: true}, nil, 3500 * ms},
			{1 * sec, adv(100), nil, 4500 * ms},
			{1 * sec, HoldPreempt{}, nil, 4500 * ms},
			{2 * sec, adv(100), nil, 4500 * ms},
		}},
		{"startup delay: deaf and silent, then the normal timers", v3(), []step{
			{0, Start{NotBefore: epoch.Add(2 * sec)}, nil, 2 * sec},
			{1 * sec, adv(200), nil, 2 * sec},
			{2 * sec, Expired{}, []Action{became(Init, Backup)}, 5500 * ms},
		}},
		{"startup delay of an owner", v3(owner), []step{
			{0, Start{NotBefore: epoch.Add(2 * sec)}, nil, 2 * sec},
			{2 * sec, Expired{}, []Action{send(255), became(Init, Master), announce(5)}, 3 * sec},
		}},
		{"what is pending holds back the start", v3(), []step{
			{0, Pending{Wait: true}, nil, -1},
			{0, Start{}, nil, -1},
			{1 * sec, Pending{}, []Action{became(Init, Backup)}, 4500 * ms},
		}},
		{"a priority that changes while waiting counts at once", v3(), []step{
			started,
			{1 * sec, Priority{Value: 64}, []Action{PriorityChanged{From: 128, To: 64}}, 3750 * ms},
			{1 * sec, Priority{Value: 64}, nil, 3750 * ms},
		}},
		{"a wake-up that is much too late listens once more", v3(), []step{
			started,
			{6 * sec, Expired{}, nil, 7 * sec},
			{6500 * ms, adv(200), nil, 10 * sec},
		}},
		{"and takes over if nobody speaks", v3(), []step{
			started,
			{6 * sec, Expired{}, nil, 7 * sec},
			{7 * sec, Expired{}, takeover(128), 8 * sec},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { tell(t, New(false, c.cfg), c.story) })
	}
}

// asMaster is the story so far of every master below: master at 3.5 s.
var asMaster = []step{
	{0, Start{}, []Action{became(Init, Backup)}, 3500 * ms},
	{3500 * ms, Expired{}, takeover(128), 4500 * ms},
}

func TestMaster(t *testing.T) {
	conflict := Conflict{With: peer, Priority: 100}
	for _, c := range []struct {
		name  string
		cfg   Config
		story []step
	}{
		{"adverts keep to absolute deadlines", v3(), []step{
			{4600 * ms, Expired{}, []Action{send(128)}, 5500 * ms},
			{5501 * ms, Expired{}, []Action{send(128)}, 6500 * ms},
		}},
		{"a higher priority wins", v3(), []step{
			{4 * sec, adv(129), []Action{became(Master, Backup)}, 7500 * ms},
		}},
		{"an equal priority with a higher address wins", v3(), []step{
			{4 * sec, adv(128), []Action{became(Master, Backup)}, 7500 * ms},
		}},
		{"an equal priority with a lower address does not", v3(), []step{
			{
				4 * sec,
				Advert{From: lower, Priority: 128, Interval: sec},
				[]Action{Conflict{With: lower, Priority: 128}, send(128), LowerHeard{}, announce(5)},
				4500 * ms,
			},
		}},
		{"higher_prio_send_advert", v3(func(c *Config) { c.HigherSendAdvert = true }), []step{
			{4 * sec, adv(129), []Action{send(128), became(Master, Backup)}, 7500 * ms},
		}},
		{"a lower priority is answered, announced, and shifts nothing", v3(), []step{
			{4 * sec, adv(100), []Action{conflict, send(128), LowerHeard{}, announce(5)}, 4500 * ms},
		}},
		{"lower_prio_no_advert", v3(func(c *Config) { c.NoLowerAdvert = true }), []step{
			{4 * sec, adv(100), []Action{conflict, LowerHeard{}, announce(5)}, 4500 * ms},
		}},
		{"a flood of lower adverts is answered once per interval", v3(), []step{
			{4 * sec, adv(100), []Action{conflict, send(128), LowerHeard{}, announce(5)}, 4500 * ms},
			{4001 * ms, adv(100), nil, 4500 * ms},
			{4002 * ms, adv(99), nil, 4500 * ms},
			{4500 * ms, Expired{}, []Action{send(128)}, 5500 * ms},
			{4999 * ms, adv(100), nil, 5500 * ms},
			{5 * sec, adv(100), []Action{send(128), LowerHeard{}, announce(5)}, 5500 * ms},
		}},
		{"the end of a conflict is reported", v3(func(c *Config) { c.Announce.Delay, c.Announce.LowerDelay = 0, 0 }), []step{
			{4 * sec, adv(100), []Action{conflict, send(128), LowerHeard{}, announce(5)}, 4500 * ms},
			{4500 * ms, Expired{}, []Action{send(128)}, 5500 * ms},
			{5500 * ms, Expired{}, []Action{send(128)}, 6500 * ms},
			{6500 * ms, Expired{}, []Action{send(128)}, 7 * sec},
			{7 * sec, Expired{}, []Action{Resolved{With: peer, Lasted: 3 * sec}}, 7500 * ms},
		}},
		{"priority 0 is answered", v3(), []step{
			{4 * sec, adv(0), []Action{send(128)}, 5 * sec},
			{4100 * ms, adv(0), nil, 5 * sec},
		}},
		{"a second set of announcements follows", v3(func(c *Config) { c.Announce.Delay = 500 * ms; c.Announce.Refresh = 10 * sec }), []step{
			{4 * sec, Expired{}, []Action{announce(5)}, 4500 * ms},
			{4500 * ms, Expired{}, []Action{send(128)}, 5500 * ms},
		}},
		{"a foreign claim to our address is contradicted, once a second", v3(), []step{
			{4 * sec, Claim{By: "02:00:00:00:00:01"}, []Action{announce(5)}, 4500 * ms},
			{4100 * ms, Claim{By: "02:00:00:00:00:01"}, nil, 4500 * ms},
		}},
		{"after a stall, listen first", v3(), []step{
			{10 * sec, Expired{}, []Action{announce(5)}, 11 * sec}, // the second set was due
			{11 * sec, Expired{}, []Action{send(128), announce(5)}, 12 * sec},
		}},
		{"after a stall a better master is found", v3(), []step{
			{10 * sec, Expired{}, []Action{announce(5)}, 11 * sec},
			{10001 * ms, adv(200), []Action{became(Master, Backup)}, 13501 * ms},
		}},
		{"after a stall nopreempt accepts whoever took over", v3(nopreempt), []step{
			{10 * sec, Expired{}, []Action{announce(5)}, 11 * sec},
			{10001 * ms, adv(100), []Action{became(Master, Backup)}, 13501 * ms},
		}},
		{"timer_expired_backup", v3(nopreempt, func(c *Config) { c.ExpiredBackup = 254 }), []step{
			{10 * sec, Expired{}, []Action{became(Master, Backup)}, 13500 * ms},
		}},
		{"a reload is said at once", v3(), []step{
			{4 * sec, Configure{Config: v3(func(c *Config) { c.Interval = 2 * sec })}, []Action{send(128)}, 6 * sec},
		}},
		{"addresses taken away: hand over, come back after the skew time", v3(), []step{
			{4 * sec, Taken{}, []Action{send(0), became(Master, Backup)}, 4500 * ms},
			{4500 * ms, Expired{}, takeover(128), 5500 * ms},
		}},
		{"standby leaves, and yields to anybody", v3(), []step{
			{4 * sec, Standby{On: true}, []Action{send(0), became(Master, Backup)}, 4*sec + 3*sec + 255*sec/256},
			{5 * sec, adv(2), nil, 5*sec + 3*sec + 255*sec/256},
			{6 * sec, Standby{}, nil, 8500 * ms},
			{7 * sec, adv(2), nil, 8500 * ms},
		}},
		{"stop, with a successor to come", v3(), []step{
			{4 * sec, Stop{Keep: true}, []Action{became(Master, Stopped)}, -1},
		}},
		{"stop", v3(), []step{
			{4 * sec, Stop{}, []Action{send(0), became(Master, Stopped)}, -1},
			{5 * sec, adv(0), nil, -1},
		}},
		{"removed by a reload", v3(), []step{
			{4 * sec, Stop{Deleted: true}, []Action{send(0), became(Master, Deleted)}, -1},
		}},
		{"faults are a set", v3(), []step{
			{4 * sec, Faults{Reasons: []string{"interface eth0 down", "script a"}}, []Action{send(0), became(Master, Fault)}, -1},
			{5 * sec, Faults{Reasons: []string{"script a"}}, nil, -1},
			{6 * sec, Faults{}, []Action{became(Fault, Backup)}, 9500 * ms},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(false, c.cfg)
			for _, s := range asMaster {
				m.Handle(s.ev, epoch.Add(s.at))
			}
			tell(t, m, c.story)
		})
	}
}

func TestFaultAtStart(t *testing.T) {
	tell(t, New(false, v3(owner)), []step{
		{0, Faults{Reasons: []string{"interface eth0 down"}}, nil, -1},
		{0, Start{}, []Action{became(Init, Fault)}, -1},
		{1 * sec, Faults{}, []Action{send(255), became(Fault, Master), announce(5)}, 2 * sec},
	})
}

func TestAdopt(t *testing.T) {
	adopted := Become{From: Init, To: Master, Adopted: true}
	tell(t, New(true, v3(), v3()), []step{
		{0, Start{As: Master}, []Action{
			Send{Router: 0, Priority: 128},
			Send{Router: 1, Priority: 128},
			adopted,
			Become{Router: 1, From: Init, To: Master, Adopted: true},
			Announce{Router: 0, Repeat: 5},
			Announce{Router: 1, Repeat: 5},
		}, 1 * sec},
	})
}

func TestGoesOnAsBackup(t *testing.T) {
	quietly := Become{From: Init, To: Backup, Adopted: true}
	tell(t, New(false, v3()), []step{{0, Start{As: Backup}, []Action{quietly}, 3500 * ms}})
}

func TestTwoOwners(t *testing.T) {
	below := Advert{From: lower, Priority: Owner, Interval: sec}
	start := step{0, Start{}, []Action{send(255), became(Init, Master), announce(5)}, 1 * sec}
	c := v3(owner, func(c *Config) { c.Announce = Announcements{Repeat: 5} })
	t.Run("the lower address gives way", func(t *testing.T) {
		tell(t, New(false, c), []step{
			start,
			{500 * ms, adv(Owner), []Action{became(Master, Backup)}, 500*ms + 3*sec + sec/256},
			{600 * ms, adv(Owner), nil, 600*ms + 3*sec + sec/256},
		})
	})
	t.Run("the higher one works with 254 while it is not obeyed", func(t *testing.T) {
		tell(t, New(false, c), []step{
			start,
			{500 * ms, below, []Action{Conflict{With: lower, Priority: 255}, send(255), LowerHeard{}}, 1 * sec},
			{1 * sec, Expired{}, []Action{send(255)}, 2 * sec},
			{1500 * ms, below, []Action{send(255), LowerHeard{}}, 2 * sec},
			{2 * sec, Expired{}, []Action{send(255)}, 3 * sec},
			{2500 * ms, below, []Action{became(Master, Backup)}, 2500*ms + 3*sec + 2*sec/256},
			{3 * sec, Advert{From: lower, Priority: 100, Interval: sec}, nil, 2500*ms + 3*sec + sec/256}, // restored
			{2500*ms + 3*sec + sec/256, Expired{}, []Action{send(255), became(Backup, Master), announce(5)}, 2500*ms + 4*sec + sec/256},
		})
	})
}

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

// Administrators search for these lines.
func TestLines(t *testing.T) {
	m := New(false, v3(func(c *Config) { c.PreemptDelay = 3 * sec }))
	for _, s := range []struct {
		at   time.Duration
		ev   Event
		want string
	}{
		{0, Start{}, ""},
		{1 * sec, adv(100), "start preempt delay (3.000000)|master set to 192.0.2.3"},
		{2 * sec, Advert{From: lower, Priority: 200, Interval: 2 * sec}, "stop preempt delay|advertisement interval updated from 1000ms to 2000ms by master|master changed from 192.0.2.3 to 192.0.2.1"},
		{3 * sec, adv(0), "Backup received priority 0 advertisement"},
		{4 * sec, Expired{}, "Receive advertisement timeout"},
		{4100 * ms, adv(0), "Master received priority 0 message"},
		{4200 * ms, adv(100), "Received advert from 192.0.2.3 with lower priority 100, ours 128, forcing new election"},
		{4300 * ms, Priority{Value: 90}, "Changing effective priority from 128 to 90"},
		{4400 * ms, Advert{From: peer, Priority: 90, Interval: sec}, "Master received advert from 192.0.2.3 with same priority 90 but higher IP address than ours|master set to 192.0.2.3"},
		{5500 * ms, adv(89), "start preempt delay (3.000000)"},
		{8500 * ms, adv(89), "received lower priority (89) advert from 192.0.2.3 - discarding"},
		{9 * sec, adv(89), ""}, // once a second is enough
		{20 * sec, Expired{}, "not scheduled for 10.852s, listening before taking over"},
		{21 * sec, Expired{}, "Receive advertisement timeout"},
		{21100 * ms, adv(200), "Master received advert from 192.0.2.3 with higher priority 200, ours 90|master set to 192.0.2.3"},
		{30 * sec, Stop{}, ""},
	} {
		var lines []string
		for _, a := range m.Handle(s.ev, epoch.Add(s.at)) {
			if l, ok := a.(Log); ok {
				lines = append(lines, l.Text)
			}
		}
		if got := strings.Join(lines, "|"); got != s.want {
			t.Errorf("at %v, %#v:\n got %s\nwant %s", s.at, s.ev, got, s.want)
		}
	}
}

// Neighbours that take turns, at any rate, do not fill the log.
func TestLinesAreBounded(t *testing.T) {
	m := New(false, v3(func(c *Config) { c.PreemptDelay = 3 * sec }))
	m.Handle(Start{}, epoch)
	lines := 0
	for i := range 20_000 {
		a := adv(uint8(100 + 100*(i%2)))
		a.Interval = time.Duration(1+i%3) * sec
		for _, act := range m.Handle(a, epoch.Add(time.Duration(i)*50*time.Microsecond)) {
			if _, ok := act.(Log); ok {
				lines++
			}
		}
	}
	if lines > 10 {
		t.Errorf("%d lines in a second", lines)
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name          string
		weight        int
		reverse, good bool
		want          Verdict
	}{
		{"weight 0, good", 0, false, true, Verdict{}},
		{"weight 0, bad", 0, false, false, Verdict{Fault: true}},
		{"weight 0 reversed, good", 0, true, true, Verdict{Fault: true}},
		{"weight 0 reversed, bad", 0, true, false, Verdict{}},
		{"positive, good", 10, false, true, Verdict{Weight: 10}},
		{"positive, bad", 10, false, false, Verdict{}},
		{"negative, good", -10, false, true, Verdict{}},
		{"negative, bad", -10, false, false, Verdict{Weight: -10}},
		{"positive reversed, good", 10, true, true, Verdict{}},
		{"positive reversed, bad", 10, true, false, Verdict{Weight: -10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Judge(c.weight, c.reverse, c.good); got != c.want {
				t.Errorf("Judge(%d, %v, %v) = %+v, want %+v", c.weight, c.reverse, c.good, got, c.want)
			}
		})
	}
	for _, c := range []struct {
		name    string
		weight  int
		reverse bool
		value   int64
		want    Verdict
	}{
		{"product", 2, false, 30, Verdict{Weight: 60}},
		{"reversed", 2, true, 30, Verdict{Weight: -60}},
		{"too high", 10, false, 1 << 60, Verdict{Weight: 253}},
		{"lowest", 1, false, -253, Verdict{Weight: -253}},
		{"too low", 1, false, -254, Verdict{Fault: true}},
		{"far too low", -254, false, 1 << 62, Verdict{Fault: true}},
		{"weight 0", 0, false, 0, Verdict{}},
		{"weight 0, any value", 0, false, 7, Verdict{Fault: true}},
	} {
		t.Run("file, "+c.name, func(t *testing.T) {
			if got := JudgeNumber(c.weight, c.reverse, c.value); got != c.want {
				t.Errorf("JudgeNumber(%d, %v, %d) = %+v, want %+v", c.weight, c.reverse, c.value, got, c.want)
			}
		})
	}
	for _, c := range []struct {
		base    uint8
		weights int
		want    uint8
	}{{100, 0, 100}, {100, 253, 254}, {100, -253, 1}, {255, -253, 255}, {1, -1, 1}} {
		if got := Effective(c.base, c.weights); got != c.want {
			t.Errorf("Effective(%d, %d) = %d, want %d", c.base, c.weights, got, c.want)
		}
	}
}
