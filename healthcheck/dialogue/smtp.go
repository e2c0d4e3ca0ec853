package dialogue

import (
	"github.com/holdfast-lb/holdfast/healthcheck"
)

// smtp greets a mail server: 220, HELO, 250, QUIT, anything (RFC 5321
// section 4.2). Only the number at the start of each line counts. For TLS later,
// EHLO, STARTTLS and the handshake come before (RFC 3207).
type smtp struct {
	helo  string
	later bool
	lines lines
	heard int // lines
	step  smtpStep
}

// smtpStep is what is waited for.
type smtpStep uint8

const (
	smtpGreeting smtpStep = iota
	smtpEhlo
	smtpStart
	smtpSecured
	smtpHelo
	smtpQuit
)

func (s smtpStep) String() string {
	return [...]string{"greeting", "answer to EHLO", "answer to STARTTLS", "handshake", "answer to HELO", "answer to QUIT"}[s]
}

// maxReplyLines bounds a reply of many lines.
const maxReplyLines = 100

// Open is called again when the connection has been encrypted.
func (s *smtp) Open() Turn {
	if s.step != smtpSecured {
		return Turn{}
	}
	s.step = smtpHelo
	return say([]byte("EHLO " + s.helo + "\r\n"))
}

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
		if want := s.step.wants(); want != "" && !hasCode(line, want) {
			return failed(s.step.fault(), "%s %s, wanted %s", s.step, quoted(line), want)
		}
		if len(line) > 3 && line[3] == '-' { // more of this reply follows
			continue
		}
		t := s.proceed()
		if t.Done || t.Encrypt {
			return t
		}
		out = append(out, t.Send...)
	}
}

// hasCode reports whether a line is one of a reply with this code.
func hasCode(line []byte, code string) bool {
	return string(line[:min(len(line), 3)]) == code && (len(line) == 3 || line[3] == ' ' || line[3] == '-')
}

// wants is the code that goes on; empty for any.
func (s smtpStep) wants() string { return [...]string{"220", "250", "220", "", "250", ""}[s] }

// fault is what another code means.
func (s smtpStep) fault() healthcheck.Fault {
	switch s {
	case smtpGreeting:
		return healthcheck.FaultBanner
	case smtpStart:
		return healthcheck.FaultTLS
	}
	return healthcheck.FaultReply
}

// proceed goes on after the last line of a good reply.
func (s *smtp) proceed() Turn {
	switch s.step {
	case smtpGreeting:
		if s.later {
			return s.command(smtpEhlo, "EHLO "+s.helo)
		}
		return s.command(smtpHelo, "HELO "+s.helo)
	case smtpEhlo:
		return s.command(smtpStart, "STARTTLS")
	case smtpHelo:
		return s.command(smtpQuit, "QUIT")
	case smtpStart:
		s.step = smtpSecured
		return encrypt(s.lines.rest, nil)
	default:
		return passed()
	}
}

// command sends a line and waits for its answer.
func (s *smtp) command(next smtpStep, text string) Turn {
	s.step = next
	return say([]byte(text + "\r\n"))
}

func (s *smtp) Closed() Turn {
	return failed(healthcheck.FaultRead, "connection closed before %s", s.step)
}

func (s *smtp) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no %s in time", s.step)
}
