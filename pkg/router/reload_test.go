package router

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/pkg/track"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// reloadable is a role with instances A, B … on an interface that the test does not
// really have, and a way to make more such configurations.
func reloadable(t *testing.T, change func(*config.Config), names ...string) (*role, func(change func(*config.Config), names ...string) *config.Config) {
	t.Helper()
	configuration := func(change func(*config.Config), names ...string) *config.Config {
		cfg := &config.Config{}
		for _, name := range names {
			vrid := name[0] - 'A' + 1
			cfg.Instances = append(cfg.Instances, instanceConfig(name, "story0", vrid, "192.0.2.10"+string('0'+vrid)+"/24"))
		}
		if change != nil {
			change(cfg)
		}
		return cfg
	}
	r := alive(t, configuration(change, names...), eth(1001, "story0", true), eth(1002, "story1", true))
	return r, configuration
}

func grouped(names ...string) func(*config.Config) {
	return func(c *config.Config) { c.SyncGroups = []*config.SyncGroup{{Name: "G", Members: names}} }
}

// elect makes everybody master.
func elect(t *testing.T, r *role) {
	t.Helper()
	r.starting = false
	for _, e := range r.everyElection() {
		r.start(e, vrrp.Start{As: vrrp.Master})
	}
	for _, i := range r.instances {
		if !i.held {
			t.Fatalf("%s is %v", i.cfg.Name, i.election.state())
		}
	}
}

// planned are the addresses that jobs in the queue add and remove.
func planned(t *testing.T, r *role) []string {
	t.Helper()
	var w written
	for j := r.worker.take(); j != nil; j = r.worker.take() {
		j(t.Context(), &w)
	}
	return w.ops
}

// written notes what is asked of a kernel that takes everything.
type written struct {
	ops    []string
	routes []netstate.Route
}

func (w *written) Read(interest kernel.Interest) (s netstate.State, _ error) {
	for _, route := range w.routes {
		if interest(route.Key()) {
			s.Routes = append(s.Routes, route)
		}
	}
	return s, nil
}

func (w *written) Apply(_ context.Context, ops []netstate.Op) []kernel.Failure {
	for _, op := range ops {
		text := op.Item.String()
		if a, ok := op.Item.(netstate.Address); ok {
			text = a.Prefix.String()
		}
		w.ops = append(w.ops, op.Verb.String()+" "+text)
	}
	return nil
}

func (w *written) EnsureLink(netstate.VirtualLink) (netstate.Link, bool, error) {
	return netstate.Link{}, false, errors.ErrUnsupported
}
func (w *written) RemoveLinks(...int) error      { return nil }
func (w *written) FollowVRF(netstate.Link) error { return nil }

// A group that is removed with all its members says and does nothing any more.
func TestReloadRemovesWholeGroup(t *testing.T) {
	r, configuration := reloadable(t, grouped("A", "B"), "A", "B", "C")
	elect(t, r)
	old := r.named("A").election
	r.reload(configuration(nil, "C"))
	if s := old.state(); s != vrrp.Deleted {
		t.Errorf("the election of the group is %v", s)
	}
	if n := len(r.elections.heap); n != 1 {
		t.Errorf("%d elections are on the agenda, want that of C alone", n)
	}
	if !r.named("C").held {
		t.Error("C is disturbed")
	}
}

// One member goes, the others stay master; then the rest goes.
func TestReloadRemovesMembers(t *testing.T) {
	r, configuration := reloadable(t, grouped("A", "B", "C"), "A", "B", "C")
	elect(t, r)
	r.reload(configuration(grouped("A", "C"), "A", "C"))
	if !r.named("A").held || !r.named("C").held || len(r.elections.heap) != 1 {
		t.Error("the others are not master any more")
	}
	r.reload(configuration(nil))
	if len(r.elections.heap) != 0 {
		t.Error("an election is still on the agenda")
	}
}

// An address that moves to a master from an instance that goes is removed for the one
// and then set for the other, although it is there all the time as far as is known.
func TestReloadMovesAddress(t *testing.T) {
	r, configuration := reloadable(t, nil, "A", "B")
	elect(t, r)
	for _, i := range r.instances {
		for _, a := range i.want.Addresses {
			r.mirror.Apply(netstate.AddressChanged{Address: a})
		}
	}
	planned(t, r)
	r.reload(configuration(func(c *config.Config) {
		c.Instances[0].VIPs = append(c.Instances[0].VIPs, config.Address{Prefix: r.named("B").cfg.VIPs[0].Prefix, Dev: "story0"})
	}, "A"))
	if got, want := planned(t, r), []string{"remove 192.0.2.102/24", "add 192.0.2.102/24"}; !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
}

