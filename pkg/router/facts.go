package router

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// facts are what trackers have reported, by name. Absent means not known yet.
type facts struct {
	scripts   map[string]bool
	files     map[string]int64
	processes map[string]bool
	bfd       map[string]bool
	pings     map[string]bool // by instance
	links     map[string]bool // link states held back or polled, where they differ from netlink
}

// reason is why an instance cannot work: a name for the operator, and what
// keepalived would log behind the name of the instance.
type reason struct {
	name string
	line string
}

// assessment is what all facts together mean for one instance.
type assessment struct {
	reasons []reason
	weight  int
	pending bool
}

func (a *assessment) fault(line string, name string, args ...any) {
	why := reason{name: fmt.Sprintf(name, args...), line: line}
	if !slices.Contains(a.reasons, why) {
		a.reasons = append(a.reasons, why)
	}
}

// reassess recomputes everything that follows from the facts, for every
// instance. It is called once after any number of changes.
func (r *role) reassess() {
	r.dirty, r.dirtySince = false, time.Time{}
	if !r.synced {
		return
	}
	if r.relinked {
		r.relinked = false
		for _, i := range r.instances {
			r.relocate(i)
		}
	}
	moved, firsts := false, r.firsts()
	for _, i := range r.instances {
		moved = r.locate(i, firsts) || moved
	}
	if r.unindexed {
		r.index()
	}
	if moved || r.relisten {
		r.listen()
	}
	for _, i := range r.instances {
		r.judge(i)
		if i.taken {
			i.taken = false
			r.handle(i.election, vrrp.Taken{})
		}
	}
	r.repair()
}

// judge compares what the facts mean for an instance with what its machine
// was told.
func (r *role) judge(i *instance) {
	a := r.assess(i)
	wait := func() {
		i.pending = a.pending
		r.handle(i.election, vrrp.Pending{Router: i.index, Wait: a.pending})
	}
	if a.pending && !i.pending {
		wait() // before the end of a fault lets it start
	}
	if names := namesOf(a.reasons); !slices.Equal(names, namesOf(i.reasons)) {
		for _, why := range a.reasons {
			if !slices.Contains(i.reasons, why) {
				i.log.Info("(" + i.cfg.Name + ")" + why.line)
			}
		}
		i.reasons = a.reasons
		r.handle(i.election, vrrp.Faults{Router: i.index, Reasons: names})
	}
	if p := vrrp.Effective(i.cfg.Priority, a.weight); a.weight != i.weight || p != i.effective {
		i.weight, i.effective = a.weight, p
		r.handle(i.election, vrrp.Priority{Router: i.index, Value: p})
	}
	if b := r.behind(i); b != i.behind {
		i.behind = b
		r.handle(i.election, vrrp.HoldPreempt{On: b})
	}
	if a.pending != i.pending {
		wait()
	}
}

func namesOf(list []reason) []string {
	names := make([]string, len(list))
	for n, r := range list {
		names[n] = r.name
	}
	return names
}

// assess derives faults and weight of an instance from all facts.
func (r *role) assess(i *instance) assessment {
	var a assessment
	r.assessLink(i, &a)
	r.assessSource(i, &a)
	for _, text := range i.refusals.list() {
		a.fault(": entering FAULT state ("+text+")", "%s", text)
	}
	for _, text := range i.unresolved {
		a.fault(": entering FAULT state ("+text+")", "%s", text)
	}
	if i.cfg.UnicastFaultNoPeer && i.cfg.Unicast && len(i.cfg.UnicastPeers) == 0 {
		a.fault(": entering FAULT state (no unicast peers)", "no unicast peers")
	}
	g := i.election.group
	alone := g == nil || g.TrackingWeight
	own := tracksOf(i.cfg)
	own.needed = i.carriers
	r.assessTracks(own, alone, &a)
	if g != nil {
		r.assessTracks(groupTracks(g), true, &a)
	}
	if p := i.cfg.TrackPing; p != nil {
		if good, known := r.facts.pings[i.cfg.Name]; known {
			a.verdict(vrrp.Judge(witnessWeight(p), false, good), "", "")
		}
	}
	return a
}

// witnessWeight is what it costs to lose the witness. Without a weight that is
// all priority there is, but no fault: if the peers lose it too, they are equal
// again, and the address stays where it is.
func witnessWeight(p *config.TrackPing) int {
	if p.Weight == 0 {
		return -(vrrp.Owner - 1)
	}
	return p.Weight
}

// verdict adds what one tracker means.
func (a *assessment) verdict(v vrrp.Verdict, line, name string) {
	if v.Fault {
		a.fault(line, "%s", name)
	}
	a.weight += v.Weight
}

// assessLink is the instance's own interface, which is tracked unless the
// operator says otherwise.
func (r *role) assessLink(i *instance, a *assessment) {
	name := i.cfg.Interface
	switch {
	case name == "" && i.cfg.VRF != "" && i.out == 0:
		a.fault(": entering FAULT state (VRF "+i.cfg.VRF+" missing)", "VRF %s missing", i.cfg.VRF)
	case name == "":
	case i.base.Index == 0:
		a.fault(": entering FAULT state (interface "+name+" missing)", "interface %s missing", name)
	case !i.cfg.Unicast && !i.base.Multicast:
		a.fault(" interface "+name+" does not support multicast, specify unicast peers - disabling", "interface %s without multicast", name)
	case i.cfg.DontTrackPrimary:
	case !r.usable(i.base):
		a.fault(": entering FAULT state (interface "+name+" down)", "interface %s down", name)
	}
	for _, v := range i.virtuals {
		r.assessVirtual(i, v, a)
	}
	for _, name := range i.carriers {
		if l, exists := r.mirror.LinkByName(name); exists && !r.usable(l) {
			a.fault(": entering FAULT state (interface "+name+" down)", "interface %s down", name)
		}
	}
}

