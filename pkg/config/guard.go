package config

import (
	"io/fs"
	"path"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// verdict is what a look at a script's file says.
type verdict uint8

const (
	scriptFine verdict = iota
	scriptMissing
	scriptInsecure // a non-root user could change what root runs
	scriptLinked   // a symbolic link in the path
)

// inspect looks at the file of a command and completes its path. Only a
// command that would run as root can be insecure.
func (d *decoder) inspect(c *Command) verdict {
	if c.redirect != nil {
		return scriptFine
	}
	file := c.Argv[0]
	if !strings.Contains(file, "/") {
		found := false
		for _, dir := range d.env.Path {
			if f, ok := d.env.stat(path.Join(dir, file)); ok && f.Mode.IsRegular() && f.Mode&0o111 != 0 {
				file, found = path.Join(dir, file), true
				break
			}
		}
		if !found {
			return scriptMissing
		}
		c.Argv[0] = file
	}
	f, ok := d.env.stat(file)
	if !ok {
		return scriptMissing
	}
	if !f.Mode.IsRegular() {
		return scriptInsecure
	}
	if c.UID != 0 && c.GID != 0 {
		return scriptFine
	}
	return d.guarded(file, maxLinks, d.g.UseSymlinkPaths)
}

// maxLinks is how many symbolic links a path may go through, as in the kernel.
const maxLinks = 40

// guarded checks the file and every directory above it: owned by root and
// writable by nobody else. The file itself may be a symbolic link, and with
// through, which use_symlink_paths gives, directories may be too: what it leads
// to is then looked at in the same way.
func (d *decoder) guarded(file string, links int, through bool) verdict {
	for p, rest := file, ""; ; p, rest = path.Dir(p), path.Join(path.Base(p), rest) {
		f, ok := d.env.lstat(p)
		switch {
		case !ok:
			return scriptMissing
		case f.Link != "" && (!through && p != file || links == 0):
			return scriptLinked
		case f.Link != "" && f.UID == 0:
			target := f.Link
			if !path.IsAbs(target) {
				target = path.Join(path.Dir(p), target)
			}
			if v := d.guarded(path.Join(target, rest), links-1, true); v != scriptFine {
				return v
			}
		case f.UID != 0, f.Mode&0o022 != 0 && !(f.Mode.IsDir() && f.Mode&fs.ModeSticky != 0):
			return scriptInsecure
		}
		if p == "/" || p == "." {
			return scriptFine
		}
	}
}

// scripts checks all commands of one process, drops those that cannot be used
// and reports when any of the others runs unguarded.
type scripts struct {
	d       *decoder
	used    bool
	running diag.Span
}

// keep checks a notify script and forgets it when it is unusable.
func (s *scripts) keep(c **Command) {
	if *c == nil {
		return
	}
	cmd := *c
	switch v := s.d.inspect(cmd); v {
	case scriptMissing:
		s.d.warnAt("script-not-found", cmd.At, "the script %s does not exist or cannot be executed; it is disabled", cmd.Argv[0])
		*c = nil
		return
	case scriptLinked, scriptInsecure:
		s.d.disabled(v, cmd, diag.None)
		s.use(cmd)
		if v == scriptLinked || s.d.account.security {
			*c = nil
			return
		}
	}
	s.use(cmd)
}

func (s *scripts) use(c *Command) {
	if !s.used {
		s.used, s.running = true, c.At
	}
}

// finishParentScripts checks the scripts that the parent runs.
func (d *decoder) finishParentScripts() {
	s := scripts{d: d}
	s.keep(&d.g.StartupScript)
	s.keep(&d.g.ShutdownScript)
	s.end()
}

// end reports scripts that run without being guarded.
func (s *scripts) end() {
	if !s.used || s.d.account.security {
		return
	}
	s.d.add(fault{"script-security-off", diag.Warning, diag.Security}, syntax.Word{At: s.running},
		"scripts are run, but enable_script_security is not set",
		"write enable_script_security in global_defs, and script_user if they need not run as root")
}
