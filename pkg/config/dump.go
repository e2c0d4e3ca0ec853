package config

import (
	"fmt"
	"strings"
)

// DumpData is the configuration part of the text that keepalived writes on
// SIGUSR1, one section for each process that got as far as reading the file.
func (r *Reading) DumpData() string {
	var d dumper
	if v := r.CheckersView; v != nil {
		d.section("CHECKER")
		d.global(v, Checkers)
		d.checkers(r, v)
	}
	if v := r.VRRPView; v != nil {
		d.section("VRRP")
		d.global(v, VRRP)
		d.vrrp(r, v)
	}
	if v := r.BFDView; v != nil {
		d.section("BFD")
		d.global(v, BFD)
		d.bfd(v)
	}
	return d.String()
}

// GlobalText is the part about global definitions of the state dump of a role, or of the
// parent if role is 0.
func (c *Config) GlobalText(role Role) string {
	var d dumper
	d.global(c, role)
	return d.String()
}

// dumper writes the lines of a dump.
type dumper struct {
	strings.Builder
	regexes map[regexUse]int // how often each is used
}

func (d *dumper) section(name string) { d.line("======== %s ========", name) }

func (d *dumper) title(name string) { d.line("------< %s >------", name) }

func (d *dumper) line(format string, args ...any) {
	fmt.Fprintf(d, format, args...)
	d.WriteByte('\n')
}

// choose is yes or no, as a condition says.
func choose(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

func onOff(t Tri) string {
	return [...]string{"unset", "off", "on"}[t]
}

func trueFalse(on bool) string { return choose(on, "true", "false") }

func yesNo(on bool) string { return choose(on, "yes", "no") }

func zeroOne(on bool) int { return int(boolInt(on)) }

// unset is how keepalived prints a number that was not given.
const unset = maxUint32

// quoted is a command as keepalived prints it.
func (c *Command) quoted() string {
	var b strings.Builder
	argv := c.Argv
	if c.redirect != nil {
		b.WriteString(c.redirect[0])
		argv = c.redirect[1:]
	}
	for _, a := range argv {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("'" + a + "'")
	}
	return b.String()
}

func text(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
