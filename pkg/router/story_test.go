package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
)

// stories is how many random stories are played; each takes some milliseconds.
const stories = 100

// TestStories lets a role live through whatever happens to one: neighbours, faults,
// standby, reloads, interfaces that go and come, addresses that somebody removes, a
// kernel that refuses and one that reports late or not at all; jobs, answers and
// reports come in any order that the kernel could choose. Once it is quiet every
// election must be on the agenda, and every instance must have exactly what its
// state calls for. STORY_SEED=n plays one, STORY_SEEDS=n so many.
func TestStories(t *testing.T) {
	first, n := uint64(0), uint64(stories)
	if s := os.Getenv("STORY_SEEDS"); s != "" {
		n, _ = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("STORY_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
		n = 1
	}
	for seed := first; seed < first+n && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			s := newStory(t, seed)
			for range 40 + s.rng.IntN(200) {
				s.step()
			}
			s.calm()
			s.check()
			s.end()
			if t.Failed() {
				t.Logf("seed %d:\n%s", seed, strings.Join(s.told, "\n"))
			}
		})
	}
}

// story is a role beside a namespace that is played.
type story struct {
	*testing.T
	rng   *rand.Rand
	r     *role
	ns    *namespace
	acks  []func() // answers of the kernel that the loop has not seen
	began time.Time
	told  []string
}

func newStory(t *testing.T, seed uint64) *story {
	s := &story{T: t, began: time.Now(), rng: rand.New(rand.NewPCG(seed, 1))}
	s.ns = &namespace{rng: s.rng, links: map[int]netstate.Link{}, addrs: map[netstate.AddressKey]netstate.Address{}}
	for _, name := range devices {
		s.ns.add(name)
	}
	s.r = alive(t, s.config(), s.ns.state().Links...)
	s.ns.interest = s.r.interest
	s.r.log = zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(io.Discard), zap.DebugLevel),
		zap.Hooks(func(e zapcore.Entry) error {
			s.tell("    %s", e.Message)
			return nil
		}))
	for _, i := range s.r.instances {
		i.log = s.r.log
	}
	s.ns.news = nil
	s.r.begin()
	return s
}

// alive is a still role that may begin and be reloaded.
func alive(t *testing.T, cfg *config.Config, links ...netstate.Link) *role {
	t.Helper()
	r := still(t, cfg, links...)
	r.sender, r.trackers, r.starting, r.relisten = mute{}, untracked{}, true, true
	r.hub = link.NewHub(func(link.Packet) {}, func(link.Endpoint, error) {})
	r.claims = newClaimWatch(r)
	return r
}

type mute struct{}

func (mute) Send(link.Outgoing) error { return nil }
func (mute) Close()                   {}

type untracked struct{}

func (untracked) set(*config.Config)        {}
func (untracked) run(context.Context) error { return nil }

// devices do not exist where the test runs, so no socket is opened.
var devices = []string{"story0", "story1"}

