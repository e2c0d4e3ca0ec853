package daemon

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/convert"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// reading is a configuration with the files it was read from.
type reading struct {
	*config.Reading
	files *os.File    // all that was read, for the roles
	roles config.Role // those that have something to do
	found bool        // the main file could be read

	servers int // real servers
}

// read reads the configuration from the operator's files.
func (o *Options) read(dir string, mode config.Mode) (*reading, error) {
	src := syntax.NewSource(os.DirFS("/"), dir, os.LookupEnv)
	src.Seed = uint64(time.Now().UnixNano()) // for ${_RANDOM}; the roles get it with the files
	env := host.Env()
	if !o.DumpConfig {
		env.Keep = config.KeepChecks // roles work with virtual servers
	}
	r := o.parse(src, mode, env)
	files, err := memoryFile(src.Save)
	if err != nil {
		return nil, fmt.Errorf("keep a copy of the configuration: %w", err)
	}
	r.files, r.servers = files, r.Config.CountServers()
	for i := range kinds {
		if kinds[i].has(r.Config) {
			r.roles |= kinds[i].role
		}
	}
	return r, nil
}

// readSaved reads the configuration that another process has read before, for
// a role.
func (o *Options) readSaved(files string, mode config.Mode, role config.Role) (*reading, error) {
	src, err := syntax.Saved(files)
	if err != nil {
		return nil, err
	}
	env := host.Env()
	if env.Keep = config.KeepChecks; role == config.Checkers {
		env.Keep = config.KeepTyped
	}
	env.ResolveHost = func(string) (netip.Addr, bool) { return netip.Addr{}, true } // asked once already; it may take seconds
	return o.parse(src, mode, env), nil
}

func (o *Options) parse(src *syntax.Source, mode config.Mode, env *config.Env) *reading {
	id := o.ConfigID
	if id == "" {
		id, _, _ = strings.Cut(env.Hostname, ".")
	}
	env.NetNamespace = o.Namespace
	got := convert.Load(o.File, syntax.Options{Source: src, ConfigID: id, AllConfig: o.AllConfig}, mode, env)
	diag.Sort(got.Problems)
	return &reading{Reading: got, found: len(got.Tree.Files) > 0}
}

// slim keeps what the supervisor itself works with, which of a long
// configuration is next to nothing.
func (r *reading) slim() {
	r.Reading = &config.Reading{
		Config:   &config.Config{Process: r.Config.Process, Global: r.Config.Global},
		Problems: r.Problems,
	}
	tidyLater()
}

// newErrors are the errors of r that the running configuration was not already
// started with. A file that has always had its faults may be reloaded; one
// that has just been broken may not.
func (r *reading) newErrors(running []diag.Problem) []diag.Problem {
	type what struct{ id, text string }
	known := make(map[what]int)
	for i := range running {
		known[what{running[i].ID, running[i].Text}]++
	}
	var fresh []diag.Problem
	for _, p := range r.Problems {
		if p.Severity < diag.Error {
			continue
		}
		if w := (what{p.ID, p.Text}); known[w] > 0 {
			known[w]--
			continue
		}
		fresh = append(fresh, p)
	}
	return fresh
}
