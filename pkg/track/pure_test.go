package track

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	for _, c := range []struct {
		name       string
		rise, fall int
		start      State
		results    string // + success, - failure
		want       string // verdict after each: u up, d down
	}{
		{"the first success decides", 3, 3, Unknown, "+", "u"},
		{"the first failure decides", 3, 3, Unknown, "-", "d"},
		{"fall", 1, 3, Unknown, "+--+---", "uuuuuud"},
		{"rise", 2, 1, Unknown, "-+-++", "ddddu"},
		{"zero counts as one", 0, 0, Unknown, "+-+", "udu"},
		{"from a given verdict", 2, 2, Down, "++", "du"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := Gate{Rise: c.rise, Fall: c.fall}
			g.Start(c.start)
			var got strings.Builder
			for _, r := range c.results {
				before := g.State()
				if turned := g.Observe(r == '+'); turned != (g.State() != before) {
					t.Errorf("Observe says %v, from %v to %v", turned, before, g.State())
				}
				got.WriteByte(g.State().String()[0])
			}
			if got.String() != c.want {
				t.Errorf("verdicts %s, want %s", got.String(), c.want)
			}
		})
	}
}

func TestDelay(t *testing.T) {
	d := Delay{Up: 2 * time.Second, Down: time.Second}
	start := time.Unix(100, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, step := range []struct {
		ms   int
		real State // Unknown: time passes
		want State
		next int // deadline, 0 for none
	}{
		{0, Up, Up, 0},
		{100, Down, Up, 1100},
		{500, Up, Up, 0}, // a short interruption does not show
		{600, Down, Up, 1600},
		{1599, Unknown, Up, 1600},
		{1600, Unknown, Down, 0},
		{2000, Up, Down, 4000},
		{3000, Up, Down, 4000}, // said again, it does not start over
		{4000, Unknown, Up, 0},
	} {
		if step.real == Unknown {
			d.Expire(at(step.ms))
		} else {
			d.Observe(step.real, at(step.ms))
		}
		var next time.Time
		if step.next > 0 {
			next = at(step.next)
		}
		if d.State() != step.want || !d.Deadline().Equal(next) {
			t.Errorf("at %d ms: %v until %v, want %v until %v", step.ms, d.State(), d.Deadline(), step.want, next)
		}
	}
}

func TestParseValue(t *testing.T) {
	for in, want := range map[string]int64{
		"": 0, "7": 7, " -7\n": -7, "+3 apples": 3, "12abc": 12, "abc": 0, "\t\n42\n": 42, "-": 0, "- 5": 0, "0x10": 0,
		"2147483647": 2147483647, "-2147483648": -2147483648,
	} {
		if got, ok := ParseValue([]byte(in)); got != want || !ok {
			t.Errorf("%q: %d, %v, want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{"2147483648", "-2147483649", "99999999999", " -99999999999999999999 "} {
		if got, ok := ParseValue([]byte(in)); ok {
			t.Errorf("%q: %d, want none", in, got)
		}
	}
}

func TestProcessMatches(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Process
		comm string
		argv string
		want bool
	}{
		{"short name", Process{Path: "/usr/sbin/haproxy"}, "haproxy", "/opt/haproxy -f x", true},
		{"short name is cut", Process{Path: "a-very-long-program"}, "a-very-long-pro", "x", true},
		{"another", Process{Path: "haproxy"}, "nginx", "haproxy", false},
		{"full command", Process{Path: "/usr/sbin/haproxy", FullCommand: true}, "x", "/usr/sbin/haproxy -f x", true},
		{"full command of another place", Process{Path: "/usr/sbin/haproxy", FullCommand: true}, "haproxy", "/opt/haproxy", false},
		{"full command by name", Process{Path: "haproxy", FullCommand: true}, "x", "/opt/haproxy", true},
		{"exact", Process{Path: "p", Params: []string{"-a", "b"}, Match: ParamsExact}, "p", "p -a b", true},
		{"exact, more", Process{Path: "p", Params: []string{"-a"}, Match: ParamsExact}, "p", "p -a b", false},
		{"exact, none wanted", Process{Path: "p", Match: ParamsExact}, "p", "p", true},
		{"exact, none wanted, one there", Process{Path: "p", Match: ParamsExact}, "p", "p x", false},
		{"params without param_match are exact", Process{Path: "p", Params: []string{"-a"}}, "p", "p -a b", false},
		{"partial", Process{Path: "p", Params: []string{"-a"}, Match: ParamsPartial}, "p", "p -a b", true},
		{"partial, too few", Process{Path: "p", Params: []string{"-a", "b"}, Match: ParamsPartial}, "p", "p -a", false},
		{"initial", Process{Path: "p", Params: []string{"-a", "be"}, Match: ParamsInitial}, "p", "p -a best c", true},
		{"initial, other beginning", Process{Path: "p", Params: []string{"-a", "be"}, Match: ParamsInitial}, "p", "p -a abe", false},
		{"a kernel thread has no command", Process{Path: "p", FullCommand: true}, "p", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.p.Matches(c.comm, strings.Fields(c.argv)); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestTally(t *testing.T) {
	start := time.Unix(100, 0)
	tl := newTally(Process{Name: "p", Quorum: 2, QuorumMax: 3, TerminateDelay: time.Second})
	if !tl.replace(map[int]bool{1: true, 2: true}, start) || tl.delay.State() != Up {
		t.Error("two copies are not enough at first")
	}
	if tl.note(2, false, start) || tl.delay.State() != Up {
		t.Error("a lost copy counts at once, in spite of the delay")
	}
	if tl.delay.Expire(start.Add(999*time.Millisecond)) || !tl.delay.Expire(start.Add(time.Second)) || tl.delay.State() != Down {
		t.Error("a lost copy does not count after the delay")
	}
	if !tl.note(3, true, start.Add(2*time.Second)) {
		t.Error("a new copy does not count at once")
	}
	if tl.note(3, true, start) || tl.note(9, false, start) {
		t.Error("what is known changed the verdict")
	}
	tl.note(4, true, start.Add(3*time.Second))
	if !tl.note(5, true, start.Add(3*time.Second)) || tl.delay.State() != Down {
		t.Error("four copies are not too many")
	}
	none := newTally(Process{Quorum: 0, QuorumMax: 0})
	if none.replace(nil, start); none.delay.State() != Up {
		t.Error("none is not right when none is wanted")
	}
}

func TestParseStat(t *testing.T) {
	for in, want := range map[string]struct {
		comm    string
		running bool
	}{
		"1 (init) S 0": {"init", true}, "2 (a) b (c) R 1": {"a) b (c", true}, "3 (gone) Z 1": {"gone", false},
		"": {"", false}, "4 (x)": {"", false}, "5 )x( S": {"", false},
	} {
		if comm, running := parseStat(in); comm != want.comm || running != want.running {
			t.Errorf("%q: %q, %v", in, comm, running)
		}
	}
}

// procMessage builds what the connector sends.
func procMessage(what uint32, words ...uint32) []byte {
	b := make([]byte, 16+cnHeader+procHeader+4*len(words))
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint32(b[16:], cnIdxProc)
	binary.NativeEndian.PutUint32(b[16+cnHeader:], what)
	for i, w := range words {
		binary.NativeEndian.PutUint32(b[16+cnHeader+procHeader+4*i:], w)
	}
	return b
}

func TestParseProcEvents(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		want []procEvent
	}{
		"fork":                                  {procMessage(procFork, 1, 1, 7, 7), []procEvent{{procFork, 7, 1}}},
		"thread":                                {procMessage(procFork, 1, 1, 7, 1), nil},
		"exec":                                  {procMessage(procExec, 7, 7), []procEvent{{procExec, 7, 0}}},
		"exit of a thread, then of the process": {append(procMessage(procExit, 8, 7, 0, 0), procMessage(procExit, 7, 7, 0, 0)...), []procEvent{{procExit, 7, 0}}},
		"another event":                         {procMessage(4, 7, 7), nil},
		"cut short":                             {procMessage(procExit, 7, 7)[:40], nil},
		"confirmation":                          {procMessage(procAck, 0, 0), []procEvent{{procAck, 0, 0}}},
	} {
		got := parseProcEvents(c.b)
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func FuzzOutsideBytes(f *testing.F) {
	f.Add(procMessage(procFork, 1, 1, 7, 7))
	f.Add([]byte("12 (x) S 1"))
	f.Add(append(make([]byte, 12), 4, 0, 0, 0, 'a', 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, ev := range parseProcEvents(b) {
			if ev.what == procLost {
				t.Error("the kernel can forge an event of ours")
			}
		}
		parseInotify(b)
		parseStat(string(b))
		parseCommand(string(b))
		if v, _ := ParseValue(b); v < -1<<31 || v > 1<<31-1 {
			t.Errorf("value %d", v)
		}
	})
}
