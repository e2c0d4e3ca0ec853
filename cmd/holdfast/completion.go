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
	var names, options []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	for _, o := range new(invocation).options() {
		options = append(options, "--"+o.long)
	}
	fmt.Print(strings.NewReplacer("@COMMANDS@", strings.Join(names, " "), "@OPTIONS@", strings.Join(options, " ")).Replace(scripts[args[0]]))
	return exitGood
}

const bashCompletion = `_holdfast() {
    local word=${COMP_WORDS[COMP_CWORD]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@ @OPTIONS@" -- "$word"))
        return
    fi
    case ${COMP_WORDS[1]} in
    explain) COMPREPLY=($(compgen -W "$(holdfast explain --names)" -- "$word")) ;;
    check) COMPREPLY=($(compgen -W "--format --dump --level --peer --peer-id --strict --colour --config-id --all-config" -- "$word") $(compgen -f -- "$word")) ;;
    convert) COMPREPLY=($(compgen -W "-o --expand --drop --config-id --all-config" -- "$word") $(compgen -f -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
}
complete -o filenames -F _holdfast holdfast
`

const fishCompletion = `complete -c holdfast -n __fish_use_subcommand -a "@COMMANDS@ @OPTIONS@"
complete -c holdfast -f -n "__fish_seen_subcommand_from explain" -a "(holdfast explain --names)"
complete -c holdfast -n "__fish_seen_subcommand_from check" -l format -l dump -l level -l peer -l strict -l colour
complete -c holdfast -n "__fish_seen_subcommand_from convert" -s o -l expand -l drop
complete -c holdfast -f -n "__fish_seen_subcommand_from completion" -a "bash zsh fish"
`
