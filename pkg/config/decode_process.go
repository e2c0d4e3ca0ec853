package config

import (
	"path"
	"strings"
)

// processName cuts a process name to what the kernel keeps of it.
func (d *decoder) processName(a *arg) string {
	name := a.words[0].Text
	if len(name) > 15 {
		d.err("name-too-long", a.words[0], "a process name has at most 15 characters")
		name = name[:15]
		d.hint("write at most 15 characters; it is cut to %s", name)
	}
	return name
}

func (d *decoder) rtPriority(a *arg, to *RoleProcess) {
	n, ok := d.integer(a.words[0], 1, maxInt32)
	if !ok {
		return
	}
	if n > 99 {
		d.err("number-out-of-range", a.words[0], "the highest real-time priority is 99")
		n = 99
	}
	to.RTPriority = int(n)
}

func (d *decoder) cpuAffinity(a *arg, to *RoleProcess) {
	for _, w := range a.words {
		n, ok := d.integer(w, 0, maxInt32)
		if !ok {
			return
		}
		if d.env.CPUs > 0 && int(n) >= d.env.CPUs {
			d.err("unknown-cpu", w, "there is no CPU %d here", n)
			return
		}
		to.CPUs = append(to.CPUs, int(n))
	}
}

var umaskBits = map[string]uint32{
	"IRUSR": 0o400, "IWUSR": 0o200, "IXUSR": 0o100, "IRGRP": 0o040, "IWGRP": 0o020, "IXGRP": 0o010,
	"IROTH": 0o004, "IWOTH": 0o002, "IXOTH": 0o001, "IRWXU": 0o700, "IRWXG": 0o070, "IRWXO": 0o007,
}

func setUmask(d *decoder, a *arg) {
	var mask uint32
	text := a.words[0].Text
	if text != "" && '0' <= text[0] && text[0] <= '9' {
		if len(a.words) > 1 {
			d.err("extra-words", a.words[1], "a umask is one number; the line is ignored")
			return
		}
		n, ok := parseUmask(text)
		if !ok {
			d.err("invalid-umask", a.words[0], "%q is not a umask", text)
			d.hint("write an octal number such as 0177, or names such as IRWXG|IRWXO")
			return
		}
		d.g.Umask = n
		return
	}
	bit := false
	for _, w := range a.words {
		for name := range strings.SplitSeq(w.Text, "|") {
			if name == "" {
				continue
			}
			bits, ok := umaskBits[name]
			if !ok {
				d.err("invalid-umask", w, "%q is not a umask", name)
				return
			}
			mask |= bits
			bit = true
		}
	}
	if !bit {
		d.err("invalid-umask", a.words[0], "umask names no bit")
		return
	}
	d.g.Umask = mask
}

// parseUmask reads 0-octal, decimal or 0x-hexadecimal.
func parseUmask(s string) (uint32, bool) {
	base := uint32(10)
	if s[0] == '0' {
		base = 8
		if len(s) > 2 && (s[1] == 'x' || s[1] == 'X') {
			base, s = 16, s[2:]
		}
	}
	var n uint32
	for _, c := range []byte(strings.ToLower(s)) {
		v := uint32(strings.IndexByte("0123456789abcdef", c))
		if v >= base {
			return 0, false
		}
		if n = n*base + v; n > 0o777 {
			return 0, false
		}
	}
	return n, true
}

func setConfigSaveDir(d *decoder, a *arg) {
	dir := a.words[0].Text
	if f, ok := d.env.lstat(dir); ok && !f.Mode.IsDir() && f.Link == "" {
		d.err("not-a-directory", a.words[0], "%s is not a directory", dir)
		return
	} else if _, there := d.env.stat(path.Dir(dir)); !ok && d.env.Stat != nil && (!there || dir == "") {
		d.err("missing-directory", a.words[0], "the directory %q cannot be made: there is none to make it in", dir)
		return
	}
	d.g.ConfigSaveDir = dir
}

func setNetNamespace(d *decoder, a *arg) {
	p := &d.cfg.Process
	if p.NetNamespace != "" {
		d.err("duplicate-keyword", a.key, "net_namespace is given twice; this one is ignored")
		return
	}
	p.NetNamespace, p.UsePidDir = a.text, true
	d.namespaceAt = a.words[0]
}

func setNetNamespaceIPVS(d *decoder, a *arg) {
	p := &d.cfg.Process
	if p.IPVSNamespaceSet {
		d.err("duplicate-keyword", a.key, "net_namespace_ipvs is given twice; this one is ignored")
		return
	}
	p.IPVSNamespaceSet = true
	if a.given {
		p.NetNamespaceIPVS = a.words[0].Text
		d.ipvsNamespaceAt = a.words[0]
	}
}

func setProcessInstance(d *decoder, a *arg) {
	p := &d.cfg.Process
	if p.Instance != "" {
		d.err("duplicate-keyword", a.key, "instance is given twice; this one is ignored")
		return
	}
	p.Instance, p.UsePidDir = a.text, true
}
