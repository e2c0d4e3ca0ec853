package director

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// specsIn are the checks of a configuration.
func specsIn(t *testing.T, text string) []healthcheck.Spec {
	t.Helper()
	got := config.Load("t.conf", syntax.Options{Source: syntax.Text("t.conf", text)}, config.Test, nil)
	for _, p := range got.Problems {
		t.Errorf("%s", p.Text)
	}
	var specs []healthcheck.Spec
	of := checksFor(got.Config, nil)
	for _, vs := range got.Config.VirtualServers {
		for _, rs := range vs.RealServers {
			specs = append(specs, of(vs, rs)...)
		}
	}
	return specs
}

func TestChecksOfAConfiguration(t *testing.T) {
	text, err := os.ReadFile("testdata/checks.conf")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	keys := make(map[string]bool)
	for _, s := range specsIn(t, string(text)) {
		if keys[s.Key] {
			t.Errorf("key %q twice", s.Key)
		}
		keys[s.Key] = true
		if _, err := dialogue.Prepare(s); err != nil {
			switch s.Ask.(type) {
			case healthcheck.BFD, healthcheck.File:
			default:
				t.Errorf("%s cannot be asked: %v", s.Key, err)
			}
		}
		s.Key = ""
		kind := s.Ask.Keyword()
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %s\n", kind, b)
	}
	golden.Assert(t, out.String(), "checks.golden")
}

// The name in the handshake is that of the URL, the check or the virtual server; the
// real server has a say in the Host header only.
func TestNamesOfAnHTTPCheck(t *testing.T) {
	for _, tt := range []struct{ url, check, real, virtual, host, sni string }{
		{"", "", "", "", "", ""},
		{"", "", "", "v", "v", "v"},
		{"", "", "r", "v", "r", "v"},
		{"", "", "r", "", "r", ""},
		{"", "c", "r", "v", "c", "c"},
		{"u", "c", "r", "v", "u", "u"},
	} {
		named := func(name string) string {
			if name == "" {
				return ""
			}
			return "virtualhost " + name + "\n"
		}
		u := specsIn(t, "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n"+named(tt.virtual)+
			"real_server 10.0.0.1 80 {\n"+named(tt.real)+"SSL_GET {\nenable_sni\n"+named(tt.check)+
			"url {\npath /\n"+named(tt.url)+"}\n}\n}\n}\n")[0].Ask.(healthcheck.HTTP).URLs[0]
		if u.Host != tt.host || u.SNI != tt.sni {
			t.Errorf("%+v: host %q and SNI %q", tt, u.Host, u.SNI)
		}
	}
}

func TestEmptyPayloadIsTheDefault(t *testing.T) {
	for arg, want := range map[string]string{`""`: udpPayload, "0a": "\n"} {
		u := specsIn(t, "virtual_server 192.0.2.1 53 {\nprotocol UDP\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.1 53 {\n"+
			"UDP_CHECK {\npayload "+arg+"\n}\n}\n}\n")[0].Ask.(healthcheck.UDP)
		if string(u.Payload) != want {
			t.Errorf("payload %s: %q, want %q", arg, u.Payload, want)
		}
	}
}

func TestKeyOfACheck(t *testing.T) {
	conf := func(checks string) string {
		return "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.1 80 {\n" + checks + "}\n}\n"
	}
	const tcp, slow, ping = "TCP_CHECK {\n}\n", "TCP_CHECK {\ndelay_loop 5\n}\n", "PING_CHECK {\n}\n"
	key := specsIn(t, conf(tcp))[0].Key
	for _, tt := range []struct {
		name   string
		checks string
		at     int
		same   bool
	}{
		{"the same file again", tcp, 0, true},
		{"another check before it", ping + tcp, 1, true},
		{"another period", slow, 0, false},
		{"the second of two alike", tcp + tcp, 1, false},
		{"the first of two alike", tcp + tcp, 0, true},
	} {
		if got := specsIn(t, conf(tt.checks))[tt.at].Key; (got == key) != tt.same {
			t.Errorf("%s: key %q, before %q", tt.name, got, key)
		}
	}
}

func TestJitter(t *testing.T) {
	one, two := uint32(1), uint32(2)
	draw := func(seed *uint32) (list [8]float64) {
		next := jitter(seed)
		for i := range list {
			list[i] = next()
		}
		return list
	}
	if draw(&one) != draw(&one) {
		t.Error("the same seed gives other numbers")
	}
	if draw(&one) == draw(&two) {
		t.Error("another seed gives the same numbers")
	}
	if jitter(nil) != nil {
		t.Error("without a seed nothing is left to chance")
	}
}
