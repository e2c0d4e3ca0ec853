package ipvs_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// agreement is how far apart the two daemons may be, on a machine that lets them run.
const agreement = 500 * time.Millisecond

// TestCheckersKeepTime lets servers of every kind that keepalived checks fail and recover,
// twice, each in its own way, with keepalived and with holdfast. Each server fails a fixed
// time after its daemon has changed the table, so that both are at the same point of their
// periods, and the time until the next change is compared: it is made of periods, retries,
// delays and timeouts. The log says the same about each server, line by line. A difference
// counts when it is there three times, on a machine that does not stand still meanwhile.
func TestCheckersKeepTime(t *testing.T) {
	only := map[string]bool{}
	var counted evidence
	for try := 1; ; try++ {
		var ref, ours map[string]course
		stalls := lab(t).WatchStalls()
		t.Run(fmt.Sprintf("try %d", try), func(t *testing.T) {
			t.Run("keepalived", func(t *testing.T) {
				t.Parallel()
				ref = newTrial(t, netlab.Keepalived, chosen(only)).run()
			})
			t.Run("holdfast", func(t *testing.T) {
				t.Parallel()
				ours = newTrial(t, netlab.Holdfast(t), chosen(only)).run()
			})
		})
		if t.Failed() {
			return
		}
		clear(only)
		apart := agreement + 2*stalls.Worst()
		for _, p := range patients {
			a, b := ref[p.name], ours[p.name]
			unlike := cmp.Diff(a.said, b.said)
			if n := len(a.moments); n > 0 && strings.HasPrefix(a.moments[n-1].to, "never") {
				t.Errorf("%s: not even keepalived: %v; holdfast %v", p.name, a, b)
			} else if !agree(a.moments, b.moments, apart+p.chance) || unlike != "" {
				only[p.name] = true
				t.Logf("try %d: %s: keepalived %v, holdfast %v; their logs (-keepalived, +holdfast):\n%s", try, p.name, a, b, unlike)
			} else if n > 0 && testing.Verbose() {
				t.Logf("%-28s keepalived %v, holdfast %v", p.name, a, b)
			}
		}
		if len(only) == 0 {
			return
		}
		if counted.enough(stalls) {
			for name := range only {
				t.Errorf("%s: moments differ by more than %v, or logs differ, three times", name, apart)
			}
			return
		}
	}
}

// patient is a real server that falls ill, and the check that finds out.
type patient struct {
	name   string
	check  string                    // the checker; PORT and DIR are filled in
	root   string                    // what it refers to, likewise
	serve  func(*bed) func(ill bool) // starts it, and returns how to change it
	ill    string                    // what the table has while it is ill; "out" when empty
	chance time.Duration             // how much more they may be apart: what is due to no setting
	first  bool                      // not alpha, and ill from the start: the first run counts
	ipv6   bool
	ours   string // what holdfast says on purpose, where keepalived says something else; see TestCheckersAgree
}

// bed is where a patient lies.
type bed struct {
	*trial
	patient
	t    *testing.T
	port int
	turn func(ill bool)
	ill  atomic.Bool
}

func (b *bed) change(ill bool) {
	b.ill.Store(ill)
	b.turn(ill)
}

func (b *bed) addr() string { return fmt.Sprintf(":%d", b.port) }

