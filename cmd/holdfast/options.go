package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/logging"
)

// errDone ends the reading of options: one has already been carried out.
var errDone = errors.New("done")

// invocation is what a command line in keepalived's manner asks for.
type invocation struct {
	daemon.Options
	test     bool        // -t: check the configuration and end
	testFile string      // its argument
	only     config.Role // -P, -C: the only roles of these two
	action   func() int  // -v, -h, --signum: do this and end
}

// options is the table of keepalived's options.
func (v *invocation) options() []option {
	o := &v.Options
	flag := func(p *bool) func(string) error {
		return func(string) error { *p = true; return nil }
	}
	text := func(p *string) func(string) error {
		return func(arg string) error { *p = arg; return nil }
	}
	only := func(r config.Role) func(string) error {
		return func(string) error { v.only |= r; return nil }
	}
	notYet := func(name string) func(string) error {
		return func(string) error { o.NotYet = append(o.NotYet, name); return nil }
	}
	return []option{
		{'f', "use-file", required, "FILE", "use this configuration file (default " + daemon.DefaultFile + ")", text(&o.File)},
		{'P', "vrrp", none, "", "run only the VRRP process", only(config.VRRP)},
		{'C', "check", none, "", "run only the checkers process", only(config.Checkers)},
		{'B', "no_bfd", none, "", "do not run the BFD process", func(string) error { o.Roles &^= config.BFD; return nil }},
		{0, "all", none, "", "run all processes, even without configuration for them", flag(&o.All)},
		{'l', "log-console", none, "", "log to standard error as well", flag(&o.Console)},
		{'D', "log-detail", none, "", "log details", func(string) error { o.Detail++; return nil }},
		{'S', "log-facility", required, "0-7|local0-7|user|daemon", "syslog facility (default daemon)", func(arg string) (err error) {
			o.Facility, err = facility(arg)
			return err
		}},
		{'G', "no-syslog", none, "", "do not log to syslog", flag(&o.NoSyslog)},
		{'u', "umask", required, "NUMBER", "umask (octal with a leading 0)", func(arg string) error {
			n, err := strconv.ParseUint(arg, 0, 32)
			if err != nil || n > 0o777 {
				return fmt.Errorf("%q is no umask; they are 0 to 0777", arg)
			}
			mask := int(n)
			o.Umask = &mask
			return nil
		}},
		{'X', "release-vips", none, "", "drop addresses when a signal forces a transition (always done)", func(string) error { return nil }},
		{'V', "dont-release-vrrp", none, "", "leave addresses, routes and rules in place at stop", flag(&o.Flags.DontReleaseVRRP)},
		{'I', "dont-release-ipvs", none, "", "leave IPVS services in place at stop", flag(&o.Flags.DontReleaseIPVS)},
		{'R', "dont-respawn", none, "", "do not restart processes that die", flag(&o.DontRespawn)},
		{'n', "dont-fork", none, "", "stay in the foreground", flag(&o.Foreground)},
		{'d', "dump-conf", none, "", "log the configuration at the start", flag(&o.DumpConfig)},
		{'p', "pid", required, "FILE", "pid file", text(&o.PidFiles.Parent)},
		{'r', "vrrp_pid", required, "FILE", "pid file of the VRRP process", text(&o.PidFiles.VRRP)},
		{'c', "checkers_pid", required, "FILE", "pid file of the checkers process", text(&o.PidFiles.Checkers)},
		{'b', "bfd_pid", required, "FILE", "pid file of the BFD process", text(&o.PidFiles.BFD)},
		{'a', "address-monitoring", none, "", "log every change of an address", flag(&o.Flags.AddressMonitoring)},
		{'x', "snmp", none, "", "serve SNMP (not in effect yet)", notYet("snmp")},
		{'A', "snmp-agent-socket", required, "SOCKET", "AgentX master (not in effect yet)", notYet("snmp-agent-socket")},
		{'s', "namespace", required, "NAME", "run in this network namespace", text(&o.Namespace)},
		{'m', "core-dump", none, "", "allow core dumps", flag(&o.CoreDump)},
		{'M', "core-dump-pattern", optional, "PATTERN", "also set the system's core pattern (default core)", func(arg string) error {
			o.CoreDump, o.CorePattern = true, arg
			if arg == "" {
				o.CorePattern = "core"
			}
			return nil
		}},
		{'e', "all-config", none, "", "every problem with an include is fatal", flag(&o.AllConfig)},
		{'i', "config-id", required, "ID", "what lines starting with @ID compare with (default: the host's name)", text(&o.ConfigID)},
		{0, "signum", required, "NAME", "print the number of a signal: " + strings.Join(signalNames(), " "), func(arg string) error {
			v.action = func() int { return printSignal(arg) }
			return errDone
		}},
		{0, "ignore-sigint", none, "", "ignore SIGINT", flag(&o.IgnoreSIGINT)},
		{'t', "config-test", optional, "FILE", "check the configuration, write what is wrong (to FILE), and end", func(arg string) error {
			v.test, v.testFile = true, arg
			return nil
		}},
		{'T', "genhash", none, "", "print the digest of a page; must be the first option", func(string) error {
			return errors.New("must be the first option")
		}},
		{'v', "version", none, "", "show the version and end", func(string) error {
			v.action = printVersion
			return errDone
		}},
		{'h', "help", none, "", "show this and end", func(string) error {
			v.action = v.printHelp
			return errDone
		}},
	}
}

// parse reads keepalived's command line.
func parse(args []string) (*invocation, []string, error) {
	v := &invocation{Options: daemon.Options{Args: args, Roles: config.Everyone, Facility: logging.Daemon}}
	words, err := parseOptions(v.options(), args[1:])
	if errors.Is(err, errDone) {
		return v, nil, nil
	}
	if v.only != 0 {
		v.Roles &^= (config.VRRP | config.Checkers) &^ v.only
	}
	return v, words, err
}

// facility reads the argument of -S.
func facility(arg string) (int, error) {
	switch arg {
	case "user":
		return logging.User, nil
	case "daemon":
		return logging.Daemon, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(arg, "local"))
	if err != nil || n < 0 || n > 7 {
		return 0, fmt.Errorf("%q is no facility; they are 0 to 7, local0 to local7, user and daemon", arg)
	}
	return logging.Local0 + n, nil
}

// signals are the names that --signum knows.
var signals = []struct {
	name   string
	number int
}{
	{"STOP", 15},
	{"RELOAD", 1},
	{"DATA", int(daemon.SignalData)},
	{"STATS", int(daemon.SignalStats)},
	{"STATS_CLEAR", int(daemon.SignalStatsClear)},
	{"JSON", int(daemon.SignalJSON)},
}

func signalNames() []string {
	var names []string
	for _, s := range signals {
		names = append(names, s.name)
	}
	return names
}

// writeOptions writes the part of the help that a table of options makes.
func writeOptions(w io.Writer, table []option) {
	for i := range table {
		o := &table[i]
		if o.help == "" {
			continue
		}
		name := "    "
		if o.short != 0 {
			name = fmt.Sprintf("-%c, ", o.short)
		}
		name += "--" + o.long
		switch o.arg {
		case required:
			name += " " + o.meta
		case optional:
			name += "[=" + o.meta + "]"
		}
		if len(name) > 30 {
			fmt.Fprintf(w, "  %s\n", name)
			name = ""
		}
		fmt.Fprintf(w, "  %-30s %s\n", name, o.help)
	}
}
