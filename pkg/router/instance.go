package router

import (
	"fmt"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/link"
	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

// instance is one virtual router with everything that it has: the machine's
// number of it, the codec, the addresses, the counters.
type instance struct {
	cfg *config.Instance
	log *zap.Logger

	election *election
	index    int // in the election's machine

	encoder packet.Encoder
	checker packet.Checker
	advert  packet.Advert // ours, but for the priority
	dests   []netip.Addr
	hops    int // limit of adverts over IPv6; -1 is the kernel's

	base     netstate.Link // the configured interface; Index 0 while it is missing
	own      netstate.Link // where addresses live: the vmac, or base
	out      int           // interface that adverts leave through
	source   netip.Addr
	unsent   string     // why the last advert could not be sent
	virtual  *virtual   // the interface of its own, nil without
	virtuals []*virtual // that one and those beside it
	carriers []string   // other interfaces that it needs

	holdings
	reasons        []reason
	weight         int
	effective      uint8 // priority, as the machine was told
	pending        bool
	behind         bool      // the machine was told not to preempt yet
	extraAt        time.Time // next announcement on other interfaces
	refusals       refusals
	counts         counters
	joins          bool          // it is new in an election that goes on
	masterPriority int           // of the last advert accepted as backup
	conflicts      time.Duration // time with two masters, in all
	record         []byte        // in the hand-over memory
	lastMove       time.Time     // last change of state, wall clock
}

// identity is what makes an instance the same one after a reload.
type identity struct {
	VRID      uint8
	IPv6      bool
	Interface string
	Source    netip.Addr // of unicast
}

func identityOf(c *config.Instance) identity {
	id := identity{VRID: c.VRID, IPv6: c.IPv6, Interface: c.Interface}
	if c.Unicast {
		id.Source = c.SrcIP
	}
	return id
}

// newInstance is an instance that has no election yet.
func (r *role) newInstance(c *config.Instance) *instance {
	i := &instance{lastMove: time.Now(), effective: c.Priority}
	i.refusals.since = map[string]time.Time{}
	r.adoptConfig(i, c)
	return i
}

// adoptConfig gives an instance its configuration, at first or by reload.
func (r *role) adoptConfig(i *instance, c *config.Instance) {
	i.cfg, i.carriers = c, carriersOf(c)
	i.log = r.log.With(zap.String("instance", c.Name))
	addrs := make([]netip.Addr, len(c.VIPs))
	for n, a := range c.VIPs {
		addrs[n] = a.Prefix.Addr()
	}
	i.advert = packet.Advert{Version: uint8(c.Version), VRID: c.VRID, Interval: c.AdvertInt, Addrs: addrs}
	i.dests = []netip.Addr{c.McastDst}
	if c.Unicast {
		i.dests = make([]netip.Addr, len(c.UnicastPeers))
		for n, p := range c.UnicastPeers {
			i.dests[n] = p.Addr
		}
	}
	trailer := r.hmacOf(i)
	i.encoder.Format = packet.Format{
		Src: i.source, TTL: 255, ChecksumAsV2: c.V3ChecksumAsV2,
		OldUnicast: c.OldUnicastChecksum == config.ChecksumOld,
		Auth:       packet.AuthType(c.Auth.Type), Password: c.Auth.Pass, HMAC: trailer,
	}
	if c.Unicast {
		i.encoder.Format.TTL = c.UnicastTTL
	}
	i.hops = int(i.encoder.Format.TTL)
	if c.Unicast && !c.UnicastTTLGiven {
		i.hops = -1
	}
	i.checker.Rules = packet.Rules{
		Version: uint8(c.Version), VRID: c.VRID, Interval: c.AdvertInt, Addrs: addrs,
		Unicast: c.Unicast, Peers: peersOf(c), CheckSource: c.CheckUnicastSrc,
		OldUnicast: packet.OldUnicast(c.OldUnicastChecksum),
		Auth:       packet.AuthType(c.Auth.Type), Password: c.Auth.Pass, HMAC: trailer,
		IgnoreAll: c.OwnerIgnoreAdverts && c.Priority == vrrp.Owner,
	}
}

func peersOf(c *config.Instance) []packet.Peer {
	peers := make([]packet.Peer, len(c.UnicastPeers))
	for n, p := range c.UnicastPeers {
		peers[n] = packet.Peer{Addr: p.Addr, MaxTTL: 255}
		if p.MinTTL >= 0 {
			peers[n].MinTTL = uint8(p.MinTTL)
		}
		if p.MaxTTL >= 0 {
			peers[n].MaxTTL = uint8(p.MaxTTL)
		}
	}
	return peers
}

// hmacOf is auth_hmac with its keys read. Without a usable key it is off,
// which is worth a loud word.
func (r *role) hmacOf(i *instance) *packet.HMAC {
	c := i.cfg.HMAC
	if c == nil {
		return nil
	}
	h := &packet.HMAC{
		Keys: map[uint8][]byte{}, Active: c.Active, Mode: packet.HMACMode(c.Mode),
		Window: c.TimeWindow, Monotonic: c.Monotonic,
	}
	for _, k := range c.Keys {
		secret, err := secretOf(k)
		if err != nil {
			i.log.Error(fmt.Sprintf("(%s) key %d cannot be used", i.cfg.Name, k.ID), zap.Error(err))
			continue
		}
		h.Keys[k.ID] = secret
	}
	return h
}

// machineConfig is the instance as its election sees it.
func (i *instance) machineConfig() vrrp.Config {
	c := i.cfg
	g := c.GARP
	return vrrp.Config{
		Version: uint8(c.Version), Priority: c.Priority, Self: i.source, Interval: c.AdvertInt,
		DownAdverts: c.DownAdverts, Preempt: c.Preempt, PreemptDelay: c.PreemptDelay,
		NoLowerAdvert: c.LowerPrioNoAdvert, HigherSendAdvert: c.HigherPrioSendAdvert,
		ExpiredBackup: uint8(c.TimerExpired),
		Announce: vrrp.Announcements{
			Repeat: g.MasterRepeat, Delay: g.MasterDelay,
			Refresh: g.Refresh, RefreshRepeat: g.RefreshRepeat,
			LowerRepeat: g.LowerPrioRepeat, LowerDelay: g.LowerPrioDelay,
		},
	}
}

func (i *instance) isMaster() bool { return i.election.isMaster() }

func (i *instance) status() vrrp.Status { return i.election.machine.Status(i.index) }

// say logs a line in keepalived's words, which begin with the name.
func (i *instance) say(format string, args ...any) {
	i.log.Info("(" + i.cfg.Name + ") " + fmt.Sprintf(format, args...))
}

// transmits reports whether adverts leave through the interface of the vmac.
func (i *instance) transmitsVirtually() bool {
	return i.virtual != nil && !i.cfg.Unicast && (i.cfg.VMAC == nil || !i.cfg.VMAC.XmitBase)
}

// send puts one advert on the wire.
func (r *role) send(i *instance, priority uint8, now time.Time) {
	if !i.source.IsValid() || i.out == 0 && (i.cfg.Interface != "" || i.cfg.VRF != "") {
		return // the fault that says so is on its way
	}
	a := i.advert
	a.Priority = priority
	if err := i.encoder.Prepare(&a, now); err != nil {
		i.unsentBecause(err)
		return
	}
	var failed error
	for _, to := range i.dests {
		if !to.IsValid() {
			continue
		}
		err := r.sender.Send(link.Outgoing{
			Index: i.out, Src: i.source, Dst: to,
			Data: i.encoder.Datagram(to), HopLimit: i.hops,
		})
		if err != nil {
			failed = err
		}
	}
	i.unsentBecause(failed)
	i.counts.sent(priority)
	r.handover.spoke(i, now)
}

// unsentBecause logs each new reason once.
func (i *instance) unsentBecause(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text == i.unsent {
		return
	}
	i.unsent = text
	if err != nil {
		i.say("send advert error: %v", err)
	}
}
