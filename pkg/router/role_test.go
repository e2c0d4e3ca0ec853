package router

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/pkg/notify"
	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

// still is a role that has its state, but neither sockets nor a kernel: jobs
// for the worker stay in its queue.
func still(t *testing.T, cfg *config.Config, links ...netstate.Link) *role {
	t.Helper()
	r := &role{
		cfg: cfg, log: zap.NewNop(), ctx: t.Context(), inbox: make(chan func(), 1024),
		mirror: netstate.NewMirror(), byVRID: map[vridKey][]*instance{}, holders: map[netstate.AddressKey][]*instance{},
		standby: map[string]time.Time{}, worker: &worker{wake: make(chan struct{}, 1)}, handover: &handover{},
		notifier: notify.New(notify.Settings{}, zap.NewNop()), guard: newGuard(config.FirewallGlobal{}, zap.NewNop()), sysctls: kernel.NewSysctls(),
	}
	r.routeKeys.Store(&map[netstate.RouteKey]bool{})
	var err error
	if r.sleeper, err = newSleeper(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.sleeper.close)
	if r.announcer, err = link.NewAnnouncer(nil); err != nil {
		t.Skip("needs the right to open packet sockets: ", err)
	}
	t.Cleanup(func() { _ = r.announcer.Run(t.Context()) }) // whose context is done by then
	r.mirror.Apply(netstate.Resynced{State: netstate.State{Links: links}})
	r.synced = true
	r.configure(cfg)
	for _, i := range r.instances {
		r.locate(i, nil)
		r.resolve(i)
	}
	r.index()
	return r
}

func eth(index int, name string, up bool) netstate.Link {
	return netstate.Link{Index: index, Name: name, MAC: "\x02\x00\x00\x00\x00\x01", Admin: true, Carrier: up, Multicast: true}
}

func instanceConfig(name, dev string, vrid uint8, vips ...string) *config.Instance {
	c := &config.Instance{
		Name: name, Interface: dev, VRID: vrid, Version: 3, Priority: 100, AdvertInt: time.Second, DownAdverts: 3,
		Preempt: true, Accept: true, McastDst: netip.MustParseAddr("224.0.0.18"), SrcIP: netip.MustParseAddr("192.0.2.1"),
	}
	for _, v := range vips {
		c.VIPs = append(c.VIPs, config.Address{Prefix: netip.MustParsePrefix(v), Dev: dev})
	}
	return c
}

func TestSeats(t *testing.T) {
	cfg := &config.Config{
		Instances: []*config.Instance{
			instanceConfig("A", "eth0", 1), instanceConfig("B", "eth0", 2), instanceConfig("C", "eth0", 3),
		},
		SyncGroups: []*config.SyncGroup{{Name: "G", Members: []string{"C", "A", "nobody"}}, {Name: "empty", Members: []string{"A"}}},
	}
	r := still(t, cfg, eth(1, "eth0", true))
	var got []string
	for _, e := range r.everyElection() {
		names := []string{"-"}
		if e.group != nil {
			names[0] = e.group.Name
		}
		for _, i := range e.members {
			names = append(names, i.cfg.Name)
		}
		got = append(got, strings.Join(names, " "))
	}
	if want := []string{"G C A", "- B"}; !slices.Equal(got, want) {
		t.Errorf("elections %q, want %q", got, want)
	}
}

// What a former master gives up is not what another one holds, nor what an
// administrator has set.
func TestReleaseSparesOthers(t *testing.T) {
	cfg := &config.Config{Instances: []*config.Instance{
		instanceConfig("A", "eth0", 1, "192.0.2.100/24", "192.0.2.101/24", "192.0.2.102/24"),
		instanceConfig("B", "eth0", 2, "192.0.2.101/24"),
	}}
	r := still(t, cfg, eth(1, "eth0", true))
	a, b := r.instances[0], r.instances[1]
	theirs := a.want.Addresses[2]
	theirs.Protocol = 0
	r.mirror.Apply(netstate.AddressChanged{Address: theirs})
	a.held, b.held = true, true
	plan := func(i *instance) (got []string) {
		for _, op := range r.planRelease(&i.holdings) {
			got = append(got, op.Verb.String()+" "+op.Item.(netstate.Address).Prefix.String())
		}
		return got
	}
	if got, want := plan(a), []string{"remove 192.0.2.100/24"}; !slices.Equal(got, want) {
		t.Errorf("plan %q, want %q", got, want)
	}
	if got := plan(b); len(got) > 0 {
		t.Errorf("the other gives up %q", got)
	}
	a.held = false
	if got, want := plan(b), []string{"remove 192.0.2.101/24"}; !slices.Equal(got, want) {
		t.Errorf("nobody else has it: plan %q, want %q", got, want)
	}
}

