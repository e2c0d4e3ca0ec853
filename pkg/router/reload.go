package router

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// reload goes over to another configuration. Masters that stay speak first;
// then only what differs is changed.
func (r *role) reload(cfg *config.Config) {
	if !r.synced {
		r.log.Warn("a reload before the start is over is put off")
		r.next = cfg
		return
	}
	old := r.instances
	before := map[*instance]netstate.State{}
	known := map[identity]*instance{}
	for _, i := range old {
		known[identityOf(i.cfg)] = i
		before[i] = i.want
	}
	r.sayKept(r.cfg.Scripts, cfg.Scripts)
	r.cfg = cfg
	r.notifier.Configure(notifySettings(cfg))
	r.instances = nil
	var fresh []*instance
	for _, c := range cfg.Instances {
		i := known[identityOf(c)]
		if i == nil {
			i = r.newInstance(c)
			i.virtual, i.virtuals = virtualsOf(c)
			r.locate(i, r.firsts())
			fresh = append(fresh, i)
		} else {
			delete(known, identityOf(c))
			before := i.cfg.Name
			r.adoptConfig(i, c)
			if before != c.Name {
				r.renamed(i, before)
			}
			r.changeVirtuals(i)
			r.handle(i.election, vrrp.Configure{Router: i.index, Config: i.machineConfig()})
		}
		r.instances = append(r.instances, i)
	}
	r.unseat(slices.DeleteFunc(old, func(i *instance) bool { return slices.Contains(r.instances, i) }))
	r.reseat(cfg)
	r.settle(before, fresh)
}

// renamed has go by an instance's new name what went by the former one.
func (r *role) renamed(i *instance, before string) {
	if end, on := r.standby[before]; on {
		delete(r.standby, before)
		r.standby[i.cfg.Name] = end
		if err := r.writeStandby(); err != nil {
			r.log.Warn("cannot remember a standby", zap.Error(err))
		}
	}
	r.announcer.Cancel(before)
	if i.held {
		r.announce(i, i.cfg.GARP.MasterRepeat)
	}
}

// sayKept names the scripts whose success counts on.
func (r *role) sayKept(old, kept []*config.TrackScript) {
	commands := map[string]*config.Command{}
	for _, s := range old {
		commands[s.Name] = s.Command
	}
	for _, s := range kept {
		if was := commands[s.Name]; was != nil && commandLine(was) == commandLine(s.Command) && r.facts.scripts[s.Name] {
			r.log.Info("VRRP_Script(" + s.Name + ") considered successful on reload")
		}
	}
}

// unseat ends the instances that the configuration has no more: whole elections,
// or members of one whose others may go on.
func (r *role) unseat(gone []*instance) {
	stays := func(i *instance) bool { return !slices.Contains(gone, i) }
	for _, i := range gone {
		e := i.election
		switch {
		case slices.ContainsFunc(e.members, stays):
			r.expel(i)
		case i.index == 0: // on behalf of all
			r.handle(e, vrrp.Stop{Deleted: true})
			r.elections.drop(e)
		}
	}
	for _, i := range gone {
		r.dropVirtuals(i.virtuals...)
	}
}

// expel ends one member of a group whose others may go on.
func (r *role) expel(i *instance) {
	from := i.election.state()
	if from == vrrp.Master {
		r.send(i, 0, time.Now())
		i.say("sent 0 priority")
	}
	r.became(i, vrrp.Become{Router: i.index, From: from, To: vrrp.Deleted})
}

// reseat gives every instance the election that the configuration says: the
// one it has, if that has the same members, else a new one that goes on where
// its members were.
func (r *role) reseat(cfg *config.Config) {
	for _, s := range seatsOf(cfg, r.instances) {
		e := s.members[0].election
		if e != nil && slices.Equal(e.members, s.members) && (e.group == nil) == (s.group == nil) {
			e.group = s.group
			continue
		}
		state := r.unite(s.members)
		e = r.seat(s)
		if state == vrrp.Master || state == vrrp.Backup {
			for _, i := range s.members {
				if i.record == nil { // it is new
					r.remember(i)
				}
			}
			r.start(e, vrrp.Start{As: state})
		}
	}
}

