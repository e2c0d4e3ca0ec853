package healthcheck

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// answer says what a server would answer at a moment; url is that of an HTTP check.
type answer func(at time.Duration, url int) Result

var (
	good    = Result{OK: true}
	refused = Result{Fault: FaultConnect, Reason: "connection refused", Value: 111}
	timeout = Result{Fault: FaultTimeout, Reason: "no connection after 1s"}
	status  = Result{Fault: FaultStatus, Reason: "status 503, wanted 200-299"}
)

// bad answers r between from and to, and good otherwise.
func bad(r Result, from, to time.Duration) answer {
	return func(at time.Duration, _ int) Result {
		if from <= at && at < to {
			return r
		}
		return good
	}
}

// tell runs a check whose answers take no time until the end, and returns its
// story: attempts as "ask", lines, and events, each with its second.
func tell(c *Check, a answer, end time.Duration) []string {
	var story []string
	c.Start(epoch, 0)
	for {
		at := c.Due().Sub(epoch)
		if c.Due().IsZero() || at > end {
			return story
		}
		now := c.Due()
		c.Begin(now)
		ask := "ask"
		if h, ok := c.Spec.Ask.(HTTP); ok {
			ask = h.URLs[c.URL()].Path
		}
		story = append(story, fmt.Sprintf("%g %s", at.Seconds(), ask))
		st := c.Finish(now, a(at, c.URL()))
		for _, l := range st.Lines {
			story = append(story, "  "+l.Text)
		}
		if st.Tell {
			story = append(story, "  => "+eventText(st.Event))
		}
	}
}

func eventText(e Event) string {
	s := "down"
	if e.Up {
		s = "up"
	}
	if e.First {
		s += " first"
	}
	if e.Turned {
		s += " turned"
	}
	if e.Weight != 0 {
		s += fmt.Sprintf(" weight%+d", e.Weight)
	}
	return s
}

func spec(ask Question) Spec {
	return Spec{
		Key: "k", For: Name{"[10.9.0.1]:tcp:80", "[10.9.0.101]:tcp:80"}, Ask: ask,
		Target: netip.MustParseAddrPort("10.9.0.1:80"),
		Timing: Timing{DelayLoop: 2 * time.Second, Retry: 2, DelayBeforeRetry: time.Second, ConnectTimeout: time.Second},
	}
}

func with(s Spec, f func(*Spec)) Spec { f(&s); return s }

var three = HTTP{URLs: []URL{{Path: "/a"}, {Path: "/b"}, {Path: "/c"}}}

