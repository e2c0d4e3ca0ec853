package config

import "time"

// finishGlobal fills in the defaults of global_defs that depend on others. The
// parent decides, for all processes, whom scripts run as.
func (d *decoder) finishGlobal() {
	g := d.g
	if g.RouterID == "" {
		g.RouterID = d.env.Hostname
	}
	if g.Mail.Server != "" {
		if g.Mail.Helo == "" {
			g.Mail.Helo = d.env.Hostname
		}
		if g.Mail.DialTimeout == 0 {
			g.Mail.DialTimeout = 30 * time.Second
		}
		if g.Mail.From == "" {
			g.Mail.From = "root@" + d.env.Hostname
		}
	}
	d.processNames()
	if d.role != VRRP {
		d.garpDefaults()
	}
	if f := &d.g.Firewall; f.IPTables && !f.IPSetsGiven {
		f.IPSets = true
	}
	if d.role == Parent {
		d.scriptAccount()
	}
	g.ScriptUID, g.ScriptGID = d.account.uid, d.account.gid
	d.cfg.garpDone = d.garpDone && d.role != Checkers
	d.cfg.scriptAccount = !d.account.missing && !d.account.broken
}

// processNames gives the processes the names that process_names asks for.
func (d *decoder) processNames() {
	if !d.g.ProcessNames {
		return
	}
	for _, p := range [...]struct {
		process *RoleProcess
		name    string
	}{{&d.g.VRRP, "keepalived_vrrp"}, {&d.g.Checkers, "keepalived_lvs"}, {&d.g.Bfd, "keepalived_bfd"}} {
		if p.process.Name == "" {
			p.process.Name = p.name
		}
	}
}

func (d *decoder) garpDefaults() {
	t := &d.g.GARP
	d.garpDone = true
	if d.g.MinGARP {
		if t.MasterRepeat == 5 {
			t.MasterRepeat = 1
		}
		if t.MasterDelay == 5*time.Second {
			t.MasterDelay = 0
		}
		t.Refresh, t.RefreshRepeat = 0, 0
	}
	if !t.LowerDelayGiven {
		t.LowerPrioDelay = t.MasterDelay
	}
	if !t.LowerRepeatGiven {
		t.LowerPrioRepeat = t.MasterRepeat
	}
}

// filterFor decides how the packet filter rules of an instance are kept, if it
// needs any: by nftables with its own table, unless iptables is asked for.
func (d *decoder) filterFor(i *instanceDraft) {
	if i.VMAC == nil && i.Accept {
		return
	}
	f := &d.g.Firewall
	if !f.IPTables && !f.NFTables {
		f.NFTables, f.NFTable = true, "keepalived"
	}
}

// nameIPSets gives the sets that vrrp_ipsets leaves out names made from the
// first one.
func (f *FirewallGlobal) nameIPSets() {
	names := &f.IPSetNames
	if names[0] == "" {
		names[0] = "keepalived"
	}
	for i, suffix := range [...]string{"", "6", "_if6", "_igmp", "_mld", "_nd"} {
		if names[i] == "" {
			names[i] = names[0] + suffix
		}
	}
}
