package main

import (
	"fmt"
	"strings"
)

// manual is holdfast(8), made from the tables of options and commands.
func manual() string {
	var b strings.Builder
	b.WriteString(`.\" Made from the tables of options and commands: make docs
.TH HOLDFAST 8 "" holdfast "System administration"
.SH NAME
holdfast \- virtual addresses and load balancing
.SH SYNOPSIS
.B holdfast
.RI [ OPTION ...]
.br
.B holdfast
.I COMMAND
.RI [ ARGUMENT ...]
.SH DESCRIPTION
Without a command
.B holdfast
is a daemon that takes the options, signals, files and exit codes of
.BR keepalived (8).
It keeps virtual addresses on a healthy machine (VRRP), spreads traffic over healthy
servers (IPVS), and follows
.BR holdfast.conf (5).
.PP
Called by the name
.B genhash
it is the command of that name.
.SH OPTIONS
`)
	for _, o := range new(invocation).options() {
		name := `\fB\-\-` + escape(o.long) + `\fR`
		if o.short != 0 {
			name = `\fB\-` + string(o.short) + `\fR, ` + name
		}
		switch o.arg {
		case required:
			name += ` \fI` + escape(o.meta) + `\fR`
		case optional:
			name += `[=\fI` + escape(o.meta) + `\fR]`
		}
		fmt.Fprintf(&b, ".TP\n%s\n%s\n", name, escape(o.help))
	}
	b.WriteString(".SH COMMANDS\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR %s\n%s\n", c.name, escape(c.usage), escape(c.help))
	}
	b.WriteString(`.SH SIGNALS
.TP
.BR TERM ", " INT
stop: addresses and services are given up in good order
.TP
.B HUP
read the configuration again
.TP
.B USR1
write state dumps: keepalived.data, keepalived_check.data, keepalived_bfd.data and
keepalived_parent.data in $TMPDIR or /tmp
.TP
.B USR2
write statistics to keepalived.stats there
.TP
.BR RTMAX\-1 " (63)"
the same, and set them to zero
.TP
.BR RTMIN+2 " (36)"
write keepalived.json there
.SH EXIT STATUS
.TP
.B 0
a normal end; the daemon runs already; the network namespace cannot be entered
.TP
.B 1
it cannot go on, or the command line is wrong
.TP
.B 2
the configuration cannot be run
.TP
.B 4
a permission is missing
.TP
.B 6
the configuration file is missing
.PP
With
.B \-t
it is 0 for a configuration without complaints, else 2, 4, 5 or 6, as with keepalived.
.SH FILES
.TP
.I /etc/keepalived/keepalived.conf
the configuration
.TP
.IR /run/keepalived.pid ", " /run/vrrp.pid ", " /run/checkers.pid ", " /run/bfd.pid
the process ids of the daemon and its roles
.TP
.I /run/holdfast/
the control sockets of the roles, unless pid files are elsewhere
.SH SEE ALSO
.BR holdfast.conf (5)
`)
	return b.String()
}

// escape makes text safe for a manual page.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
}
