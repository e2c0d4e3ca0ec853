package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/doctor"
	"github.com/holdfast-lb/holdfast/pkg/doctor/kernel"
)

const doctorUsage = "[-f FILE] [--json]"

// examine is "holdfast doctor". Its exit status is 1 when something will not
// work.
func examine(args []string) int {
	file, asJSON := daemon.DefaultFile, false
	pids := daemon.PidFiles{}
	_, err := parseOptions([]option{
		{short: 'f', long: "use-file", arg: required, set: func(a string) error { file = a; return nil }},
		{short: 'r', long: "vrrp_pid", arg: required, set: func(a string) error { pids.VRRP = a; return nil }},
		{short: 'c', long: "checkers_pid", arg: required, set: func(a string) error { pids.Checkers = a; return nil }},
		{short: 'b', long: "bfd_pid", arg: required, set: func(a string) error { pids.BFD = a; return nil }},
		{long: "json", set: func(string) error { asJSON = true; return nil }},
	}, args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "holdfast doctor: %v\nUsage: holdfast doctor %s\n", err, doctorUsage)
		return daemon.ExitFatal
	}
	findings, err := diagnose(file, pids)
	if err != nil {
		fmt.Fprintf(os.Stderr, "holdfast doctor: %v\n", err)
		return daemon.ExitFatal
	}
	status := 0
	for _, f := range findings {
		if f.Level == doctor.Problem {
			status = 1
		}
	}
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(findings); err != nil {
			return daemon.ExitFatal
		}
		return status
	}
	showFindings(findings)
	return status
}

func diagnose(file string, pids daemon.PidFiles) ([]doctor.Finding, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	src := syntax.NewSource(os.DirFS("/"), dir, os.LookupEnv)
	got := config.Load(file, syntax.Options{Source: src}, config.Test, host.Env())
	if len(got.Tree.Files) == 0 {
		return nil, fmt.Errorf("%s cannot be read; name the configuration with -f", file)
	}
	facts, err := kernel.Facts(context.Background(), map[string]string{
		control.VRRP:     control.SocketPath(pids.VRRP, control.VRRP),
		control.Checkers: control.SocketPath(pids.Checkers, control.Checkers),
		control.BFD:      control.SocketPath(pids.BFD, control.BFD),
	})
	if err != nil {
		return nil, err
	}
	return doctor.Diagnose(got.Config, facts), nil
}

func showFindings(list []doctor.Finding) {
	for _, f := range list {
		fmt.Printf("%-8s %s\n", f.Level, f.Text)
		if f.Why != "" {
			fmt.Printf("         %s\n", f.Why)
		}
		if f.Fix != "" {
			fmt.Printf("         -> %s\n", f.Fix)
		}
	}
}
