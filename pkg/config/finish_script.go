package config

import (
	"fmt"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// finishScripts checks the vrrp_scripts, disables those that cannot run and
// forgets who tracks them.
func (d *decoder) finishScripts() {
	s := scripts{d: d}
	d.keptScripts = nil
	for _, t := range d.scriptsRead {
		cmd := t.Command
		switch v := d.inspect(cmd); {
		case v == scriptMissing:
			d.at("script-not-found", cmd.At, "the script %s does not exist; %s is disabled", cmd.Argv[0], t.Name)
			d.untrack(t.Name)
			continue
		case v == scriptLinked, v == scriptInsecure && d.account.security:
			d.disabled(v, cmd, diag.Config)
			s.use(cmd)
			d.untrack(t.Name)
			continue
		case v == scriptInsecure:
			d.disabled(v, cmd, diag.None)
		}
		s.use(cmd)
		d.keptScripts = append(d.keptScripts, t)
	}
	d.unguarded = s
}

// untrack removes a disabled script from those who track it.
func (d *decoder) untrack(script string) {
	drop := func(list []Track) []Track {
		return slices.DeleteFunc(list, func(t Track) bool { return t.Name == script })
	}
	for _, i := range d.instances {
		i.TrackScripts = drop(i.TrackScripts)
	}
	for _, g := range d.groups {
		g.TrackScripts = drop(g.TrackScripts)
	}
}

// disabled reports a script that somebody else than root could change.
func (d *decoder) disabled(v verdict, c *Command, class diag.Class) {
	f := fault{"script-insecure", diag.Warning, class}
	text := fmt.Sprintf("somebody else than root could change %s, which runs with root's rights", c.Argv[0])
	hint := "let root own the file and all directories above it, writable by root alone"
	if v == scriptLinked {
		f.ID = "script-symlink"
		text = fmt.Sprintf("the path %s leads through a symbolic link; the script is disabled", c.Argv[0])
		hint = "write the path without links, as `realpath` prints it, or use_symlink_paths in global_defs"
	}
	d.add(f, syntax.Word{At: c.At}, text, hint)
}

// finishVRRPScripts checks the notify scripts.
func (d *decoder) finishVRRPScripts() {
	s := &d.unguarded
	notify := func(n *NotifyScripts) {
		for _, c := range [...]**Command{&n.Backup, &n.Master, &n.Fault, &n.Stop, &n.Any, &n.Deleted, &n.MasterRxLowerPrio} {
			s.keep(c)
		}
	}
	for _, g := range d.groups {
		notify(&g.Notify)
	}
	for _, i := range d.instances {
		notify(&i.Notify)
	}
	if f := d.g.VRRPFIFO; f != nil {
		s.keep(&f.Script)
	}
	if f := d.g.NotifyFIFO; f != nil {
		s.keep(&f.Script)
	}
	s.end()
}
