package config

import (
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// trackKind is what a line of a track block names.
type trackKind uint8

const (
	trackInterface trackKind = iota
	trackScript
	trackFile
	trackProcess
	trackBFD
)

func (k trackKind) String() string {
	return [...]string{"interface", "vrrp_script", "track_file", "vrrp_track_process", "bfd_instance"}[k]
}

// track reads a line of a track block: NAME [weight WEIGHT [reverse]].
func (d *decoder) track(words []syntax.Word, kind trackKind, list *[]Track) {
	t := Track{Name: words[0].Text, At: words[0].At}
	for _, have := range *list {
		if have.Name == t.Name {
			d.err("duplicate-track", words[0], "%s %s is tracked already", kind, t.Name)
			return
		}
	}
	if !d.tracked(words[0], kind, &t) {
		return
	}
	if len(words) > 1 && !d.trackWeight(words, kind, &t) {
		return
	}
	*list = append(*list, t)
}

// tracked finds the tracked thing and takes its weight.
func (d *decoder) tracked(w syntax.Word, kind trackKind, t *Track) bool {
	var names []string
	switch kind {
	case trackInterface:
		if _, ok := d.env.link(w.Text); ok || d.g.DynamicInterfaces {
			return true
		}
		d.unusable("unknown-interface", w, "the tracked interface %s does not exist", w.Text)
		d.missingLink = true
		return false
	case trackScript:
		for _, s := range d.scriptsRead {
			if s.Name == w.Text {
				t.Weight, t.Reverse, s.used = s.Weight, s.Reverse, s.used || !d.refused
				return true
			}
			names = append(names, s.Name)
		}
	case trackFile:
		for _, f := range d.cfg.TrackFiles {
			if f.Name == w.Text {
				t.Weight, t.Reverse = f.Weight, f.Reverse
				return true
			}
			names = append(names, f.Name)
		}
	case trackProcess:
		for _, p := range d.cfg.Processes {
			if p.Name == w.Text {
				t.Weight, t.Reverse = p.Weight, p.Reverse
				return true
			}
			names = append(names, p.Name)
		}
	case trackBFD:
		for _, b := range d.cfg.BFD {
			if b.Name == w.Text {
				t.Weight, t.Reverse = b.Weight, b.Reverse
				return true
			}
			names = append(names, b.Name)
		}
	}
	d.err("unknown-track", w, "there is no %s %s above this line", kind, w.Text)
	d.hintClosest(w.Text, names)
	return false
}

// trackWeight reads weight N [reverse|noreverse]. Without any of it, the line is not to
// be kept.
func (d *decoder) trackWeight(words []syntax.Word, kind trackKind, t *Track) bool {
	if words[1].Text != "weight" {
		d.unknownWord(words[1], "weight")
		return false
	}
	if len(words) < 3 {
		d.err("missing-value", words[1], "weight needs a number; %s is not tracked", t.Name)
		return false
	}
	const most = 254 // for what is counted
	n, ok := d.integer(words[2], -most, most)
	if !ok {
		return true
	}
	t.Weight = int(n)
	if kind != trackFile && kind != trackProcess && max(n, -n) == most {
		t.Weight = min(max(t.Weight, -maxWeight), maxWeight)
		d.err("weight-range", words[2], "no %s can change a priority by 254; %d is used", kind, t.Weight)
		d.hint("write weight %d", t.Weight)
	}
	if len(words) > 3 {
		switch words[3].Text {
		case "reverse":
			t.Reverse = true
		case "noreverse":
			t.Reverse = false
		default:
			d.unknownWord(words[3], "reverse", "noreverse")
		}
	}
	return true
}
