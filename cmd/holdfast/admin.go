package main

import (
	"fmt"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/control"
)

// Usages of the commands that change what a daemon does.
const (
	drainUsage   = "VIRTUAL REAL [--timeout DURATION] " + placeUsage
	serverUsage  = "VIRTUAL REAL " + placeUsage
	standbyUsage = "[INSTANCE] [--for DURATION] " + placeUsage
	resumeUsage  = "[INSTANCE] " + placeUsage
)

// administer is holdfast drain, ready or maint: what is to become of one real
// server.
func administer(method, usage string) func([]string) int {
	return func(args []string) int {
		var at place
		var limit time.Duration
		table := at.options()
		if method == "drain" {
			table = append(table, durationOption("timeout", &limit))
		}
		words, err := parseOptions(table, args)
		if err == nil && len(words) != 2 {
			err = fmt.Errorf("a virtual server and a real server of it are needed, got %q", words)
		}
		if err != nil {
			return misused(method, usage, err)
		}
		req := control.AdminRequest{Virtual: words[0], Real: words[1], Timeout: limit}
		if err := at.call(control.Checkers, method, req, nil); err != nil {
			return failed(method, err)
		}
		return exitGood
	}
}

// handOver is holdfast standby or resume: leave the addresses to others, or
// stop doing so.
func handOver(method, usage string) func([]string) int {
	return func(args []string) int {
		var at place
		var limit time.Duration
		table := at.options()
		if method == "standby" {
			table = append(table, durationOption("for", &limit))
		}
		words, err := parseOptions(table, args)
		if err == nil && len(words) > 1 {
			err = fmt.Errorf("one instance at most, got %q", words)
		}
		if err != nil {
			return misused(method, usage, err)
		}
		req := control.StandbyRequest{For: limit.Seconds()}
		if len(words) == 1 {
			req.Instance = words[0]
		}
		if err := at.call(control.VRRP, method, req, nil); err != nil {
			return failed(method, err)
		}
		return exitGood
	}
}

// durationOption is an option such as --for 30m.
func durationOption(name string, d *time.Duration) option {
	return option{long: name, arg: required, set: func(arg string) error {
		got, err := time.ParseDuration(arg)
		if err == nil && got <= 0 {
			err = fmt.Errorf("%q is no time to wait", arg)
		}
		*d = got
		return err
	}}
}
