package router

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/track"
	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
)

// seats says which instances decide together: those of each sync group, and
// every other one alone.
type seats struct {
	group   *config.SyncGroup
	members []*instance
}

func seatsOf(cfg *config.Config, instances []*instance) []seats {
	byName := map[string]*instance{}
	for _, i := range instances {
		byName[i.cfg.Name] = i
	}
	var list []seats
	taken := map[*instance]bool{}
	for _, g := range cfg.SyncGroups {
		s := seats{group: g}
		for _, name := range g.Members {
			if i := byName[name]; i != nil && !taken[i] {
				s.members = append(s.members, i)
				taken[i] = true
			}
		}
		if len(s.members) > 0 {
			list = append(list, s)
		}
	}
	for _, i := range instances {
		if !taken[i] {
			list = append(list, seats{members: []*instance{i}})
		}
	}
	return list
}

// seat makes an election of instances and takes it on.
func (r *role) seat(s seats) *election {
	e := &election{group: s.group, members: s.members}
	configs := make([]vrrp.Config, len(s.members))
	for n, i := range s.members {
		i.election, i.index = e, n
		i.reasons, i.weight, i.effective, i.pending, i.behind = nil, 0, i.cfg.Priority, false, false
		configs[n] = i.machineConfig()
	}
	e.machine = vrrp.New(s.group != nil, configs...)
	r.elections.add(e)
	return e
}

// configure makes the instances of the first configuration. They start when
// the namespace is known.
func (r *role) configure(cfg *config.Config) {
	for _, c := range cfg.Instances {
		i := r.newInstance(c)
		i.virtual, i.virtuals = virtualsOf(c)
		r.instances = append(r.instances, i)
	}
	for _, s := range seatsOf(cfg, r.instances) {
		r.seat(s)
	}
}

// begin starts everything, now that the namespace is known.
func (r *role) begin() {
	if r.cfg.Global.DisableLocalIGMP {
		// Reports for groups like ours, which switches flood anyway, are not sent
		// from any interface.
		r.system(func() error { return r.sysctls.Set("0", "net", "ipv4", "igmp_link_local_mcast_reports") })
	}
	r.resolveStatic()
	r.takeStatic()
	for _, i := range r.instances {
		i.base, _ = r.mirror.LinkByName(i.cfg.Interface)
		r.makeVirtuals(i)
		r.promote(i)
	}
	r.saySources()
	r.watch(r.cfg)
	for _, f := range r.cfg.TrackFiles { // their weights count from the start
		learn(r, &r.facts.files, f.Name, track.Value(f.Path))
	}
	r.announcer.SetPaces(r.paces())
	r.reassess()
	r.startAt = r.notBefore(time.Now())
	for _, e := range r.everyElection() {
		r.begins(e, r.startAt)
	}
	r.starting = false
	if r.opt.Ready != nil {
		r.opt.Ready()
	}
	if cfg := r.next; cfg != nil {
		r.next = nil
		r.reload(cfg)
	}
}

// saySources names the addresses that adverts can come from.
func (r *role) saySources() {
	firsts, said := r.firsts(), map[int]bool{}
	for _, i := range r.instances {
		if said[i.base.Index] {
			continue
		}
		said[i.base.Index] = true
		for _, family := range []netstate.Family{netstate.IPv4, netstate.IPv6} {
			if a, ok := firsts[place{i.base.Index, family}]; ok {
				r.log.Debug(fmt.Sprintf("Assigned address %v for interface %s", a, i.base.Name))
			}
		}
	}
}

// begins starts one election: where a predecessor was interrupted, if that was
// just now, else from the beginning, with what it left behind removed.
func (r *role) begins(e *election, notBefore time.Time) {
	adopt := true
	for _, i := range e.members {
		was, known := r.remember(i)
		peersWait := time.Duration(i.cfg.DownAdverts) * i.cfg.AdvertInt
		adopt = adopt && known && was.master && was.silent < peersWait
	}
	if !adopt && !r.ownsAtOnce(e, notBefore) {
		for _, i := range e.members {
			r.release(i)
		}
	}
	start := vrrp.Start{NotBefore: notBefore}
	if adopt {
		start.As = vrrp.Master
	}
	r.start(e, start)
}

// remember recalls what a predecessor left of an instance, and goes on with its
// numbers.
func (r *role) remember(i *instance) (left, bool) {
	was, known := r.handover.recall(i)
	if known {
		i.encoder.Resume(was.counters)
	}
	return was, known
}

// start starts an election, on standby if it was.
func (r *role) start(e *election, s vrrp.Start) {
	e.begun = true
	r.restoreStandby(e)
	r.handle(e, s)
}

// ownsAtOnce reports whether the owner of the addresses is about to set them anyway.
func (r *role) ownsAtOnce(e *election, notBefore time.Time) bool {
	return notBefore.IsZero() && !slices.ContainsFunc(e.members, func(i *instance) bool {
		_, standby := r.standby[i.cfg.Name]
		return i.cfg.Priority != vrrp.Owner || len(i.reasons) > 0 || i.pending || standby
	})
}

// notBefore is when instances may start, with vrrp_startup_delay and
// vrrp_delay_after_boot.
func (r *role) notBefore(now time.Time) time.Time {
	g := &r.cfg.Global
	wait := max(g.StartupDelay, g.DelayAfterBoot-bootClock())
	if wait <= 0 {
		return time.Time{}
	}
	r.log.Info(fmt.Sprintf("Delaying startup for %g seconds", wait.Seconds()))
	time.AfterFunc(wait, func() {
		r.post(func() { r.log.Info("Delayed start completed") })
	})
	return now.Add(wait)
}

