package main

import (
	"fmt"
	"os"
	"strings"
)

// runCompletion prints a script that makes a shell complete holdfast's words.
func runCompletion(args []string) int {
	scripts := map[string]string{"bash": bashCompletion, "zsh": "autoload -U +X bashcompinit && bashcompinit\n" + bashCompletion, "fish": fishCompletion}
	if len(args) != 1 || scripts[args[0]] == "" {
		fmt.Fprintln(os.Stderr, "usage: holdfast completion bash|zsh|fish")
		return exitUsage
	}
	var names, options, bash, fish []string
	for _, c := range commands() {
		names = append(names, c.name)
		flags := strings.Join(longOptions(c.usage), " ")
		switch c.name {
		case "explain":
			flags += " $(holdfast explain --names)"
		case "completion":
			flags = "bash zsh fish"
		case "realserver":
			flags += " up down check"
		}
		bash = append(bash, fmt.Sprintf("    %s) words=%q ;;", c.name, flags))
		fish = append(fish, fmt.Sprintf("complete -c holdfast -n %q -a %q", "__fish_seen_subcommand_from "+c.name, strings.ReplaceAll(flags, "$(", "(")))
	}
	for _, o := range new(invocation).options() {
		options = append(options, "--"+o.long)
	}
	fmt.Print(strings.NewReplacer(
		"@COMMANDS@", strings.Join(names, " "), "@OPTIONS@", strings.Join(options, " "),
		"@BASH@", strings.Join(bash, "\n"), "@FISH@", strings.Join(fish, "\n"),
	).Replace(scripts[args[0]]))
	return exitGood
}

// longOptions are the long options that a command's usage names.
func longOptions(usage string) []string {
	var list []string
	for _, word := range strings.FieldsFunc(usage, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') }) {
		if strings.HasPrefix(word, "--") {
			list = append(list, word)
		}
	}
	return list
}

const bashCompletion = `_holdfast() {
    local word=${COMP_WORDS[COMP_CWORD]} words
    case ${COMP_WORDS[1]} in
@BASH@
    *) words="@OPTIONS@" ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="@COMMANDS@ @OPTIONS@"
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word") $(compgen -f -- "$word"))
}
complete -o filenames -F _holdfast holdfast
`

const fishCompletion = `complete -c holdfast -n __fish_use_subcommand -a "@COMMANDS@ @OPTIONS@"
@FISH@
`