// unite ends the former elections of instances that decide together from now
// on, and returns the state that they shall go on in: Init if none has left it.
// New ones join masters as master. If some are master and some are not, all
// begin as backup.
func (r *role) unite(members []*instance) vrrp.State {
	former := map[*election]bool{}
	known, masters := 0, 0
	for _, i := range members {
		i.joins = true
		if i.election == nil || i.election.state() >= vrrp.Deleted {
			continue
		}
		former[i.election] = true
		if i.election.state() == vrrp.Init {
			continue
		}
		known++
		if i.isMaster() {
			masters++
			i.joins = false
		}
	}
	if masters < known {
		for e := range former {
			r.handle(e, vrrp.Taken{})
		}
	}
	for e := range former {
		r.elections.drop(e)
	}
	switch {
	case known == 0:
		return vrrp.Init
	case masters == known:
		return vrrp.Master
	default:
		return vrrp.Backup
	}
}

// settle brings addresses, sockets, trackers and new instances in line with
// the configuration.
func (r *role) settle(before map[*instance]netstate.State, fresh []*instance) {
	r.releaseFormerStatic()
	for _, i := range fresh {
		i.base, _ = r.mirror.LinkByName(i.cfg.Interface)
		r.makeVirtuals(i)
		r.promote(i)
	}
	firsts := r.firsts()
	for _, i := range r.instances {
		r.locate(i, firsts)
		r.resolve(i)
	}
	r.index()
	for _, i := range r.instances {
		if i.held {
			r.change(i, before[i])
		}
	}
	r.guardNow()
	r.watch(r.cfg)
	r.forgetUnused()
	r.announcer.SetPaces(r.paces())
	r.listen()
	for _, i := range r.instances {
		i.refusals.clear()
		r.judge(i)
	}
	for _, e := range r.everyElection() {
		if !e.begun {
			r.begins(e, r.startAt)
		}
	}
	r.dirty, r.claimsStale = true, true
	r.tellStates()
}

// change sets what a master has got new and then removes what it lost. The
// network is told only if there is something new.
func (r *role) change(i *instance, before netstate.State) {
	r.sayGone("("+i.cfg.Name+") ", without(before, i.want))
	kept := without(i.want, without(i.want, before))
	edited := netstate.Plan(r.have(kept), netstate.Want{Present: kept})
	if r.exchange(i, before, edited) {
		r.announce(i, i.cfg.GARP.MasterRepeat)
	}
}

// sayGone names what a reload takes away.
func (r *role) sayGone(whose string, s netstate.State) {
	for _, x := range s.Rules {
		_, rule, _ := strings.Cut(x.String(), ": ")
		rule, _, _ = strings.Cut(rule, " lookup")
		r.log.Info("ip rule " + rule + " removed")
	}
	for _, x := range s.Routes {
		r.log.Info("Removing route " + x.Dst.String())
	}
	for _, x := range s.Addresses {
		r.log.Info(fmt.Sprintf("%sip address %s dev %s, no longer exist", whose, x.Prefix, r.linkName(x.Link)))
	}
}

// exchange does what is said first, sets what a master has got new, and removes
// what it lost. What is new may be seen to be there and yet be about to go: then
// its former master has been told to remove it, and that is carried out first. It
// reports whether there is anything to announce.
func (r *role) exchange(i *instance, before netstate.State, first []netstate.Op) bool {
	fresh := netstate.Plan(netstate.State{}, netstate.Want{Present: without(i.want, before)})
	added := append(first, fresh...)
	var lost []netip.Addr
	for _, a := range without(before, i.want).Addresses {
		lost = append(lost, a.Prefix.Addr())
	}
	if len(lost) > 0 {
		r.announcer.Cancel(i.cfg.Name, lost...)
	}
	r.apply(i, append(added, r.planAbandon(before, i.want)...))
	return len(added) > 0
}

