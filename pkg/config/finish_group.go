package config

import (
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// finishGroups finds the members of the sync groups.
func (d *decoder) finishGroups() {
	for _, g := range d.groups {
		name := syntax.Word{Text: g.Name, At: g.At}
		for _, w := range g.names {
			n := slices.IndexFunc(d.instances, func(i *instanceDraft) bool { return i.Name == w.Text })
			if n < 0 {
				d.unknownMember(g, w)
				continue
			}
			i := d.instances[n]
			if i.group != nil {
				d.err("group-twice", w, "%s is a member of the sync group %s already", w.Text, i.group.Name)
				continue
			}
			i.group = g
			g.Members = append(g.Members, w.Text)
		}
		if len(g.Members) == 0 {
			d.err("empty-group", name, "the sync group %s has no members; it is ignored", g.Name)
			continue
		}
		g.SMTPAlert = g.smtpAlert.Or(true)
		if g.NotifyPriorityChanges == Unset && d.g.NotifyPriorityChanges {
			g.NotifyPriorityChanges = True
		}
		d.keptGroups = append(d.keptGroups, g)
	}
}

func (d *decoder) unknownMember(g *groupDraft, w syntax.Word) {
	d.err("unknown-member", w, "there is no vrrp_instance %s; it is left out of the sync group %s", w.Text, g.Name)
	names := make([]string, len(d.instances))
	for k, i := range d.instances {
		names[k] = i.Name
	}
	d.hintClosest(w.Text, names)
}

// checkGroups looks at the groups when the instances are known to be fine.
func (d *decoder) checkGroups() {
	for _, g := range d.keptGroups {
		g.SMTPAlert = g.smtpAlert.Or(d.g.SMTPAlertVRRP.Or(d.g.SMTPAlert.Or(false)))
		d.groupTrackers(g)
		if len(g.Members) == 1 {
			d.at("small-group", g.At, "the sync group %s has only one member, which is probably not what you want", g.Name)
		}
	}
}

// groupTrackers drops trackers of members that would drive the members of a sync group
// apart, by a weight of their own, unless sync_group_tracking_weight says that this is
// meant. keepalived says that it ignores the weight of an interface, and does not.
func (d *decoder) groupTrackers(g *groupDraft) {
	for _, i := range d.instances {
		if i.group != g {
			continue
		}
		d.trackedTwice(i, g)
		if g.TrackingWeight {
			continue
		}
		for _, t := range i.TrackInterfaces {
			if t.Weight != 0 {
				d.at("group-weight", t.At, "%s is in the sync group %s, and the weight of %s changes the priority of %s alone", i.Name, g.Name, t.Name, i.Name)
			}
		}
		for _, list := range [...]*[]Track{&i.TrackScripts, &i.TrackFiles, &i.TrackBFD} {
			*list = slices.DeleteFunc(*list, func(t Track) bool {
				if t.Weight == 0 {
					return false
				}
				d.at("group-weight", t.At, "%s is in the sync group %s, so %s with a weight is not tracked", i.Name, g.Name, t.Name)
				return true
			})
		}
	}
}

// trackedTwice reports what a member and its group both track; the member's
// is dropped.
func (d *decoder) trackedTwice(i *instanceDraft, g *groupDraft) {
	for _, t := range [...]struct {
		own   *[]Track
		group []Track
	}{
		{&i.TrackInterfaces, g.TrackInterfaces},
		{&i.TrackScripts, g.TrackScripts},
		{&i.TrackFiles, g.TrackFiles},
		{&i.TrackProcesses, g.TrackProcesses},
		{&i.TrackBFD, g.TrackBFD},
	} {
		for _, own := range *t.own {
			if slices.ContainsFunc(t.group, func(o Track) bool { return o.Name == own.Name }) {
				d.at("track-twice", own.At, "%s is tracked by %s and by its sync group %s", own.Name, i.Name, g.Name)
			}
		}
	}
}
