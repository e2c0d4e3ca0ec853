// Package lint says what is legal in a configuration but seldom meant: the
// footguns that keepalived accepts in silence. It also compares the
// configurations of two routers that share addresses, and lets comments in a
// file silence what is meant after all.
package lint

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Check returns the footguns of a configuration.
func Check(c *config.Config) []diag.Problem {
	l := linter{c: c}
	for _, i := range c.Instances {
		l.instance(i)
	}
	l.scripts()
	l.services()
	l.mail()
	return l.problems
}

// linter collects the problems of one configuration.
type linter struct {
	c        *config.Config
	problems []diag.Problem
}

// warn reports a footgun. All of them leave keepalived's verdict alone.
func (l *linter) warn(id string, at diag.Span, hint, format string, args ...any) *diag.Problem {
	return l.add(diag.Warning, id, at, hint, format, args...)
}

// remark reports what may well be meant.
func (l *linter) remark(id string, at diag.Span, hint, format string, args ...any) *diag.Problem {
	return l.add(diag.Info, id, at, hint, format, args...)
}

func (l *linter) add(s diag.Severity, id string, at diag.Span, hint, format string, args ...any) *diag.Problem {
	l.problems = append(l.problems, diag.Problem{ID: id, Severity: s, At: at, Text: fmt.Sprintf(format, args...), Hint: hint})
	return &l.problems[len(l.problems)-1]
}

// note adds another place to a problem.
func note(p *diag.Problem, at diag.Span, format string, args ...any) {
	if !at.IsZero() {
		p.Notes = append(p.Notes, diag.Note{At: at, Text: fmt.Sprintf(format, args...)})
	}
}

// mail reports alerts that nobody will get.
func (l *linter) mail() {
	m := &l.c.Global.Mail
	if len(m.To) > 0 && m.Server != "" {
		return
	}
	for _, i := range l.c.Instances {
		if i.SMTPAlert {
			l.warn("alert-goes-nowhere", i.At, "set smtp_server and notification_email in global_defs",
				"%s is to send mail alerts, but there is no smtp_server or no notification_email", i.Name)
			return
		}
	}
}
