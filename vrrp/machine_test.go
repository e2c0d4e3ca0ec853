package vrrp

import (
	"net/netip"
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
		{"a master that was silent hears of us before we yield to it", v3(), []step{
			started,
			{1 * sec, adv(200), nil, 4500 * ms},
			{4500 * ms, Expired{}, takeover(128), 5500 * ms},
			{4600 * ms, adv(200), []Action{send(128), became(Master, Backup)}, 8100 * ms},
		}},
		{"a master that left knows that it was not master", v3(), []step{
			started,
			{1 * sec, adv(200), nil, 4500 * ms},
			{2 * sec, adv(0), nil, 2500 * ms},
			{2500 * ms, Expired{}, takeover(128), 3500 * ms},
			{3 * sec, adv(200), []Action{became(Master, Backup)}, 6500 * ms},
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
		{"what came too soon after another is announced later", v3(func(c *Config) { c.Announce.Delay, c.Announce.LowerDelay = 0, 0 }), []step{
			{4 * sec, adv(100), []Action{conflict, send(128), LowerHeard{}, announce(5)}, 4500 * ms},
			{4100 * ms, adv(100), nil, 4500 * ms},
			{4500 * ms, Expired{}, []Action{send(128)}, 5500 * ms},
			{5500 * ms, Expired{}, []Action{send(128)}, 6 * sec},
			{6 * sec, Expired{}, []Action{announce(5)}, 6500 * ms},
		}},
		{"who just became master is in no conflict with who yields", v3(), []step{
			{3550 * ms, adv(100), []Action{send(128), LowerHeard{}, announce(5)}, 4500 * ms},
			{4 * sec, adv(100), []Action{conflict}, 4500 * ms},
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
			{4500 * ms, Expired{}, []Action{send(128)}, 5500 * ms},
			{5500 * ms, Expired{}, []Action{send(128)}, 6 * sec},
			{6 * sec, Expired{}, []Action{announce(5)}, 6500 * ms},
		}},
		{"after a stall, listen first", v3(), []step{
			{10 * sec, Expired{}, nil, 11 * sec}, // although the second set is due
			{11 * sec, Expired{}, []Action{send(128), announce(5)}, 12 * sec},
		}},
		{"after a stall a better master is found", v3(), []step{
			{10 * sec, Expired{}, nil, 11 * sec},
			{10001 * ms, adv(200), []Action{became(Master, Backup)}, 13501 * ms},
		}},
		{"after a stall nopreempt accepts whoever took over", v3(nopreempt), []step{
			{10 * sec, Expired{}, nil, 11 * sec},
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
			{2500 * ms, below, []Action{became(Master, Backup), Resolved{With: lower, Lasted: 2 * sec}}, 2500*ms + 3*sec + 2*sec/256},
			{3 * sec, Advert{From: lower, Priority: 100, Interval: sec}, nil, 2500*ms + 3*sec + sec/256}, // restored
			{2500*ms + 3*sec + sec/256, Expired{}, []Action{send(255), became(Backup, Master), announce(5)}, 2500*ms + 4*sec + sec/256},
		})
	})
}
