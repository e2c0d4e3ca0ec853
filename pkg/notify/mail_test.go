package notify

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// relay is an SMTP server for one mail at a time; it notes what it is told
// and answers DATA and the rest as given.
type relay struct {
	listener net.Listener
	refuse   string // a verb that gets 550
	lines    chan string
}

func newRelay(t *testing.T, refuse string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l, refuse, make(chan string, 1000)}
	var wg sync.WaitGroup
	wg.Go(r.serve)
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return r
}

func (r *relay) serve() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.talk(conn)
		conn.Close()
	}
}

func (r *relay) talk(conn net.Conn) {
	fmt.Fprint(conn, "220-hello\r\n220 there\r\n")
	in := bufio.NewScanner(conn)
	for data := false; in.Scan(); {
		line := in.Text()
		r.lines <- line
		switch verb, _, _ := strings.Cut(line, " "); {
		case data && line == ".":
			data = false
			fmt.Fprint(conn, "250 taken\r\n")
		case data:
		case verb == r.refuse:
			fmt.Fprint(conn, "550 no\r\n")
		case verb == "DATA":
			data = true
			fmt.Fprint(conn, "354 go on\r\n")
		case verb == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

func (r *relay) settings() MailSettings {
	addr := r.listener.Addr().(*net.TCPAddr)
	return MailSettings{
		Server: addr.IP.String(), Port: uint16(addr.Port), Helo: "lb1", From: "me@example.net",
		To: []string{"a@example.org", "Bea <b@example.org>"}, RouterID: "LB", Timeout: 5 * time.Second,
	}
}

func (r *relay) said() []string {
	var lines []string
	for {
		select {
		case l := <-r.lines:
			lines = append(lines, l)
		default:
			return lines
		}
	}
}

func TestMailDialogue(t *testing.T) {
	r := newRelay(t, "")
	at := time.Date(2026, 11, 21, 9, 13, 40, 0, time.UTC)
	mail := Mail{"VRRP Instance VI_1 - Entering MASTER state", "=> VRRP Instance is now owning VRRP VIPs <="}
	if err := send(t.Context(), letter{r.settings(), mail, at}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"HELO lb1",
		"MAIL FROM:<me@example.net>",
		"RCPT TO:<a@example.org>",
		"RCPT TO:<b@example.org>",
		"DATA",
		"Date: Sat, 21 Nov 2026 09:13:40 +0000",
		"From: me@example.net",
		"Subject: [LB] VRRP Instance VI_1 - Entering MASTER state",
		"X-Mailer: Keepalived",
		"To: a@example.org, Bea <b@example.org>",
		"",
		"=> VRRP Instance is now owning VRRP VIPs <=",
		"",
		".",
		"QUIT",
	}
	if diff := cmp.Diff(want, r.said()); diff != "" {
		t.Error(diff)
	}
}

func TestMailRefused(t *testing.T) {
	for _, verb := range []string{"HELO", "MAIL", "RCPT", "DATA"} {
		r := newRelay(t, verb)
		err := send(t.Context(), letter{r.settings(), Mail{"s", "b"}, time.Time{}})
		if err == nil || !strings.Contains(err.Error(), verb) || !strings.Contains(err.Error(), "550") {
			t.Errorf("%s refused: got %v", verb, err)
		}
	}
}

// A relay that accepts the connection and then says nothing costs one timeout
// and no more.
func TestMailToSilentRelay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().(*net.TCPAddr)
	s := MailSettings{Server: addr.IP.String(), Port: uint16(addr.Port), To: []string{"a@b"}, Timeout: 20 * time.Millisecond}
	err = send(t.Context(), letter{MailSettings: s})
	if ne, ok := err.(interface{ Unwrap() error }); !ok || !strings.Contains(fmt.Sprint(ne), "timeout") {
		t.Errorf("got %v", err)
	}
}

// The same state twice is one mail; no header can be smuggled in.
func TestHubMails(t *testing.T) {
	r := newRelay(t, "")
	s := r.settings()
	h := New(Settings{Mail: s}, zap.NewNop())
	h.grace = time.Minute // it is not what ends the delivery
	for _, state := range []string{Master, Master, Backup, Master} {
		h.Tell(Event{Name: "a", State: state, Mail: &Mail{state + "\r\nBcc: x@y", "."}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = h.Run(ctx) // what was told before is still delivered
	var subjects []string
	for _, line := range r.said() {
		if strings.HasPrefix(line, "Bcc:") {
			t.Error("a subject became a header line of its own")
		}
		if s, ok := strings.CutPrefix(line, "Subject: "); ok {
			subjects = append(subjects, s)
		}
	}
	want := []string{"[LB] MASTER  Bcc: x@y", "[LB] BACKUP  Bcc: x@y", "[LB] MASTER  Bcc: x@y"}
	if diff := cmp.Diff(want, subjects); diff != "" {
		t.Error(diff)
	}
}

func TestNoMailWithoutRecipient(t *testing.T) {
	m := newMailer(zap.NewNop())
	m.settings = MailSettings{Server: "127.0.0.1"}
	m.post(Mail{})
	m.settings = MailSettings{To: []string{"a@b"}}
	m.post(Mail{})
	if n := len(m.queue); n != 0 {
		t.Errorf("%d mails are queued", n)
	}
}
