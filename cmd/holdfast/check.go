package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/convert"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/lint"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
	"github.com/holdfast-lb/holdfast/pkg/daemon"
)

// The exit codes of the subcommands about configurations.
const (
	exitGood  = 0
	exitFound = 1 // something is wrong with the configuration
	exitUsage = 2
)

const checkUsage = "[--level error|warning|info] [--strict] [--format text|json] [--colour auto|always|never]" +
	" [--dump data|conf|toml|json] [--peer FILE [--peer-id ID]] [--config-id ID] [--all-config] [FILE]"

// reader are the options of all subcommands that read a configuration.
type reader struct {
	id        string
	allConfig bool
}

func (r *reader) flags(f *flag.FlagSet) {
	f.StringVar(&r.id, "config-id", "", "what lines starting with @`ID` compare with (default: the host's name)")
	f.BoolVar(&r.allConfig, "all-config", false, "every problem with an include is an error")
}

// read reads a configuration in either language, for this machine.
func (r *reader) read(file string) (*config.Reading, error) { return r.readFor(file, host.Env()) }

func (r *reader) readFor(file string, env *config.Env) (*config.Reading, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	id := r.id
	if id == "" {
		id, _, _ = strings.Cut(env.Hostname, ".")
	}
	o := syntax.Options{Source: syntax.NewSource(os.DirFS("/"), dir, os.LookupEnv), ConfigID: id, AllConfig: r.allConfig}
	return convert.Load(file, o, config.Test, env), nil
}

// arguments reads the flags of a subcommand, which may stand behind its words
// too.
func arguments(f *flag.FlagSet, args []string) (words []string, err error) {
	f.SetOutput(os.Stderr)
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		if args = f.Args(); len(args) == 0 {
			return words, nil
		}
		words, args = append(words, args[0]), args[1:]
	}
}

// usage ends a subcommand whose flags could not be read.
func usage(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitGood
	}
	return exitUsage
}

// runCheck is holdfast check.
func runCheck(args []string) int {
	var r reader
	f := flag.NewFlagSet("holdfast check", flag.ContinueOnError)
	r.flags(f)
	format := f.String("format", "text", "`text` or json")
	dump := f.String("dump", "", "print what was understood instead: `data` (as keepalived dumps it), conf, toml or json")
	level := f.String("level", "warning", "least severity to report: `error`, warning or info")
	peer := f.String("peer", "", "compare with the configuration `file` of the router that backs this one up")
	peerID := f.String("peer-id", "", "the configuration id there")
	strict := f.Bool("strict", false, "fail for warnings too")
	colour := f.String("colour", "auto", "`auto`, always or never")
	words, err := arguments(f, args)
	if err != nil {
		return usage(err)
	}
	file := daemon.DefaultFile
	if len(words) == 1 {
		file = words[0]
	} else if len(words) > 1 {
		fmt.Fprintln(os.Stderr, "holdfast check: one file at a time")
		return exitUsage
	}
	got, err := r.read(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast check:", err)
		return exitFound
	}
	if *dump != "" {
		return dumpConfig(os.Stdout, got, *dump)
	}
	least, ok := severities[*level]
	if !ok {
		fmt.Fprintf(os.Stderr, "holdfast check: no level %q\n", *level)
		return exitUsage
	}
	problems := append(got.Problems, lint.Check(got.Config)...)
	if *peer != "" {
		other := reader{id: *peerID, allConfig: r.allConfig}
		there, err := other.readFor(*peer, elsewhere())
		if err != nil || len(there.Tree.Files) == 0 {
			fmt.Fprintf(os.Stderr, "holdfast check: cannot read the peer's %s\n", *peer)
			return exitFound
		}
		problems = append(problems, lint.Compare(got.Config, there.Config)...)
	}
	problems = lint.Tidy(lint.Silence(problems, got.Tree.Comments))
	if err := report(os.Stdout, problems, least, *format, *colour); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast check:", err)
		return exitUsage
	}
	errs, warnings, _ := diag.Count(problems)
	if errs > 0 || *strict && warnings > 0 {
		return exitFound
	}
	return exitGood
}

// elsewhere is a machine of which nothing is known: it has what its
// configuration names.
func elsewhere() *config.Env {
	return &config.Env{
		CPUs:        1,
		Link:        func(string) (config.Link, bool) { return config.Link{Index: 1}, true },
		User:        func(string) (uint32, uint32, bool) { return 0, 0, true },
		Group:       func(string) (uint32, bool) { return 0, true },
		ResolveHost: func(string) (netip.Addr, bool) { return netip.Addr{}, true },
	}
}

var severities = map[string]diag.Severity{"error": diag.Error, "warning": diag.Warning, "info": diag.Info}

// report writes the problems from a severity on.
func report(w io.Writer, problems []diag.Problem, least diag.Severity, format, colour string) error {
	shown := []diag.Problem{}
	for _, p := range problems {
		if p.Severity >= least {
			shown = append(shown, p)
		}
	}
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(shown)
	case "text":
	default:
		return fmt.Errorf("no format %q", format)
	}
	render := diag.Renderer{Colour: colour == "always" || colour == "auto" && isTerminal()}
	if err := render.Write(w, shown); err != nil {
		return err
	}
	errs, warnings, infos := diag.Count(problems)
	if errs+warnings+infos == 0 {
		_, err := fmt.Fprintln(w, "nothing to complain about")
		return err
	}
	_, err := fmt.Fprintf(w, "%s%s, %s, %s\n", strings.Repeat("\n", min(1, len(shown))),
		plural(errs, "error"), plural(warnings, "warning"), plural(infos, "remark"))
	return err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func isTerminal() bool {
	_, err := unix.IoctlGetTermios(int(os.Stdout.Fd()), unix.TCGETS)
	return err == nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// dumpConfig prints what was understood.
func dumpConfig(w io.Writer, r *config.Reading, form string) int {
	var out string
	switch form {
	case "data":
		out = r.DumpData()
	case "conf":
		out = convert.Read(r).Text()
	case "toml":
		out = convert.TOML(convert.Read(r).Values())
	case "json":
		b, err := convert.JSON(convert.Read(r).Values())
		if err != nil {
			fmt.Fprintln(os.Stderr, "holdfast check:", err)
			return exitFound
		}
		out = string(b)
	default:
		fmt.Fprintf(os.Stderr, "holdfast check: no dump %q: there are data, conf, toml and json\n", form)
		return exitUsage
	}
	if len(r.Tree.Files) == 0 {
		_ = diag.Renderer{}.Write(os.Stderr, r.Problems)
		return exitFound
	}
	if _, err := io.WriteString(w, out); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast check:", err)
		return exitFound
	}
	return exitGood
}

// testConfig is keepalived's -t; its argument is a file for the messages.
func testConfig(v *invocation) int {
	if v.testFile == "" {
		return daemon.Test(v.Options, os.Stderr)
	}
	w, err := os.Create(v.testFile)
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot write the messages: %v\n", err)
		return daemon.ExitFatal
	}
	defer w.Close()
	return daemon.Test(v.Options, w)
}
