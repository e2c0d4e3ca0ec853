package syntax

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// check is what an include demands; see include_check.
type check uint8

const (
	checkRead  check = 1 << iota // every match is a readable, regular file without execute bits
	checkMatch                   // a name without wildcards exists
	checkWild                    // a name with wildcards matches something
	checkBrace                   // every element of a brace list exists
	checkAll   = checkRead | checkMatch | checkWild | checkBrace
)

var checkLetters = map[string]check{
	"include": 0, "includer": checkRead, "includem": checkRead | checkMatch,
	"includew": checkRead | checkMatch | checkWild, "includeb": checkRead | checkBrace, "includea": checkAll,
}

// checkWords are the words of include_check.
var checkWords = map[string]check{
	"read": checkRead, "readable": checkRead, "match": checkMatch, "wildcard_match": checkWild, "brace_match": checkBrace,
}

// includeLine recognises an include. All that follows the keyword is the name,
// blanks and braces included.
func includeLine(s string) (name, keyword string, ok bool) {
	if !strings.HasPrefix(s, "include") {
		return "", "", false
	}
	n := strings.IndexAny(s, blanks)
	if n < 0 {
		return "", "", false
	}
	if _, ok = checkLetters[s[:n]]; !ok {
		return "", "", false
	}
	return strings.Trim(s[n:], blanks), s[:n], true
}

// includeCheck follows the keyword include_check, which sets what plain
// include lines demand from there on.
func (r *reader) includeCheck(words []Word) {
	if len(words) == 0 {
		r.check = checkAll
		return
	}
	for i, w := range words {
		name, change := w.Text, byte(0)
		if name != "" && (name[0] == '+' || name[0] == '-') {
			name, change = name[1:], name[0]
		}
		switch bit := checkWords[name]; {
		case change == '+':
			r.check |= bit
		case change == '-':
			r.check &^= bit
		case i == 0: // a plain word behind the first one counts for nothing
			r.check = bit
		}
	}
}

// maxBraces bounds how many names brace lists may stand for.
const maxBraces = 1024

// expandBraces returns the names that a name with brace lists stands for.
func expandBraces(s string) ([]string, error) {
	open := strings.IndexByte(s, '{')
	if open < 0 {
		return []string{s}, nil
	}
	var parts []string
	depth, from, end := 0, open+1, -1
	for i := open; i < len(s) && end < 0; i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				parts, end = append(parts, s[from:i]), i
			}
		case ',':
			if depth == 1 {
				parts, from = append(parts, s[from:i]), i+1
			}
		}
	}
	if end < 0 {
		return []string{s}, nil
	}
	var out []string
	for _, part := range parts {
		names, err := expandBraces(s[:open] + part + s[end+1:])
		if err != nil {
			return nil, err
		}
		if out = append(out, names...); len(out) > maxBraces {
			return nil, errors.New("the brace lists stand for too many names")
		}
	}
	return out, nil
}

// target is a file to include: its path and how to show it to the operator.
type target struct{ abs, shown string }

// include opens what an include line names.
func (r *reader) include(c chunk, name, keyword string) {
	r.tree.Used |= Includes
	demands := r.check | checkLetters[keyword]
	at, via := c.span(len(c.s)-len(name), len(c.s))
	names, err := expandBraces(name)
	if err != nil {
		r.problem(diag.Problem{ID: "include-too-many-names", Severity: diag.Error, Class: diag.Config, At: at, Text: err.Error(), Hint: "use a wildcard, or several include lines"}, via)
		return
	}
	var targets []target
	var absent []string
	for _, n := range names {
		found := r.match(n)
		if len(found) == 0 && !isWild(n) {
			absent = append(absent, n)
		}
		targets = append(targets, found...)
	}
	if len(absent) > 0 || len(targets) == 0 {
		strict := demands&checkWild != 0
		switch {
		case len(names) > 1 && len(targets) > 0:
			strict = demands&checkBrace != 0
		case len(absent) > 0:
			strict = demands&(checkMatch|checkBrace) != 0 && (len(names) > 1 || demands&checkMatch != 0)
		}
		r.notFound(at, via, name, absent, strict)
		if strict {
			return
		}
	}
	r.openAll(targets, at, via, demands)
}

