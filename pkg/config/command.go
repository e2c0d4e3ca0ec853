package config

import (
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// command reads "COMMAND ARGUMENTS" [USER [GROUP]]. An unknown user switches
// the command off, which keepalived does without a word.
func (d *decoder) command(l *syntax.Line, a *arg) (*Command, bool) {
	text, account, ok := d.commandLine(l)
	if !ok {
		return nil, false
	}
	c, ok := d.newCommand(a.first(), text)
	if c == nil || !ok {
		if ok && a.kw.Strict {
			d.err("empty-command", a.first(), "there is no command here")
		}
		return nil, false
	}
	if len(account) == 0 {
		return c, d.runAsDefault(c, a.first())
	}
	before := len(d.problems)
	if c.UID, c.GID, ok = d.who(account); !ok {
		if !strings.ContainsAny(text, " \t") {
			d.hint(`put the command and its arguments into double quotes: "%s %s"; a user may stand behind that`, text, account[0].Text)
		}
		if !a.kw.Strict {
			d.uncounted(before, "the script is disabled")
		}
	}
	return c, ok
}

// uncounted makes warnings of the problems from one on, which keepalived does
// not count, and says what follows from them.
func (d *decoder) uncounted(from int, result string) {
	for i := range d.problems[from:] {
		p := &d.problems[from+i]
		p.Severity, p.Class = diag.Warning, diag.None
		p.Text += "; " + result
	}
}

// commandText is the command of a line that takes nothing else.
func (d *decoder) commandText(a *arg) string {
	if !a.given && !strings.ContainsAny(a.line.Text, `"'`) {
		return ""
	}
	text, _, _ := d.commandLine(a.line)
	return text
}

// commandLine splits the line of a command.
func (d *decoder) commandLine(l *syntax.Line) (command string, account []syntax.Word, ok bool) {
	if l.Text == "" { // not from a file
		return l.Words[1].Text, l.Words[2:], true
	}
	parts := SplitCommandLine(l)
	if parts.Unclosed {
		d.err("unterminated-quote", l.Words[0], "a quote in this command is not closed")
	}
	return parts.Command, parts.Account, parts.Given
}

// CommandLine is the line of a command: its first argument is the command with
// its arguments, in quotes of either kind; the user and the group follow.
type CommandLine struct {
	Command  string // without the quotes around it
	Quote    string // those quotes, or nothing
	Account  []syntax.Word
	Given    bool // there is a command
	Unclosed bool // there is none for a quote that is not closed
}

// SplitCommandLine takes the line of a command apart, which other rules than
// those of words hold for.
func SplitCommandLine(l *syntax.Line) (c CommandLine) {
	text := strings.TrimLeft(l.Text, lineBlanks)
	if len(l.Words[0].Text) > len(text) {
		return c
	}
	text = strings.TrimLeft(text[len(l.Words[0].Text):], lineBlanks)
	if text == "" {
		return c
	}
	if text[0] == '"' || text[0] == '\'' {
		n := closing(text)
		if n < 0 {
			c.Unclosed = true
			return c
		}
		c.Quote, c.Command, text = text[:1], text[1:n], text[n+1:]
	} else if n := strings.IndexAny(text, lineBlanks); n >= 0 {
		c.Command, text = text[:n], text[n:]
	} else {
		c.Command, text = text, ""
	}
	at := syntax.Word{At: l.At, Via: l.Words[0].Via}
	for _, name := range strings.Fields(text) {
		w := at
		w.Text = strings.Trim(name, `"'`)
		for _, typed := range l.Words[1:] {
			if typed.Text == w.Text {
				w = typed
			}
		}
		c.Account = append(c.Account, w)
	}
	c.Given = true
	return c
}

// IsCommand reports whether a keyword's line is split by SplitCommandLine; that of
// a regular expression is, too.
func (k *Keyword) IsCommand() bool {
	return k.Takes == Exec || k.Name == "script" || k.Name == "misc_path" || k.Name == "regex" && !k.Ours
}

const lineBlanks = " \t\r\f\v"

// closing returns where the quote that s starts with is closed, or -1. A
// backslash protects what follows it.
func closing(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i
		}
	}
	return -1
}

// newCommand makes a command of its text; it is nil when there is none.
func (d *decoder) newCommand(w syntax.Word, text string) (*Command, bool) {
	argv, ok := splitCommand(text)
	if !ok {
		d.err("unterminated-quote", w, "a quote in this command is not closed")
		return nil, false
	}
	if len(argv) == 0 || argv[0] == "" {
		return nil, true
	}
	c := &Command{Argv: argv, At: w.At}
	if strings.HasPrefix(argv[0], "</") { // </dev/tcp/HOST/PORT, where the shell knows that
		c.redirect, c.Argv = argv, []string{"/bin/sh", "-c", strings.Join(argv, " ")}
	}
	return c, true
}
