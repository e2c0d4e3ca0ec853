package config

import (
	"net/netip"
	"time"
)

func (d *dumper) vrrp(r *Reading, c *Config) {
	d.garpGroups(c)
	if len(c.StaticAddresses) > 0 {
		d.title("Static Addresses")
		for i := range c.StaticAddresses {
			d.line("     %s", dumpAddress(&c.StaticAddresses[i]))
		}
	}
	if len(c.StaticRoutes) > 0 {
		d.title("Static Routes")
		for i := range c.StaticRoutes {
			d.line("     %s", dumpRoute(&c.StaticRoutes[i]))
		}
	}
	if len(c.StaticRules) > 0 {
		d.title("Static Rules")
		for i := range c.StaticRules {
			d.line("     %s", dumpRule(&c.StaticRules[i]))
		}
	}
	if len(c.TrackGroups) > 0 {
		d.title("Static Track groups")
		for _, g := range c.TrackGroups {
			d.line(" Static Track Group = %s", g.Name)
			d.line("   VRRP member instances :")
			for _, m := range g.Members {
				d.line("     %s", m)
			}
		}
	}
	if len(r.instances) > 0 {
		d.title("VRRP Topology")
		for _, i := range r.instances {
			d.instance(r, i)
		}
	}
	if len(r.groups) > 0 {
		d.title("VRRP Sync groups")
		for _, g := range r.groups {
			d.syncGroup(c, g)
		}
	}
	d.vrrpScripts(r)
	d.vrrpFiles(r, c)
	d.trackProcesses(r, c)
	d.vrrpBFDs(r, c)
}

func (d *dumper) instance(r *Reading, i *instanceDraft) {
	d.line(" VRRP Instance = %s", i.Name)
	d.line("   VRRP Version = %d", i.Version)
	if i.group != nil {
		d.line("   Sync group = %s", i.group.Name)
	}
	if i.IPv6 {
		d.line("   Using Native IPv6")
	}
	d.line("   State = INIT")
	d.flags(i)
	d.line("   Wantstate = %s", choose(i.wantMaster || i.Priority == 255, "MASTER", "BACKUP"))
	d.line("   Number of config faults = 0")
	d.line("   Number of tracker faults = 0")
	d.line("   Flags of interface faults - (none)")
	d.line("   Number of track scripts init = 0")
	d.line("   Last transition = 0.000000 (Thu Jan  1 00:00:00.000000 1970)")
	d.line("   Read timeout = 0.000000 (Thu Jan  1 00:00:00.000000 1970)")
	d.line("   Master down timer = 0 usecs")
	d.interfaces(r, i)
	if i.NoVIPs {
		d.line("   Suppress no VIPs warning")
	}
	if i.DontTrackPrimary {
		d.line("   VRRP interface tracking disabled")
	}
	if i.SkipCheckAdvAddr {
		d.line("   Skip checking advert IP addresses")
	}
	if i.Strict || !i.done && !i.strictGiven {
		d.line("   Enforcing strict VRRP compliance")
	}
	d.sources(r, i)
	d.garp(&r.VRRPView.Global.GARP, i)
	d.line("   Send advert after receive lower priority advert = %s", trueFalse(!i.LowerPrioNoAdvert && (i.done || i.lowerGiven)))
	d.line("   Send advert after receive higher priority advert = %s", trueFalse(i.HigherPrioSendAdvert || !i.done && !i.higherGiven))
	if i.done && i.Priority == 255 {
		d.line("   Address owner ignores received adverts = %s", trueFalse(i.OwnerIgnoreAdverts))
	}
	d.priorities(i)
	d.line("   Last advert sent = 0.000000")
	d.line("   Accept = %s", enabled(i.Accept || !i.done && !i.AcceptGiven))
	d.line("   Preempt = %s", enabled(i.Preempt))
	if i.PreemptDelay != 0 {
		d.line("   Preempt delay = %d secs", i.PreemptDelay/time.Second)
	}
	d.line("   Promote_secondaries = %s", enabled(i.PromoteSecondaries))
	d.authentication(i)
	if i.RxBufSize != 0 {
		d.line("   Kernel rx buffer size = %d", i.RxBufSize)
	}
	if i.Debug != 0 {
		d.line("   Debug level = %d", i.Debug)
	}
	d.addresses("Virtual IP", i.VIPs, true)
	d.addresses("Virtual IP Excluded", i.ExcludedVIPs, false)
	if len(i.UnicastPeers) > 0 {
		d.unicast(i)
	}
	d.line("   No sockets allocated")
	if len(i.Routes) > 0 {
		d.line("   Virtual Routes :")
		for k := range i.Routes {
			d.line("     %s", dumpRoute(&i.Routes[k]))
		}
	}
	if len(i.Rules) > 0 {
		d.line("   Virtual Rules :")
		for k := range i.Rules {
			d.line("     %s", dumpRule(&i.Rules[k]))
		}
	}
	d.trackers(i, "processes")
	d.line("   Using smtp notification = %s", yesNo(i.SMTPAlert || !i.done && i.smtpAlert != False))
	d.line("   Notify deleted = %s", choose(i.NotifyDeleted, "Deleted", "Fault"))
	d.notify(&i.Notify)
	d.line("   Notify priority changes = %s", trueFalse(i.NotifyPriorityChanges || !i.done && i.notifyPrio != False))
}

