package director

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/firewall"
)

// Admin is what the operator says of a real server, whatever its health.
type Admin uint8

// The administrative states.
const (
	Ready Admin = iota // by health alone
	Drain              // weight 0: keeps its connections and gets no new ones
	Maint              // not in the pool, not checked
)

func (a Admin) String() string { return [...]string{"ready", "drain", "maint"}[a] }

// pool is one virtual server with the state of its real servers.
type pool struct {
	id      identity
	name    string
	cfg     *config.VirtualServer
	keys    []ipvs.Key
	marking []firewall.Mark // rules that mark packets for keys
	servers []*server

	quorum bool // there are enough servers
	panics bool // fewer than min_up are healthy

	suspended bool // ha_suspend: the address is on another machine

	members    []ipvs.Destination // who is in the kernel's tables, see update; never changed, only replaced
	mayCollide bool               // two servers may become one destination
}

// server is one real server of one pool.
type server struct {
	vs     *config.VirtualServer
	cfg    *config.RealServer
	checks []check

	up     bool // all checks say so
	told   bool // somebody has been told of up
	in     bool // it is in the kernel's tables, see update
	admin  Admin
	weight int32     // configured plus what the checks add
	since  time.Time // of up
	reason string    // why it is down, for people

	deadline time.Time // of a drain: when it becomes Maint; zero is never
	ramp     time.Time // when slow_start began; zero if it is over
}

// check is what is known of one check of a server.
type check struct {
	spec   healthcheck.Spec
	up     bool
	weight int // added to the server's
	result healthcheck.Result
}

func (s *server) name() string { return serverName(s.vs, s.cfg.Addr) }

// healthy says what the checks make of the server: all of them must be up, or,
// where any one is enough, all that are critical and one of the others.
func (s *server) healthy() bool {
	anyone := s.cfg.AnyCheck
	others, up := 0, 0
	for i := range s.checks {
		c := &s.checks[i]
		switch {
		case anyone && !c.spec.Critical:
			others++
			if c.up {
				up++
			}
		case !c.up:
			return false
		}
	}
	return others == 0 || up > 0
}

// total is the configured weight plus what the checks add.
func (s *server) total() int32 {
	sum := int(s.cfg.Weight)
	for i := range s.checks {
		sum += s.checks[i].weight
	}
	return int32(min(max(sum, 0), math.MaxInt32))
}

// counts says whether the server can take new connections.
func (s *server) counts() bool { return s.up && s.admin == Ready }

// ramped is the weight at a moment of slow_start: at least 1, at most its own.
func (s *server) ramped(slow time.Duration, now time.Time) int32 {
	if s.ramp.IsZero() || s.weight <= 1 || slow <= 0 {
		return s.weight
	}
	passed := now.Sub(s.ramp)
	if passed >= slow {
		return s.weight
	}
	return max(1, int32(float64(s.weight)*float64(passed)/float64(slow)))
}

// sum is the weight of the servers that count.
func (pl *pool) sum() uint64 {
	var sum uint64
	for _, s := range pl.servers {
		if s.counts() {
			sum += uint64(s.weight)
		}
	}
	return sum
}

// gains and loses are the two sides of the quorum's hysteresis. Without weight
// there is no quorum, also where all weights are 0 and so the quorum is too.
func (pl *pool) gains(sum uint64) bool {
	return sum > 0 && sum >= uint64(pl.cfg.Quorum)+uint64(pl.cfg.Hysteresis)
}

func (pl *pool) loses(sum uint64) bool {
	return sum == 0 || sum+uint64(pl.cfg.Hysteresis) < uint64(pl.cfg.Quorum)
}

// panicking says whether fewer than min_up percent of the servers are healthy.
func (pl *pool) panicking() bool {
	if pl.cfg.MinUp <= 0 || len(pl.servers) == 0 {
		return false
	}
	up := 0
	for _, s := range pl.servers {
		if s.counts() {
			up++
		}
	}
	return up*100 < pl.cfg.MinUp*len(pl.servers)
}

// sorry says whether the sorry server has taken over.
func (pl *pool) sorry() bool {
	if pl.cfg.Sorry == nil {
		return false
	}
	if pl.panics {
		return pl.cfg.OnPanic == config.PanicSorry
	}
	return !pl.quorum
}

// sorryIsReal returns the real server that is the sorry server as well.
func (pl *pool) sorryIsReal() *server {
	if pl.cfg.Sorry == nil {
		return nil
	}
	for _, s := range pl.servers {
		if s.cfg.Addr == pl.cfg.Sorry.Addr {
			return s
		}
	}
	return nil
}

