package dialogue

import (
	"github.com/holdfast-lb/holdfast/healthcheck"
)

// smtp greets a mail server: 220, HELO, 250, QUIT, anything (RFC 5321
// section 4.2). Only the number at the start of a reply counts.
type smtp struct {
	helo  string
	lines lines
	heard int // lines
	step  uint8
}

const (
	smtpGreeting uint8 = iota
	smtpHelo
	smtpQuit
)

// maxReplyLines bounds a reply of many lines.
const maxReplyLines = 100

func (*smtp) Open() Turn { return Turn{} }

func (s *smtp) Hear(in []byte) Turn {
	s.lines.add(in)
	var out []byte
	for {
		line, ok, err := s.lines.next()
		if err != nil {
			return failed(healthcheck.FaultRead, "%v in the reply", err)
		}
		if !ok {
			return say(out)
		}
		if s.heard++; s.heard > maxReplyLines {
			return failed(healthcheck.FaultRead, "a reply of more than %d lines", maxReplyLines)
		}
		if len(line) > 3 && line[3] == '-' { // more of this reply follows
			continue
		}
		t := s.reply(line)
		if t.Done {
			return t
		}
		out = append(out, t.Send...)
	}
}

// reply takes the last line of a reply.
func (s *smtp) reply(line []byte) Turn {
	code := string(line[:min(len(line), 3)])
	switch s.step {
	case smtpGreeting:
		if code != "220" {
			return failed(healthcheck.FaultBanner, "greeting %s, wanted 220", quoted(line))
		}
		s.step = smtpHelo
		return say([]byte("HELO " + s.helo + "\r\n"))
	case smtpHelo:
		if code != "250" {
			return failed(healthcheck.FaultReply, "answer to HELO %s, wanted 250", quoted(line))
		}
		s.step = smtpQuit
		return say([]byte("QUIT\r\n"))
	default:
		return passed()
	}
}

func (s *smtp) Closed() Turn {
	if s.step == smtpQuit { // it took QUIT at its word
		return passed()
	}
	return failed(healthcheck.FaultRead, "connection closed before %s", s.waiting())
}

func (s *smtp) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no %s in time", s.waiting())
}

func (s *smtp) waiting() string {
	return [...]string{"greeting", "answer to HELO", "answer to QUIT"}[s.step]
}
