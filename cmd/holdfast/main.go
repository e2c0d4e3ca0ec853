// Command holdfast is the daemon, with keepalived's command line, and the tool
// to look after it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/director"
	"github.com/holdfast-lb/holdfast/pkg/router"
)

func main() { os.Exit(run(os.Args)) }

// run decides in which of its roles the program was called.
func run(args []string) int {
	if daemon.IsRole(args) {
		return daemon.RunRole(duties)
	}
	if rest, ok := calledForGenhash(args); ok {
		return runGenhash(rest)
	}
	if len(args) > 1 {
		for _, c := range commands() {
			if c.name == args[1] {
				return c.run(args[2:])
			}
		}
		if !strings.HasPrefix(args[1], "-") && filepath.Base(args[0]) != "keepalived" {
			return unknownCommand(args[1])
		}
	}
	return runDaemon(args)
}

// unknownCommand refuses a word that is no command: a typo must not start the daemon.
// Called by keepalived's name the program only warns of it, as keepalived does.
func unknownCommand(word string) int {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	hint := "holdfast --help shows the commands"
	if near := diag.Suggest(word, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	fmt.Fprintf(os.Stderr, "holdfast: %q is not a command: %s\n", word, hint)
	return exitUsage
}

// runDaemon does what keepalived does with such a command line.
func runDaemon(args []string) int {
	v, words, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(args[0]), err)
		fmt.Fprintf(os.Stderr, "%s --help shows the options\n", filepath.Base(args[0]))
		return daemon.ExitFatal
	}
	if v.action != nil {
		return v.action()
	}
	if len(words) > 0 {
		fmt.Fprintf(os.Stderr, "Unexpected argument(s): %q\n", words)
	}
	if v.test {
		return testConfig(v)
	}
	v.Relinquish = map[string]daemon.RelinquishFunc{control.VRRP: router.Relinquish, control.Checkers: director.Relinquish}
	return daemon.Run(v.Options)
}

// command is a subcommand.
type command struct {
	name  string
	usage string // behind the name
	help  string
	run   func(args []string) int
}

// commands are the subcommands, in the order of the help.
func commands() []command {
	return []command{
		{"status", formUsage, "show the state of instances, servers and checks, with reasons", runStatus},
		{"events", formUsage, "show what happens from now on", runEvents},
		{"drain", drainUsage, "give a real server no new connections", administer("drain", drainUsage)},
		{"ready", serverUsage, "let a real server serve again", administer("ready", serverUsage)},
		{"maint", serverUsage, "take a real server out of service", administer("maint", serverUsage)},
		{"standby", standbyUsage, "leave an instance's addresses to others", handOver("standby", standbyUsage)},
		{"resume", resumeUsage, "end a standby", handOver("resume", resumeUsage)},
		{"check", checkUsage, "check a configuration and explain what is wrong with it", runCheck},
		{"convert", convertUsage, "write a configuration in the other language, TOML or keepalived's", runConvert},
		{"explain", explainUsage, "explain a keyword, or a message by its id", runExplain},
		{"completion", "bash|zsh|fish", "print a script that completes words", runCompletion},
		{"genhash", "-s ADDRESS -p PORT -u PATH [OPTION...]", "print the digest of a page, for HTTP_GET and SSL_GET", runGenhash},
		{"doctor", doctorUsage, "say what on this machine keeps the configuration from working", examine},
		{"realserver", realServerUsage, "prepare a backend for DR or TUN", realServer},
	}
}