// everyElection lists the elections in the order of the configuration.
func (r *role) everyElection() []*election {
	var list []*election
	for _, i := range r.instances {
		if !slices.Contains(list, i.election) {
			list = append(list, i.election)
		}
	}
	return list
}

// listen opens the sockets that the instances need, and no others.
func (r *role) listen() {
	r.relisten = false
	clear(r.byVRID)
	byEndpoint := map[link.Endpoint]*link.Listen{}
	room := map[link.Endpoint]int{} // by vrrp_rx_bufs_policy
	for _, i := range r.instances {
		e, ok := i.endpoint()
		if !ok {
			continue
		}
		w := byEndpoint[e]
		if w == nil {
			w = &link.Listen{Endpoint: e}
			byEndpoint[e] = w
		}
		w.VRIDs = append(w.VRIDs, i.cfg.VRID)
		room[e] += r.rxBuffer(i)
		w.Buffer = max(room[e], r.cfg.Global.RxBufsSize, i.cfg.RxBufSize, w.Buffer)
		if !i.cfg.Unicast && !slices.Contains(w.Groups, i.cfg.McastDst) {
			w.Groups = append(w.Groups, i.cfg.McastDst)
		}
		k := vridKey{e.Index, e.IPv6, i.cfg.VRID}
		r.byVRID[k] = append(r.byVRID[k], i)
	}
	want := make([]link.Listen, 0, len(byEndpoint))
	for _, w := range byEndpoint {
		if r.cfg.Global.LogUnknownVRIDs {
			w.VRIDs = nil
		}
		want = append(want, *w)
	}
	slices.SortFunc(want, func(a, b link.Listen) int { return strings.Compare(a.String(), b.String()) })
	before := r.deaf
	r.deaf = r.hub.Set(want)
	for e, err := range r.deaf {
		if was := before[e]; was == nil || was.Error() != err.Error() {
			r.log.Error("cannot receive adverts", zap.Stringer("endpoint", e), zap.Error(err))
		}
	}
}

// rxBuffer is the room that vrrp_rx_bufs_policy gives to the packets for an instance: so
// many of the largest that its interface carries, or of such as it sends itself.
func (r *role) rxBuffer(i *instance) int {
	g := &r.cfg.Global
	switch {
	case g.RxBufsPolicy&config.RxBufsMTU != 0 && g.RxBufsSize == 0:
		return i.base.MTU * g.RxBufsMultiplier
	case g.RxBufsPolicy&config.RxBufsAdvert != 0 && g.RxBufsSize == 0:
		return advertSize(i.cfg) * g.RxBufsMultiplier
	}
	return 0
}

// advertSize is the size of an instance's adverts with all headers.
func advertSize(c *config.Instance) int {
	const header4, header6, vrrpHeader, password, ah, trailer = 20, 40, 8, 8, 24, 28
	size := vrrpHeader
	for _, a := range c.VIPs {
		size += a.Prefix.Addr().BitLen() / 8
	}
	if c.IPv6 {
		size += header6
	} else {
		size += header4
	}
	switch {
	case c.HMAC != nil:
		size += trailer
	case c.Auth.Type == config.AuthAH:
		size += ah
	}
	if c.Version == 2 {
		size += password
	}
	return size
}

// endpoint is where an instance receives adverts: on the interface that they
// leave through, because a macvlan keeps to itself what comes from its own
// address on another router. Without an interface it is the VRF, if one is named.
func (i *instance) endpoint() (link.Endpoint, bool) {
	e := link.Endpoint{IPv6: i.cfg.IPv6, Protocol: link.ProtocolVRRP}
	if i.cfg.Auth.Type == config.AuthAH && i.cfg.HMAC == nil {
		e.Protocol = link.ProtocolAH
	}
	switch {
	case i.cfg.Interface == "" && i.cfg.VRF == "":
		return e, true
	case i.cfg.Interface == "":
		e.Interface, e.Index = i.cfg.VRF, i.out
	case i.transmitsVirtually():
		e.Interface, e.Index = i.own.Name, i.own.Index
	default:
		e.Interface, e.Index = i.base.Name, i.base.Index
	}
	return e, e.Index != 0
}

// paces are the least times between announcements, by interface.
func (r *role) paces() map[int]link.Pace {
	paces := map[int]link.Pace{}
	g := &r.cfg.Global
	for _, l := range r.mirror.State().Links {
		p := link.Pace{ARP: g.GARPInterval, NA: g.GNAInterval}
		for n, group := range r.cfg.GARPGroups {
			if slices.Contains(group.Interfaces, l.Name) {
				p = link.Pace{Group: fmt.Sprintf("group %d", n), ARP: group.GARPInterval, NA: group.GNAInterval}
			}
		}
		if p != (link.Pace{}) {
			paces[l.Index] = p
		}
	}
	return paces
}

// promote keeps the other addresses of an interface when the main one goes.
func (r *role) promote(i *instance) {
	if i.cfg.PromoteSecondaries && i.base.Name != "" {
		name := i.base.Name
		r.system(func() error { return r.sysctls.Interface("ipv4", name, "promote_secondaries", "1") })
	}
}

// interest is which routes matter: those of the configuration.
func (r *role) interest(k netstate.RouteKey) bool {
	return (*r.routeKeys.Load())[k]
}
