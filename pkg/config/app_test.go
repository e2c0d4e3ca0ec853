package config

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// checkersIn reads the checkers of one real server, with a regular expression
// engine that refuses what contains "bad".
func checkersIn(t *testing.T, text string) (checkers []*Checker, problems []string) {
	t.Helper()
	conf := "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.1 80 {\n" + text + "\n}\n}\n"
	env := &Env{Regex: func(pattern string, options []string) error {
		if strings.Contains(pattern, "bad") && !slices.Contains(options, "caseless") {
			return errors.New("bad expression")
		}
		return nil
	}}
	r := Load("t.conf", syntax.Options{Source: syntax.Text("t.conf", conf)}, Test, env)
	for _, p := range r.Problems {
		problems = append(problems, p.ID)
	}
	if len(r.Config.VirtualServers) == 0 { // reading stopped
		return nil, problems
	}
	return r.Config.VirtualServers[0].RealServers[0].Checkers, problems
}

func TestMistakesInOurChecks(t *testing.T) {
	tests := []struct {
		name    string
		text    string
		problem string // "" for none
		kept    int
	}{
		{"complete", "SEND_EXPECT_CHECK {\nexpect x\n}", "", 1},
		{"expects nothing", "SEND_EXPECT_CHECK {\nsend x\n}", "missing-expect", 0},
		{"reject alone", "SEND_EXPECT_CHECK {\nexpect x\nsend y\nreject z\n}", "reject-without-expect", 1},
		{"bad expect", "SEND_EXPECT_CHECK {\nexpect x\nexpect \"(\"\n}", "invalid-regex", 1},
		{"bad hex", "SEND_EXPECT_CHECK {\nexpect x\nsend_hex 0g\n}", "invalid-hex", 1},
		{"bad escape", "SEND_EXPECT_CHECK {\nexpect x\nsend \"\\xg0\"\n}", "invalid-hex", 1},
		{"no secret", "RADIUS_CHECK {\n}", "missing-secret", 0},
		{"unknown role", "REDIS_CHECK {\nrole boss\n}", "unknown-word", 1},
		{"unknown transport", "SIP_CHECK {\ntransport sctp\n}", "unknown-word", 1},
		{"TLS settings without TLS", "IMAP_CHECK {\ntls_verify\n}", "tls-off", 1},
		{"header without value", "HTTP_CHECK {\nheader X\n}", "missing-argument", 0},
		{"bad header regex", "HTTP_CHECK {\nexpect_header X (\n}", "invalid-regex", 1},
		{"bad body regex", "HTTP_CHECK {\nregex bad\n}", "invalid-regex", 1},
		{"body regex with options", "HTTP_CHECK {\nregex bad\nregex_options caseless\n}", "", 1},
		{"bad regex of a url", "HTTP_GET {\nurl {\npath /\nregex bad\n}\n}", "invalid-regex", 1},
		{"link-local target", "REDIS_CHECK {\nconnect_ip fe80::1\n}", "link-local-target", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.problem != "" {
				want = []string{tt.problem}
			}
			checkers, problems := checkersIn(t, tt.text)
			if !slices.Equal(problems, want) || len(checkers) != tt.kept {
				t.Errorf("problems %v, %d checkers; want %v, %d", problems, len(checkers), want, tt.kept)
			}
		})
	}
}

func TestTextToSend(t *testing.T) {
	checkers, problems := checkersIn(t, `SEND_EXPECT_CHECK {
expect x
send "a\r\n\t\0\x41\\b\q\"
}`)
	if len(problems) > 0 {
		t.Fatalf("problems %v", problems)
	}
	if got, want := string(checkers[0].App.Exchanges[1].Send), "a\r\n\t\x00A\\b\\q\\"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
