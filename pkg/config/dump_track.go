package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

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
