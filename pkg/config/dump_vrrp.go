package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
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

func (d *dumper) vrrpScripts(r *Reading) {
	if len(r.scripts) == 0 {
		return
	}
	d.title("VRRP Scripts")
	for n, s := range r.scripts {
		d.line(" VRRP Script = %s", s.Name)
		d.line("   Command = %s", s.Command.quoted())
		d.line("   Interval = %s sec", seconds(s.Interval))
		d.line("   Timeout = %s sec", seconds(s.Timeout))
		d.line("   Weight = %d%s", s.Weight, choose(s.Reverse, " reverse", ""))
		d.line("   Rise = %d", s.Rise)
		d.line("   Fall = %d", s.Fall)
		d.line("   Result = 0")
		d.line("   Insecure = no")
		d.line("   Init state = INIT")
		d.line("   Status = BAD")
		d.line("   Script uid:gid = %d:%d", s.Command.UID, s.Command.GID)
		d.line("   VRRP instances :")
		if !slices.ContainsFunc(r.scripts[:n], func(o *scriptDraft) bool { return o.Name == s.Name }) {
			d.tracking(r, s.Name, func(i *instanceDraft) []Track { return i.TrackScripts })
		}
		d.line("   State = idle")
	}
}

// seconds prints whole seconds as they are and fractions in thousandths.
func seconds(v time.Duration) string {
	if v%time.Second == 0 {
		return fmt.Sprint(int64(v / time.Second))
	}
	return fmt.Sprintf("%d.%03d", v/time.Second, v%time.Second/time.Millisecond)
}

// tracking lists the instances that track a thing.
func (d *dumper) tracking(r *Reading, name string, list func(*instanceDraft) []Track) {
	if !r.completed {
		return
	}
	titled := false
	for _, i := range r.instances {
		tracks := list(i)
		if i.group != nil {
			tracks = append(list(&instanceDraft{Instance: i.group.asInstance()}), tracks...)
		}
		n := slices.IndexFunc(tracks, func(t Track) bool { return t.Name == name })
		if n < 0 {
			continue
		}
		if !titled {
			d.line("   Tracking instances :")
			titled = true
		}
		d.line("     %s, weight %d%s", i.Name, tracks[n].Weight, choose(tracks[n].Reverse, " reverse", ""))
	}
}

func (d *dumper) trackProcesses(r *Reading, c *Config) {
	if len(c.Processes) == 0 {
		return
	}
	d.title("VRRP Track processes")
	for _, p := range c.Processes {
		d.line(" VRRP Track process = %s", p.Name)
		d.line("   Process = %s", p.Path)
		if len(p.Params) > 0 {
			d.line("   Parameters = %s", strings.Join(p.Params, " "))
		}
		if p.ParamMatch != ParamNone {
			d.line("   Param match%s", [...]string{"", "", " = partial", " = initial"}[p.ParamMatch])
		}
		d.line("   Min processes = %d", p.Quorum)
		if p.QuorumMax >= 0 {
			d.line("   Max processes = %d", p.QuorumMax)
		}
		d.line("   Current processes = 0")
		d.line("   Have quorum = false")
		d.line("   Weight = %d%s", p.Weight, choose(p.Reverse, " reverse", ""))
		d.line("   Terminate delay = %ss", micros6(p.TerminateDelay))
		d.line("   Fork delay = %ss", micros6(p.ForkDelay))
		d.line("   Fork delay timer not running")
		d.line("   Terminate delay timer not running")
		d.line("   Full command = %s", trueFalse(p.FullCommand))
		d.tracking(r, p.Name, func(i *instanceDraft) []Track { return i.TrackProcesses })
	}
}

func (d *dumper) vrrpFiles(r *Reading, c *Config) {
	if len(c.TrackFiles) == 0 {
		return
	}
	d.title("VRRP Track files")
	for _, f := range c.TrackFiles {
		d.line(" Track file = %s", f.Name)
		d.line("   File = %s", f.Path)
		d.line("   Status = 0")
		d.line("   Weight = %d%s", f.Weight, choose(f.Reverse, " reverse", ""))
		d.tracking(r, f.Name, func(i *instanceDraft) []Track { return i.TrackFiles })
	}
}

func (d *dumper) vrrpBFDs(r *Reading, c *Config) {
	if len(c.BFD) == 0 {
		return
	}
	d.title("VRRP Track BFDs")
	for _, b := range c.BFD {
		d.line(" VRRP Track BFD = %s", b.Name)
		d.line("   Weight = %d%s", b.Weight, choose(b.Reverse, " reverse", ""))
		d.line("   Bfd is down")
		d.line("   Tracking VRRP instances :")
		d.tracking(r, b.Name, func(i *instanceDraft) []Track { return i.TrackBFD })
	}
}

