package config

import (
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Mode says what a configuration is read for.
type Mode uint8

// The modes.
const (
	// Test is keepalived's -t: strict about numbers, and nothing stops it but
	// a missing argument.
	Test Mode = iota
	// Start is the start or reload of a daemon: numbers with text behind them
	// are accepted with a warning, and an instance that cannot work is fatal.
	Start
)

// Reading is what the processes made of a file.
type Reading struct {
	Tree     *syntax.Tree
	Config   *Config
	Problems []diag.Problem

	// Views are what each process understood; they differ from Config only
	// in defaults, and where braces are in disorder. Each is nil if reading
	// stopped before it.
	CheckersView, VRRPView, BFDView *Config

	// What the dump shows besides.
	env       *Env
	mode      Mode
	virtuals  []*virtualDraft
	instances []*instanceDraft
	groups    []*groupDraft
	scripts   []*scriptDraft
	completed bool
}

// Read decodes the lines for every process and checks the result.
func Read(tree *syntax.Tree, mode Mode, env *Env) *Reading {
	if env == nil {
		env = &Env{}
	}
	r := &Reading{Tree: tree, Config: &Config{}, mode: mode, env: env}
	parent := newDecoder(tree, Parent, mode, env)
	parent.read()
	parent.finishGlobal()
	parent.finishParentScripts()
	r.Config.Process, r.Config.Global = parent.cfg.Process, parent.cfg.Global
	r.Problems = parent.problems
	r.enter(parent)
	env = r.env
	var views []understood
	var ahead []diag.Problem
	for _, role := range [...]Role{Checkers, VRRP, BFD} {
		if parent.stopped {
			break
		}
		d := newDecoder(tree, role, mode, env)
		d.account = parent.account
		d.read()
		r.Problems = merge(r.Problems, d.problems)
		views, ahead = append(views, d.understood()), merge(ahead, d.ahead)
		if d.stopped {
			break
		}
		d.problems = nil
		d.finish()
		r.Problems = append(r.Problems, d.problems...)
		switch role {
		case Checkers:
			r.CheckersView, r.virtuals = d.cfg, d.virtuals
			r.Config.VirtualServers, r.Config.ServerGroups, r.Config.SSL = d.cfg.VirtualServers, d.cfg.ServerGroups, d.cfg.SSL
			r.Config.forgotten = d.cfg.forgotten
			r.Config.TrackFiles, r.Config.Global.LVSFIFO = d.cfg.TrackFiles, d.cfg.Global.LVSFIFO
		case VRRP:
			r.completed = d.completed
			r.VRRPView, r.instances, r.groups, r.scripts = d.cfg, d.instances, d.keptGroups, d.keptScripts
			r.Config.takeVRRP(d.cfg)
		case BFD:
			r.BFDView = d.cfg
			r.shareGlobals()
			r.Config.BFD = d.cfg.BFD
		}
	}
	if len(r.Problems) > 0 {
		r.Problems = merge(quarrels(r.Problems, views, &tree.Lines), ahead)
	}
	return r
}

// enter looks for the network namespaces that the file names; the interfaces
// are those of net_namespace. If there is none of that name keepalived's test
// mode ends there and then, as if all was well; we check what we can.
func (r *Reading) enter(parent *decoder) {
	p := &parent.cfg.Process
	parent.problems = nil
	for _, name := range [...]string{p.NetNamespaceIPVS, p.NetNamespace} {
		if name == "" || r.env.Namespace == nil {
			continue
		}
		link, ok := r.env.Namespace(name)
		if !ok {
			parent.warn("unknown-namespace", parent.namespaceAt, "there is no network namespace %s", name)
			parent.hint("create it with: ip netns add %s", name)
			continue
		}
		if name == p.NetNamespace {
			env := *r.env
			env.Link = link
			r.env = &env
		}
	}
	r.Problems = append(r.Problems, parent.problems...)
}

// Load parses and reads the main file of that name.
func Load(name string, o syntax.Options, mode Mode, env *Env) *Reading {
	tree, problems := syntax.Parse(name, o)
	r := Read(tree, mode, env)
	r.Problems = append(problems, r.Problems...)
	return r
}

// Runnable reports whether a daemon may run with these problems of a Start.
func Runnable(problems []diag.Problem) bool {
	for i := range problems {
		switch problems[i].Class {
		case diag.Missing, diag.Fatal, diag.Include:
			return false
		}
	}
	return true
}

func newDecoder(tree *syntax.Tree, role Role, mode Mode, env *Env) *decoder {
	d := &decoder{lines: &tree.Lines, end: tree.End, role: role, mode: mode, env: env, cfg: &Config{}}
	d.cfg.Global = defaultGlobal(env)
	d.g = &d.cfg.Global
	return d
}

// finish checks what one process has read and completes it with defaults.
func (d *decoder) finish() {
	d.finishGlobal()
	switch d.role {
	case Checkers:
		d.finishCheckers()
	case VRRP:
		d.finishVRRP()
	case BFD:
	}
}

// shareGlobals shows in the bfd process's dump what the vrrp process, which is
// read before it, decided for all.
func (r *Reading) shareGlobals() {
	if r.VRRPView == nil {
		return
	}
	b, v := &r.BFDView.Global, &r.VRRPView.Global
	b.GARP, b.Firewall, b.LVS.SyncDaemon = v.GARP, v.Firewall, v.LVS.SyncDaemon
	b.NotifyFIFO, b.VRRPFIFO = v.NotifyFIFO, v.VRRPFIFO
	r.BFDView.garpDone = r.VRRPView.garpDone
}

// takeVRRP takes the vrrp role's part of v.
func (c *Config) takeVRRP(v *Config) {
	c.Instances, c.SyncGroups, c.Scripts, c.Processes = v.Instances, v.SyncGroups, v.Scripts, v.Processes
	c.TrackGroups, c.GARPGroups = v.TrackGroups, v.GARPGroups
	c.StaticAddresses, c.StaticRoutes, c.StaticRules = v.StaticAddresses, v.StaticRoutes, v.StaticRules
	c.Linkbeat, c.LinkbeatPolling, c.InterfaceDelays = v.Linkbeat, v.LinkbeatPolling, v.InterfaceDelays
	c.Global.GARP, c.Global.Firewall, c.Global.LVS.SyncDaemon = v.Global.GARP, v.Global.Firewall, v.Global.LVS.SyncDaemon
	c.Global.VRRPFIFO, c.Global.NotifyFIFO, c.Global.DefaultInterface = v.Global.VRRPFIFO, v.Global.NotifyFIFO, v.Global.DefaultInterface
	for _, f := range v.TrackFiles {
		if !slices.ContainsFunc(c.TrackFiles, func(o *TrackFile) bool { return o.Name == f.Name }) {
			c.TrackFiles = append(c.TrackFiles, f)
		}
	}
}

// merge appends the problems of one process to those of the others, leaving
// out what has been said already: all of them read global_defs.
func merge(all, more []diag.Problem) []diag.Problem {
	if len(all) == 0 {
		return more
	}
	type place struct {
		id string
		at diag.Span
	}
	seen := make(map[place]bool, len(all))
	for i := range all {
		seen[place{all[i].ID, all[i].At}] = true
	}
	for i := range more {
		if !seen[place{more[i].ID, more[i].At}] {
			all = append(all, more[i])
		}
	}
	return all
}