func (s *story) tell(format string, args ...any) {
	s.told = append(s.told, fmt.Sprintf("%v ", time.Since(s.began).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

// config is any configuration of a few instances, which share some addresses.
func (s *story) config() *config.Config {
	cfg := &config.Config{}
	var names []string
	for n := range 4 {
		if s.rng.IntN(4) == 0 {
			continue
		}
		c := instanceConfig(string(rune('A'+n)), devices[n%2], uint8(n+1))
		for k := range 5 {
			if s.rng.IntN(2) == 0 {
				c.VIPs = append(c.VIPs, config.Address{
					Prefix: netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", 100+k)), Dev: devices[s.rng.IntN(2)], NoTrack: s.rng.IntN(4) == 0,
				})
			}
		}
		if n == 3 {
			c.IPv6, c.SrcIP, c.McastDst = true, netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::12")
			c.VIPs = []config.Address{{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Dev: c.Interface}}
			if s.rng.IntN(2) == 0 {
				c.VMAC = &config.VMAC{Name: "storyv"}
				c.VIPs[0].Dev = "storyv"
			}
		}
		if s.rng.IntN(2) == 0 {
			c.Routes = []config.Route{{Dst: netip.MustParsePrefix("198.51.100.0/24"), Dev: devices[s.rng.IntN(2)], Metric: uint32(s.rng.IntN(2)), Scope: -1, Pref: -1, TTLProp: -1}}
		}
		c.TrackScripts = []config.Track{{Name: "s", Weight: []int{0, 10}[s.rng.IntN(2)]}}
		if s.rng.IntN(3) == 0 {
			c.Priority = vrrp.Owner
		}
		if s.rng.IntN(2) == 0 {
			c.OnVIPRemoved = config.FailoverVIP
		}
		cfg.Instances = append(cfg.Instances, c)
		names = append(names, c.Name)
	}
	cfg.Scripts = []*config.TrackScript{{Name: "s", Command: &config.Command{Argv: []string{"/bin/true"}}}}
	if s.rng.IntN(2) == 0 && len(names) > 1 {
		s.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		cfg.SyncGroups = []*config.SyncGroup{{Name: "G", Members: names[:1+s.rng.IntN(len(names))]}}
	}
	return cfg
}

// step is one thing that happens, or one that is noticed.
func (s *story) step() {
	r := s.r
	switch n := s.rng.IntN(30); n {
	case 0:
		s.tell("reload")
		r.reload(s.config())
	case 1, 2:
		if len(r.instances) > 0 {
			i := r.instances[s.rng.IntN(len(r.instances))]
			p := uint8(s.rng.IntN(256))
			s.tell("%s hears %d", i.cfg.Name, p)
			r.handle(i.election, vrrp.Advert{Router: i.index, From: netip.MustParseAddr("192.0.2.9"), Priority: p, Interval: time.Second})
		}
	case 3:
		good := s.rng.IntN(2) == 0
		s.tell("the script says %v", good)
		learn(r, &r.facts.scripts, "s", good)
	case 4:
		if len(r.instances) > 0 {
			i, on := r.instances[s.rng.IntN(len(r.instances))], s.rng.IntN(2) == 0
			s.tell("%s on standby: %v", i.cfg.Name, on)
			for _, m := range i.election.members {
				delete(r.standby, m.cfg.Name)
				if on {
					r.standby[m.cfg.Name] = time.Time{}
				}
			}
			r.standbyChanged(i.election, on, time.Time{})
		}
	case 5:
		name := devices[s.rng.IntN(2)]
		s.tell("%s is made again", name)
		s.ns.remove(name)
		s.ns.add(name)
	case 6:
		name := devices[s.rng.IntN(2)]
		s.tell("%s goes", name)
		s.ns.remove(name)
	case 7:
		name := devices[s.rng.IntN(2)]
		s.tell("%s comes", name)
		s.ns.add(name)
	case 8:
		s.tell("somebody removes an address")
		s.ns.steal()
	case 9:
		s.tell("reports are lost")
		s.ns.news = []netstate.Event{netstate.Resynced{State: s.ns.state()}}
	case 10:
		s.ns.refuses = !s.ns.refuses
		s.tell("the kernel refuses things: %v", s.ns.refuses)
	case 11:
		time.Sleep(time.Duration(s.rng.IntN(4000)) * time.Millisecond)
	case 12, 13:
		time.Sleep(time.Duration(s.rng.IntN(100)) * time.Millisecond)
	case 14, 15, 16, 17:
		s.work()
	case 18, 19, 20, 21:
		s.answer()
	case 22, 23, 24, 25:
		s.hear()
	default:
		s.turn(s.rng.IntN(2) == 0)
	}
}

// turn is what the loop does in one of its turns.
func (s *story) turn(settled bool) {
	r, now := s.r, time.Now()
	r.expire(now)
	if !now.Before(r.beatAt) {
		r.beatAt = now.Add(heartbeat)
		r.tend(now)
	}
	if r.dirty && settled {
		r.reassess()
	}
	r.takeIn()
}

func (s *story) work() bool {
	j := s.r.worker.take()
	if j == nil {
		return false
	}
	if done := j(s.Context(), s.ns); done != nil {
		s.acks = append(s.acks, done)
	}
	return true
}

func (s *story) answer() bool {
	if len(s.acks) == 0 {
		return false
	}
	done := s.acks[0]
	s.acks = s.acks[1:]
	done()
	return true
}

func (s *story) hear() bool {
	if len(s.ns.news) == 0 {
		return false
	}
	ev := s.ns.news[0]
	s.ns.news = s.ns.news[1:]
	s.tell("heard of %T%+v", ev, ev)
	s.r.netChanged(ev)
	return true
}

// calm lets everything be well and quiet until all has been noticed.
func (s *story) calm() {
	s.tell("calm")
	s.ns.refuses = false
	for _, name := range devices {
		s.ns.add(name)
	}
	learn(s.r, &s.r.facts.scripts, "s", true)
	for end := time.Now().Add(refusalTime + 20*time.Second); time.Now().Before(end); {
		for s.work() || s.answer() || s.hear() {
		}
		s.turn(true)
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *story) check() {
	elections := s.r.everyElection()
	want := map[netstate.AddressKey]bool{}
	var routes []netstate.Route
	for _, e := range elections {
		if d := e.machine.Deadline(); e.place < 0 || d.IsZero() || !d.Equal(e.deadline) || d.Before(time.Now().Add(-time.Second)) {
			s.Errorf("%v election of %s is due at %v, place %d", e.state(), e.members[0].cfg.Name, d, e.place)
		}
		for _, i := range e.members {
			if i.held != e.isMaster() || i.busy != 0 || i.election != e {
				s.Errorf("%s is %v, held %v, busy %d", i.cfg.Name, e.state(), i.held, i.busy)
			}
			if !e.isMaster() {
				s.Errorf("%s is %v although nobody hinders it: %v", i.cfg.Name, e.state(), namesOf(i.reasons))
			}
			if _, on := s.r.standby[i.cfg.Name]; on && !e.machine.OnStandby() {
				s.Errorf("%s is not on standby any more", i.cfg.Name)
			}
			for _, a := range i.want.Addresses {
				want[a.Key()] = true
				// What nobody watches stays away when somebody takes it.
				watched := slices.ContainsFunc(i.watched.Addresses, func(w netstate.Address) bool { return w.Key() == a.Key() })
				if _, has := s.ns.addrs[a.Key()]; !has && (watched || !s.ns.stolen[a.Key()]) {
					s.Errorf("%s lacks %v", i.cfg.Name, a)
				}
			}
			for _, route := range i.want.Routes {
				if !slices.ContainsFunc(s.ns.routes, same(route)) {
					s.Errorf("%s lacks the route %v", i.cfg.Name, route)
				}
				routes = append(routes, route)
			}
			if len(i.want.Routes) != len(i.cfg.Routes) {
				s.Errorf("%s wants %d routes, not %d", i.cfg.Name, len(i.want.Routes), len(i.cfg.Routes))
			}
			if len(i.want.Addresses) != len(i.cfg.VIPs) {
				s.Errorf("%s wants %d addresses, not %d", i.cfg.Name, len(i.want.Addresses), len(i.cfg.VIPs))
			}
		}
	}
	if n := len(s.r.elections.heap); n != len(elections) {
		s.Errorf("%d elections are on the agenda, want %d", n, len(elections))
	}
	for k, a := range s.ns.addrs {
		if !want[k] {
			s.Errorf("%v is nobody's", a)
		}
	}
	for _, route := range s.ns.routes {
		if !slices.ContainsFunc(routes, same(route)) {
			s.Errorf("the route %v is nobody's", route)
		}
	}
	for range 60 {
		s.turn(true)
		time.Sleep(50 * time.Millisecond)
		if s.work() {
			s.Error("there is still something to be done")
		}
	}
}

// end stops the role, after which nothing of it is left.
func (s *story) end() {
	_ = s.r.leave()
	for s.work() {
	}
	for _, a := range s.ns.addrs {
		s.Errorf("%v is left behind", a)
	}
	for _, route := range s.ns.routes {
		s.Errorf("the route %v is left behind", route)
	}
	for _, l := range s.ns.links {
		if l.Kind != "" {
			s.Errorf("%v is left behind", l)
		}
	}
}

// namespace is what the kernel has, and what it has not reported yet.
type namespace struct {
	rng     *rand.Rand
	links   map[int]netstate.Link
	routes  []netstate.Route
	addrs   map[netstate.AddressKey]netstate.Address
	stolen  map[netstate.AddressKey]bool
	news    []netstate.Event
	last    int  // index
	refuses bool // now and then

	interest kernel.Interest // which routes are reported
}

func same(a netstate.Route) func(netstate.Route) bool {
	return func(b netstate.Route) bool { return a.Key() == b.Key() && a.Hop.Link == b.Hop.Link }
}

func (n *namespace) state() netstate.State {
	m := netstate.NewMirror()
	for _, l := range n.links {
		m.Apply(netstate.LinkChanged{Link: l})
	}
	for _, a := range n.addrs {
		m.Apply(netstate.AddressChanged{Address: a})
	}
	state := m.State()
	for _, route := range n.routes {
		if n.interest != nil && n.interest(route.Key()) {
			state.Routes = append(state.Routes, route)
		}
	}
	return state
}

func (n *namespace) find(name string) (netstate.Link, bool) {
	for _, l := range n.links {
		if l.Name == name {
			return l, true
		}
	}
	return netstate.Link{}, false
}

func (n *namespace) put(l netstate.Link) netstate.Link {
	n.last++
	l.Index = 1000 + n.last
	n.links[l.Index] = l
	n.news = append(n.news, netstate.LinkChanged{Link: l})
	return l
}

func (n *namespace) add(name string) {
	if _, exists := n.find(name); !exists {
		n.put(eth(0, name, true))
	}
}

func (n *namespace) remove(name string) {
	if l, exists := n.find(name); exists {
		n.drop(l)
	}
}

// drop removes a link with all that is on it.
func (n *namespace) drop(l netstate.Link) {
	for _, upper := range n.links {
		if upper.Parent == l.Index {
			n.drop(upper)
		}
	}
	for k, a := range n.addrs {
		if k.Link == l.Index {
			n.take(a)
		}
	}
	n.routes = slices.DeleteFunc(n.routes, func(r netstate.Route) bool { return r.Hop.Link == l.Index }) // without a word
	delete(n.links, l.Index)
	n.news = append(n.news, netstate.LinkGone{Link: l})
}

func (n *namespace) take(a netstate.Address) {
	delete(n.addrs, a.Key())
	n.news = append(n.news, netstate.AddressGone{Address: a})
}

func (n *namespace) steal() {
	for _, a := range n.state().Addresses {
		if n.rng.IntN(3) == 0 {
			if n.stolen == nil {
				n.stolen = map[netstate.AddressKey]bool{}
			}
			n.stolen[a.Key()] = true
			n.take(a)
			return
		}
	}
}

func (n *namespace) Apply(_ context.Context, ops []netstate.Op) (failed []kernel.Failure) {
	for _, op := range ops {
		if err := n.do(op); err != nil {
			failed = append(failed, kernel.Failure{Op: op, Err: err})
		}
	}
	return failed
}

func (n *namespace) do(op netstate.Op) error {
	if route, ok := op.Item.(netstate.Route); ok {
		return n.doRoute(op.Verb, route)
	}
	a := op.Item.(netstate.Address)
	_, there := n.addrs[a.Key()]
	_, on := n.links[a.Link]
	switch {
	case n.refuses && n.rng.IntN(3) == 0:
		return unix.EAGAIN
	case op.Verb == netstate.Remove && there:
		n.take(a)
	case op.Verb == netstate.Remove:
	case !on:
		return unix.ENODEV
	case !there:
		n.addrs[a.Key()] = a
		delete(n.stolen, a.Key())
		n.news = append(n.news, netstate.AddressChanged{Address: a})
	}
	return nil
}

func (n *namespace) doRoute(verb netstate.Verb, route netstate.Route) error {
	_, on := n.links[route.Hop.Link]
	there := slices.ContainsFunc(n.routes, same(route))
	tell := func(ev netstate.Event) {
		if n.interest(route.Key()) {
			n.news = append(n.news, ev)
		}
	}
	switch {
	case n.refuses && verb == netstate.Add && n.rng.IntN(3) == 0:
		return unix.ENETUNREACH
	case verb == netstate.Remove && there:
		n.routes = slices.DeleteFunc(n.routes, same(route))
		tell(netstate.RouteGone{Route: route})
	case verb == netstate.Remove:
	case !on:
		return unix.ENODEV
	case !there:
		n.routes = append(n.routes, route)
		tell(netstate.RouteChanged{Route: route})
	}
	return nil
}

func (n *namespace) Read(interest kernel.Interest) (netstate.State, error) {
	s := n.state()
	s.Routes = slices.DeleteFunc(slices.Clone(n.routes), func(r netstate.Route) bool { return !interest(r.Key()) })
	return s, nil
}

func (n *namespace) EnsureLink(v netstate.VirtualLink) (netstate.Link, bool, error) {
	l, exists := n.find(v.Name)
	_, on := n.links[v.Parent]
	switch {
	case exists && v.Matches(l):
		return l, false, nil
	case n.refuses && n.rng.IntN(3) == 0:
		return netstate.Link{}, false, errors.New("busy")
	case !on:
		return netstate.Link{}, false, unix.ENODEV
	case exists:
		n.drop(l)
	}
	l = eth(0, v.Name, true)
	l.Parent, l.Kind, l.MAC, l.Mode = v.Parent, v.Kind, v.MAC, 1
	return n.put(l), true, nil
}

func (n *namespace) RemoveLinks(indexes ...int) error {
	for _, i := range indexes {
		if l, exists := n.links[i]; exists {
			n.drop(l)
		}
	}
	return nil
}

func (n *namespace) FollowVRF(netstate.Link) error { return nil }