func isWild(name string) bool { return strings.ContainsAny(name, "*?[") }

// match returns the files that a name without brace lists stands for.
func (r *reader) match(name string) []target {
	dir := r.dir()
	abs := r.source.abs(dir, name)
	paths := []string{abs}
	if isWild(name) {
		paths = r.source.glob(abs)
	}
	var out []target
	for _, p := range paths {
		shown := p
		if rel, ok := strings.CutPrefix(p, strings.TrimSuffix(dir, "/")+"/"); ok && !path.IsAbs(name) {
			shown = path.Join(path.Dir(r.files[len(r.files)-1].file.Name), rel)
		} else if !path.IsAbs(name) && !isWild(name) {
			shown = path.Join(path.Dir(r.files[len(r.files)-1].file.Name), name)
		}
		if r.source.read(p, shown).state != missing {
			out = append(out, target{p, shown})
		}
	}
	return out
}

func (r *reader) notFound(at diag.Span, via *Origin, name string, absent []string, strict bool) {
	p := diag.Problem{
		ID: "include-missing", Severity: diag.Warning, At: at,
		Text: fmt.Sprintf("there is no file %s to include", name),
		Hint: "relative names start from the directory of the file that includes",
	}
	switch {
	case len(absent) == 0:
		p.ID, p.Severity = "include-no-match", diag.Info
		p.Text = fmt.Sprintf("no file matches %s", name)
		p.Hint = ""
	case strings.Contains(name, `"`):
		p.Hint = "the name is taken as it stands: leave the quotes away"
	case strings.ContainsAny(name, blanks):
		p.Hint = "everything behind the keyword is one name: write one include line for each file,\nand nothing else on it"
	case len(absent) > 0 && absent[0] != name:
		p.Text = fmt.Sprintf("of the files to include, %s does not exist", strings.Join(absent, ", "))
	}
	if strict {
		p.Severity, p.Class = diag.Error, diag.Include
		p.Hint = "create the file, or use plain include if it may be missing (then without include_check and -e)"
	}
	r.problem(p, via)
}

// maxNested is how deep includes may be nested.
const maxNested = 200

// openAll makes the reader go on with the targets, in their order.
func (r *reader) openAll(targets []target, at diag.Span, via *Origin, demands check) {
	nested := 0
	for _, f := range r.files {
		if f.off > 0 {
			nested++
		}
	}
	for _, t := range slices.Backward(targets) {
		f := r.source.read(t.abs, t.shown)
		p := diag.Problem{Severity: diag.Warning, At: at, Text: fmt.Sprintf("%s %s: it is not read", t.shown, f.err)}
		if demands&checkRead != 0 {
			p.Severity, p.Class = diag.Error, diag.Include
		}
		switch f.state {
		case regular:
			if r.isOpen(t.abs) {
				p = diag.Problem{
					ID: "include-recursive", Severity: diag.Error, Class: diag.Config, At: at,
					Text: fmt.Sprintf("%s includes itself", t.shown),
					Hint: "remove this line, or the one that includes this file",
				}
				break
			}
			if nested >= maxNested || r.budget <= 0 {
				p = diag.Problem{
					ID: "include-depth", Severity: diag.Error, Class: diag.Config, At: at,
					Text: "includes are nested too deep", Hint: "include files from one place",
				}
				break
			}
			r.push(f.file, t.abs)
			continue
		case directory:
			p.ID, p.Hint = "include-directory", "to read all files in it, write "+path.Join(t.shown, "*.conf")
		case executable:
			p.ID, p.Hint = "include-executable", "chmod a-x "+t.shown
		case irregular:
			p.ID, p.Hint = "include-irregular", "only plain files are read: no pipe, socket or device"
		default:
			p.ID, p.Text = "include-unreadable", fmt.Sprintf("cannot read %s: %s", t.shown, f.err)
		}
		r.problem(p, via)
	}
}

// isOpen reports whether a file is being read: the current one, or one that
// led to it.
func (r *reader) isOpen(abs string) bool {
	return slices.ContainsFunc(r.files, func(f open) bool { return f.off > 0 && f.abs == abs })
}
