package config

import (
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func openSyncGroup(d *decoder, a *arg) bool {
	if !d.named(a) {
		return false
	}
	for _, g := range d.groups {
		if g.Name == a.words[0].Text {
			return d.duplicate(a, g.At)
		}
	}
	d.newSyncGroup(a.words[0])
	d.groups = append(d.groups, d.group)
	return true
}

func (d *decoder) newSyncGroup(name syntax.Word) {
	d.group = &groupDraft{SyncGroup: &SyncGroup{Name: name.Text, At: name.At}}
	d.inst = nil
}

func endSyncGroup(d *decoder) { d.group = nil }

func openMembers(d *decoder, a *arg) bool {
	if d.group.seen {
		d.err("duplicate-keyword", a.key, "the sync group %s has its members already; this block is ignored", d.group.Name)
		return false
	}
	d.group.seen = true
	return true
}

func itemMembers(d *decoder, words []syntax.Word) { d.group.names = append(d.group.names, words...) }

func openTrackGroup(d *decoder, a *arg) bool {
	if !d.named(a) {
		return false
	}
	for _, g := range d.cfg.TrackGroups {
		if g.Name == a.words[0].Text {
			return d.duplicate(a, g.At)
		}
	}
	d.newTrackGroup(a.words[0])
	return true
}

func (d *decoder) newTrackGroup(name syntax.Word) {
	d.trackGroup, d.trackMembers = &TrackGroup{Name: name.Text, At: name.At}, false
}

func endTrackGroup(d *decoder) {
	if len(d.trackGroup.Members) == 0 {
		d.err("empty-block", syntax.Word{At: d.trackGroup.At}, "track_group %s has no members; it is ignored", d.trackGroup.Name)
		return
	}
	d.cfg.TrackGroups = append(d.cfg.TrackGroups, d.trackGroup)
}

func openTrackMembers(d *decoder, a *arg) bool {
	if d.trackMembers {
		d.err("duplicate-keyword", a.key, "the track_group %s has its members already; this block is ignored", d.trackGroup.Name)
		return false
	}
	d.trackMembers = true
	return true
}

func endTrackMembers(d *decoder) {
	if len(d.trackGroup.Members) == 0 {
		d.err("empty-block", syntax.Word{At: d.trackGroup.At}, "the block group of track_group %s names no instance", d.trackGroup.Name)
	}
}

func itemTrackGroup(d *decoder, words []syntax.Word) {
	for _, w := range words {
		d.trackGroup.Members = append(d.trackGroup.Members, w.Text)
	}
}
