package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/logging"
)

func TestParse(t *testing.T) {
	opts := func(change func(*invocation)) *invocation {
		v := &invocation{Options: daemon.Options{Roles: config.Everyone, Facility: logging.Daemon}}
		change(v)
		return v
	}
	mask := func(n int) *int { return &n }
	for _, tt := range []struct {
		args  string
		want  *invocation
		words []string
	}{
		{"", opts(func(*invocation) {}), nil},
		{"-nlD", opts(func(v *invocation) { v.Foreground, v.Console, v.Detail = true, true, 1 }), nil},
		{"-nD -D -f x.conf", opts(func(v *invocation) { v.Foreground, v.Detail, v.File = true, 2, "x.conf" }), nil},
		{"-nfx.conf", opts(func(v *invocation) { v.Foreground, v.File = true, "x.conf" }), nil},
		{"--use-file=x --dont-fo", opts(func(v *invocation) { v.Foreground, v.File = true, "x" }), nil},
		{"--use-file x --log-con", opts(func(v *invocation) { v.Console, v.File = true, "x" }), nil},
		{"-tx.conf", opts(func(v *invocation) { v.test, v.testFile = true, "x.conf" }), nil},
		{"-t -f x.conf", opts(func(v *invocation) { v.test, v.File = true, "x.conf" }), nil},
		{"-t x.conf", opts(func(v *invocation) { v.test = true }), []string{"x.conf"}},
		{"--config-test=x.conf", opts(func(v *invocation) { v.test, v.testFile = true, "x.conf" }), nil},
		{"surplus -n words", opts(func(v *invocation) { v.Foreground = true }), []string{"surplus", "words"}},
		{"-n -- -l", opts(func(v *invocation) { v.Foreground = true }), []string{"-l"}},
		{"-P", opts(func(v *invocation) { v.Roles = config.Parent | config.VRRP | config.BFD }), nil},
		{"-C", opts(func(v *invocation) { v.Roles = config.Parent | config.Checkers | config.BFD }), nil},
		{"-PC", opts(func(v *invocation) { v.Roles = config.Everyone }), nil},
		{"-PB", opts(func(v *invocation) { v.Roles = config.Parent | config.VRRP }), nil},
		{"-B --vrrp", opts(func(v *invocation) { v.Roles = config.Parent | config.VRRP }), nil},
		{"-p a -r b -c c -b d", opts(func(v *invocation) {
			v.PidFiles = daemon.PidFiles{Parent: "a", VRRP: "b", Checkers: "c", BFD: "d"}
		}), nil},
		{"--pid a --vrrp_pid=b --checkers_pid c --bfd_pid=d", opts(func(v *invocation) {
			v.PidFiles = daemon.PidFiles{Parent: "a", VRRP: "b", Checkers: "c", BFD: "d"}
		}), nil},
		{"-S 3", opts(func(v *invocation) { v.Facility = 19 }), nil},
		{"-Slocal7", opts(func(v *invocation) { v.Facility = 23 }), nil},
		{"-S user", opts(func(v *invocation) { v.Facility = 1 }), nil},
		{"-u 022", opts(func(v *invocation) { v.Umask = mask(0o22) }), nil},
		{"-u 0x1f", opts(func(v *invocation) { v.Umask = mask(0x1f) }), nil},
		{"-M", opts(func(v *invocation) { v.CoreDump, v.CorePattern = true, "core" }), nil},
		{"-Mcore.%p", opts(func(v *invocation) { v.CoreDump, v.CorePattern = true, "core.%p" }), nil},
		{"-RXVIaxd", opts(func(v *invocation) {
			v.DontRespawn, v.DumpConfig = true, true
			v.Flags = daemon.RoleFlags{DontReleaseVRRP: true, DontReleaseIPVS: true, AddressMonitoring: true}
			v.NotYet = []string{"snmp"}
		}), nil},
		{"-s blue -i lb1 -e -G --ignore-sigint --all", opts(func(v *invocation) {
			v.Namespace, v.ConfigID, v.AllConfig, v.NoSyslog, v.IgnoreSIGINT, v.All = "blue", "lb1", true, true, true, true
		}), nil},
	} {
		t.Run(tt.args, func(t *testing.T) {
			got, words, err := parse(append([]string{"holdfast"}, strings.Fields(tt.args)...))
			if err != nil {
				t.Fatal(err)
			}
			got.Args, got.only = nil, 0
			if diff := cmp.Diff(fmt.Sprintf("%+v", *tt.want), fmt.Sprintf("%+v", *got)); diff != "" && tt.want.Umask == nil {
				t.Error(diff)
			}
			if tt.want.Umask != nil && *got.Umask != *tt.want.Umask {
				t.Errorf("umask %o, want %o", *got.Umask, *tt.want.Umask)
			}
			if diff := cmp.Diff(tt.words, words); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--nope":       "unknown option --nope",
		"-z":           "unknown option -z",
		"-nz":          "unknown option -z",
		"-f":           "missing parameter for option -f",
		"--use-file":   "missing parameter for option --use-file",
		"--log":        "option --log could be --log-console or --log-detail",
		"--dont-fork=": "option --dont-fork takes no argument",
		"-S 8":         `option -S: "8" is no facility`,
		"-S local":     `option -S: "local" is no facility`,
		"-u 888":       `option -u: "888" is no umask`,
		"-u 01000":     `option -u: "01000" is no umask`,
	} {
		if _, _, err := parse(append([]string{"holdfast"}, strings.Fields(args)...)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s…", args, err, want)
		}
	}
}

// Options that end the program end the reading: nothing behind them matters.
func TestActionsEndTheParsing(t *testing.T) {
	for _, args := range []string{"-v --nope", "-h -f", "--signum=STOP -z", "--signum DATA"} {
		v, _, err := parse(append([]string{"holdfast"}, strings.Fields(args)...))
		if err != nil || v.action == nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// The table itself: no name twice, and each long name is reachable by itself.
func TestOptionTable(t *testing.T) {
	table := new(invocation).options()
	short := make(map[byte]string)
	for i := range table {
		o := &table[i]
		if other, dup := short[o.short]; dup && o.short != 0 {
			t.Errorf("-%c is --%s and --%s", o.short, other, o.long)
		}
		short[o.short] = o.long
		if got, err := findLong(table, o.long); err != nil || got.long != o.long {
			t.Errorf("--%s: %v", o.long, err)
		}
	}
}

func FuzzParseOptions(f *testing.F) {
	for _, s := range []string{"-nlD", "--use-file=x", "-t", "--", "-", "--=x", "-Mx"} {
		f.Add(s, "rest")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		_, _, err := parse([]string{"holdfast", a, b})
		if err != nil && (errors.Is(err, errDone) || err.Error() == "") {
			t.Errorf("%q %q: %v", a, b, err)
		}
	})
}
