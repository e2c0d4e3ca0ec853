package director

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/notify"
	"github.com/holdfast-lb/holdfast/pkg/script"
)

// line is one line for the log.
type line struct {
	text    string
	warn    bool
	virtual string // which virtual server it is about, or empty
	real    string // which real server it is about, or empty
}

// effects are what comes of an event, in order: lines, notifications, the IPVS
// services whose entries have changed, checks that are to be made no more or
// again, and whether there are orders to remember.
type effects struct {
	lines    []line
	notes    []notify.Event
	dirty    []ipvs.Key
	switched []*check
	ordered  bool
}

func (e *effects) say(pl *pool, s *server, format string, args ...any) {
	l := line{text: fmt.Sprintf(format, args...), virtual: pl.name}
	if s != nil {
		l.real = s.name()
	}
	e.lines = append(e.lines, l)
}

func (e *effects) warn(pl *pool, s *server, format string, args ...any) {
	e.say(pl, s, format, args...)
	e.lines[len(e.lines)-1].warn = true
}

// teller makes notifications, as the global settings want them.
type teller struct{ global *config.Global }

// server tells that a real server is up or down.
func (t teller) server(e *effects, pl *pool, s *server, up bool, body string) {
	n := notify.Event{Kind: notify.RealServer, Name: s.name(), Service: pl.name, State: upDown(up)}
	n.Specific = command(s.cfg.NotifyDown)
	if up {
		n.Specific = command(s.cfg.NotifyUp)
	}
	if t.mails(s.cfg.SMTPAlert.Or(pl.cfg.SMTPAlert.Or(t.fallback(true)))) {
		n.Mail = &notify.Mail{
			Subject: fmt.Sprintf("Realserver %s of virtual server %s - %s", s.name(), pl.name, n.State),
			Body:    "=> " + body + " <=",
		}
	}
	s.told = true
	e.notes = append(e.notes, n)
}

// service tells that a virtual server has gained or lost its quorum.
func (t teller) service(e *effects, pl *pool, up bool, body string) {
	n := notify.Event{Kind: notify.VirtualServer, Name: pl.name, State: upDown(up)}
	n.Specific = command(pl.cfg.QuorumDown)
	if up {
		n.Specific = command(pl.cfg.QuorumUp)
	}
	if t.mails(pl.cfg.SMTPAlert.Or(t.fallback(false))) {
		n.Mail = &notify.Mail{
			Subject: fmt.Sprintf("Virtualserver %s - %s", pl.name, n.State),
			Body:    "=> " + body + " <=",
		}
	}
	e.notes = append(e.notes, n)
}

func (t teller) mails(wanted bool) bool { return wanted && !t.global.NoCheckerEmails }

func (t teller) fallback(def bool) bool {
	return t.global.SMTPAlertChecker.Or(t.global.SMTPAlert.Or(def))
}

func upDown(up bool) string {
	if up {
		return notify.Up
	}
	return notify.Down
}

// command translates a user's program; nil stays nil.
func command(c *config.Command) *script.Command {
	if c == nil {
		return nil
	}
	return &script.Command{Args: c.Argv, User: &script.User{UID: c.UID, GID: c.GID}}
}

// verdictText is what a mail says of the check that decided about a server.
func verdictText(c *check, up bool) string {
	if c == nil {
		return "Server is " + upDown(up)
	}
	succeed := map[bool]string{true: "succeed", false: "failed"}[up]
	reason := c.result.Reason
	switch ask := c.spec.Ask.(type) {
	case healthcheck.TCP:
		return "TCP CHECK " + succeed + " on service"
	case healthcheck.HTTP:
		if up {
			return "CHECK succeed on service"
		}
		return "CHECK failed on service : HTTP/SSL request failed"
	case healthcheck.SMTP:
		if up {
			return "CHECK succeed on service"
		}
		return "CHECK failed on service : " + reason
	case healthcheck.DNS:
		return "DNS_CHECK: " + succeed + " on service"
	case healthcheck.Misc:
		return "MISC CHECK " + succeed + " on service"
	case healthcheck.UDP:
		return "UDP CHECK " + succeed + " on service"
	case healthcheck.Ping:
		return "ICMP CHECK " + succeed + " on service"
	case healthcheck.BFD:
		return "BFD CHECK " + ask.Session + " " + succeed + " on service"
	}
	return c.spec.Ask.Keyword() + " " + succeed + " on service"
}
