// Package daemon is the supervisor and the frame that role processes run in.
//
// The supervisor reads the configuration once and hands the same bytes to each
// role, keeps the pid files, forwards signals, restarts a role that dies, and
// talks to systemd. It holds nothing that would be missed: what keeps addresses
// and services alive are the roles. It opens no network socket either, but to say
// good-bye for a vrrp role that could not.
package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/logging"
)

// Compatible is the version of keepalived whose behaviour we have.
const Compatible = "2.4.3"

// Version is our own version; releases set it when they are linked.
var Version = "0.1.0"

// Banner is how the program names itself in logs and to --version. Tools read
// keepalived's version out of it.
func Banner() string { return "Keepalived v" + Compatible + " (holdfast " + Version + ")" }

// DefaultFile is the configuration file if none is given.
const DefaultFile = "/etc/keepalived/keepalived.conf"

// Options is what the command line says, with keepalived's meaning.
type Options struct {
	Args []string // the command line itself, for the log

	File      string // -f
	ConfigID  string // -i; empty: the host's name
	AllConfig bool   // -e

	Roles    config.Role // the processes that may run (-P, -C, -B)
	All      bool        // --all: run them even without configuration
	PidFiles PidFiles    // -p -r -c -b

	Foreground   bool   // -n
	Namespace    string // -s
	Umask        *int   // -u
	CoreDump     bool   // -m
	CorePattern  string // -M; empty: leave the system's
	DontRespawn  bool   // -R
	IgnoreSIGINT bool   // --ignore-sigint
	DumpConfig   bool   // -d

	Console  bool // -l
	Detail   int  // how often -D
	Facility int  // -S
	NoSyslog bool // -G

	Flags RoleFlags

	NotYet []string // options that were given and have no effect yet

	// Relinquish gives up what a role held, by the roles' names. A role without
	// holds nothing.
	Relinquish map[string]RelinquishFunc `json:"-"`

	inNamespace bool      // the process has been moved into Namespace
	starter     *notifier // who waits for us to be up; nil in the foreground
}

// RelinquishFunc gives up what a role held that has ended and does not come back,
// with the memory that it left.
type RelinquishFunc func(cfg *config.Config, memory *os.File, log *zap.Logger) error

// RoleFlags are options for the roles alone.
type RoleFlags struct {
	DontReleaseVRRP   bool // -V
	DontReleaseIPVS   bool // -I
	AddressMonitoring bool // -a
}

// keeps says whether what a role holds is to stay when it ends.
func (f RoleFlags) keeps(r config.Role) bool {
	return r == config.VRRP && f.DontReleaseVRRP || r == config.Checkers && f.DontReleaseIPVS
}

// PidFiles are the paths of the pid files; empty ones are defaults.
type PidFiles struct{ Parent, VRRP, Checkers, BFD string }

// pidDir holds pid files and FIFOs that are kept apart from the system's.
const pidDir = "/run/keepalived"

// withDefaults fills in the default paths, which depend on the configuration
// and, outside of its private /run/keepalived, on the namespace.
func (p PidFiles) withDefaults(proc config.Process, namespace string) PidFiles {
	path := func(given, name string) string {
		switch {
		case given != "":
			return given
		case proc.Instance != "":
			return filepath.Join(pidDir, name+"_"+proc.Instance+".pid")
		case proc.UsePidDir || namespace != "":
			return filepath.Join(pidDir, name+".pid")
		default:
			return "/run/" + name + ".pid"
		}
	}
	return PidFiles{
		Parent:   path(p.Parent, "keepalived"),
		VRRP:     path(p.VRRP, control.VRRP),
		Checkers: path(p.Checkers, control.Checkers),
		BFD:      path(p.BFD, control.BFD),
	}
}

// Sockets returns, by the name of the role, where the control sockets of a
// daemon may be that was started with these pid files, instance and namespace.
func Sockets(p PidFiles, instance, namespace string) map[string][]string {
	proc := config.Process{Instance: instance}
	places := []PidFiles{p.withDefaults(proc, namespace)}
	if instance == "" && namespace == "" { // there may be a use_pid_dir in the file
		places = append(places, p.withDefaults(config.Process{UsePidDir: true}, ""))
	}
	sockets := make(map[string][]string)
	for i := range kinds {
		k := &kinds[i]
		for _, pids := range places {
			path := control.SocketPath(k.pid(pids), k.name)
			if namespace != "" { // whose processes see another /run/keepalived
				path = strings.Replace(path, pidDir+"/", filepath.Join(pidDir, namespace)+"/", 1)
			}
			if !slices.Contains(sockets[k.name], path) {
				sockets[k.name] = append(sockets[k.name], path)
			}
		}
	}
	return sockets
}

// kind is what the supervisor knows of a role.
type kind struct {
	name  string      // in sockets and pid files
	title string      // of its process in the log
	short string      // of its process in the log, when it has died
	ident string      // added to our name in the log
	comm  string      // of its process in the kernel, with process_names
	role  config.Role // its part of the configuration
	has   func(*config.Config) bool
	how   func(*config.Global) config.RoleProcess
	pid   func(PidFiles) string
	stats bool // gets the signals about statistics
}

// kinds are the roles, in the order of their start.
var kinds = [...]kind{
	{
		name: control.Checkers, title: "Healthcheck", short: "Healthcheck", ident: "_healthcheckers", comm: "keepalived_lvs", role: config.Checkers,
		has: (*config.Config).HasCheckers,
		how: func(g *config.Global) config.RoleProcess { return g.Checkers },
		pid: func(p PidFiles) string { return p.Checkers },
	},
	{
		name: control.VRRP, title: "VRRP", short: "Vrrp", ident: "_vrrp", comm: "keepalived_vrrp", role: config.VRRP, stats: true,
		has: (*config.Config).HasVRRP,
		how: func(g *config.Global) config.RoleProcess { return g.VRRP },
		pid: func(p PidFiles) string { return p.VRRP },
	},
	{
		name: control.BFD, title: "BFD", short: "BFD", ident: "_bfd", comm: "keepalived_bfd", role: config.BFD,
		has: (*config.Config).HasBFD,
		how: func(g *config.Global) config.RoleProcess { return g.Bfd },
		pid: func(p PidFiles) string { return p.BFD },
	},
}

// logOptions is how a process with this name in the log logs.
func (o *Options) logOptions(suffix string, c *config.Config) logging.Options {
	level := zapcore.InfoLevel
	if o.Detail > 0 {
		level = zapcore.DebugLevel
	}
	return logging.Options{
		Ident:    logging.Ident("Keepalived"+suffix, o.namespace(c), c.Process.Instance),
		Facility: o.Facility,
		Console:  o.Console,
		NoSyslog: o.NoSyslog,
		Level:    level,
	}
}

// namespace is the network namespace to run in; the command line wins.
func (o *Options) namespace(c *config.Config) string {
	if o.Namespace != "" {
		return o.Namespace
	}
	return c.Process.NetNamespace
}
