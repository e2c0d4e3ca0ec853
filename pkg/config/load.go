package config

import (
	"slices"
	"strings"

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
	entered := r.enter(parent)
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
		for i := range d.problems {
			if !entered && d.problems[i].Class == diag.Missing {
				d.problems[i].Class = diag.None // no child gets that far
			}
		}
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

// enter looks for the network namespaces that are named, and takes the
// interfaces from the one to work in.
//
// If there is none of that name, keepalived's test mode ends there and then as
// if all was well: its children never read the file. So do we, where the
// namespace is nowhere: it was asked for on the command line, or a definition in
// its name has no value. Otherwise the file is one for another machine, or
// for a later moment: it is checked as if the namespace were there, and had the
// interfaces that the file names.
func (r *Reading) enter(parent *decoder) (entered bool) {
	if r.env.Namespace == nil {
		return true
	}
	parent.problems = nil
	defer func() { r.Problems = append(r.Problems, parent.problems...) }()
	p := &parent.cfg.Process
	if p.NetNamespaceIPVS != "" {
		if _, ok := r.env.Namespace(p.NetNamespaceIPVS); !ok {
			parent.noNamespace(p.NetNamespaceIPVS, parent.ipvsNamespaceAt, diag.None)
		}
	}
	name, at := p.NetNamespace, parent.namespaceAt
	if r.env.NetNamespace != "" {
		name, at = r.env.NetNamespace, syntax.Word{}
	}
	if name == "" {
		return true
	}
	env, here := *r.env, r.env.Link
	r.env = &env
	var ok bool
	if env.Link, ok = env.Namespace(name); ok {
		return true
	}
	env.Link = func(name string) (Link, bool) {
		if here != nil {
			if l, ok := here(name); ok {
				return l, true
			}
		}
		return Link{Index: 1}, true
	}
	if at.At.IsZero() || strings.Contains(name, "$") {
		parent.noNamespace(name, at, diag.Ends)
		return false
	}
	parent.noNamespace(name, at, diag.None)
	return true
}

func (d *decoder) noNamespace(name string, at syntax.Word, class diag.Class) {
	f := fault{"unknown-namespace", diag.Warning, class}
	text, hint := "there is no network namespace "+name, "create it with: ip netns add "+name
	if class == diag.Ends {
		f.Severity = diag.Error
		text += ": the test ends with status 0 here, and a daemon would, too"
	}
	if strings.Contains(name, "$") {
		hint = "define what stands behind the $ in front of this line"
	}
	d.add(f, at, text, hint)
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
	d.cells.keep = env.Keep
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
