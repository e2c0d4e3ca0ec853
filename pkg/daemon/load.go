package daemon

import (
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/convert"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// reading is a configuration with the bytes it was read from.
type reading struct {
	*config.Reading
	archive []byte // of every file that was read
	found   bool   // the main file could be read
}

// read reads the configuration from the operator's files.
func (o *Options) read(dir string, mode config.Mode) (*reading, error) {
	src := syntax.NewSource(os.DirFS("/"), dir, os.LookupEnv)
	src.Seed = uint64(time.Now().UnixNano()) // for ${_RANDOM}; the roles get it with the bytes
	r := o.parse(src, mode, host.Env())
	archive, err := src.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("keep a copy of the configuration: %w", err)
	}
	r.archive = archive
	return r, nil
}

// readArchive reads the configuration that another process has read before.
func (o *Options) readArchive(archive []byte, mode config.Mode) (*reading, error) {
	var src syntax.Source
	if err := src.UnmarshalBinary(archive); err != nil {
		return nil, err
	}
	env := host.Env()
	env.ResolveHost = func(string) (netip.Addr, bool) { return netip.Addr{}, true } // asked once already; it may take seconds
	return o.parse(&src, mode, env), nil
}

func (o *Options) parse(src *syntax.Source, mode config.Mode, env *config.Env) *reading {
	id := o.ConfigID
	if id == "" {
		id, _, _ = strings.Cut(env.Hostname, ".")
	}
	got := convert.Load(o.File, syntax.Options{Source: src, ConfigID: id, AllConfig: o.AllConfig}, mode, env)
	diag.Sort(got.Problems)
	return &reading{Reading: got, found: len(got.Tree.Files) > 0}
}

// slim lets go of what was only needed to read the configuration, which for a
// long one is most of the process.
func (r *reading) slim() {
	r.Reading = &config.Reading{Config: r.Config, Problems: r.Problems}
	tidy(len(r.archive))
}

// tidy returns the memory that reading so many bytes has left behind.
func tidy(size int) {
	const worthwhile = 256 << 10
	if size > worthwhile {
		go debug.FreeOSMemory()
	}
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
