package config

import (
	"net/netip"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// finishVRRP completes what the vrrp role read, in the order in which
// keepalived does it: later steps see what earlier ones decided, and what a
// daemon cannot run with ends the whole.
func (d *decoder) finishVRRP() {
	d.keptScripts = d.scriptsRead
	if d.completeVRRP() {
		d.finishSyncDaemon()
		d.dropUnusedFiles()
	}
	d.cfg.garpDone = d.garpDone
	for _, s := range d.keptScripts {
		d.cfg.Scripts = append(d.cfg.Scripts, s.TrackScript)
	}
	for _, i := range d.instances {
		d.cfg.Instances = append(d.cfg.Instances, i.Instance)
	}
	for _, g := range d.keptGroups {
		d.cfg.SyncGroups = append(d.cfg.SyncGroups, g.SyncGroup)
	}
}

// dropUnusedFiles forgets the files that nothing tracks.
func (d *decoder) dropUnusedFiles() {
	used := make(map[string]bool)
	note := func(list []Track) {
		for _, t := range list {
			used[t.Name] = true
		}
	}
	for _, i := range d.instances {
		note(i.TrackFiles)
	}
	for _, g := range d.keptGroups {
		note(g.TrackFiles)
	}
	d.cfg.TrackFiles = slices.DeleteFunc(d.cfg.TrackFiles, func(f *TrackFile) bool { return !used[f.Name] })
}

// completeVRRP fills in and checks the instances and groups. It returns false if a
// daemon could not go on.
func (d *decoder) completeVRRP() bool {
	if d.missingLink && !d.g.DynamicInterfaces {
		return false // reported where the interface is named
	}
	d.garpDefaults()
	if f := &d.g.Firewall; f.IPTables && f.NFTables {
		d.warn("iptables-and-nftables", d.iptablesAt, "nftables is given too: nftables is used, and iptables is not")
		f.IPTables = false
	}
	if len(d.instances) == 0 {
		return true
	}
	d.finishScripts()
	d.finishVRRPScripts()
	d.finishGroups()
	d.reserveLinks()
	for n, i := range d.instances {
		if !d.instance(i) {
			d.lookAt(d.instances[n+1:])
			return false
		}
	}
	if f := &d.g.Firewall; f.IPSets {
		f.nameIPSets()
	}
	if d.twins() {
		return false
	}
	for _, i := range d.instances {
		i.linked = true
	}
	d.checkGroups()
	d.completed = true
	return true
}

// lookAt tells what is wrong with instances that will not be completed, because
// of one before them.
func (d *decoder) lookAt(rest []*instanceDraft) {
	for _, i := range rest {
		draft, inst := *i, *i.Instance
		draft.Instance = &inst
		d.instance(&draft)
	}
}

// twins reports instances that would answer for the same virtual router.
func (d *decoder) twins() (found bool) {
	type router struct {
		vrid uint8
		v6   bool
		dev  string
		src  netip.Addr
	}
	seen := make(map[router]*instanceDraft, len(d.instances))
	for _, i := range d.instances {
		r := router{vrid: i.VRID, v6: i.IPv6, dev: i.Interface}
		if i.Unicast {
			r.src = i.SrcIP
		}
		first := seen[r]
		if first == nil {
			seen[r] = i
			continue
		}
		d.unusable("duplicate-vrid", syntax.Word{At: i.At}, "%s and %s both use VRID %d on %s", first.Name, i.Name, i.VRID, i.Interface)
		d.note(first.At, "the first one")
		found = true
	}
	return found
}

func (d *decoder) finishSyncDaemon() {
	s := d.g.LVS.SyncDaemon
	if s == nil {
		return
	}
	if s.Instance != "" {
		n := slices.IndexFunc(d.instances, func(i *instanceDraft) bool { return i.Name == s.Instance })
		if n < 0 {
			// keepalived's test does not count that.
			d.add(fault{"unknown-member", diag.Error, diag.None}, d.syncDaemonAt, "there is no vrrp_instance "+s.Instance+" for the sync daemon", "")
			s.Instance = ""
		} else if s.ID < 0 {
			s.ID = int(d.instances[n].VRID)
		}
	}
	s.ID = max(s.ID, 0)
}
