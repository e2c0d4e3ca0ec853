package config

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
