package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/holdfast-lb/holdfast/pkg/config/reference"
)

const explainUsage = "[--names | --schema | KEYWORD [BLOCK]]"

// runExplain is holdfast explain.
func runExplain(args []string) int {
	f := flag.NewFlagSet("holdfast explain", flag.ContinueOnError)
	names := f.Bool("names", false, "print the names of all keywords")
	schema := f.Bool("schema", false, "print the JSON schema of holdfast.toml")
	words, err := arguments(f, args)
	switch {
	case err != nil:
		return usage(err)
	case *names:
		for _, name := range reference.Names() {
			fmt.Println(name)
		}
		return exitGood
	case *schema:
		fmt.Print(reference.Schema())
		return exitGood
	case len(words) == 0:
		fmt.Print(reference.List())
		return exitGood
	case len(words) > 2:
		fmt.Fprintln(os.Stderr, "usage: holdfast explain "+explainUsage)
		return exitUsage
	}
	path := ""
	if len(words) == 2 {
		path = words[1]
	}
	text, err := reference.Explain(words[0], path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast explain:", err)
		return exitFound
	}
	fmt.Print(text)
	return exitGood
}