// sorryInhibited says whether the sorry server stays in the pool with weight 0
// while it is not needed. One that is a real server does as that one does.
func (pl *pool) sorryInhibited() bool {
	if twin := pl.sorryIsReal(); twin != nil {
		return twin.cfg.Inhibit
	}
	return pl.cfg.SorryInhibit
}

// keepsAll says whether failed servers stay in the pool because so many have
// failed that the checks are more likely to be wrong than the servers.
func (pl *pool) keepsAll(s *server) bool {
	if !pl.panics {
		return false
	}
	switch pl.cfg.OnPanic {
	case config.PanicAll:
		return true
	case config.PanicKeepLast:
		return s.in
	}
	return false
}

// inhibits says whether a failed server stays in the tables with weight 0. There
// it would keep its flows, so expire_connections comes before that.
func (pl *pool) inhibits(s *server) bool {
	return s.cfg.Inhibit && !pl.cfg.ExpireConns.Or(false)
}

// weightNow is the weight of a server in the tables, and whether it is there.
func (pl *pool) weightNow(s *server, now time.Time) (weight int32, in bool) {
	switch {
	case s.admin == Maint:
		return 0, false
	case s.admin == Drain:
		return 0, s.up || pl.inhibits(s)
	case pl.sorry():
		return 0, s.cfg.Inhibit
	case s.up:
		return s.ramped(pl.cfg.SlowStart, now), true
	case pl.keepsAll(s):
		return s.weight, true
	}
	return 0, pl.inhibits(s)
}

// update works out who is in the tables, in the order of the configuration with
// the sorry server last, and reports whether that changed. The destinations are
// those of the first IPVS service; see destinations for the others.
func (pl *pool) update(now time.Time) bool {
	room := len(pl.servers)
	if pl.cfg.Sorry != nil {
		room++
	}
	members := make([]ipvs.Destination, 0, room)
	twin := pl.sorryIsReal()
	for _, s := range pl.servers {
		w, in := pl.weightNow(s, now)
		s.in = in && (s != twin || !pl.sorry())
		if s.in {
			d := pl.destination(s.cfg.Addr, s.cfg.Method, w)
			d.Upper, d.Lower = s.cfg.UThreshold, s.cfg.LThreshold
			members = append(members, d)
		}
	}
	switch sorry := pl.cfg.Sorry; {
	case sorry == nil:
	case pl.sorry():
		members = append(members, pl.destination(sorry.Addr, sorry.Method, 1))
	case twin == nil && pl.cfg.SorryInhibit:
		members = append(members, pl.destination(sorry.Addr, sorry.Method, 0))
	}
	if slices.Equal(members, pl.members) {
		return false
	}
	pl.members = members
	return true
}

// destination is a server of the first IPVS service.
func (pl *pool) destination(at netip.AddrPort, m config.Method, weight int32) ipvs.Destination {
	d := ipvs.Destination{Addr: at.Addr().Unmap().WithZone(""), Weight: weight}
	d.Method, d.Encap = forward(m)
	d.Port = portFor(pl.keys[0], d.Method, at.Port())
	return d
}

// destinations are the members as destinations of one of the IPVS services.
func (pl *pool) destinations(k ipvs.Key) []ipvs.Destination {
	if !slices.ContainsFunc(pl.members, func(d ipvs.Destination) bool { return portFor(k, d.Method, d.Port) != d.Port }) {
		return pl.members
	}
	list := slices.Clone(pl.members)
	for i := range list {
		list[i].Port = portFor(k, list[i].Method, list[i].Port)
	}
	return list
}

// collides says whether two servers may become one destination, because they have
// the same address and the forwarding method may not keep their ports.
func collides(pl *pool) bool {
	const few = 32
	seen := make([]netip.Addr, 0, few)
	if len(pl.servers) >= few {
		return true // looking is as much work as avoiding it
	}
	for _, s := range pl.servers {
		if slices.Contains(seen, s.cfg.Addr.Addr()) {
			return true
		}
		seen = append(seen, s.cfg.Addr.Addr())
	}
	return pl.cfg.Sorry != nil && slices.Contains(seen, pl.cfg.Sorry.Addr.Addr())
}

// nextStep is when the pool has something to do by itself: a step of slow_start,
// or a look at the connections of a server that drains. Zero is never.
func (pl *pool) nextStep(now time.Time) time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, s := range pl.servers {
		if s.admin == Drain && !s.deadline.IsZero() {
			sooner(minTime(s.deadline, now.Add(time.Second)))
		}
		if !s.ramp.IsZero() {
			step := max(time.Second, pl.cfg.SlowStart/20)
			end := s.ramp.Add(pl.cfg.SlowStart)
			sooner(minTime(end, now.Add(step)))
		}
	}
	return next
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