// Who is on standby stays so in another group.
func TestReloadKeepsStandby(t *testing.T) {
	r, configuration := reloadable(t, nil, "A", "B")
	r.begin()
	if err := r.setStandby(control.StandbyRequest{Instance: "A"}, true, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name   string
		change func(*config.Config)
		b      bool // on standby as well
	}{{"joined", grouped("A", "B"), true}, {"alone again", nil, false}} {
		r.reload(configuration(step.change, "A", "B"))
		if a, b := r.named("A").election.machine.OnStandby(), r.named("B").election.machine.OnStandby(); !a || b != step.b {
			t.Errorf("%s: on standby: A %v, B %v", step.name, a, b)
		}
	}
}

// A reload does not end a delayed start; one that comes before the start is carried
// out after it.
func TestReloadDuringStart(t *testing.T) {
	r, configuration := reloadable(t, nil, "A")
	r.cfg.Global.StartupDelay = time.Hour
	r.synced = false
	r.reload(configuration(nil, "B"))
	r.reload(configuration(nil, "C"))
	r.synced = true
	r.begin()
	r.reload(configuration(grouped("C", "D"), "C", "D"))
	if len(r.instances) != 2 || r.named("C") == nil {
		t.Fatalf("%d instances", len(r.instances))
	}
	for _, i := range r.instances {
		if s := i.election.state(); s != vrrp.Init {
			t.Errorf("%s is %v before its time", i.cfg.Name, s)
		}
	}
	if at := r.elections.next(); time.Until(at) < 50*time.Minute {
		t.Errorf("it starts at %v", at)
	}
}

// An interface that is polled no more is what netlink says of it.
func TestReloadEndsPolling(t *testing.T) {
	polled := func(c *config.Config) { c.Linkbeat = []config.Linkbeat{{Interface: "story0"}} }
	r, configuration := reloadable(t, polled, "A")
	r.begin()
	down := track.Event{Kind: track.KindLink, Name: "story0", Changed: true, State: track.Down}
	r.tracked(down)
	r.reassess()
	if s := r.named("A").election.state(); s != vrrp.Fault {
		t.Fatalf("A is %v although the poll says that its interface is down", s)
	}
	r.reload(configuration(nil, "A"))
	r.tracked(down) // was under way
	r.reassess()
	if s := r.named("A").election.state(); s != vrrp.Backup {
		t.Errorf("A is %v although nobody polls", s)
	}
}

// no_accept comes and goes with a reload.
func TestReloadChangesFilter(t *testing.T) {
	deaf := func(c *config.Config) { c.Instances[0].Accept = false }
	r, configuration := reloadable(t, nil, "A")
	elect(t, r)
	open := r.guard.told
	r.reload(configuration(deaf, "A"))
	if r.guard.told == open {
		t.Error("packets are accepted still")
	}
	silent := r.guard.told
	r.reload(configuration(nil, "A"))
	if r.guard.told == silent {
		t.Error("packets are not accepted again")
	}
}

// A member that joins masters leaves its mark for a successor, as they do.
func TestReloadRemembersWhoJoins(t *testing.T) {
	r, configuration := reloadable(t, grouped("A"), "A")
	r.handover.records = make([]byte, recordSize*maxRecords)
	elect(t, r)
	r.reload(configuration(grouped("A", "B"), "A", "B"))
	if i := r.named("B"); i.record == nil || !i.held {
		t.Errorf("B has no record, or is %v", i.election.state())
	}
}

// What a reload takes away is not announced any more, however long announcements wait;
// a new name changes nothing about that.
func TestReloadCancelsAnnouncements(t *testing.T) {
	two := func(c *config.Config) {
		c.Instances[0].VIPs = append(c.Instances[0].VIPs, config.Address{Prefix: netip.MustParsePrefix("192.0.2.200/24"), Dev: "story0"})
		c.Instances[0].GARP.MasterRepeat = 3
	}
	named := func(c *config.Config) { c.Instances[0].Name, c.Instances[0].GARP.MasterRepeat = "Z", 3 }
	r, configuration := reloadable(t, two, "A")
	elect(t, r)
	a := r.named("A")
	r.applied(a, nil)
	waiting := func(what string, want int) {
		t.Helper()
		if n := r.announcer.Waiting(); n != want {
			t.Errorf("%s: %d announcements wait, want %d", what, n, want)
		}
	}
	r.announceNow(a, 3)
	waiting("two addresses", 6)
	r.reload(configuration(nil, "A"))
	waiting("one address", 3)
	a.busy = 0
	r.standby["A"] = time.Time{}
	r.reload(configuration(named, "A"))
	waiting("another name", 3)
	if _, on := r.standby["Z"]; !on || len(r.standby) != 1 {
		t.Errorf("on standby: %v", r.standby)
	}
	r.handle(a.election, vrrp.Taken{})
	waiting("backup", 0)
}

