package config

import (
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func openSyncGroup(d *decoder, a *arg) bool {
	if !d.named(a) {
		return false
	}
	for _, g := range d.groups {
		if g.Name == a.words[0].Text {
			return d.duplicate(a, g.At)
		}
	}
	d.newSyncGroup(a.words[0])
	d.groups = append(d.groups, d.group)
	return true
}

func (d *decoder) newSyncGroup(name syntax.Word) {
	d.group = &groupDraft{SyncGroup: &SyncGroup{Name: name.Text, At: name.At}}
	d.inst = nil
}

func endSyncGroup(d *decoder) { d.group = nil }

func openMembers(d *decoder, a *arg) bool {
	if d.group.seen {
		d.err("duplicate-keyword", a.key, "the sync group %s has its members already; this block is ignored", d.group.Name)
		return false
	}
	d.group.seen = true
	return true
}

func itemMembers(d *decoder, words []syntax.Word) { d.group.names = append(d.group.names, words...) }

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

func openTrackGroup(d *decoder, a *arg) bool {
	if !d.named(a) {
		return false
	}
	for _, g := range d.cfg.TrackGroups {
		if g.Name == a.words[0].Text {
			return d.duplicate(a, g.At)
		}
	}
	d.newTrackGroup(a.words[0])
	return true
}

func (d *decoder) newTrackGroup(name syntax.Word) {
	d.trackGroup, d.trackMembers = &TrackGroup{Name: name.Text, At: name.At}, false
}

func endTrackGroup(d *decoder) {
	if len(d.trackGroup.Members) == 0 {
		d.err("empty-block", syntax.Word{At: d.trackGroup.At}, "track_group %s has no members; it is ignored", d.trackGroup.Name)
		return
	}
	d.cfg.TrackGroups = append(d.cfg.TrackGroups, d.trackGroup)
}

func openTrackMembers(d *decoder, a *arg) bool {
	if d.trackMembers {
		d.err("duplicate-keyword", a.key, "the track_group %s has its members already; this block is ignored", d.trackGroup.Name)
		return false
	}
	d.trackMembers = true
	return true
}

func endTrackMembers(d *decoder) {
	if len(d.trackGroup.Members) == 0 {
		d.err("empty-block", syntax.Word{At: d.trackGroup.At}, "the block group of track_group %s names no instance", d.trackGroup.Name)
	}
}

func itemTrackGroup(d *decoder, words []syntax.Word) {
	for _, w := range words {
		d.trackGroup.Members = append(d.trackGroup.Members, w.Text)
	}
}

func openGARPGroup(d *decoder, a *arg) bool {
	d.garp = &GARPGroup{GARPInterval: notGiven, GNAInterval: notGiven}
	d.blockAt = a.key
	return true
}

func endGARPGroup(d *decoder) {
	g := d.garp
	if g.GARPInterval < 0 && g.GNAInterval < 0 {
		d.err("incomplete-block", d.blockAt, "this garp_group has neither garp_interval nor gna_interval; it is ignored")
		return
	}
	if len(g.Interfaces) == 0 {
		d.err("incomplete-block", d.blockAt, "this garp_group names no interface; it is ignored")
		return
	}
	g.GARPInterval, g.GNAInterval = max(g.GARPInterval, 0), max(g.GNAInterval, 0)
	d.cfg.GARPGroups = append(d.cfg.GARPGroups, g)
}

func openGARPInterfaces(d *decoder, a *arg) bool {
	d.listAt, d.listed = a.key, 0
	return true
}

func itemGARPInterfaces(d *decoder, words []syntax.Word) {
	for _, name := range words {
		d.garpInterface(name)
		d.listed++
	}
}

func endGARPInterfaces(d *decoder) {
	if d.listed == 0 {
		d.err("empty-block", d.listAt, "this block names no interface")
	}
}

func (d *decoder) garpInterface(w syntax.Word) {
	for _, g := range d.cfg.GARPGroups {
		for _, name := range g.Interfaces {
			if name == w.Text {
				d.err("duplicate-interface", w, "the interface %s is in another garp_group already", w.Text)
				return
			}
		}
	}
	for _, name := range d.garp.Interfaces {
		if name == w.Text {
			d.err("duplicate-interface", w, "the interface %s is in this garp_group already", w.Text)
			return
		}
	}
	d.wantInterface(w, "garp_group")
	d.garp.Interfaces = append(d.garp.Interfaces, w.Text)
}

func itemLinkbeat(d *decoder, words []syntax.Word) {
	l := Linkbeat{Interface: words[0].Text}
	known := d.wantForStart(words[0], "linkbeat_interfaces")
	if len(words) > 1 && known {
		switch words[1].Text {
		case "MII", "ETHTOOL", "IOCTL":
			l.Method = words[1].Text
		default:
			d.unknownWord(words[1], "MII", "ETHTOOL", "IOCTL")
		}
	}
	d.cfg.Linkbeat = append(d.cfg.Linkbeat, l)
}

func itemInterfaceDelay(d *decoder, words []syntax.Word) {
	if len(words) < 2 {
		d.err("missing-value", words[0], "%s needs the seconds to wait", words[0].Text)
		return
	}
	if !d.wantForStart(words[0], "interface_up_down_delays") {
		return
	}
	down, ok := d.micros(words[1], 6, 0, 255000000)
	up := down
	if ok && len(words) > 2 {
		up, ok = d.micros(words[2], 6, 0, 255000000)
	}
	if ok {
		d.cfg.InterfaceDelays = append(d.cfg.InterfaceDelays, InterfaceDelay{words[0].Text, down, up})
	}
}

func openBFD(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	name := a.words[0]
	if len(name.Text) > 31 {
		d.err("name-too-long", name, "the name of a BFD session has at most 31 characters")
		return false
	}
	for _, b := range d.cfg.BFD {
		if b.Name == name.Text {
			return d.duplicate(a, b.At)
		}
	}
	d.newBFD(name)
	return true
}

func (d *decoder) newBFD(name syntax.Word) {
	d.bfd = &bfdDraft{BFDInstance: &BFDInstance{
		Name: name.Text, At: name.At, Multiplier: 5,
		MinRx: 10 * time.Millisecond, MinTx: 10 * time.Millisecond, IdleTx: time.Second,
	}}
}

func setNeighbor(d *decoder, a *arg) { d.bfd.Neighbor = a.addr }

func endBFD(d *decoder) {
	b := d.bfd
	name := syntax.Word{At: b.At}
	if !b.Neighbor.IsValid() {
		if d.role == BFD {
			d.err("missing-neighbor", name, "bfd_instance %s has no neighbor_ip; it is ignored", b.Name)
			return
		}
	} else if b.Source.IsValid() && b.Source.Is6() != b.Neighbor.Is6() {
		d.err("family-mismatch", name, "source_ip and neighbor_ip of %s are of different families", b.Name)
		b.Source = netip.Addr{}
	}
	if b.TTL == 0 {
		b.TTL = 255
		if b.Neighbor.Is6() {
			b.TTL = 64
		}
	}
	if !b.rolesGiven {
		b.VRRP, b.Checkers = true, true
	}
	if d.role == VRRP && !b.VRRP || d.role == Checkers && !b.Checkers {
		return
	}
	d.cfg.BFD = append(d.cfg.BFD, b.BFDInstance)
}

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

// trackWeight reads weight N [reverse|noreverse].
func (d *decoder) trackWeight(words []syntax.Word, kind trackKind, t *Track) bool {
	if words[1].Text != "weight" {
		d.unknownWord(words[1], "weight")
		return true
	}
	if len(words) < 3 {
		d.err("missing-value", words[1], "weight needs a number")
		return true
	}
	limit := int64(maxWeight)
	if kind == trackFile || kind == trackProcess {
		limit = 254
	}
	n, ok := d.integer(words[2], -limit, limit)
	if !ok {
		return true
	}
	t.Weight = int(n)
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
