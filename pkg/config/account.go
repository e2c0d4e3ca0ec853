package config

import (
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
