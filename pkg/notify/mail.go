package notify

import (
	"context"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// MailSettings says from whom, to whom and through which relay alerts go.
// Without a server or a recipient there are none.
type MailSettings struct {
	Server   string // address or host name of the relay
	Port     uint16
	Helo     string // name to introduce ourselves with; empty: the host's
	From     string
	To       []string
	RouterID string        // starts every subject, in brackets
	Timeout  time.Duration // for connecting, and for each step after that
}

// mailQueue is how many mails may wait for the relay.
const mailQueue = 256

// letter is a mail with the settings of its time.
type letter struct {
	MailSettings
	Mail
	at time.Time
}

// mailer sends mails one after the other. A mail is tried once.
type mailer struct {
	log      *zap.Logger
	settings MailSettings // for post; the caller's
	queue    chan letter
}

func newMailer(log *zap.Logger) *mailer {
	return &mailer{log: log, queue: make(chan letter, mailQueue)}
}

// post queues a mail.
func (m *mailer) post(mail Mail) {
	if m.settings.Server == "" || len(m.settings.To) == 0 {
		return
	}
	select {
	case m.queue <- letter{m.settings, mail, time.Now()}:
	default:
		m.log.Warn("mail dropped, too many wait for the relay", zap.String("subject", mail.Subject))
	}
}

// close lets run return when it has sent what is queued.
func (m *mailer) close() { close(m.queue) }

// run sends mails until the queue is closed, or ctx is done.
func (m *mailer) run(ctx context.Context) {
	for l := range m.queue {
		if ctx.Err() != nil {
			return
		}
		if err := send(ctx, l); err != nil {
			if ctx.Err() == nil {
				m.log.Error("SMTP alert not sent", zap.String("subject", l.Subject), zap.Error(err))
			}
			continue
		}
		m.log.Info("SMTP alert successfully sent.", zap.String("subject", l.Subject))
	}
}

// send carries out the dialogue for one mail.
func send(ctx context.Context, l letter) error {
	dialer := net.Dialer{Timeout: l.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(l.Server, strconv.Itoa(int(l.Port))))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	text := textproto.NewConn(conn)
	step := func(want int, format string, args ...any) error {
		if err := conn.SetDeadline(time.Now().Add(l.Timeout)); err != nil {
			return err
		}
		if format != "" {
			if err := text.PrintfLine(format, args...); err != nil {
				return err
			}
		}
		if _, _, err := text.ReadResponse(want); err != nil {
			verb, _, _ := strings.Cut(format, " ")
			return fmt.Errorf("%s: %w", orGreeting(verb), err)
		}
		return nil
	}
	if err := step(220, ""); err != nil {
		return err
	}
	if err := step(250, "HELO %s", l.helo()); err != nil {
		return err
	}
	if err := step(250, "MAIL FROM:%s", angled(l.From)); err != nil {
		return err
	}
	for _, to := range l.To {
		if err := step(25, "RCPT TO:%s", angled(to)); err != nil { // 250 or 251
			return err
		}
	}
	if err := step(354, "DATA"); err != nil {
		return err
	}
	body := text.DotWriter()
	if _, err := body.Write(l.text()); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	if err := step(250, ""); err != nil {
		return err
	}
	_ = step(221, "QUIT") // the mail is on its way whatever the answer
	return nil
}

func (l letter) helo() string {
	if l.Helo != "" {
		return l.Helo
	}
	host, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return host
}

// text is the mail with its header.
func (l letter) text() []byte {
	subject := l.Subject
	if l.RouterID != "" {
		subject = "[" + l.RouterID + "] " + subject
	}
	return fmt.Appendf(nil, "Date: %s\r\nFrom: %s\r\nSubject: %s\r\nX-Mailer: Keepalived\r\nTo: %s\r\n\r\n%s\r\n\r\n",
		l.at.Format(time.RFC1123Z), oneLine(l.From), oneLine(subject), oneLine(strings.Join(l.To, ", ")), oneLine(l.Body))
}

// angled is the address as an SMTP command wants it.
func angled(addr string) string {
	addr = oneLine(addr)
	if strings.HasSuffix(addr, ">") {
		if i := strings.LastIndexByte(addr, '<'); i >= 0 {
			return addr[i:]
		}
	}
	return "<" + addr + ">"
}

// oneLine keeps text from the configuration from becoming more header lines.
func oneLine(s string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

func orGreeting(verb string) string {
	if verb == "" {
		return "answer"
	}
	return verb
}