func (d *dumper) garpGroups(c *Config) {
	if len(c.GARPGroups) == 0 {
		return
	}
	d.title("Gratuitous ARP delays")
	for _, g := range c.GARPGroups {
		d.title("GARP delay group")
		if g.GARPInterval != 0 {
			d.line(" GARP interval = %s", micros6(g.GARPInterval))
			d.line(" GARP next time 0.000000 (Thu Jan  1 00:00:00.000000)")
		}
		if g.GNAInterval != 0 {
			d.line(" GNA interval = %s", micros6(g.GNAInterval))
			d.line(" GNA next time 0.000000 (Thu Jan  1 00:00:00.000000)")
		}
		d.line(" Interfaces")
		for _, name := range g.Interfaces {
			d.line("  %s", name)
		}
	}
}

// dumpAddress is an address as keepalived and ip print it.
func dumpAddress(a *Address) string {
	var b strings.Builder
	b.WriteString(netText(a.Prefix))
	if a.Broadcast.IsValid() {
		b.WriteString(" brd " + a.Broadcast.String())
	}
	b.WriteString(" dev " + a.dev())
	if a.Parent != "" {
		b.WriteString("@" + a.Parent)
	}
	if a.UseVMAC {
		b.WriteString(" use_vmac")
	}
	b.WriteString(" scope " + scopeName(a.Scope))
	if a.Label != "" {
		b.WriteString(" label " + a.Label)
	}
	for _, f := range [...]struct {
		on   bool
		text string
	}{{a.Home, " home"}, {a.DAD, " -nodad"}, {a.MngTmpAddr, " mngtmpaddr"}, {a.NoPrefix, " noprefixroute"}, {a.Autojoin, " autojoin"}} {
		if f.on {
			b.WriteString(f.text)
		}
	}
	switch lft := a.PreferredLft; {
	case a.Prefix.Addr().Is4() && lft == nil:
	case lft == nil && a.Prefix.IsSingleIP() || lft != nil && *lft == 0:
		b.WriteString(" deprecated")
	case lft == nil || *lft == Lifetime:
		b.WriteString(" preferred_lft forever")
	default:
		fmt.Fprintf(&b, " preferred_lft %d", *lft)
	}
	if a.Peer.IsValid() {
		b.WriteString(" peer " + a.Peer.String())
	}
	if a.NoTrack {
		b.WriteString(" no_track")
	}
	return b.String()
}

// dev is the device as dumps show it.
func (a *Address) dev() string {
	if a.Dev == "" {
		return "(null)@NOWHERE"
	}
	return a.Dev
}

// netText is a prefix without the length of a single host.
func netText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func scopeName(n int) string {
	for name, v := range scopeNames.names {
		if int(v) == n {
			return name
		}
	}
	return fmt.Sprint(n)
}

// dumpRoute is a route as keepalived prints it.
func dumpRoute(r *Route) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	add("%s ", [...]string{"prepend", "append", "add"}[r.Mode])
	if r.Type != 1 {
		for name, n := range routeTypes {
			if n == r.Type {
				add("%s ", name)
			}
		}
	}
	switch {
	case r.Dst.Bits() == 0 || !r.Dst.IsSingleIP():
		add("%s", r.Dst)
	default:
		add("%s", r.Dst.Addr())
	}
	if r.From.IsValid() {
		add(" from %s", r.From)
	}
	if r.Src.IsValid() {
		add(" src %s", r.Src)
	}
	if r.TOS != 0 {
		add(" tos %d", r.TOS)
	}
	if r.Encap != nil {
		add(" %s", dumpEncap(r.Encap))
	}
	if r.Via.IsValid() {
		add(" via %s %s", choose(r.Via.Is6(), "inet6", "inet"), r.Via)
	}
	if r.Dev != "" {
		add(" dev %s", r.Dev)
	}
	if r.VRF != "" {
		add(" vrf %s", r.VRF)
	}
	if r.TableGiven {
		add(" table %d", r.Table)
	}
	if !r.NoTrack || r.Protocol != protocolKeepalived {
		add(" proto %d", r.Protocol)
	}
	if r.Scope >= 0 {
		add(" scope %d", r.Scope)
	}
	if r.MetricGiven {
		add(" metric %d", r.Metric)
	}
	if r.OnLink {
		add(" onlink")
	}
	if r.Realms != 0 {
		add(" %s %s", choose(r.Realms>>16 != 0, "realms", "realm"), realmText(r.Realms))
	}
	if r.Expires != 0 {
		add(" expires %dsec", r.Expires)
	}
	dumpMetrics(add, &r.Metrics)
	if r.Pref >= 0 {
		add(" pref %s", [...]string{"medium", "high", "", "low"}[r.Pref])
	}
	if r.TTLProp >= 0 {
		add(" ttl-propagate %s", choose(r.TTLProp == 1, "enabled", "disabled"))
	}
	for _, h := range r.NextHops {
		add(" nexthop")
		if h.Via.IsValid() {
			add(" via %s %s", choose(h.Via.Is6(), "inet6", "inet"), h.Via)
		}
		if h.Dev != "" {
			add(" dev %s", h.Dev)
		}
		add(" weight %d", h.Weight)
		if h.OnLink {
			add(" onlink")
		}
		if h.Realms != 0 {
			add(" realm %s", realmText(h.Realms))
		}
		if h.Encap != nil {
			add(" %s", dumpEncap(h.Encap))
		}
	}
	if r.NoTrack {
		add(" no_track")
	}
	return b.String()
}

