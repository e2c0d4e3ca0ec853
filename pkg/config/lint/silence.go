package lint

import (
	"slices"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// Silence removes the warnings and remarks that comments in the files of the
// problems ask to be silent about:
//
//	# holdfast: ignore vip-prefix        on the line, or the line above
//	# holdfast: ignore-file vip-prefix   anywhere in the file
func Silence(problems []diag.Problem, comments []syntax.Comment) []diag.Problem {
	type place struct {
		file *diag.File
		line int // 0: the whole file
		id   string
	}
	silent := map[place]bool{}
	for _, c := range comments {
		at := c.At
		words, ok := strings.CutPrefix(strings.TrimLeft(at.Text(), "#! \t"), "holdfast:")
		if !ok {
			continue
		}
		fields := strings.FieldsFunc(words, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
		if len(fields) < 2 {
			continue
		}
		line := at.Line()
		for _, id := range fields[1:] {
			switch fields[0] {
			case "ignore":
				silent[place{at.File, line, id}], silent[place{at.File, line + 1, id}] = true, true
			case "ignore-file":
				silent[place{at.File, 0, id}] = true
			}
		}
	}
	if len(silent) == 0 {
		return problems
	}
	return slices.DeleteFunc(slices.Clone(problems), func(p diag.Problem) bool {
		if p.Severity == diag.Error || p.At.IsZero() {
			return false
		}
		return silent[place{p.At.File, 0, p.ID}] || silent[place{p.At.File, p.At.Line(), p.ID}]
	})
}

// Tidy sorts problems by place and makes one of those that say the same: a word
// is often unknown for a reason that is known too.
func Tidy(problems []diag.Problem) []diag.Problem {
	problems = slices.Clone(problems)
	diag.Sort(problems)
	reasons := []string{"byte-order-mark", "lookalike-character", "undefined-name"}
	odd := map[*diag.File]bool{} // files with a lookalike that was reported
	var out []diag.Problem
	for _, p := range problems {
		if n := len(out) - 1; n >= 0 && overlap(out[n].At, p.At) {
			last := &out[n]
			switch {
			case last.ID == "unknown-keyword" && slices.Contains(reasons, p.ID):
				p.Severity, p.Class = last.Severity, last.Class
				*last = p
				odd[p.At.File] = odd[p.At.File] || p.ID == "lookalike-character"
				continue
			case p.ID == "unknown-keyword" && slices.Contains(reasons, last.ID):
				last.Severity, last.Class = p.Severity, p.Class
				continue
			}
		}
		if odd[p.At.File] && sameReason(&p) {
			continue // the same character again, which has been reported
		}
		odd[p.At.File] = odd[p.At.File] || p.ID == "lookalike-character"
		out = append(out, p)
	}
	return out
}

// sameReason reports whether a problem comes from a lookalike on its line.
func sameReason(p *diag.Problem) bool {
	switch p.ID {
	case "unknown-keyword":
		return syntax.HasLookalike(p.At.Text())
	case "unexpected-brace", "extra-closing-brace":
		return syntax.HasLookalike(p.At.File.LineText(p.At.Line()))
	}
	return false
}

func overlap(a, b diag.Span) bool {
	return a.File != nil && a.File == b.File && a.Start < b.End && b.Start < a.End
}
