package router

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// snapshot is the state of everything, for the operator and for metrics.
func (r *role) snapshot() control.VRRPSnapshot {
	s := control.VRRPSnapshot{Began: r.began, Trackers: r.trackerStates(), Lateness: r.late.report()}
	for _, i := range r.instances {
		s.Instances = append(s.Instances, r.snapshotOf(i))
	}
	for _, e := range r.everyElection() {
		if e.group == nil {
			continue
		}
		g := control.VRRPGroup{Name: e.group.Name, State: e.state().String()}
		for _, i := range e.members {
			g.Members = append(g.Members, i.cfg.Name)
		}
		s.Groups = append(s.Groups, g)
	}
	return s
}

func (r *role) snapshotOf(i *instance) control.VRRPInstance {
	st := i.status()
	out := control.VRRPInstance{
		Name: i.cfg.Name, Interface: i.cfg.Interface, VRID: i.cfg.VRID, Family: i.family().String(), Version: i.cfg.Version,
		State: i.election.state().String(), Since: i.lastMove,
		Priority: int(st.Priority), BasePriority: int(i.cfg.Priority),
		Source: i.source, Master: st.Master,
		Interval: i.cfg.AdvertInt.Seconds(), MasterEvery: st.MasterInterval.Seconds(),
		Reasons: namesOf(i.reasons), Waiting: i.pending, Standby: i.election.machine.OnStandby(), Behind: i.behind,
		Conflict: st.Rival, ConflictTime: i.conflicts.Seconds(), SendError: i.unsent,
		Counters: i.counts.report(),
	}
	if st.Rival.IsValid() {
		out.ConflictTime += time.Since(st.RivalSince).Seconds()
		out.Cause = i.likelyCause()
	}
	if g := i.election.group; g != nil {
		out.Group = g.Name
	}
	if i.election.state() == vrrp.Master {
		out.Master = i.source
	}
	for _, a := range append(slices.Clone(i.cfg.VIPs), i.cfg.ExcludedVIPs...) {
		out.Addresses = append(out.Addresses, a.Prefix.String())
	}
	return out
}

func (r *role) trackerStates() []control.VRRPTracker {
	var list []control.VRRPTracker
	word := map[bool]string{true: "up", false: "down"}
	for _, s := range r.cfg.Scripts {
		state := "unknown"
		if good, known := r.facts.scripts[s.Name]; known {
			state = word[good]
		}
		list = append(list, control.VRRPTracker{Kind: "script", Name: s.Name, State: state})
	}
	for _, f := range r.cfg.TrackFiles {
		list = append(list, control.VRRPTracker{Kind: "file", Name: f.Name, State: strconv.FormatInt(r.facts.files[f.Name], 10)})
	}
	for _, p := range r.cfg.Processes {
		state := "unknown"
		if good, known := r.facts.processes[p.Name]; known {
			state = word[good]
		}
		list = append(list, control.VRRPTracker{Kind: "process", Name: p.Name, State: state})
	}
	for _, name := range slices.Sorted(maps.Keys(r.facts.bfd)) {
		list = append(list, control.VRRPTracker{Kind: "bfd", Name: name, State: word[r.facts.bfd[name]]})
	}
	for _, name := range slices.Sorted(maps.Keys(r.facts.pings)) {
		list = append(list, control.VRRPTracker{Kind: "ping", Name: name, State: word[r.facts.pings[name]]})
	}
	return list
}

// report is the counters for the control socket; reasons with nothing to
// count are left out.
func (c *counters) report() control.VRRPCounters {
	out := control.VRRPCounters{
		AdvertsReceived: c.advertsIn, AdvertsSent: c.advertsOut,
		BecameMaster: c.becameMaster, ReleasedMaster: c.releasedMaster,
		ZeroReceived: c.zeroIn, ZeroSent: c.zeroOut,
	}
	for name, n := range map[string]uint64{
		"length": c.length, "ttl": c.ttl, "type": c.typ, "interval": c.interval, "address-list": c.addrList,
		"auth-type": c.authType, "auth-mismatch": c.authOther, "auth-failure": c.authFailed,
		"trailer-missing": c.trailerMissing, "trailer-malformed": c.malformed, "key-unknown": c.unknownKey,
		"hmac": c.badHMAC, "stale": c.stale, "replay": c.replay, "other": c.other,
	} {
		if n > 0 {
			if out.Dropped == nil {
				out.Dropped = map[string]uint64{}
			}
			out.Dropped[name] = n
		}
	}
	return out
}

func (l *lateness) report() control.AdvertLateness {
	out := control.AdvertLateness{Count: l.count, Sum: l.sum.Seconds(), Max: l.max.Seconds(), Buckets: slices.Clone(l.buckets[:])}
	for _, b := range lateBounds {
		out.Bounds = append(out.Bounds, b.Seconds())
	}
	return out
}

// describe is an address as keepalived's dumps have it:
// 192.168.200.12/24 dev eth0 scope global label eth0:v1 set.
func (r *role) describe(i *instance, n int, excluded bool) string {
	list := i.cfg.VIPs
	if excluded {
		list = i.cfg.ExcludedVIPs
	}
	a := list[n]
	text := fmt.Sprintf("%v dev %s scope %s", a.Prefix, a.Dev, scopeName(a.Scope))
	if a.Label != "" {
		text += " label " + a.Label
	}
	if i.held {
		text += " set"
	}
	return text
}

func scopeName(scope int) string {
	switch scope {
	case 0:
		return "global"
	case 200:
		return "site"
	case 253:
		return "link"
	case 254:
		return "host"
	}
	return strconv.Itoa(scope)
}