func realmText(n uint32) string {
	if n>>16 != 0 {
		return fmt.Sprintf("%d/%d", n>>16, n&0xffff)
	}
	return fmt.Sprint(n)
}

func dumpEncap(e *Encap) string {
	return strings.Join(append([]string{"encap", e.Kind}, e.Words...), " ")
}

func dumpMetrics(add func(string, ...any), m *RouteMetrics) {
	num := func(name string, v *uint32, lock uint32) {
		if v != nil {
			add(" %s %s%d", name, choose(m.Lock&lock != 0, "lock ", ""), *v)
		}
	}
	ms := func(name string, v *uint32, lock, unit uint32) {
		if v != nil {
			n, suffix := *v/unit, "ms"
			if n%1000 == 0 {
				n, suffix = n/1000, "s"
			}
			add(" %s %s%d%s", name, choose(m.Lock&lock != 0, "lock ", ""), n, suffix)
		}
	}
	ms("rtt", m.RTT, lockRTT, 8)
	ms("rttvar", m.RTTVar, lockRTTVar, 4)
	ms("rto_min", m.RTOMin, lockRTO, 1)
	if m.CongCtl != "" {
		add(" congctl %s%s", choose(m.Lock&lockCongCtl != 0, "lock ", ""), m.CongCtl)
	}
	if m.Features != nil {
		add(" features ecn")
	}
	num("mtu", m.MTU, lockMTU)
	num("window", m.Window, lockWindow)
	num("ssthresh", m.SSThresh, lockSSThresh)
	num("cwnd", m.Cwnd, lockCwnd)
	num("advmss", m.AdvMSS, lockAdvMSS)
	num("reordering", m.Reordering, lockReorder)
	num("hoplimit", m.HopLimit, lockHop)
	num("initcwnd", m.InitCwnd, lockInitC)
	num("initrwnd", m.InitRwnd, 0)
	num("fastopen_no_cookie", m.FastOpenNoC, 0)
	num("quickack", m.QuickAck, 0)
}

// dumpRule is a rule as keepalived prints it.
func dumpRule(r *Rule) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	if r.Not {
		add("not ")
	}
	add("from %s", ruleNet(r.From))
	if r.To.IsValid() {
		add(" to %s", ruleNet(r.To))
	}
	add(" priority %d tos 0x%x", r.Preference, r.TOS)
	if r.FwMarkGiven {
		add(" fwmark 0x%x", r.FwMark)
		if r.FwMaskGiven {
			add("/0x%x", r.FwMask)
		}
	}
	if r.IIF != "" {
		add(" iif %s", r.IIF)
	}
	if r.OIF != "" {
		add(" oif %s", r.OIF)
	}
	if r.SuppressPrefix >= 0 {
		add(" suppress_prefixlen %d", r.SuppressPrefix)
	}
	if r.SuppressGroup >= 0 {
		add(" suppress_ifgroup %d", r.SuppressGroup)
	}
	if r.TunnelID != 0 {
		add(" tunnel-id %d", r.TunnelID)
	}
	if r.UIDGiven {
		add(" uidrange %d-%d", r.UIDLow, r.UIDHigh)
	}
	if r.L3MDev {
		add(" l3mdev")
	}
	if !r.NoTrack {
		add(" protocol %d", r.Protocol)
	}
	if r.IPProto >= 0 {
		add(" ipproto %d", r.IPProto)
	}
	if r.SPortLow|r.SPortH != 0 {
		add(" sport %d-%d", r.SPortLow, r.SPortH)
	}
	if r.DPortLow|r.DPortH != 0 {
		add(" dport %d-%d", r.DPortLow, r.DPortH)
	}
	if r.Realms != 0 {
		add(" realms %s", realmText(r.Realms))
	}
	switch r.Action {
	case ruleLookup:
		add(" lookup %d", r.Table)
	case ruleGoto:
		add(" goto %d", r.Goto)
	case ruleNop:
		add(" nop")
	case ruleBlackhole:
		add(" type blackhole")
	case ruleUnreachable:
		add(" type unreachable")
	case ruleProhibit:
		add(" type prohibit")
	}
	if r.NoTrack {
		add(" no_track")
	}
	return b.String()
}

func ruleNet(p netip.Prefix) string {
	if !p.IsValid() {
		return "all"
	}
	if p.Bits() == 0 {
		return p.String()
	}
	return netText(p)
}