// patients are all kinds of checks with all that happens to them.
var patients = []patient{
	{name: "tcp refused", check: "TCP_CHECK {\n}", serve: refusing(hello)},
	{name: "tcp without retries", check: "TCP_CHECK {\n retry 0\n}", serve: refusing(hello)},
	{name: "tcp with short delays", check: "TCP_CHECK {\n delay_loop 3\n retry 4\n delay_before_retry 0.3\n}", serve: refusing(hello)},
	{name: "tcp dropped", check: "TCP_CHECK {\n connect_ip 10.9.0.17\n}", serve: vanishing("10.9.0.17", hello)},
	{name: "tcp at first", check: "TCP_CHECK {\n}", serve: refusing(hello), first: true},
	{name: "http refused", check: get("path /"), serve: refusing(page("200 OK", "hello"))},
	{name: "http status", check: get("path /\n status_code 200"), serve: either(page("200 OK", "hello"), page("500 Oops", "hello"))},
	{name: "http hangs", check: get("path /"), serve: either(page("200 OK", "hello"), silence)},
	{name: "http body stops", check: get("path /\n digest " + digest("hello")), serve: either(page("200 OK", "hello"), stopping)},
	{name: "http digest", check: get("path /\n digest " + digest("hello")), serve: either(page("200 OK", "hello"), page("200 OK", "other"))},
	{name: "http regex", check: get("path /\n regex \"h[aeiou]l+\""), serve: either(page("200 OK", "hello"), page("200 OK", "other"))},
	{name: "http dropped", check: strings.Replace(get("path /"), "{", "{\n connect_ip 10.9.0.16", 1), serve: vanishing("10.9.0.16", page("200 OK", "hello"))},
	{name: "http at first", check: get("path /"), serve: either(page("200 OK", "hello"), page("500 Oops", "")), first: true},
	{name: "http slow retries", check: strings.Replace(get("path /"), "{", "{\n delay_before_retry 3\n retry 1", 1), serve: refusing(page("200 OK", "hello"))},
	{name: "http two pages", check: "HTTP_GET {\n url {\n path /\n }\n url {\n path /second\n }\n}", serve: either(page("200 OK", "hello"), second)},
	{name: "http fast recovery", check: "HTTP_GET {\n fast_recovery\n url {\n path /\n }\n url {\n path /second\n }\n}", serve: either(page("200 OK", "hello"), second)},
	{name: "ssl refused", check: "SSL_GET {\n url {\n path /\n }\n}", serve: refusing(secure(page("200 OK", "hello")))},
	{name: "ssl without tls", check: "SSL_GET {\n url {\n path /\n }\n}", serve: either(secure(page("200 OK", "hello")), hello)},
	{name: "ssl hangs", check: "SSL_GET {\n url {\n path /\n }\n}", serve: either(secure(page("200 OK", "hello")), silence)},
	{name: "smtp refused", check: "SMTP_CHECK {\n}", serve: refusing(mailer("220"))},
	{name: "smtp greeting", check: "SMTP_CHECK {\n}", serve: either(mailer("220"), mailer("421"))},
	{name: "smtp hangs", check: "SMTP_CHECK {\n}", serve: either(mailer("220"), silence)},
	{name: "dns rcode", check: "DNS_CHECK {\n type A\n name www.example.org\n}", serve: replying(resolver(0), resolver(2))},
	{name: "dns silent", check: "DNS_CHECK {\n type A\n name www.example.org\n}", serve: replying(resolver(0), nothing)},
	{name: "dns refused", check: "DNS_CHECK {\n type A\n name www.example.org\n}", serve: closing(resolver(0))},
	{name: "misc exit", check: misc(""), serve: script("1")},
	{name: "misc with retries", check: misc("retry 2\n delay_before_retry 1"), serve: script("1")},
	{name: "misc hangs", check: misc("misc_timeout 1"), serve: script("hang")},
	{name: "misc dynamic", check: misc("misc_dynamic"), serve: script("9"), ill: "7"},
	{name: "misc dynamic down", check: misc("misc_dynamic"), serve: script("1")},
	{name: "ping", check: "PING_CHECK {\n connect_ip 10.9.0.18\n}", serve: vanishing("10.9.0.18", hello)},
	{name: "udp refused", check: "UDP_CHECK {\n payload 0099\n}", serve: closing(text("yes"))},
	{name: "udp silent", check: "UDP_CHECK {\n payload 0099\n require_reply\n}", serve: replying(text("yes"), nothing)},
	{name: "udp other reply", check: "UDP_CHECK {\n payload 0099\n require_reply 796573\n}", serve: replying(text("yes"), text("nay"))},
	{name: "file", root: trackFile(0), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("0", "1")},
	{name: "file weight", root: trackFile(1), check: "FILE_CHECK {\n track_file PORTfile\n}", serve: writing("0", "-3"), ill: "7"},
	{name: "bfd", root: session("PORTbfd", bfdHere, bfdThere), check: "BFD_CHECK {\n name PORTbfd\n}", serve: cutOff, chance: agreement}, // sessions return when both ends happen to send
	{name: "tcp and misc", check: "TCP_CHECK {\n}\n" + misc("retry 1\n delay_before_retry 1"), serve: both(refusing(hello), script("1"))},
}

// chosen are the patients with these names, or all.
func chosen(names map[string]bool) []patient {
	if len(names) == 0 {
		return patients
	}
	return slices.DeleteFunc(slices.Clone(patients), func(p patient) bool { return !names[p.name] })
}
