package config

import (
	"slices"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// instance completes one instance. It returns false if it could never run.
func (d *decoder) instance(i *instanceDraft) bool {
	name := syntax.Word{Text: i.Name, At: i.At}
	if i.Interface == "" && !i.unicastGiven {
		d.unusable("missing-interface", name, "%s has no interface", i.Name)
		d.hint("add: interface NAME")
		return false
	}
	if l, ok := d.env.link(i.Interface); ok && l.Loopback {
		d.unusable("loopback-interface", syntax.Word{At: i.InterfaceAt}, "VRRP cannot run on the loopback interface %s", i.Interface)
		return false
	}
	if i.VRID == 0 {
		d.unusable("missing-vrid", name, "%s has no virtual_router_id", i.Name)
		d.hint("add: virtual_router_id 1..255, the same on all routers of this address")
		return false
	}
	if !i.strictGiven {
		i.Strict, i.strictGiven = d.g.Strict, true
	}
	d.versionOf(i)
	d.priorityOf(i)
	if i.Interface == "" && (len(i.UnicastPeers) == 0 || !i.SrcIP.IsValid()) {
		d.unusable("missing-interface", name, "%s has no interface, and not both unicast_src_ip and unicast_peer", i.Name)
		d.hint("add: interface NAME")
		return false
	}
	i.done = true
	d.unicastOf(i, name)
	d.intervalOf(i, name)
	d.authOf(i, name)
	d.inherit(i)
	d.filterFor(i)
	if !d.strictOf(i, name) || !d.addressesOf(i, name) {
		return false
	}
	d.vmacOf(i, name)
	d.devicesOf(i)
	d.trackersOf(i)
	return true
}

func (d *decoder) versionOf(i *instanceDraft) {
	if i.Version == 0 {
		i.Version = d.g.Version
	}
	if i.IPv6 {
		i.Version = 3
	}
}

// addressesOf checks that there is something to serve.
func (d *decoder) addressesOf(i *instanceDraft, name syntax.Word) bool {
	if len(i.VIPs) > 0 {
		return true
	}
	if i.Strict || i.Version == 3 {
		d.unusable("no-addresses", name, "%s has no virtual_ipaddress; at least one is required", i.Name)
		d.hint("add: virtual_ipaddress { ADDRESS/PREFIX }")
		return false
	}
	if !i.NoVIPs {
		d.err("no-addresses", name, "%s has no virtual_ipaddress; at least one is sensible", i.Name)
		d.hint("add: virtual_ipaddress { ADDRESS/PREFIX }, or no_virtual_ipaddress if that is meant")
	}
	return true
}

func (d *decoder) unicastOf(i *instanceDraft, name syntax.Word) {
	i.Unicast = len(i.UnicastPeers) > 0 || i.UnicastFaultNoPeer && i.unicastGiven
	if i.UnicastTTL != 255 && len(i.UnicastPeers) == 0 && i.UnicastTTLGiven {
		d.err("unicast-without-peers", i.ttlAt, "unicast_ttl of %s has no effect without unicast_peer", i.Name)
		i.UnicastTTL = 255
	}
	if i.unicastGiven && len(i.UnicastPeers) == 0 && !i.UnicastFaultNoPeer {
		d.err("unicast-without-peers", name, "%s has unicast settings but no unicast_peer; it uses multicast", i.Name)
		d.hint("add: unicast_peer { ADDRESS }, or remove unicast_src_ip")
	}
	i.CheckUnicastSrc = i.CheckUnicastSrc || d.g.CheckUnicastSrc
	if !i.McastDst.IsValid() {
		i.McastDst = d.g.McastGroup4
		if i.IPv6 {
			i.McastDst = d.g.McastGroup6
		}
	}
}

func (d *decoder) priorityOf(i *instanceDraft) {
	if i.Priority == 0 {
		i.Priority = DefaultPriority
		if i.WantMaster {
			i.Priority = 255
		}
	}
	if !i.Preempt {
		switch {
		case i.Priority == 255:
			d.err("nopreempt-owner", i.nopreemptAt, "nopreempt means nothing with priority 255; it is ignored")
			i.Preempt = true
		case i.WantMaster:
			d.err("nopreempt-master", i.nopreemptAt, "nopreempt does not work with state MASTER; it is ignored")
			d.hint("write state BACKUP on both machines and let the priorities decide")
			i.Preempt = true
		}
	}
	if i.PreemptDelay > 0 && !i.Preempt {
		d.err("preempt-delay-nopreempt", i.delayAt, "preempt_delay means nothing with nopreempt; it is ignored")
		i.PreemptDelay = 0
	}
	if i.PreemptDelay > 0 && i.WantMaster {
		d.err("preempt-delay-master", i.delayAt, "preempt_delay does not work with state MASTER; it is ignored")
		i.PreemptDelay = 0
	}
	if i.OwnerIgnoreAdverts && i.Priority != 255 {
		d.err("owner-only", i.ownerIgnoreAt, "owner_ignore_adverts needs priority 255; it is ignored")
		i.OwnerIgnoreAdverts = false
	}
	if i.Priority == 255 {
		i.OwnerIgnoreAdverts = i.OwnerIgnoreAdverts || d.g.OwnerIgnoreAdverts
	}
	if i.TimerExpired > 0 && i.Preempt {
		d.err("needs-nopreempt", i.expiredAt, "timer_expired_backup needs nopreempt; it is ignored")
		i.TimerExpired = 0
	}
}

// DefaultPriority is the priority of an instance that does not say otherwise.
const DefaultPriority = 100

// maxAdvertV3 is the longest interval that the 12 bits of VRRPv3 hold.
const maxAdvertV3 = 4095 * 10 * time.Millisecond

func (d *decoder) intervalOf(i *instanceDraft, name syntax.Word) {
	if i.AdvertInt == 0 {
		i.AdvertInt = time.Second
	}
	switch {
	case i.Version == 3 && i.AdvertInt > maxAdvertV3:
		d.err("advert-int-range", name, "VRRPv3 cannot advertise every %s; %s is used", i.AdvertInt, maxAdvertV3)
		i.AdvertInt = maxAdvertV3
	case i.Version == 2 && i.AdvertInt%time.Second != 0:
		rounded := max(time.Second, i.AdvertInt.Truncate(time.Second)+time.Duration(boolInt(i.AdvertInt%time.Second >= time.Second/2))*time.Second)
		d.err("advert-int-fraction", name, "VRRPv2 advertises at whole seconds; %s becomes %s", i.AdvertInt, rounded)
		d.hint("use version 3 for intervals below a second")
		i.AdvertInt = rounded
	}
	if i.DownAdverts == 0 {
		i.DownAdverts = d.g.DownTimerAdverts
	}
}

func (d *decoder) authOf(i *instanceDraft, name syntax.Word) {
	if i.Auth.Type != AuthNone && (i.Version == 3 || i.Strict) {
		d.err("auth-version", name, "VRRP version 3 and strict mode know no authentication; it is ignored")
		d.hint("remove the authentication block, or use auth_hmac")
		i.Auth = Auth{}
	}
	if i.Auth.Type != AuthNone && i.Auth.Pass == "" {
		d.err("missing-password", name, "%s has an auth_type and no auth_pass; its authentication is ignored", i.Name)
		i.Auth = Auth{}
	}
	if i.Auth.Type == AuthAH && i.WantMaster && i.Priority != 255 {
		d.err("ah-master", name, "state MASTER does not go with AH authentication; it starts as BACKUP")
		i.WantMaster = false
	}
	h := i.HMAC
	if h == nil {
		return
	}
	if !slices.ContainsFunc(h.Keys, func(k HMACKey) bool { return k.ID == h.Active }) {
		d.err("hmac-active-key", name, "active_key %d of %s is not one of its keys; auth_hmac is switched off", h.Active, i.Name)
		i.HMAC = nil
		return
	}
	if h.TimeWindow == 0 {
		h.TimeWindow = min(max(3*i.AdvertInt, 5*time.Second), 300*time.Second)
	}
}

// inherit takes the global values for what is not given.
func (d *decoder) inherit(i *instanceDraft) {
	g, t := &d.g.GARP, &i.GARP
	if t.MasterDelay == notGiven {
		t.MasterDelay = g.MasterDelay
	}
	if t.MasterRepeat < 0 {
		t.MasterRepeat = g.MasterRepeat
	}
	if t.Refresh == notGiven {
		t.Refresh = g.Refresh
	}
	if t.RefreshRepeat < 0 {
		t.RefreshRepeat = g.RefreshRepeat
	}
	if t.LowerPrioDelay == notGiven {
		t.LowerPrioDelay = g.LowerPrioDelay
	}
	if t.LowerPrioRepeat < 0 {
		t.LowerPrioRepeat = g.LowerPrioRepeat
	}
	if i.GARPExtraIf == notGiven {
		i.GARPExtraIf, i.GARPExtraIfAll = d.g.GARPExtraIf, d.g.GARPExtraIfAll
	}
	if !i.lowerGiven {
		i.LowerPrioNoAdvert = d.g.LowerPrioNoAdvert
	}
	if !i.higherGiven {
		i.HigherPrioSendAdvert = d.g.HigherPrioSendAdvert
	}
	i.V3ChecksumAsV2 = i.V3ChecksumAsV2 || d.g.V3ChecksumAsV2
	i.SkipCheckAdvAddr = i.SkipCheckAdvAddr || d.g.SkipCheckAdvAddr
	i.SMTPAlert = i.smtpAlert.Or(d.g.SMTPAlertVRRP.Or(d.g.SMTPAlert.Or(false)))
	i.NotifyPriorityChanges = i.notifyPrio.Or(d.g.NotifyPriorityChanges)
	if !i.AcceptGiven {
		i.Accept = !i.Strict || i.Priority == 255
	}
}

// downAdverts is how many adverts of a master have to be missed (RFC 9568, section 6.1:
// Active_Down_Interval).
const downAdverts = 3

// strictOf enforces what vrrp_strict demands. It returns false if the instance
// could never run.
func (d *decoder) strictOf(i *instanceDraft, name syntax.Word) bool {
	if !i.Strict {
		return true
	}
	if len(i.UnicastPeers) > 0 {
		d.unusable("strict-unicast", name, "strict mode knows no unicast, but %s has unicast peers", i.Name)
		d.hint("remove vrrp_strict, which few setups need")
		return false
	}
	if i.WantMaster != (i.Priority == 255) {
		d.err("strict-master", name, "in strict mode state MASTER and priority 255 go together")
		i.WantMaster = i.Priority == 255
	}
	if i.PreemptDelay > 0 {
		d.err("strict-preempt-delay", i.delayAt, "strict mode knows no preempt_delay; it is ignored")
		i.PreemptDelay = 0
	}
	if i.DownAdverts != downAdverts {
		d.err("strict-down-timer", name, "in strict mode a master is dead after %d adverts, not %d; down_timer_adverts is ignored", downAdverts, i.DownAdverts)
		d.hint("remove down_timer_adverts, or vrrp_strict, which few setups need")
		i.DownAdverts = downAdverts
	}
	i.GARP.LowerPrioDelay, i.GARP.LowerPrioRepeat = 0, 0
	i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = true, false
	i.OwnerIgnoreAdverts = i.Priority == 255
	return true
}

func (d *decoder) trackersOf(i *instanceDraft) {
	i.TrackInterfaces = slices.DeleteFunc(i.TrackInterfaces, func(t Track) bool {
		if t.Name != i.Interface || i.DontTrackPrimary {
			return false
		}
		d.err("track-own-interface", syntax.Word{At: t.At}, "%s is the instance's own interface, which is tracked anyway", t.Name)
		return true
	})
	if i.Priority != 255 {
		return
	}
	for _, list := range [...]*[]Track{&i.TrackInterfaces, &i.TrackScripts, &i.TrackFiles, &i.TrackProcesses, &i.TrackBFD} {
		*list = slices.DeleteFunc(*list, func(t Track) bool {
			if t.Weight == 0 {
				return false
			}
			d.err("weight-owner", syntax.Word{At: t.At}, "the weight of %s means nothing: the priority 255 of %s never changes", t.Name, i.Name)
			return true
		})
	}
}