func (d *dumper) flags(i *instanceDraft) {
	var flags []string
	if len(i.UnicastPeers) > 0 {
		flags = append(flags, "Using unicast")
	} else if i.unicastGiven {
		flags = append(flags, "Unicast config option specified but using multicast")
	}
	if i.UnicastFaultNoPeer {
		flags = append(flags, "If unicast go to fault state if no peers")
	}
	if len(flags) == 0 && !i.useVMACAddr && i.VMAC == nil && i.IPVLAN == nil && i.Preempt && !i.NoVIPs && !i.DontTrackPrimary && !i.SkipCheckAdvAddr &&
		!i.PromoteSecondaries && !i.srcGiven && !i.V3ChecksumAsV2 && !i.linkbeat {
		d.line("   Flags: none")
		return
	}
	d.line("   Flags:")
	for _, f := range flags {
		d.line("     %s", f)
	}
}

func (d *dumper) interfaces(r *Reading, i *instanceDraft) {
	if i.VMAC != nil {
		d.line("   Use VMAC, i/f name %s, is_up = false, xmit_base = %s", i.VMAC.Name, trueFalse(i.VMAC.XmitBase))
	}
	if i.useVMACAddr {
		d.line("     Use VMAC for VIPs on other interfaces")
	}
	if i.IPVLAN != nil {
		d.line("   Use IPVLAN, i/f %s, is_up = false", i.IPVLAN.Name)
	}
	_, ok := r.env.link(i.Interface)
	switch {
	case i.VMAC != nil && !ok && i.done:
		d.line("   Interface = %s", i.VMAC.Name)
	case i.VMAC != nil && ok:
		d.line("   Interface = %s, vmac on (unknown)%s", i.VMAC.Name, choose(i.VMAC.XmitBase, ", xmit base i/f", ""))
		d.line("   Configured interface = %s", i.Interface)
	case i.Interface == "" || !ok:
		d.line("   Interface = not configured")
	default:
		d.line("   Interface = %s", i.Interface)
	}
	if i.VRF != "" {
		d.line("   VRF = %s", i.VRF)
	}
}

func (d *dumper) sources(r *Reading, i *instanceDraft) {
	l, _ := r.env.link(i.Interface)
	src := l.Addr4
	if i.IPv6 {
		src = netip.Addr{}
	}
	switch {
	case i.SrcIP.IsValid():
		d.line("   Using src_ip = %s (from configuration)", i.SrcIP)
	case i.linked && src.IsValid():
		d.line("   Using src_ip = %s", src)
	default:
		d.line("   Using src_ip = (none)")
	}
	if len(i.UnicastPeers) > 0 {
		return
	}
	group := "(none)"
	if i.McastDst.IsValid() && (i.done || i.mcastGiven) {
		group = i.McastDst.String()
	}
	if i.IPv6 || !i.familyFixed && !i.done {
		index := 0
		if i.linked && i.VMAC == nil {
			index = l.Index
		}
		d.line("   Multicast address %s, ifindex %d", group, index)
	} else {
		d.line("   Multicast address %s", group)
	}
}

func (d *dumper) garp(g *GARPTimers, i *instanceDraft) {
	t := &i.GARP
	sec := func(v time.Duration, raw uint32) uint32 {
		if v == notGiven {
			return raw
		}
		return uint32(v / time.Second)
	}
	num := func(n int, raw uint32) uint32 {
		if n < 0 {
			return raw
		}
		return uint32(n)
	}
	d.line("   Gratuitous ARP delay = %d", sec(t.MasterDelay, uint32(g.MasterDelay/time.Second)))
	d.line("   Gratuitous ARP repeat = %d", num(t.MasterRepeat, uint32(g.MasterRepeat)))
	d.line("   Gratuitous ARP refresh = %d", sec(t.Refresh, uint32(g.Refresh/time.Second)))
	d.line("   Gratuitous ARP refresh repeat = %d", num(t.RefreshRepeat, uint32(g.RefreshRepeat)))
	d.line("   Gratuitous ARP lower priority delay = %d", sec(t.LowerPrioDelay, 4294))
	d.line("   Gratuitous ARP lower priority repeat = %d", num(t.LowerPrioRepeat, unset))
	down := i.DownAdverts
	if down == 0 {
		down = 3
	}
	d.line("   Down timer adverts = %d", down)
	switch {
	case i.GARPExtraIf == notGiven:
		d.line("   Gratuitous ARP for each secondary VMAC = 9223372036854775807")
	case i.GARPExtraIf != 0 && (i.GARPExtraIfAll || i.useVMACAddr):
		d.line("   Gratuitous ARP for each secondary %s = %d", choose(i.GARPExtraIfAll, "i/f", "VMAC"), i.GARPExtraIf/time.Second)
	}
}