// without is what of a is not in b.
func without(a, b netstate.State) netstate.State {
	var s netstate.State
	kept := map[netstate.AddressKey]bool{}
	for _, x := range b.Addresses {
		kept[x.Key()] = true
	}
	for _, x := range a.Addresses {
		if !kept[x.Key()] {
			s.Addresses = append(s.Addresses, x)
		}
	}
	for _, x := range a.Routes {
		if !slices.ContainsFunc(b.Routes, x.SameWay) {
			s.Routes = append(s.Routes, x)
		}
	}
	for _, x := range a.Rules {
		if !slices.ContainsFunc(b.Rules, func(y netstate.Rule) bool { return y.Normal() == x.Normal() }) {
			s.Rules = append(s.Rules, x)
		}
	}
	return s
}

// releaseFormerStatic goes over to the static items of the new configuration.
func (r *role) releaseFormerStatic() {
	before := r.static.want
	r.resolveStatic()
	gone := holdings{want: without(before, r.static.want), held: true}
	r.sayGone("", gone.want)
	r.applyStatic(append(
		netstate.Plan(netstate.State{}, netstate.Want{Present: r.static.want}),
		r.planRelease(&gone)...))
	r.static.held = true
}

// forgetUnused drops what trackers said that are gone, so that one of the same
// name begins unknown.
func (r *role) forgetUnused() {
	keep := map[string]bool{}
	for name := range trackedScripts(r.cfg) {
		keep["s"+name] = true
	}
	for _, p := range r.cfg.Processes {
		keep["p"+p.Name] = true
	}
	for _, f := range r.cfg.TrackFiles {
		keep["f"+f.Name] = true
	}
	for _, b := range r.cfg.BFD {
		keep["b"+b.Name] = true
	}
	for name := range r.facts.scripts {
		if !keep["s"+name] {
			delete(r.facts.scripts, name)
		}
	}
	for name := range r.facts.processes {
		if !keep["p"+name] {
			delete(r.facts.processes, name)
		}
	}
	for name := range r.facts.files {
		if !keep["f"+name] {
			delete(r.facts.files, name)
		}
	}
	for name := range r.facts.pings {
		if i := r.named(name); i == nil || i.cfg.TrackPing == nil {
			delete(r.facts.pings, name)
		}
	}
	for name := range r.facts.bfd {
		if !keep["b"+name] {
			delete(r.facts.bfd, name)
		}
	}
	for name := range r.facts.links {
		if r.delays[name] == nil && !r.polled[name] {
			delete(r.facts.links, name) // netlink is right again
		}
	}
}

// tellStates writes every state to the pipes, for those who asked for that
// after a reload.
func (r *role) tellStates() {
	if !r.cfg.Global.FIFOStatesOnReload {
		return
	}
	for _, e := range r.everyElection() {
		for _, i := range e.members {
			r.tellPipes(i, e.state())
		}
		if e.group != nil {
			r.tellGroupPipes(e.group, e.state())
		}
	}
}

// leave ends everything in good order: adverts with priority 0 first, then
// rules, routes and addresses, then the interfaces of our own.
func (r *role) leave() error {
	for _, e := range r.everyElection() {
		r.handle(e, vrrp.Stop{Keep: r.opt.DontReleaseVRRP})
	}
	if r.opt.DontReleaseVRRP {
		return nil
	}
	r.releaseStatic()
	r.insist()
	var own []*virtual
	for _, i := range r.instances {
		own = append(own, i.virtuals...)
	}
	r.dropVirtuals(own...)
	r.system(r.sysctls.Restore)
	r.system(r.guard.close)
	return nil
}
