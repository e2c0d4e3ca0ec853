package reference

import (
	"fmt"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

const generated = "<!-- Made from the keyword table: make docs -->\n"

// index is the manual's first page.
func index() string {
	var b strings.Builder
	b.WriteString("# Configuration reference\n\n" + generated + `
One page for each block of the top level. ` + "`holdfast explain KEYWORD`" + ` shows the same at a terminal,
and [the language](../language.md) tells how a file is read. Every message is in the
[list of diagnostics](diagnostics.md).

## Top level

`)
	table(&b, config.RootPath, config.Root(), true)
	return b.String()
}

// chapter is the page of a block of the top level, with the blocks in it.
func chapter(k *config.Keyword) string {
	var b strings.Builder
	e := entry{config.RootPath, k}
	fmt.Fprintf(&b, "# %s\n\n%s\n%s\n\n", k.Name, generated, sentence(k.Doc))
	if s := e.status(); s != "" {
		fmt.Fprintf(&b, "Note: %s.\n\n", s)
	}
	if ex := e.example(); strings.Contains(ex, "\n    ") {
		fmt.Fprintf(&b, "```\n%s\n```\n\n", ex)
	}
	section(&b, e, 2)
	return b.String()
}

// section writes the keywords of a block, then the blocks in it.
func section(b *strings.Builder, e entry, level int) {
	fmt.Fprintf(b, "%s `%s`\n\n", strings.Repeat("#", min(level, 5)), e.synopsis())
	if level > 2 {
		fmt.Fprintf(b, "%s\n\n", sentence(e.Doc))
	}
	if e.Block == nil {
		b.WriteString("One value, or several, on each line.\n\n")
		return
	}
	if e.Takes == config.Items {
		b.WriteString("Each line takes these options:\n\n")
	}
	table(b, e.full(), e.Block, false)
	for _, k := range e.Block.All() {
		if k.Block != nil || k.Takes == config.Items {
			section(b, entry{e.full(), k}, level+1)
		}
	}
}

// sentence makes a sentence of the table's one line.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func table(b *strings.Builder, path string, block *config.Block, links bool) {
	b.WriteString("| keyword | meaning | default |\n| --- | --- | --- |\n")
	for _, k := range block.All() {
		e := entry{path, k}
		name := "`" + e.synopsis() + "`"
		if links && k.Block != nil && k.Use == "" {
			name = "[" + name + "](" + k.Name + ".md)"
		}
		meaning := k.Doc
		if k.Unit != "" {
			meaning += " (" + k.Unit + ")"
		}
		if s := e.status(); s != "" {
			meaning += " — *" + s + "*"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(name), cell(meaning), cell(k.Default))
	}
	b.WriteString("\n")
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// compatibility lists what differs from keepalived.
func compatibility() string {
	var pending, old, ours places
	total, known := 0, 0
	for _, e := range entries() {
		total++
		if !e.Ours {
			known++
		}
		switch {
		case e.Pending:
			pending.add(e)
		case e.Ours:
			ours.add(e)
		case e.Old || e.Use != "" || e.Tier == 'D':
			old.add(e)
		}
	}
	var b strings.Builder
	b.WriteString("# Compatibility with keepalived\n\n" + generated)
	fmt.Fprintf(&b, `
holdfast reads keepalived's configuration and takes it to mean what keepalived 2.4.3 takes it
to mean. It knows all %d keywords of keepalived, and %d of its own. Without those, a file means
the same to both.

`, known, total-known)
	list := func(title, intro string, rows places) {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", title, intro)
		rows.table(&b)
	}
	if len(pending) == 0 {
		list("Not in effect yet", "Every keyword takes effect.", nil)
	} else {
		list("Not in effect yet", "These are read, checked and kept, and reported once as not in effect.", pending)
	}
	b.WriteString(differences)
	list("Keywords of our own", "keepalived reports these as unknown.", ours)
	list("Old spellings", "Still read; those that keepalived reports as errors are reported here too.", old)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// places are keywords, each with all the blocks in which it means the same.
type places []struct{ keyword, meaning, where string }

func (p *places) add(e entry) {
	keyword, meaning, where := cell(e.synopsis()), cell(e.Doc), e.where()
	outer, block := "", where
	if i := strings.LastIndex(where, " > "); i >= 0 {
		outer, block = where[:i+3], where[i+3:]
	}
	for i := range *p {
		row := &(*p)[i]
		if row.keyword == keyword && row.meaning == meaning && outer != "" && strings.HasPrefix(row.where, outer) {
			row.where += ", " + block
			return
		}
	}
	*p = append(*p, struct{ keyword, meaning, where string }{keyword, meaning, where})
}

func (p places) table(b *strings.Builder) {
	if len(p) == 0 {
		return
	}
	b.WriteString("| keyword | where | meaning |\n| --- | --- | --- |\n")
	for _, row := range p {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", row.keyword, row.where, row.meaning)
	}
	b.WriteString("\n")
}

// differences are those on purpose.
const differences = `## Deliberate differences

Of the configuration and the command line:

* Messages have their own words, with the place, the line and what to type instead.
  The exit status of ` + "`-t`" + ` is keepalived's.
* Where keepalived 2.4.3 crashes, hangs or reads on for ever, holdfast reports an error:
  definitions that use themselves, a file that includes itself, ` + "`${_ENV}`" + ` without a name,
  generators that make more than four million lines.
* ` + "`-t`" + ` has no side effects: it creates no directory and changes no sysctl.
* A reload that would bring in errors that were not there before changes nothing;
  ` + "`reload_check_config`" + ` is always on.
* Socket buffers of netlink are as large as they need to be, beyond the system's limit:
  ` + "`*_rcv_bufs`" + ` makes them larger, and with it ` + "`*_rcv_bufs_force`" + ` is always on.
* The daemon refuses to start, with exit status 4, where it lacks the rights to do anything.
* ` + "`-x`" + ` and ` + "`-A`" + ` are taken and have no effect yet; ` + "`-X`" + ` asks for what is always done.
* ` + "`data_use_instance`" + ` changes the names of state dumps, not of statistics and JSON.
* With ` + "`dynamic_interfaces`" + ` an interface may come back as one of another kind, with or without
  ` + "`allow_if_changes`" + `.
* ` + "`netlink_notify_msg`" + ` of ` + "`use_vmac`" + ` changes nothing: no socket of ours needs it.
* ` + "`${_RANDOM}`" + ` gives other numbers than keepalived for the same ` + "`random_seed`" + `.

Of virtual routers:

* With ` + "`use_vmac`" + ` the interface below has ` + "`arp_announce 2`" + `, so that it never asks in the name of a virtual
  address, and gets all its settings back at the end. The virtual one of an IPv6 instance has no copy of
  the link-local address of the one below.
* An address that the kernel refuses is a fault of its instance. keepalived goes on without it.
* An address with a ` + "`peer`" + ` goes when the instance stops being master. keepalived leaves it.
* Where iptables does not have the chains of ` + "`vrrp_iptables`" + `, nftables is used, as where there is no iptables.

Of virtual servers:

* What an earlier run or another program has left in a service of the file, or changes there later
  (other servers, weights, a scheduler), is put right after ` + "`lvs_reconcile_interval`" + `, and so are rules of the virtual servers in nftables that
  are flushed. keepalived leaves it.
* A reload puts all in place that it changes: also the thresholds of a server that stays, a sorry server that
  is no longer inhibited, the services of addresses that leave a group, and sync daemons without
  ` + "`lvs_sync_daemon`" + `. keepalived leaves these in the kernel, and services of a changed group beyond its end, too.
* An address and port that several groups or virtual servers name are one IPVS service. It has the settings of the
  first, and stays as long as one of them names it; keepalived removes it with the first that goes.
* A checkers process that comes back takes servers that were out of the table for failed until their checks
  say otherwise. What a process that does not come back has left is taken down at the end.
* Checks that ask the same of one target are made once, unless ` + "`shared_checks false`" + `; the first result of each
  server is logged as before.

Of health checks, where keepalived's are kept from a server that serves, or misled by something else than the server:

* A reply of several lines is one reply to ` + "`SMTP_CHECK`" + `. keepalived takes a greeting or an answer to HELO of several
  lines for a wrong one, and each of several ` + "`host`" + ` blocks disturbs the others there.
* The header of an HTTP answer may have 16 KiB; keepalived finds no answer in one of 4 KiB or more. A status without a
  reason, two blanks before it, a ` + "`Content-Length`" + ` in capitals and lines that end with LF alone are understood.
* A URL that fails while the server is down is asked for again after the pause with ` + "`fast_recovery`" + `, too. keepalived asks
  hundreds of times a second.
* A pattern that PCRE2 does not understand is reported, and its check turns nothing; keepalived takes the server out or crashes.
  ` + "`regex_min_offset`" + ` and ` + "`regex_max_offset`" + ` count from the begin of the body.
* ` + "`min_reply_length`" + ` and ` + "`max_reply_length`" + ` hold without a pattern, too, once they are given, and ` + "`payload`" + ` may have blanks.
* A line of an SMTP server may be longer than 512 bytes, and a label of a DNS name no longer than 63. A DNS answer shorter
  than its header is none.
* A local address that cannot be bound turns nothing in ` + "`UDP_CHECK`" + ` and ` + "`PING_CHECK`" + `, as with the other checks. keepalived takes
  the server out, or asks from another address.
* A check that a reload changes agrees with its server until it has its own answer, which it looks for within the second
  where the server is down. keepalived puts the server into the pool at once.
* A script that cannot be started, since it has gone or may not be executed, turns nothing. keepalived takes that for success.
* A number in a track file that is too large for 32 bits is ignored, of whatever sign; keepalived wraps some of them around.
  ` + "`weight 0 reverse`" + ` holds from the start, and not from the first change on.
* ` + "`SSL_GET`" + ` goes by the name of ` + "`SSL_CHECK`" + ` in the log; keepalived 2.2.7 writes ` + "`HTTP_CHECK`" + `.

`

// manPage is holdfast.conf(5).
func manPage() string {
	var b strings.Builder
	b.WriteString(`.\" Made from the keyword table: make docs
.TH HOLDFAST.CONF 5 "" holdfast "File formats"
.SH NAME
holdfast.conf, keepalived.conf \- configuration of holdfast
.SH DESCRIPTION
.B holdfast
reads the language of
.BR keepalived (8).
One keyword stands on a line, its arguments behind it, separated by blanks.
Braces enclose blocks.
.B #
and
.B !
start a comment. Double quotes make one word of several.
.PP
.TP
.B include FILE
reads other files; wildcards and {a,b} are allowed.
.BR includer ", " includem ", " includew ", " includeb " and " includea
are errors if files are unreadable, missing, or do not match.
.TP
.B $NAME=value
defines a name, for use as $NAME or ${NAME}. A value whose lines end in \e has several lines.
.TP
.B @ID line
counts only where the configuration id is ID (option \-i, else the host's name),
.B @^ID
only where it is not.
.TP
.B ~SEQ(var, start, step, end) line
repeats a line,
.B ~LST(var, a, b)
with the values of a list.
.PP
A file whose name ends in .toml has the same keywords as tables and keys of TOML.
.B holdfast convert
turns one into the other,
.B holdfast explain KEYWORD
shows what a keyword means, and
.B holdfast check
what is wrong with a file.
`)
	manBlock(&b, entry{config.RootPath, &config.Keyword{Name: "top level", Block: config.Root()}}, config.RootPath)
	b.WriteString(".SH SEE ALSO\n.BR holdfast (8),\n.BR ipvsadm (8)\n")
	return b.String()
}

func manBlock(b *strings.Builder, e entry, path string) {
	title := "TOP LEVEL"
	if path != config.RootPath {
		title = strings.ToUpper(strings.ReplaceAll(path, "/", " > "))
	}
	fmt.Fprintf(b, ".SH \"%s\"\n", title)
	if e.Doc != "" {
		fmt.Fprintf(b, "%s\n", roff(sentence(e.Doc)))
	}
	for _, k := range e.Block.All() {
		x := entry{path, k}
		fmt.Fprintf(b, ".TP\n.B %s\n%s", roff(x.synopsis()), roff(sentence(k.Doc)))
		if k.Default != "" {
			fmt.Fprintf(b, " Default: %s.", roff(k.Default))
		}
		if s := x.status(); s != "" {
			fmt.Fprintf(b, " (%s)", roff(s))
		}
		b.WriteString("\n")
	}
	for _, k := range e.Block.All() {
		if k.Block != nil && k.Use == "" {
			x := entry{path, k}
			manBlock(b, x, x.full())
		}
	}
}

// roff escapes what means something to troff.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "≤", "<=", "≥", ">=", "–", `\-`, "—", `\-`, "\"", `\(dq`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
