package main

import (
	"fmt"
	"os"

	"github.com/holdfast-lb/holdfast/pkg/daemon"
)

// printVersion writes what keepalived -v writes, to the same place. Tools read
// the first line, and look for --enable-json.
func printVersion() int {
	fmt.Fprintf(os.Stderr, "%s\n\n", daemon.Banner())
	fmt.Fprintln(os.Stderr, "configure options: --enable-json --enable-bfd --enable-regex --with-init=systemd")
	fmt.Fprintln(os.Stderr, "Config options:  NFTABLES LVS REGEX VRRP VRRP_AUTH VRRP_VMAC JSON BFD OLD_CHKSUM_COMPAT INIT=systemd SYSTEMD_NOTIFY")
	return 0
}

func printSignal(name string) int {
	for _, s := range signals {
		if s.name == name {
			fmt.Println(s.number)
			return 0
		}
	}
	fmt.Fprintf(os.Stderr, "Unknown sigfunc %s\n", name)
	return daemon.ExitFatal
}

func (v *invocation) printHelp() int {
	fmt.Println("Usage: holdfast [OPTION...]            run the daemon, with keepalived's options")
	fmt.Println("       holdfast COMMAND [ARGUMENT...]")
	fmt.Println()
	fmt.Println("Options:")
	writeOptions(os.Stdout, v.options())
	if cmds := commands(); len(cmds) > 0 {
		fmt.Println()
		fmt.Println("Commands:")
		for _, c := range cmds {
			fmt.Printf("  %s %s\n  %-30s %s\n", c.name, c.usage, "", c.help)
		}
	}
	return 0
}
