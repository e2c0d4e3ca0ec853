package config

import (
	"io/fs"
	"path"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// account is whom scripts run as that name nobody.
type account struct {
	uid, gid uint32
	security bool // enable_script_security
	missing  bool // it had to be keepalived_script, which does not exist
	broken   bool // script_user names nobody
}

// defaultScriptUser runs scripts when it exists and script_user is not given.
const defaultScriptUser = "keepalived_script"

func setScriptUser(d *decoder, a *arg) {
	uid, gid, ok := d.who(a.words)
	if !ok {
		d.scriptUserBad = true
		return
	}
	d.g.ScriptUID, d.g.ScriptGID = uid, gid
	d.scriptUser = true
}

// who looks up a user, and a group if one follows it.
func (d *decoder) who(words []syntax.Word) (uid, gid uint32, ok bool) {
	uid, gid, ok = d.env.user(words[0].Text)
	if !ok {
		d.err("unknown-user", words[0], "there is no user %q", words[0].Text)
		d.hint("create it, or name another one")
		return 0, 0, false
	}
	if len(words) > 1 {
		if gid, ok = d.env.group(words[1].Text); !ok {
			d.err("unknown-group", words[1], "there is no group %q", words[1].Text)
			return 0, 0, false
		}
	}
	return uid, gid, true
}

// scriptAccount decides whom scripts run as that name nobody.
func (d *decoder) scriptAccount() {
	acc := account{uid: d.g.ScriptUID, gid: d.g.ScriptGID, security: d.g.ScriptSecurity, broken: d.scriptUserBad}
	if !d.scriptUser && !acc.broken {
		uid, gid, ok := d.env.user(defaultScriptUser)
		switch {
		case ok:
			acc.uid, acc.gid = uid, gid
		case acc.security:
			acc.missing = true
		}
	}
	d.account = acc
}

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

// runAsDefault lets a command run as the default account.
func (d *decoder) runAsDefault(c *Command, w syntax.Word) bool {
	if d.account.missing {
		d.err("no-default-user", w, "the script has no user, and the default user %s does not exist", defaultScriptUser)
		d.hint("create that user, or write script_user in global_defs")
		return false
	}
	if d.account.broken {
		return false
	}
	c.UID, c.GID = d.account.uid, d.account.gid
	return true
}

// runAs completes the command of a block that names its user on another line.
func (d *decoder) runAs(c *Command, w syntax.Word, user []syntax.Word) bool {
	if len(user) == 0 {
		return d.runAsDefault(c, w)
	}
	var ok bool
	c.UID, c.GID, ok = d.who(user)
	return ok
}

// once takes a command that may be given once only.
func (d *decoder) once(have *Command, a *arg) *Command {
	if have == nil {
		return a.cmd
	}
	d.err("duplicate-script", a.words[0], "%s is given twice; this one is ignored", a.kw.Name)
	d.note(have.At, "the first one")
	return have
}

// script takes a notify script.
func (d *decoder) script(a *arg, to **Command) { *to = d.once(*to, a) }

func (d *decoder) fifo(a *arg, to **FIFO) {
	if *to == nil {
		*to = &FIFO{}
	}
	if (*to).Path != "" {
		d.err("duplicate-keyword", a.key, "%s is given twice; this one is ignored", a.kw.Name)
		return
	}
	if d.scriptUserBad && len(a.words) == 1 {
		d.err("fifo-without-user", a.key, "script_user above names nobody who could own this; it is ignored")
		return
	}
	f := *to
	f.UID, f.GID = d.account.uid, d.account.gid
	if len(a.words) > 1 {
		before := len(d.problems)
		uid, gid, ok := d.who(a.words[1:])
		if !ok {
			d.uncounted(before, "the FIFO is not made")
			return
		}
		f.UID, f.GID = uid, gid
	}
	f.Path = a.words[0].Text
}

func (d *decoder) fifoScript(a *arg, to **FIFO) {
	if *to == nil {
		*to = &FIFO{}
	}
	(*to).Script = d.once((*to).Script, a)
}

// splitCommand splits a command line as keepalived does: blanks separate,
// '…' and "…" group, and a backslash escapes.
func splitCommand(s string) (argv []string, ok bool) {
	var word strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			in = true
			i += escape(&word, s[i+1:])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, in = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if in {
				argv = append(argv, word.String())
				word.Reset()
				in = false
			}
		default:
			in = true
			word.WriteByte(c)
		}
	}
	if in {
		argv = append(argv, word.String())
	}
	return argv, quote == 0
}

