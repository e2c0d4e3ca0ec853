package config

import (
	"slices"
	"time"
)

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
	d.firewallDefaults()
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

// ipSetNames are the default names of the sets of vrrp_ipsets.
var ipSetNames = [6]string{"keepalived", "keepalived6", "keepalived_if6", "keepalived_igmp", "keepalived_mld", "keepalived_nd"}

// firewallDefaults completes how packet filter rules are kept: nftables, with
// its own table, as soon as an instance needs rules and iptables is not asked
// for.
func (d *decoder) firewallDefaults() {
	f := &d.g.Firewall
	if f.IPTables && !f.IPSetsGiven {
		f.IPSets = true
	}
	if f.IPSets && d.role == VRRP {
		for i, name := range ipSetNames {
			if f.IPSetNames[i] == "" {
				f.IPSetNames[i] = name
			}
		}
	}
	if d.role == VRRP && !f.NFTables && !f.IPTables && slices.ContainsFunc(d.instances, needsFilter) {
		f.NFTables, f.NFTable = true, "keepalived"
	}
}

// needsFilter reports whether an instance needs packet filter rules.
func needsFilter(i *instanceDraft) bool {
	return i.VMAC != nil || i.AcceptGiven && !i.Accept
}
