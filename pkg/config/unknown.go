package config

import (
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// unknown reports a word that is no keyword of the block.
func (d *decoder) unknown(b *Block, l *syntax.Line) {
	w := l.Words[0]
	if d.strayed(w) || d.leftOut(w) {
		return
	}
	d.err("unknown-keyword", w, "%q is not a keyword here", w.Text)
	if len(d.problems) > maxAdvice {
		return
	}
	meant, hint := guess(b, l.Words)
	defer d.misread(meant)
	if hint != "" {
		d.hint("%s", hint)
		return
	}
	d.hintPlace(b, w)
}

// maxAdvice is how many problems are worth a search for what was meant.
const maxAdvice = 200

// guess returns the keyword of the block that the first of some words, which is
// none, most likely stands for, and what to do about it; or nothing.
func guess(b *Block, words []syntax.Word) (meant, hint string) {
	word := words[0].Text
	names := b.Names()
	if len(words) > 1 && slices.Contains(names, word+"_"+words[1].Text) {
		return "", "write " + word + "_" + words[1].Text + ": it is one word"
	}
	if name := strings.TrimRight(word, ":;,"); name != word && slices.Contains(names, name) {
		return name, "write " + name + " without the " + word[len(name):]
	}
	if name, value, ok := strings.Cut(word, "="); ok && slices.Contains(names, name) {
		return name, "write " + strings.TrimSpace(name+" "+value) + ": there is no = between a keyword and its value"
	}
	meant = otherNames[word]
	if !slices.Contains(names, meant) {
		meant = diag.Suggest(word, names)
	}
	if meant == "" {
		meant = partOf(word, names)
	}
	if meant == "" {
		return "", ""
	}
	return meant, "did you mean " + meant + "?"
}

// otherNames are words that other programs, or other blocks, have for the same.
var otherNames = map[string]string{
	"algorithm": "lb_algo", "balance": "lb_algo", "scheduler": "lb_algo",
	"check_interval": "delay_loop", "interval": "delay_loop", "inter": "delay_loop",
	"id": "virtual_router_id", "router_id": "virtual_router_id", "vrid": "virtual_router_id",
	"iface": "interface", "nic": "interface",
	"ip": "connect_ip", "ipaddress": "virtual_ipaddress", "vip": "virtual_ipaddress",
	"password": "auth_pass", "peer": "unicast_peer", "peers": "unicast_peer",
	"port": "connect_port", "retries": "retry", "script": "misc_path", "server": "real_server",
}

// partOf returns the one name that begins with the word, as virtual_ipaddress
// does with virtual_ip, or has it as a part, as connect_timeout has timeout.
func partOf(word string, names []string) string {
	if len(word) < 4 {
		return ""
	}
	found := ""
	for _, name := range names { // sorted: a name comes before those that begin with it
		if !strings.HasPrefix(name, word) && !slices.Contains(strings.Split(name, "_"), word) {
			continue
		}
		if found != "" && !strings.HasPrefix(name, found) {
			return ""
		}
		if found == "" {
			found = name
		}
	}
	return found
}

// hintPlace says where a keyword belongs that does not belong into b.
func (d *decoder) hintPlace(b *Block, w syntax.Word) {
	for _, k := range b.All() {
		if k.Takes == Sub && k.Block.Lookup(w.Text) != nil {
			d.hint("%s belongs one level deeper: %s { %[1]s … }", w.Text, k.Name)
			return
		}
	}
	switch paths, _ := Find(w.Text); {
	case len(paths) == 0:
		d.hint("check the spelling: `holdfast explain` lists all keywords")
	case paths[0] == RootPath && len(d.blocks) > 0:
		d.hint("%s belongs to the top level: close the block above first", w.Text)
		d.note(d.blocks[len(d.blocks)-1].at, "the block that is still open")
	case paths[0] != RootPath:
		d.hint("%s belongs into %s", w.Text, strings.Join(paths[:min(2, len(paths))], " or "))
	}
}

// swallowed warns of a keyword that stands on the line of another one, where it
// is passed over, and of a = that is taken for the value.
func (d *decoder) swallowed(b *Block, k *Keyword, a *arg) {
	if len(a.words) > 1 && a.words[0].Text == "=" {
		d.warn("equals-sign", a.words[0], "= is taken for the value of %s", k.Name)
		d.hint("write: %s %s", k.Name, a.words[1].Text)
		return
	}
	taken := 1
	switch k.Takes {
	case Flag:
		taken = 0
	case Bool, Int, Seconds, Millis, Text, Addr:
	default:
		return
	}
	for _, w := range a.words[min(taken, len(a.words)):] {
		if b.Lookup(w.Text) != nil {
			d.warn("keyword-passed-over", w, "%s stands on the line of %s and is passed over", w.Text, k.Name)
			d.hint("begin a new line in front of it")
			return
		}
	}
}
