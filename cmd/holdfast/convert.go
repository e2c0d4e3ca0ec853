package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/convert"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

const convertUsage = "[-o FILE] [--expand] [--drop] [--config-id ID] [--all-config] FILE"

// runConvert is holdfast convert.
func runConvert(args []string) int {
	var r reader
	f := flag.NewFlagSet("holdfast convert", flag.ContinueOnError)
	r.flags(f)
	output := f.String("o", "-", "write to this `file`")
	expand := f.Bool("expand", false, "replace conditions, definitions, includes and generators by what they give here and now")
	drop := f.Bool("drop", false, "leave out what has no meaning where it stands")
	words, err := arguments(f, args)
	if err != nil {
		return usage(err)
	}
	if len(words) != 1 {
		fmt.Fprintln(os.Stderr, "usage: holdfast convert "+convertUsage)
		return exitUsage
	}
	got, err := r.read(words[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast convert:", err)
		return exitFound
	}
	outline := convert.Read(got)
	if problems := outline.Losses(!*expand, !*drop); len(problems) > 0 || len(got.Tree.Files) == 0 {
		if len(got.Tree.Files) == 0 {
			problems = got.Problems
		}
		_ = diag.Renderer{}.Write(os.Stderr, problems)
		return exitFound
	}
	name, text := "x.conf", outline.Text()
	if !convert.IsTOML(words[0]) {
		name, text = "x.toml", convert.TOML(outline.Values())
	}
	again := convert.Load(name, syntax.Options{Source: syntax.Text(name, text)}, config.Test, host.Env())
	if again.DumpData() != got.DumpData() {
		fmt.Fprintf(os.Stderr, "holdfast convert: %s would mean something else in the other language: it depends on the order of keywords that are given several times\n", words[0])
		fmt.Fprintln(os.Stderr, "give each keyword once in its block, and what others refer to first; `holdfast check` shows what has no effect")
		return exitFound
	}
	if *output == "-" {
		_, err = os.Stdout.WriteString(text)
	} else {
		err = os.WriteFile(*output, []byte(text), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast convert:", err)
		return exitFound
	}
	return exitGood
}