// The expected stories were seen in keepalived's log with the same servers and
// settings, apart from what is ours.
func TestStories(t *testing.T) {
	sec := time.Second
	tests := []struct {
		name  string
		spec  Spec
		reply answer
		end   time.Duration
		want  string
	}{
		{
			name: "one failure is enough in the first run", spec: spec(TCP{}),
			reply: bad(refused, 0, 4*sec), end: 7 * sec,
			want: `
1 ask
  TCP_CHECK on service [10.9.0.1]:tcp:80 failed.
  => down first turned
3 ask
4 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up turned
6 ask`,
		},
		{
			name: "retries while up, and while down", spec: spec(TCP{}),
			reply: bad(refused, 3*sec, 11*sec), end: 11 * sec,
			want: `
1 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up first
3 ask
4 ask
5 ask
  TCP_CHECK on service [10.9.0.1]:tcp:80 failed after 2 retries.
  => down turned
7 ask
8 ask
9 ask
11 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up turned`,
		},
		{
			name: "retries while up, none while down", spec: spec(Ping{}),
			reply: bad(timeout, 3*sec, 9*sec), end: 9 * sec,
			want: `
1 ask
  ICMP connection to [10.9.0.1]:tcp:80 success.
  => up first
3 ask
4 ask
5 ask
  ICMP CHECK on service [10.9.0.1]:tcp:80 of [10.9.0.101]:tcp:80 failed after 2 retries.
  => down turned
7 ask
9 ask
  ICMP connection to [10.9.0.1]:tcp:80 success.
  => up turned`,
		},
		{
			name: "log_all_failures names each attempt while up", spec: with(spec(TCP{}), func(s *Spec) { s.LogAllFailures = true }),
			reply: bad(timeout, 3*sec, 9*sec), end: 7 * sec,
			want: `
1 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up first
3 ask
  TCP connection to [10.9.0.1]:tcp:80 timeout.
4 ask
  TCP connection to [10.9.0.1]:tcp:80 timeout.
5 ask
  TCP connection to [10.9.0.1]:tcp:80 timeout.
  TCP_CHECK on service [10.9.0.1]:tcp:80 failed after 2 retries.
  => down turned
7 ask`,
		},
		{
			name: "alpha starts down and says so once", spec: with(spec(TCP{}), func(s *Spec) { s.Alpha = true }),
			reply: bad(refused, 0, 5*sec), end: 5 * sec,
			want: `
1 ask
  TCP_CHECK on service [10.9.0.1]:tcp:80 failed.
  => down first
3 ask
4 ask
5 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up turned`,
		},
		{
			name: "a shared check speaks for all its servers", spec: with(spec(TCP{}), func(s *Spec) { s.Also = []Name{{"[10.9.0.2]:tcp:80", "vs"}} }),
			reply: bad(refused, 0, 9*sec), end: 1 * sec,
			want: `
1 ask
  TCP_CHECK on service [10.9.0.1]:tcp:80 failed.
  TCP_CHECK on service [10.9.0.2]:tcp:80 failed.
  => down first turned`,
		},
		{
			name: "a retry that succeeds forgives", spec: spec(TCP{}),
			reply: bad(refused, 3*sec, 5*sec), end: 9 * sec,
			want: `
1 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up first
3 ask
4 ask
5 ask
7 ask
9 ask`,
		},
		{
			name: "one URL per period; the failed one is retried, then a full pass", spec: spec(three),
			reply: func(at time.Duration, url int) Result {
				if url == 1 && 8*sec <= at && at < 14*sec {
					return status
				}
				return good
			}, end: 22 * sec,
			want: `
1 /a
3 /b
5 /c
  Remote Web server [10.9.0.1]:tcp:80 succeed on service.
  => up first
7 /a
9 /b
10 /b
11 /b
  HTTP_CHECK on service [10.9.0.1]:tcp:80 failed after 2 retries.
  => down turned
13 /b
15 /b
  HTTP status code success to [10.9.0.1]:tcp:80 url(/b)
17 /a
  HTTP status code success to [10.9.0.1]:tcp:80 url(/a)
19 /b
  HTTP status code success to [10.9.0.1]:tcp:80 url(/b)
21 /c
  HTTP status code success to [10.9.0.1]:tcp:80 url(/c)
  Remote Web server [10.9.0.1]:tcp:80 succeed on service.
  => up turned`,
		},
		{
			name: "another URL that fails in the full pass holds it up and does not begin it again",
			spec: with(spec(three), func(s *Spec) { s.DelayLoop, s.Retry = sec, 0 }),
			reply: func(at time.Duration, url int) Result {
				if url == 1 && at < 4*sec || url == 2 && at < 9*sec {
					return status
				}
				return good
			}, end: 10 * sec,
			want: `
1 /a
2 /b
  HTTP_CHECK on service [10.9.0.1]:tcp:80 failed.
  => down first turned
3 /b
4 /b
  HTTP status code success to [10.9.0.1]:tcp:80 url(/b)
5 /a
  HTTP status code success to [10.9.0.1]:tcp:80 url(/a)
6 /b
  HTTP status code success to [10.9.0.1]:tcp:80 url(/b)
7 /c
8 /c
9 /c
  HTTP status code success to [10.9.0.1]:tcp:80 url(/c)
  Remote Web server [10.9.0.1]:tcp:80 succeed on service.
  => up turned
10 /a`,
		},
		{
			name: "fast_recovery does not wait between URLs until up",
			spec: with(spec(HTTP{URLs: three.URLs, FastRecovery: true}), func(s *Spec) { s.LogAllFailures = true }),
			reply: func(at time.Duration, url int) Result {
				if url == 1 && 4*sec <= at && at < 9*sec {
					return status
				}
				return good
			}, end: 11 * sec,
			want: `
1 /a
1 /b
1 /c
  Remote Web server [10.9.0.1]:tcp:80 succeed on service.
  => up first
3 /a
5 /b
  HTTP status code error to server [10.9.0.1]:tcp:80.
6 /b
  HTTP status code error to server [10.9.0.1]:tcp:80.
7 /b
  HTTP status code error to server [10.9.0.1]:tcp:80.
  HTTP_CHECK on service [10.9.0.1]:tcp:80 failed after 2 retries.
  => down turned
9 /b
  HTTP status code success to [10.9.0.1]:tcp:80 url(/b)
9 /a
  HTTP status code success to [10.9.0.1]:tcp:80 url(/a)
9 /b
  HTTP status code success to [10.9.0.1]:tcp:80 url(/b)
9 /c
  HTTP status code success to [10.9.0.1]:tcp:80 url(/c)
  Remote Web server [10.9.0.1]:tcp:80 succeed on service.
  => up turned
11 /a`,
		},
		{
			name: "while down an HTTP check waits the longer of its two pauses",
			spec: with(spec(HTTP{TLS: &TLS{}, URLs: []URL{{Path: "/x", Regex: &Regex{Pattern: "x"}}}}), func(s *Spec) {
				s.DelayBeforeRetry = 3 * time.Second
			}),
			reply: bad(refused, 0, 6*sec), end: 11 * sec,
			want: `
1 /x
  SSL_CHECK on service [10.9.0.1]:tcp:80 failed after 2 retries.
  => down first turned
4 /x
7 /x
  Regex match success to [10.9.0.1]:tcp:80 url(/x)
9 /x
  Regex match success to [10.9.0.1]:tcp:80 url(/x)
  Remote Web server [10.9.0.1]:tcp:80 succeed on service.
  => up turned
11 /x`,
		},
		{
			name: "SMTP retries in the first run and while down", spec: spec(SMTP{}),
			reply: bad(Result{Fault: FaultBanner}, 0, 8*sec), end: 9 * sec,
			want: `
1 ask
2 ask
3 ask
  SMTP_CHECK Bad greeting banner from server [10.9.0.1]:80
  => down first turned
5 ask
6 ask
7 ask
9 ask
  Remote SMTP server [10.9.0.1]:tcp:80 succeed on service.
  => up turned`,
		},
		{
			name: "DNS says why", spec: spec(DNS{}),
			reply: bad(Result{Fault: FaultStatus, Value: 3}, 3*sec, 9*sec), end: 5 * sec,
			want: `
1 ask
  => up first
3 ask
4 ask
5 ask
  DNS_CHECK ([10.9.0.1]:tcp:80) read error occurred. (rcode = 3) after 2 retries
  => down turned`,
		},
		{
			name: "DNS without a server", spec: spec(DNS{}),
			reply: bad(refused, 0, 9*sec), end: 2 * sec,
			want: `
1 ask
  DNS_CHECK ([10.9.0.1]:tcp:80) failed to read socket; errno 111 (Connection refused)
  => down first turned`,
		},
		{
			name: "a script that fails and times out",
			spec: with(spec(Misc{Text: "/x"}), func(s *Spec) { s.LogAllFailures = true }),
			reply: func(at time.Duration, _ int) Result {
				switch {
				case at < 3*sec:
					return good
				case at < 5*sec:
					return Result{Fault: FaultExit, Value: 3}
				}
				return Result{Fault: FaultReadTimeout}
			}, end: 5 * sec,
			want: `
1 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] succeeded.
  => up first
3 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] failed, will do 2 retries (exited with status 3).
4 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] failed on retry 1/2 (exited with status 3).
5 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] timed out after 2 retries.
  => down turned`,
		},
		{
			name: "a script that fails in its first run is said to have been retried", spec: spec(Misc{Text: "/x"}),
			reply: bad(Result{Fault: FaultExit, Value: 3}, 0, 2*sec), end: 2 * sec,
			want: `
1 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] failed after 2 retries (exited with status 3).
  => down first turned`,
		},
		{
			name: "misc_dynamic sets the weight, and never accumulates",
			spec: with(spec(Misc{Text: "/x", Dynamic: true}), func(s *Spec) { s.Retry, s.RealWeight = 0, 10 }),
			reply: func(at time.Duration, _ int) Result {
				codes := []int64{0, 42, 42, 2, 1, 255, 0}
				v := codes[min(int(at/(2*sec)), len(codes)-1)]
				return Result{OK: v == 0, Fault: map[bool]Fault{true: FaultNone, false: FaultExit}[v == 0], Value: v}
			}, end: 13 * sec,
			want: `
1 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] succeeded.
  => up first
3 ask
  => up weight+30
5 ask
7 ask
  => up weight-10
9 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] failed with retry disabled (exited with status 1).
  => down turned
11 ask
  Misc check for [[10.9.0.1]:tcp:80 VS [10.9.0.101]:tcp:80] by [/x] succeeded.
  => up turned weight+243
13 ask
  => up`,
		},
		{
			name: "no socket says nothing about the server", spec: spec(Ping{}),
			reply: bad(Result{Fault: FaultLocal, Reason: "too many open files"}, 3*sec, 4*sec), end: 5 * sec,
			want: `
1 ask
  ICMP connection to [10.9.0.1]:tcp:80 success.
  => up first
3 ask
  PING_CHECK on service [10.9.0.1]:tcp:80: too many open files. Rescheduling.
5 ask`,
		},
		{
			name: "fall counts runs, rise counts successes (ours)",
			spec: with(spec(TCP{}), func(s *Spec) { s.Retry, s.Fall, s.Rise = 0, 3, 2 }),
			reply: func(at time.Duration, _ int) Result {
				if at == 3*sec || at >= 7*sec && at <= 11*sec || at == 15*sec {
					return refused
				}
				return good
			}, end: 19 * sec,
			want: `
1 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up first
3 ask
5 ask
7 ask
9 ask
11 ask
  TCP_CHECK on service [10.9.0.1]:tcp:80 failed.
  => down turned
13 ask
15 ask
17 ask
19 ask
  TCP connection to [10.9.0.1]:tcp:80 success.
  => up turned`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.Split(strings.TrimSpace(tt.want), "\n")
			got := tell(NewCheck(tt.spec, epoch), tt.reply, tt.end)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("story differs (-want +got):\n%s", d)
			}
		})
	}
}