// The same is true of routes and rules.
func TestReleaseSparesRoutes(t *testing.T) {
	cfg := &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 1), instanceConfig("B", "eth0", 2)}}
	for _, c := range cfg.Instances {
		c.Routes = []config.Route{{Dst: netip.MustParsePrefix("198.51.100.0/24"), Dev: "eth0", Scope: -1, Pref: -1, TTLProp: -1}}
		c.Rules = []config.Rule{{Preference: 100, Table: 7, IPProto: -1, SuppressPrefix: -1, SuppressGroup: -1}}
	}
	r := still(t, cfg, eth(1, "eth0", true))
	a, b := r.instances[0], r.instances[1]
	a.held, b.held = true, true
	for _, i := range r.instances {
		if got := r.planRelease(&i.holdings); len(got) > 0 {
			t.Errorf("%s gives up %v", i.cfg.Name, got)
		}
	}
	b.held = false
	if got := r.planRelease(&a.holdings); len(got) != 2 {
		t.Errorf("nobody else has them: plan %v", got)
	}
}

// An interface that gets another name keeps no address of ours; one that is gone has
// none.
func TestRenamedInterfaceIsCleared(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event netstate.Event
		want  []string
	}{
		{"renamed", netstate.LinkChanged{Link: eth(1, "wan0", true)}, []string{"remove 192.0.2.100/24"}},
		{"gone", netstate.LinkGone{Link: eth(1, "eth0", true)}, nil},
		{"down", netstate.LinkChanged{Link: eth(1, "eth0", false)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 1, "192.0.2.100/24")}}
			r := still(t, cfg, eth(1, "eth0", true))
			i := r.instances[0]
			was := i.want
			i.held = true
			r.mirror.Apply(tt.event)
			r.resolve(i)
			r.index()
			var got []string
			for _, op := range r.planAbandon(was, i.want) {
				got = append(got, op.Verb.String()+" "+op.Item.(netstate.Address).Prefix.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("plan %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRefusalsAreForgotten(t *testing.T) {
	f := refusals{since: map[string]time.Time{}}
	now := time.Unix(1, 0)
	f.add("b", now)
	f.add("a", now.Add(time.Second))
	if got := f.list(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("list %q", got)
	}
	if f.expire(now.Add(refusalTime)) || !f.expire(now.Add(refusalTime+1)) || len(f.list()) != 1 {
		t.Errorf("after its time, list %q", f.list())
	}
}

// The agenda always knows the earliest deadline, however they move.
func TestAgenda(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a agenda
		now := time.Unix(1_790_000_000, 0)
		var all []*election
		for range rapid.IntRange(1, 20).Draw(t, "elections") {
			e := &election{machine: vrrp.New(false, vrrp.Config{Version: 3, Priority: 100, Interval: time.Second, DownAdverts: 3})}
			a.add(e)
			all = append(all, e)
		}
		for range rapid.IntRange(1, 50).Draw(t, "moves") {
			e := rapid.SampledFrom(all).Draw(t, "election")
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 2).Draw(t, "event") {
			case 0:
				e.machine.Handle(vrrp.Start{}, now)
			case 1:
				e.machine.Handle(vrrp.Faults{Reasons: []string{"x"}}, now)
			case 2:
				e.machine.Handle(vrrp.Faults{}, now)
			}
			a.moved(e)
			var first time.Time
			for _, e := range all {
				if d := e.machine.Deadline(); !d.IsZero() && (first.IsZero() || d.Before(first)) {
					first = d
				}
			}
			if !a.next().Equal(first) {
				t.Fatalf("next %v, want %v", a.next(), first)
			}
		}
	})
}

func TestSleeper(t *testing.T) {
	s, err := newSleeper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	idle := func() bool { return false }
	sleep := func(until time.Time, busy func() bool) {
		t.Helper()
		if err := s.sleep(until, busy); err != nil {
			t.Fatal(err)
		}
	}
	for _, wait := range []time.Duration{-time.Second, 0, time.Millisecond, 20 * time.Millisecond} {
		until := time.Now().Add(wait)
		sleep(until, idle)
		if early := time.Until(until); early > 0 {
			t.Errorf("to sleep for %v ended %v too early", wait, early)
		}
	}
	far := time.Now().Add(time.Hour)
	sleep(far, func() bool { return true })
	// Woken, however that meets falling asleep; else this does not end.
	for range 1000 {
		given := make(chan struct{}, 1)
		go func() {
			given <- struct{}{}
			s.wake()
		}()
		taken := false
		for !taken {
			sleep(far, func() bool {
				select {
				case <-given:
					taken = true
				default:
				}
				return taken
			})
		}
	}
}

func TestMatchAddressee(t *testing.T) {
	multicast := instanceConfig("M", "eth0", 1)
	unicast := instanceConfig("U", "eth0", 1)
	unicast.Unicast = true
	r := still(t, &config.Config{Instances: []*config.Instance{multicast, unicast}}, eth(1, "eth0", true))
	k := vridKey{Index: 1, VRID: 1}
	r.byVRID[k] = r.instances
	for dst, want := range map[string]string{"224.0.0.18": "M", "192.0.2.1": "U", "192.0.2.9": "M"} {
		if got := r.addressee(k, netip.MustParseAddr(dst)); got == nil || got.cfg.Name != want {
			t.Errorf("a packet to %s is for %v, want %s", dst, got, want)
		}
	}
	if r.addressee(vridKey{Index: 2, VRID: 1}, netip.Addr{}) != nil {
		t.Error("a packet from elsewhere finds somebody")
	}
}