// carriersOf are the other interfaces that an instance needs: those that its addresses,
// routes and rules name, but for what is marked no_track.
func carriersOf(c *config.Instance) (names []string) {
	own := c.Interface
	if c.VMAC != nil {
		own = c.VMAC.Name
	}
	need := func(name string, noTrack bool) {
		if name != "" && name != c.Interface && name != own && !noTrack && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, list := range [][]config.Address{c.VIPs, c.ExcludedVIPs} {
		for _, a := range list {
			if a.VMACName != "" {
				a.Dev = a.Parent
			}
			need(a.Dev, a.NoTrack)
		}
	}
	for _, route := range c.Routes {
		need(route.Dev, route.NoTrack)
	}
	for _, rule := range c.Rules {
		need(rule.IIF, rule.NoTrack)
		need(rule.OIF, rule.NoTrack)
	}
	return names
}

// assessVirtual is an interface of our own. Whether it has a carrier is up to its parent.
func (r *role) assessVirtual(i *instance, v *virtual, a *assessment) {
	l, exists := r.mirror.Link(v.index)
	switch {
	case v.err != nil:
		a.fault(fmt.Sprintf(": entering FAULT state (%v)", v.err), "%v", v.err)
	case exists && (l.Admin || v != i.virtual):
	case i.election.state() == vrrp.Init:
		a.pending = true // it is being made
	case exists:
		a.fault(": entering FAULT state (interface "+v.name+" down)", "interface %s down", v.name)
	default:
		a.fault(": entering FAULT state (interface "+v.name+" missing)", "interface %s missing", v.name)
	}
}

// usable is the state of a link, unless a poll or a delay says otherwise.
func (r *role) usable(l netstate.Link) bool {
	if up, ok := r.facts.links[l.Name]; ok {
		return up
	}
	return l.Usable()
}

func (r *role) assessSource(i *instance, a *assessment) {
	switch {
	case i.base.Index == 0 && i.cfg.Interface != "":
		// said already
	case !i.source.IsValid():
		family := "IPv4"
		if i.cfg.IPv6 {
			family = "IPv6"
		}
		a.fault(" entering FAULT state (no "+family+" address for interface)", "no %s address for interface %s", family, i.cfg.Interface)
	case i.cfg.TrackSrcIP && i.cfg.SrcIP.IsValid() && !r.present(i.cfg.SrcIP):
		a.fault(fmt.Sprintf(": entering FAULT state (source address %v missing)", i.cfg.SrcIP), "source address %v missing", i.cfg.SrcIP)
	}
}

// tracks are the five lists of an instance or a group.
type tracks struct {
	interfaces, scripts, files, processes, bfd []config.Track

	needed []string // interfaces whose loss is a fault, whatever their weight
}

func tracksOf(c *config.Instance) tracks {
	return tracks{interfaces: c.TrackInterfaces, scripts: c.TrackScripts, files: c.TrackFiles, processes: c.TrackProcesses, bfd: c.TrackBFD}
}

func groupTracks(g *config.SyncGroup) tracks {
	return tracks{interfaces: g.TrackInterfaces, scripts: g.TrackScripts, files: g.TrackFiles, processes: g.TrackProcesses, bfd: g.TrackBFD}
}

// assessTracks adds what the tracked things mean. Without weights, as for a member of a
// group, which shares its state with the others, weighted trackers do nothing;
// interfaces do, as with keepalived. What is not known yet keeps the instance from
// starting if it could be a fault, and counts nothing otherwise.
func (r *role) assessTracks(t tracks, weights bool, a *assessment) {
	for _, k := range t.interfaces {
		if slices.Contains(t.needed, k.Name) {
			continue
		}
		l, exists := r.mirror.LinkByName(k.Name)
		good := exists && r.usable(l)
		a.verdict(vrrp.Judge(k.Weight, k.Reverse, good),
			": entering FAULT state (interface "+k.Name+" down)", "interface "+k.Name+" down")
	}
	binary := func(list []config.Track, facts map[string]bool, what string) {
		for _, k := range list {
			if k.Weight != 0 && !weights {
				continue
			}
			good, known := facts[k.Name]
			if !known {
				a.pending = a.pending || k.Weight == 0
				continue
			}
			a.verdict(vrrp.Judge(k.Weight, k.Reverse, good),
				": entering FAULT state due to "+what+" "+k.Name, what+" "+k.Name)
		}
	}
	binary(t.scripts, r.facts.scripts, "script")
	binary(t.processes, r.facts.processes, "process")
	binary(t.bfd, r.facts.bfd, "BFD")
	for _, k := range t.files {
		if k.Weight != 0 && !weights {
			continue
		}
		value := r.facts.files[k.Name] // a file that cannot be read counts as 0
		a.verdict(vrrp.JudgeNumber(k.Weight, k.Reverse, value),
			fmt.Sprintf(": entering FAULT state (tracked file %s has status %d)", k.Name, value), "file "+k.Name)
	}
}

// learn takes note of a report of a tracker.
func learn[T comparable](r *role, in *map[string]T, name string, value T) {
	if *in == nil {
		*in = map[string]T{}
	}
	if old, ok := (*in)[name]; ok && old == value {
		return
	}
	(*in)[name] = value
	r.dirty = true
}
