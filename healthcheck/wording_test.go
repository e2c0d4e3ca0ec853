package healthcheck

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What keepalived says of a first attempt that fails, word for word.
func TestWordsOfAFirstFailure(t *testing.T) {
	unreachable := Result{Fault: FaultUnreachable, Reason: "network is unreachable", Value: 101}
	unbound := Result{Fault: FaultLocal, Reason: "bind: cannot assign requested address"}
	secure := HTTP{TLS: &TLS{}, URLs: three.URLs}
	const ssl = "SSL_CHECK on service [10.9.0.1]:tcp:80 failed after 2 retries."
	tests := []struct {
		name   string
		ask    Question
		answer Result
		want   []string
	}{
		{"TCP, no route", TCP{}, unreachable, []string{"TCP_CHECK on service [10.9.0.1]:tcp:80 failed."}},
		{"HTTP, no route", three, unreachable, []string{
			"HTTP/SSL_CHECK - network unreachable server [10.9.0.1]:tcp:80.", "HTTP_CHECK on service [10.9.0.1]:tcp:80 failed after 2 retries.",
		}},
		{"DNS, no route", DNS{}, unreachable, []string{"DNS_CHECK ([10.9.0.1]:tcp:80) network unreachable for [10.99.9.9]:8080"}},
		{"UDP, no route", UDP{}, unreachable, []string{
			"UDP connect error 101 - Network is unreachable", "UDP_CHECK on service [10.9.0.1]:tcp:80 failed.",
		}},
		{"ping, no route", Ping{}, unreachable, []string{"send ICMP packet fail", "ICMP CHECK on service [10.9.0.1]:tcp:80 failed."}},
		{"SSL, silence in the body", secure, Result{Fault: FaultStopped}, []string{"Timeout SSL read server [10.9.0.1]:tcp:80.", ssl}},
		{"SSL, no answer", secure, Result{Fault: FaultNoData}, []string{"SSL read error from server [10.9.0.1]:tcp:80.", ssl}},
		{"SSL, reset", secure, Result{Fault: FaultRead}, []string{"Read, no data received from  server [10.9.0.1]:tcp:80.", ssl}},
		{"SSL, status", secure, status, []string{"HTTP status code error to server [10.9.0.1]:tcp:80.", ssl}},
		{"file", File{Name: "tf"}, Result{OK: true, Value: 1}, nil},
		{"TCP, no such local address", TCP{}, unbound, []string{
			"Checker bind failed: Cannot assign requested address", "TCP socket bind failed. Rescheduling.",
		}},
		{"HTTP, no such local address", three, unbound, []string{
			"Checker bind failed: Cannot assign requested address", "WEB socket bind failed. Rescheduling",
		}},
		{"SMTP, no such local address", SMTP{}, unbound, []string{
			"Checker bind failed: Cannot assign requested address", "SMTP_CHECK socket bind failed. Rescheduling.",
		}},
		{"DNS, no such local address", DNS{}, unbound, []string{"DNS_CHECK ([10.9.0.1]:tcp:80) UDP socket bind failed. Rescheduling."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCheck(with(spec(tt.ask), func(s *Spec) {
				s.LogAllFailures, s.Target = true, netip.MustParseAddrPort("10.99.9.9:8080")
			}), epoch)
			var got []string
			for _, l := range c.Finish(epoch, tt.answer).Lines {
				got = append(got, l.Text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWordsOfSMTPWithoutARoute(t *testing.T) {
	c := NewCheck(with(spec(SMTP{}), func(s *Spec) { s.Retry, s.Target = 0, netip.MustParseAddrPort("10.99.9.9:25") }), epoch)
	const want = "SMTP_CHECK Network unreachable for server 10.99.9.9 - real server [10.9.0.1]:80"
	if lines := c.Finish(epoch, Result{Fault: FaultUnreachable}).Lines; len(lines) != 1 || lines[0].Text != want {
		t.Errorf("%v, want %q", lines, want)
	}
}

// What is odd about a good answer is told until the server is known.
func TestWordsOfAnOddAnswer(t *testing.T) {
	c := NewCheck(spec(HTTP{URLs: []URL{{Path: "/a"}}}), epoch)
	odd := Result{OK: true, Reason: "content_length (30) does not match received bytes (5)"}
	const want = "http_check for RS [10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80 url /a: content_length (30) does not match received bytes (5)"
	if lines := c.Finish(epoch, odd).Lines; len(lines) != 2 || lines[0].Text != want {
		t.Errorf("at first: %v, want %q and the success", lines, want)
	}
	if lines := c.Finish(epoch.Add(time.Second), odd).Lines; len(lines) != 0 {
		t.Errorf("later: %v, want nothing", lines)
	}
}
