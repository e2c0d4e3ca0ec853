package config

import (
	"path"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func openTrackScript(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	d.newTrackScript(a.words[0])
	return true
}

func (d *decoder) newTrackScript(name syntax.Word) {
	d.trackScript = &scriptDraft{TrackScript: &TrackScript{
		Name: name.Text, At: name.At, Interval: time.Second, Rise: 1, Fall: 1,
	}}
}

// endTrackScript keeps the script if it has a command and an account.
func endTrackScript(d *decoder) {
	s := d.trackScript
	name := syntax.Word{Text: s.Name, At: s.At}
	var ok bool
	if s.Command, ok = d.newCommand(s.textAt, s.text); s.Command == nil {
		if !ok {
			return
		}
		d.err("missing-script", name, "vrrp_script %s has no command; it is ignored", s.Name)
		d.hint(`write: script "/path/to/program arguments"`)
		return
	}
	if d.runAs(s.Command, s.textAt, s.user) {
		d.scriptsRead = append(d.scriptsRead, s)
	}
}

func setScriptTimeout(d *decoder, a *arg) {
	if a.dur == 0 {
		d.err("number-out-of-range", a.words[0], "timeout must be above 0; 1 is used")
		a.dur = time.Second
	}
	d.trackScript.Timeout = a.dur
}

func setScriptInterval(d *decoder, a *arg) { d.trackScript.Interval = a.dur }

// setScriptWeight takes a weight beyond what a priority can follow, too: what
// it says is still that the script decides.
func setScriptWeight(d *decoder, a *arg) {
	s := d.trackScript
	d.weight(a, &s.Weight, &s.Reverse, maxInt32)
	if s.Weight < -maxWeight || s.Weight > maxWeight {
		d.err("number-out-of-range", a.words[0], "%d is outside the range %d to %d; it is used nevertheless", s.Weight, -maxWeight, maxWeight)
		d.hint("write a number in that range: a priority has no room for more")
	}
}

// maxWeight is by how much a priority, which is 1 to 254, can change.
const maxWeight = 253

// weight reads WEIGHT [reverse].
func (d *decoder) weight(a *arg, to *int, reverse *bool, limit int64) {
	n, ok := d.integer(a.words[0], -limit, limit)
	if !ok {
		return
	}
	*to, *reverse = int(n), false
	if len(a.words) > 1 {
		switch a.words[1].Text {
		case "reverse":
			*reverse = true
		case "noreverse":
		default:
			d.unknownWord(a.words[1], "reverse", "noreverse")
		}
	}
}

func openTrackProcess(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	for _, p := range d.cfg.Processes {
		if p.Name == a.words[0].Text {
			return d.duplicate(a, p.At)
		}
	}
	d.newTrackProcess(a.words[0])
	return true
}

func (d *decoder) newTrackProcess(name syntax.Word) {
	d.process = &TrackProcess{Name: name.Text, At: name.At, Quorum: 1, QuorumMax: -1}
}

func endTrackProcess(d *decoder) {
	p := d.process
	name := syntax.Word{At: p.At}
	if p.Path == "" {
		d.err("missing-process", name, "vrrp_track_process %s names no process; it is ignored", p.Name)
		return
	}
	if p.QuorumMax >= 0 && p.QuorumMax < p.Quorum && p.QuorumMax != 0 {
		d.err("quorum-range", name, "quorum_max of %s is below its quorum", p.Name)
		p.Quorum = p.QuorumMax
	}
	if len(p.Params) > 0 && p.ParamMatch == ParamNone {
		p.ParamMatch = ParamExact
	}
	if p.ParamMatch != ParamNone {
		p.FullCommand = true // parameters are part of the command line alone
	}
	d.cfg.Processes = append(d.cfg.Processes, p)
}

func setProcess(d *decoder, a *arg) {
	if strings.TrimSpace(a.words[0].Text) == "" {
		d.err("empty-command", a.words[0], "there is no process name here")
		return
	}
	if d.process.Path != "" {
		d.err("duplicate-keyword", a.key, "%s has its process already; this one is ignored", d.process.Name)
		return
	}
	d.process.Path = a.words[0].Text
	for _, w := range a.words[1:] {
		d.process.Params = append(d.process.Params, w.Text)
	}
}

func setParamMatch(d *decoder, a *arg) {
	d.process.ParamMatch = ParamExact
	if !a.given {
		return
	}
	switch a.words[0].Text {
	case "initial":
		d.process.ParamMatch = ParamInitial
	case "partial":
		d.process.ParamMatch = ParamPartial
	default:
		d.unknownWord(a.words[0], "initial", "partial")
	}
}

func openTrackFile(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	if a.kw.Use != "" {
		d.info("deprecated-block", a.key, "%s is an old spelling of %s", a.kw.Name, a.kw.Use)
	}
	for _, f := range d.cfg.TrackFiles {
		if f.Name == a.words[0].Text {
			return d.duplicate(a, f.At)
		}
	}
	d.newTrackFile(a.words[0])
	return true
}

func (d *decoder) newTrackFile(name syntax.Word) {
	d.file = &TrackFile{Name: name.Text, At: name.At, Weight: 1}
}

func endTrackFile(d *decoder) {
	f := d.file
	if f.bad {
		return
	}
	if s, ok := d.env.stat(f.Path); ok && !s.Mode.IsRegular() && f.Override {
		d.at("not-a-regular-file", f.At, "%s cannot be written by init_file: it is not a regular file; track_file %s is ignored", f.Path, f.Name)
		return
	}
	if d.file.Path == "" {
		d.err("missing-file", syntax.Word{At: d.file.At}, "track_file %s names no file; it is ignored", d.file.Name)
		return
	}
	d.cfg.TrackFiles = append(d.cfg.TrackFiles, d.file)
}

func setTrackFilePath(d *decoder, a *arg) {
	if d.file.Path != "" {
		d.err("duplicate-keyword", a.key, "%s has the file %s already; this one is ignored", d.file.Name, d.file.Path)
		return
	}
	if dir := path.Dir(a.text); strings.HasPrefix(a.text, "/") {
		if _, ok := d.env.stat(dir); !ok && d.env.Stat != nil || dir == "/" {
			d.err("missing-directory", a.words[0], "there is no directory %s for the track_file %s", dir, d.file.Name)
			d.file.bad = true
			return
		}
		a.text = path.Clean(a.text)
	}
	d.file.Path = a.text
}

func setInitFile(d *decoder, a *arg) {
	value := 0
	for _, w := range a.words {
		if w.Text == "overwrite" {
			d.file.Override = true
			continue
		}
		if w.Text == "" || w.Text[0] == '+' {
			d.unknownWord(w, "overwrite", "a number")
			return
		}
		n, ok := d.integer(w, -1<<31, maxInt32)
		if !ok {
			return
		}
		if n < -254 || n > 254 {
			d.err("number-out-of-range", w, "%d is outside what a priority can follow, -254 to 254", n)
		}
		value = int(n)
	}
	d.file.Init = &value
}