// unescape resolves the escapes of text that is not split.
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i += escape(&out, s[i+1:])
		} else {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// escape writes the character that the text behind a backslash stands for and
// returns how long that text is.
func escape(to *strings.Builder, s string) int {
	if i := strings.IndexByte("abEfnrtv", s[0]); i >= 0 {
		to.WriteByte("\a\b\x1b\f\n\r\t\v"[i])
		return 1
	}
	number := func(s string, base, most int) (n, used int) {
		for used < len(s) && used < most {
			v := strings.IndexByte("0123456789abcdef", lower(s[used]))
			if v < 0 || v >= base {
				break
			}
			n = n*base + v
			used++
		}
		return n, used
	}
	switch {
	case s[0] == 'x':
		if n, used := number(s[1:], 16, 2); used > 0 {
			to.WriteByte(byte(n))
			return used + 1
		}
	case s[0] == 'c' && len(s) > 1:
		to.WriteByte(s[1] & 0x1f)
		return 2
	case '0' <= s[0] && s[0] <= '7':
		n, used := number(s, 8, 3)
		to.WriteByte(byte(n))
		return used
	}
	to.WriteByte(s[0])
	return 1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

// verdict is what a look at a script's file says.
type verdict uint8

const (
	scriptFine verdict = iota
	scriptMissing
	scriptInsecure // a non-root user could change what root runs
	scriptLinked   // a symbolic link in the path
)

// inspect looks at the file of a command and completes its path. Only a
// command that would run as root can be insecure.
func (d *decoder) inspect(c *Command) verdict {
	if c.redirect != nil {
		return scriptFine
	}
	file := c.Argv[0]
	if !strings.Contains(file, "/") {
		found := false
		for _, dir := range d.env.Path {
			if f, ok := d.env.stat(path.Join(dir, file)); ok && f.Mode.IsRegular() && f.Mode&0o111 != 0 {
				file, found = path.Join(dir, file), true
				break
			}
		}
		if !found {
			return scriptMissing
		}
		c.Argv[0] = file
	}
	f, ok := d.env.stat(file)
	if !ok {
		return scriptMissing
	}
	if !f.Mode.IsRegular() {
		return scriptInsecure
	}
	if c.UID != 0 && c.GID != 0 {
		return scriptFine
	}
	return d.guarded(file, maxLinks, d.g.UseSymlinkPaths)
}

// maxLinks is how many symbolic links a path may go through, as in the kernel.
const maxLinks = 40

// guarded checks the file and every directory above it: owned by root and
// writable by nobody else. The file itself may be a symbolic link, and with
// through, which use_symlink_paths gives, directories may be too: what it leads
// to is then looked at in the same way.
func (d *decoder) guarded(file string, links int, through bool) verdict {
	for p, rest := file, ""; ; p, rest = path.Dir(p), path.Join(path.Base(p), rest) {
		f, ok := d.env.lstat(p)
		switch {
		case !ok:
			return scriptMissing
		case f.Link != "" && (!through && p != file || links == 0):
			return scriptLinked
		case f.Link != "" && f.UID == 0:
			target := f.Link
			if !path.IsAbs(target) {
				target = path.Join(path.Dir(p), target)
			}
			if v := d.guarded(path.Join(target, rest), links-1, true); v != scriptFine {
				return v
			}
		case f.UID != 0, f.Mode&0o022 != 0 && !(f.Mode.IsDir() && f.Mode&fs.ModeSticky != 0):
			return scriptInsecure
		}
		if p == "/" || p == "." {
			return scriptFine
		}
	}
}

// scripts checks all commands of one process, drops those that cannot be used
// and reports when any of the others runs unguarded.
type scripts struct {
	d       *decoder
	used    bool
	running diag.Span
}

// keep checks a notify script and forgets it when it is unusable.
func (s *scripts) keep(c **Command) {
	if *c == nil {
		return
	}
	cmd := *c
	switch v := s.d.inspect(cmd); v {
	case scriptMissing:
		s.d.warnAt("script-not-found", cmd.At, "the script %s does not exist or cannot be executed; it is disabled", cmd.Argv[0])
		*c = nil
		return
	case scriptLinked, scriptInsecure:
		s.d.disabled(v, cmd, diag.None)
		s.use(cmd)
		if v == scriptLinked || s.d.account.security {
			*c = nil
			return
		}
	}
	s.use(cmd)
}

func (s *scripts) use(c *Command) {
	if !s.used {
		s.used, s.running = true, c.At
	}
}

// finishParentScripts checks the scripts that the parent runs.
func (d *decoder) finishParentScripts() {
	s := scripts{d: d}
	s.keep(&d.g.StartupScript)
	s.keep(&d.g.ShutdownScript)
	s.end()
}

// end reports scripts that run without being guarded.
func (s *scripts) end() {
	if !s.used || s.d.account.security {
		return
	}
	s.d.add(fault{"script-security-off", diag.Warning, diag.Security}, syntax.Word{At: s.running},
		"scripts are run, but enable_script_security is not set",
		"write enable_script_security in global_defs, and script_user if they need not run as root")
}