func TestEndpoint(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*config.Instance)
		want   string // empty: it cannot receive
		index  int
	}{
		{"an interface", func(*config.Instance) {}, "eth0", 1},
		{"a missing interface", func(c *config.Instance) { c.Interface = "eth9" }, "", 0},
		{"unicast without interface", func(c *config.Instance) { c.Interface = "" }, "any interface", 0},
		{"a VRF", func(c *config.Instance) { c.Interface, c.VRF = "", "red" }, "red", 7},
		{"a missing VRF", func(c *config.Instance) { c.Interface, c.VRF = "", "blue" }, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := instanceConfig("A", "eth0", 1)
			i.Unicast = true
			c.change(i)
			r := still(t, &config.Config{Instances: []*config.Instance{i}}, eth(1, "eth0", true), netstate.Link{Index: 7, Name: "red", Kind: "vrf"})
			r.locate(r.instances[0], nil)
			e, ok := r.instances[0].endpoint()
			if ok != (c.want != "") || e.Index != c.index || ok && !strings.HasSuffix(e.String(), " on "+c.want) {
				t.Errorf("got %v, index %d, %v", e, e.Index, ok)
			}
		})
	}
}

func TestReceiveBuffer(t *testing.T) {
	four := instanceConfig("A", "eth0", 1, "192.0.2.100/24", "192.0.2.101/24")
	secret := instanceConfig("A", "eth0", 1, "192.0.2.100/24")
	secret.Version, secret.Auth.Type = 2, config.AuthAH
	six := instanceConfig("A", "eth0", 1, "2001:db8::1/64")
	six.IPv6, six.HMAC = true, &config.HMAC{}
	mtu := eth(1, "eth0", true)
	mtu.MTU = 1500
	for _, c := range []struct {
		name     string
		instance *config.Instance
		policy   config.RxBufsPolicy
		size     int
		want     int
	}{
		{"as the kernel has it", four, 0, 0, 0},
		{"MTU", four, config.RxBufsMTU, 0, 3 * 1500},
		{"MTU beats ADVERT", four, config.RxBufsMTU | config.RxBufsAdvert, 0, 3 * 1500},
		{"a size beats words", four, config.RxBufsMTU, 5000, 0},
		{"ADVERT", four, config.RxBufsAdvert, 0, 3 * (20 + 8 + 2*4)},
		{"ADVERT of version 2 with AH", secret, config.RxBufsAdvert, 0, 3 * (20 + 24 + 8 + 4 + 8)},
		{"ADVERT of IPv6 with a trailer", six, config.RxBufsAdvert, 0, 3 * (40 + 8 + 16 + 28)},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := &config.Config{Instances: []*config.Instance{c.instance}}
			cfg.Global.RxBufsPolicy, cfg.Global.RxBufsSize, cfg.Global.RxBufsMultiplier = c.policy, c.size, 3
			r := still(t, cfg, mtu)
			r.locate(r.instances[0], nil)
			if got := r.rxBuffer(r.instances[0]); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestDropLine(t *testing.T) {
	from := netip.MustParseAddr("192.0.2.2")
	for _, c := range []struct {
		err  error
		want string
	}{
		{packet.ErrVersion, "(A) " + packet.ErrVersion.Error() + " from 192.0.2.2"},
		{
			fmt.Errorf("%w: mine=1 sec rcv'd=5 sec", packet.ErrInterval),
			"(A) advertisement interval mismatch with 192.0.2.2 mine=1 sec rcv'd=5 sec",
		},
	} {
		if got := dropLine("A", c.err, from); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Whoever is master beside us is named, with the likely cause and for how long.
func TestConflictIsExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := still(t, &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 1)}}, eth(1, "eth0", true))
		a := r.instances[0]
		a.source = netip.Addr{} // nothing is sent
		r.handle(a.election, vrrp.Start{As: vrrp.Master})
		rival := netip.MustParseAddr("192.0.2.9")
		heard := func(priority uint8) {
			r.handle(a.election, vrrp.Advert{From: rival, Priority: priority, Interval: time.Second})
		}
		time.Sleep(time.Second) // at first it may be about to yield
		heard(50)
		s := r.snapshot().Instances[0]
		if s.Conflict != rival || !strings.Contains(s.Cause, "look for a firewall") {
			t.Errorf("conflict with %v because of %q", s.Conflict, s.Cause)
		}
		a.counts.dropped(packet.ErrPassword)
		if s = r.snapshot().Instances[0]; !strings.Contains(s.Cause, "passwords") {
			t.Errorf("cause %q although authentication fails", s.Cause)
		}
		heard(200)
		if s = r.snapshot().Instances[0]; s.Conflict.IsValid() || s.State != "BACKUP" {
			t.Errorf("a better master: %s, conflict with %v", s.State, s.Conflict)
		}
	})
}
