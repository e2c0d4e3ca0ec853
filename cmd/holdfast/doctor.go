package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/convert"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
	"github.com/holdfast-lb/holdfast/pkg/doctor"
	"github.com/holdfast-lb/holdfast/pkg/doctor/kernel"
)

const doctorUsage = "[-f FILE] [--json] " + placeUsage

// examine is "holdfast doctor". Its exit status is 1 when something will not
// work.
func examine(args []string) int {
	file, asJSON := daemon.DefaultFile, false
	var at place
	_, err := parseOptions(at.options(
		option{short: 'f', long: "use-file", arg: required, set: func(a string) error { file = a; return nil }},
		option{long: "json", set: func(string) error { asJSON = true; return nil }},
	), args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "holdfast doctor: %v\nUsage: holdfast doctor %s\n", err, doctorUsage)
		return daemon.ExitFatal
	}
	findings, err := diagnose(file, at)
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

func diagnose(file string, at place) ([]doctor.Finding, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	src := syntax.NewSource(os.DirFS("/"), dir, os.LookupEnv)
	got := convert.Load(file, syntax.Options{Source: src}, config.Test, host.Env())
	if len(got.Tree.Files) == 0 {
		return nil, fmt.Errorf("%s cannot be read; name the configuration with -f", file)
	}
	p := &got.Config.Process
	at.instance, at.namespace = cmp.Or(at.instance, p.Instance), cmp.Or(at.namespace, p.NetNamespace)
	facts, err := kernel.Facts(context.Background(), daemon.Sockets(at.pids, at.instance, at.namespace))
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