// A fault ends with its script; the next one must answer before that counts.
func TestReloadWaitsForNewScript(t *testing.T) {
	tracks := func(script string) func(*config.Config) {
		return func(c *config.Config) {
			c.Scripts = []*config.TrackScript{{Name: script, Command: &config.Command{Argv: []string{script}}}}
			c.Instances[0].TrackScripts = []config.Track{{Name: script}}
		}
	}
	r, configuration := reloadable(t, tracks("old"), "A")
	says := func(script string, good bool) {
		learn(r, &r.facts.scripts, script, good)
		r.reassess()
	}
	is := func(what string, want vrrp.State) {
		t.Helper()
		if s := r.named("A").election.state(); s != want {
			t.Errorf("%s: A is %v, want %v", what, s, want)
		}
	}
	r.begin()
	says("old", false)
	is("a script fails", vrrp.Fault)
	r.reload(configuration(tracks("new"), "A"))
	is("it is replaced", vrrp.Fault)
	says("new", true)
	is("the new one is well", vrrp.Backup)
}

// A route that leads another way after a reload is set anew, and the old one removed.
func TestReloadChangesHop(t *testing.T) {
	via := func(gateway string) func(*config.Config) {
		return func(c *config.Config) {
			c.Instances[0].Routes = []config.Route{{
				Dst: netip.MustParsePrefix("198.51.100.0/24"), Via: netip.MustParseAddr(gateway), Dev: "story0", Scope: -1, Pref: -1, TTLProp: -1,
			}}
		}
	}
	r, configuration := reloadable(t, via("192.0.2.7"), "A")
	elect(t, r)
	planned(t, r)
	r.reload(configuration(via("192.0.2.8"), "A"))
	got := planned(t, r)
	for _, want := range []string{"add 198.51.100.0/24 via 192.0.2.8 link 1001", "remove 198.51.100.0/24 via 192.0.2.7 link 1001"} {
		if !slices.Contains(got, want) {
			t.Errorf("planned %q, want %q", got, want)
		}
	}
}

// Routes that exist before anybody asks for them are not taken for missing: the kernel
// would not report them.
func TestRoutesOfBeforeAreKnown(t *testing.T) {
	routes := func(dst ...string) func(*config.Config) {
		return func(c *config.Config) {
			for _, d := range dst {
				c.Instances[0].Routes = append(c.Instances[0].Routes,
					config.Route{Dst: netip.MustParsePrefix(d), Dev: "story0", Scope: -1, Pref: -1, TTLProp: -1})
			}
		}
	}
	const first, second = "198.51.100.0/25", "198.51.100.128/25"
	r, configuration := reloadable(t, routes(first), "A")
	w := &written{routes: []netstate.Route{netstate.NewRoute(netip.MustParsePrefix(first)), netstate.NewRoute(netip.MustParsePrefix(second))}}
	for n := range w.routes {
		w.routes[n].Hop.Link = 1001
	}
	work := func() {
		for j := r.worker.take(); j != nil; j = r.worker.take() {
			if done := j(t.Context(), w); done != nil {
				done()
			}
		}
	}
	missing := func() int {
		i := r.named("A")
		return len(netstate.Plan(netstate.State{Routes: r.have(i.watched).Routes}, netstate.Want{Present: netstate.State{Routes: i.watched.Routes}}))
	}
	elect(t, r)
	work()
	if n := missing(); n != 0 {
		t.Errorf("%d routes seem to be missing at the start", n)
	}
	r.reload(configuration(routes(first, second), "A"))
	work()
	if n := missing(); n != 0 {
		t.Errorf("%d routes seem to be missing after a reload", n)
	}
}

// Who has no interface is listened to on all of them from the start.
func TestListensWithoutInterface(t *testing.T) {
	anywhere := func(c *config.Config) { c.Instances[0].Interface, c.Instances[0].Unicast = "", true }
	r, _ := reloadable(t, anywhere, "A")
	t.Cleanup(r.hub.Close)
	r.begin()
	if r.byVRID[vridKey{VRID: 1}] == nil || len(r.deaf) > 0 {
		t.Errorf("nothing is received: %v", r.deaf)
	}
}

// What a reload takes away is named in keepalived's words.
func TestReloadNamesWhatGoes(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	r := still(t, &config.Config{}, eth(1, "eth0", true))
	r.log = zap.New(core)
	rule := netstate.NewRule(netstate.IPv4, 102)
	rule.From, rule.Table = netip.MustParsePrefix("10.22.0.0/16"), 100
	r.sayGone("(A) ", netstate.State{
		Addresses: []netstate.Address{netstate.NewAddress(1, netip.MustParsePrefix("192.0.2.10/24"))},
		Routes:    []netstate.Route{netstate.NewRoute(netip.MustParsePrefix("10.16.0.0/16"))},
		Rules:     []netstate.Rule{rule},
	})
	var got []string
	for _, e := range logs.All() {
		got = append(got, e.Message)
	}
	want := []string{"ip rule from 10.22.0.0/16 removed", "Removing route 10.16.0.0/16", "(A) ip address 192.0.2.10/24 dev eth0, no longer exist"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
