package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/realserver"
	"github.com/holdfast-lb/holdfast/pkg/realserver/kernel"
)

const realServerUsage = `up|down|check ADDRESS... [--tun] [--dry-run] [--print]`

const realServerHelp = `Usage: holdfast realserver ` + realServerUsage + `

Run on a backend. Direct routing and tunnelling send it packets for the virtual
address, which it must accept without ever announcing the address itself.

  up      put the addresses on lo (with --tun on tunl0), silence ARP for them
  down    take them away; with the last one, put the settings back as they were
  check   say what is wrong, and how to mend it; exit status 1 if anything is

  --tun      the director uses lb_kind TUN rather than DR
  --dry-run  only show the steps that this machine needs
  --print    show the commands for any fresh machine, for configuration management
`

// realServer is "holdfast realserver".
func realServer(args []string) int {
	var dry, print bool
	method := realserver.DR
	words, err := parseOptions([]option{
		{long: "tun", set: func(string) error { method = realserver.TUN; return nil }},
		{long: "dry-run", set: func(string) error { dry = true; return nil }},
		{long: "print", set: func(string) error { print = true; return nil }},
	}, args)
	var vips []netip.Addr
	for i := 1; i < len(words) && err == nil; i++ {
		var a netip.Addr
		if a, err = netip.ParseAddr(words[i]); err != nil {
			err = fmt.Errorf("%s is not an IP address", words[i])
		}
		vips = append(vips, a)
	}
	if err == nil && len(vips) == 0 {
		err = errors.New("an action and a virtual address are needed")
	}
	if err == nil {
		switch {
		case print && words[0] == "up":
			showSteps(realserver.Up(vips, method, realserver.State{Links: map[string]bool{"lo": true}}))
		case words[0] == "up":
			err = realServerUp(vips, method, dry)
		case words[0] == "down":
			err = realServerDown(vips, dry)
		case words[0] == "check":
			return realServerCheck(vips, method)
		default:
			err = fmt.Errorf("%s is no action", words[0])
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "holdfast realserver: %v\n\n%s", err, realServerHelp)
		return daemon.ExitFatal
	}
	return 0
}

func showSteps(steps []realserver.Step) {
	for _, s := range steps {
		fmt.Println(s.Command())
	}
}

func realServerUp(vips []netip.Addr, method realserver.Method, dry bool) error {
	have, err := kernel.Read()
	if err != nil {
		return err
	}
	steps := realserver.Up(vips, method, have)
	showSteps(steps)
	if dry {
		return nil
	}
	record, err := kernel.Load(kernel.RecordFile)
	if err != nil {
		return err
	}
	done, err := kernel.Do(steps)
	record.Note(done, have)
	return errors.Join(err, kernel.Save(kernel.RecordFile, record))
}

func realServerDown(vips []netip.Addr, dry bool) error {
	have, err := kernel.Read()
	if err != nil {
		return err
	}
	record, err := kernel.Load(kernel.RecordFile)
	if err != nil {
		return err
	}
	steps, left := realserver.Down(vips, have, record)
	showSteps(steps)
	if dry {
		return nil
	}
	if _, err := kernel.Do(steps); err != nil {
		return err
	}
	return kernel.Save(kernel.RecordFile, left)
}

func realServerCheck(vips []netip.Addr, method realserver.Method) int {
	have, err := kernel.Read()
	if err != nil {
		fmt.Fprintf(os.Stderr, "holdfast realserver: %v\n", err)
		return daemon.ExitFatal
	}
	found := realserver.Check(vips, method, have)
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		return 1
	}
	fmt.Println("nothing is wrong")
	return 0
}
