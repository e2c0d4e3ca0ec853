package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
)

// answerLimit is how long a role may take to answer.
const answerLimit = 10 * time.Second

// place says which daemon of this machine a command is for.
type place struct {
	pids                daemon.PidFiles
	instance, namespace string
}

// placeUsage is what place adds to a command's usage.
const placeUsage = "[-s NAMESPACE] [--instance NAME] [-r|-c|-b PIDFILE]"

// options are the daemon's options that change where its sockets are.
func (p *place) options(more ...option) []option {
	text := func(to *string) func(string) error {
		return func(arg string) error { *to = arg; return nil }
	}
	return append([]option{
		{short: 'r', long: "vrrp_pid", arg: required, set: text(&p.pids.VRRP)},
		{short: 'c', long: "checkers_pid", arg: required, set: text(&p.pids.Checkers)},
		{short: 'b', long: "bfd_pid", arg: required, set: text(&p.pids.BFD)},
		{short: 's', long: "namespace", arg: required, set: text(&p.namespace)},
		{long: "instance", arg: required, set: text(&p.instance)},
	}, more...)
}

// formUsage is the usage of a command that shows what a daemon says.
const formUsage = "[--json] " + placeUsage

// placeAndForm reads the arguments of such a command.
func placeAndForm(args []string) (at place, asJSON bool, err error) {
	words, err := parseOptions(at.options(option{long: "json", set: func(string) error { asJSON = true; return nil }}), args)
	if err == nil && len(words) > 0 {
		err = fmt.Errorf("unexpected %q", words)
	}
	return at, asJSON, err
}

// dial connects to a role.
func (p *place) dial(ctx context.Context, role string) (*control.Client, error) {
	var errs []error
	for _, path := range daemon.Sockets(p.pids, p.instance, p.namespace)[role] {
		c, err := control.Dial(ctx, path)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// call asks a role one thing.
func (p *place) call(role, method string, params, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	c, err := p.dial(ctx, role)
	if err != nil {
		return fmt.Errorf("the %s role: %w", role, err)
	}
	defer c.Close()
	return c.Call(ctx, method, params, result)
}

// misused explains how a command is used.
func misused(command, usage string, err error) int {
	fmt.Fprintf(os.Stderr, "holdfast %s: %v\nUsage: holdfast %s %s\n", command, err, command, usage)
	return exitUsage
}

// failed reports why a command could not be carried out.
func failed(command string, err error) int {
	fmt.Fprintf(os.Stderr, "holdfast %s: %v\n", command, err)
	return exitFound
}
