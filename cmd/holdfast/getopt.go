package main

import (
	"fmt"
	"strings"
)

// argument says whether an option takes one.
type argument uint8

const (
	none     argument = iota
	required          // glued to a short option or in the next word; --long=ARG or the next word
	optional          // only glued, or after =
)

// option is one row of a table of options, in the manner of getopt_long.
type option struct {
	short byte   // 0 without a short form
	long  string // "" without a long form
	arg   argument
	meta  string // the argument's name in the help
	help  string // "" keeps the option out of the help
	set   func(arg string) error
}

// parseOptions applies the options among args, which may stand anywhere before
// a "--", and returns the words that are none. It accepts what getopt_long
// accepts: combined short options, arguments glued to them, prefixes of long
// options that fit only one.
func parseOptions(table []option, args []string) (words []string, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			return append(words, args...), nil
		case strings.HasPrefix(word, "--"):
			args, err = parseLong(table, word[2:], args)
		case len(word) > 1 && word[0] == '-':
			args, err = parseShort(table, word[1:], args)
		default:
			words = append(words, word)
		}
		if err != nil {
			return nil, err
		}
	}
	return words, nil
}

func parseLong(table []option, word string, rest []string) ([]string, error) {
	name, arg, glued := strings.Cut(word, "=")
	o, err := findLong(table, name)
	if err != nil {
		return nil, err
	}
	switch {
	case glued && o.arg == none:
		return nil, fmt.Errorf("option --%s takes no argument", o.long)
	case !glued && o.arg == required:
		if len(rest) == 0 {
			return nil, fmt.Errorf("missing parameter for option --%s", o.long)
		}
		arg, rest = rest[0], rest[1:]
	}
	if err := o.set(arg); err != nil {
		return nil, fmt.Errorf("option --%s: %w", o.long, err)
	}
	return rest, nil
}

// findLong finds the option of that name, or the only one that starts with it.
func findLong(table []option, name string) (*option, error) {
	var found *option
	for i := range table {
		o := &table[i]
		switch {
		case o.long == "" || !strings.HasPrefix(o.long, name):
		case o.long == name:
			return o, nil
		case found != nil:
			return nil, fmt.Errorf("option --%s could be --%s or --%s", name, found.long, o.long)
		default:
			found = o
		}
	}
	if found == nil {
		return nil, fmt.Errorf("unknown option --%s", name)
	}
	return found, nil
}

func parseShort(table []option, letters string, rest []string) ([]string, error) {
	for len(letters) > 0 {
		o := findShort(table, letters[0])
		if o == nil {
			return nil, fmt.Errorf("unknown option -%c", letters[0])
		}
		letters = letters[1:]
		var arg string
		if o.arg != none {
			arg, letters = letters, ""
			if arg == "" && o.arg == required {
				if len(rest) == 0 {
					return nil, fmt.Errorf("missing parameter for option -%c", o.short)
				}
				arg, rest = rest[0], rest[1:]
			}
		}
		if err := o.set(arg); err != nil {
			return nil, fmt.Errorf("option -%c: %w", o.short, err)
		}
	}
	return rest, nil
}

func findShort(table []option, letter byte) *option {
	for i := range table {
		if table[i].short == letter && letter != 0 {
			return &table[i]
		}
	}
	return nil
}