func (d *dumper) priorities(i *instanceDraft) {
	d.line("   Virtual Router ID = %d", i.VRID)
	d.line("   Priority = %d", i.Priority)
	effective := i.Priority
	if !i.done {
		effective = 0
	}
	d.line("   Effective priority = %d", effective)
	d.line("   Total priority = %d", effective)
	if !i.Preempt {
		d.line("   Highest other priority = %d", i.TimerExpired)
	}
	interval := i.AdvertInt
	if i.Version == 2 {
		d.line("   Advert interval = %d sec", interval/time.Second)
	} else {
		d.line("   Advert interval = %d milli-sec", interval/time.Millisecond)
	}
}

func (d *dumper) authentication(i *instanceDraft) {
	if i.V3ChecksumAsV2 {
		d.line("   VRRPv3 uses VRRPv2 checksum = enabled")
	} else if i.Version == 3 && !i.IPv6 {
		d.line("   VRRPv3 uses VRRPv2 checksum = disabled")
	}
	if i.Version == 2 || i.Auth.Type != AuthNone {
		d.line("   Authentication type = %s", [...]string{"none", "SIMPLE_PASSWORD", "IPSEC_AH"}[i.Auth.Type])
		if i.Auth.Type == AuthPass {
			d.line("   Password = ********")
		}
	}
}

func (d *dumper) unicast(i *instanceDraft) {
	d.line("   Unicast TTL = %d", i.UnicastTTL)
	d.line("   Check unicast src : %s", yesNo(i.CheckUnicastSrc))
	d.line("   Unicast Peer :")
	for _, p := range i.UnicastPeers {
		low, high := 0, 255
		if p.MinTTL >= 0 {
			low = p.MinTTL
		}
		if p.MaxTTL >= 0 {
			high = p.MaxTTL
		}
		d.line("     %s min_ttl %d max_ttl %d", p.Addr, low, high)
	}
	d.line("   Unicast checksum compatibility = %s", [...]string{"no", "config", "never"}[i.OldUnicastChecksum])
}

func (d *dumper) addresses(what string, list []Address, count bool) {
	if len(list) == 0 {
		return
	}
	if count {
		d.line("   %s (%d):", what, len(list))
	} else {
		d.line("   %s :", what)
	}
	for k := range list {
		d.line("     %s", dumpAddress(&list[k]))
	}
}

func (d *dumper) trackers(i *instanceDraft, processes string) {
	weighted := func(what, sep string, list []Track) {
		if len(list) == 0 {
			return
		}
		d.line("   Tracked %s :", what)
		for _, t := range list {
			d.line("     %s%s %d%s", t.Name, sep, t.Weight, choose(t.Reverse, " reverse", ""))
		}
	}
	weighted("interfaces", " weight", i.TrackInterfaces)
	weighted("scripts", " weight", i.TrackScripts)
	weighted("files", ", weight", i.TrackFiles)
	weighted(processes, ", weight", i.TrackProcesses)
	weighted("BFDs", ": weight", i.TrackBFD)
}

func (d *dumper) notify(n *NotifyScripts) {
	d.command("Backup state transition script", n.Backup)
	d.command("Master state transition script", n.Master)
	d.command("Fault state transition script", n.Fault)
	d.command("Stop state transition script", n.Stop)
	d.command("Deleted state transition script", n.Deleted)
	d.command("Generic state transition script", n.Any)
	d.command("Master rx lower pri state transition script", n.MasterRxLowerPrio)
}

func (d *dumper) syncGroup(c *Config, g *groupDraft) {
	d.line(" VRRP Sync Group = %s, BACKUP", g.Name)
	d.line("   Num member fault 0, num member init 0")
	d.line("   VRRP member instances :")
	for _, m := range g.Members {
		d.line("     %s", m)
	}
	if g.TrackingWeight {
		d.line("   sync group tracking weight set")
	}
	d.line("   Using smtp notification = %s", yesNo(g.SMTPAlert))
	d.trackers(&instanceDraft{Instance: g.asInstance()}, "process")
	d.notify(&g.Notify)
}

// asInstance is an instance with the trackers of a group.
func (g *SyncGroup) asInstance() *Instance {
	return &Instance{
		TrackInterfaces: g.TrackInterfaces, TrackScripts: g.TrackScripts, TrackFiles: g.TrackFiles,
		TrackProcesses: g.TrackProcesses, TrackBFD: g.TrackBFD,
	}
}
