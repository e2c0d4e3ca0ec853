package ipvs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// guarded is a service for short requests and one for long sessions, each with three
// servers of weight 2, whose checks ask another port, and a sorry server. Two servers
// keep the quorum, and it takes three to bring it back.
func guarded() string {
	var b strings.Builder
	for _, port := range []int{80, 81} {
		fmt.Fprintf(&b, "virtual_server %s %d {\n delay_loop 1\n lb_algo rr\n lb_kind NAT\n protocol TCP\n", netlab.VIP, port)
		fmt.Fprintf(&b, " quorum 4\n hysteresis 1\n sorry_server 10.10.0.14 %d\n sorry_server_inhibit\n", port)
		for server := range 3 {
			fmt.Fprintf(&b, " real_server 10.10.0.1%d %d {\n weight 2\n inhibit_on_failure\n", server+1, port)
			b.WriteString(" TCP_CHECK {\n connect_port 9000\n connect_timeout 3\n }\n }\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// Two hundred clients at once do not notice that servers fail their checks, that the
// quorum is lost to the sorry server, and that it comes back.
func TestConnectionsOutliveQuorum(t *testing.T) {
	const long, short = 160, 48
	site := lab(t).Site(1, 4)
	site.NAT()
	site.Serve("http", 80)
	site.Serve("talk", 81)
	health := site.Serve("http", 9000)
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	d := lb.Daemon(netlab.Holdfast(t), guarded(), "-C")
	d.WaitLog(15*time.Second, `(?s)(TCP connection to .* success.*){6}`)
	site.Eventually(10*time.Second, "six servers and two for sorry", func() bool {
		return lb.Destinations() == 8 && lb.DestinationsWithWeight(2) == 6
	})
	sessions := site.Client.Sessions(netlab.VIP+":81", long, time.Second, 10*time.Second)
	load := site.Client.Load("http", netlab.VIP+":80", short, 250*time.Millisecond, 10*time.Second)
	watch := lb.WatchIPVS()
	all := []string{"web1", "web2", "web3"}
	for _, step := range []struct {
		name   string
		do     func()
		edits  string   // requests that reach IPVS
		served []string // who has answers for new requests then
	}{
		{"one of three fails", health[2].Down, "2 set dest", all[:2]},
		{"two of three fail", health[1].Down, "6 set dest", []string{"web4"}},
		{"two of three are well", health[1].Up, "", []string{"web4"}},
		{"all are well", health[2].Up, "8 set dest", all},
	} {
		watch.Reset()
		step.do()
		if step.edits == "" {
			d.WaitLog(20*time.Second, `(?s)(Enabling service \[10.10.0.12\].*){2}`)
		}
		site.Eventually(20*time.Second, step.name+": requests to IPVS", func() bool { return watch.Commands().Edits().String() == step.edits })
		begun, answers := time.Now(), sessions.Answers()
		site.Eventually(20*time.Second, step.name+": answers", func() bool {
			return load.Since(begun).OK > 100 && sessions.Answers() > answers+long
		})
		report := load.Since(begun)
		for name := range report.ByName {
			if !slices.Contains(step.served, name) {
				t.Errorf("%s: answers by %v, want none but %v", step.name, report.ByName, step.served)
			}
		}
		if r := load.All(); r.Failed > 0 {
			t.Errorf("%s: %d of %d requests failed: %v", step.name, r.Failed, r.OK+r.Failed, r.Errors)
		}
		if broken := sessions.Broken(); len(broken) > 0 {
			t.Errorf("%s: broken sessions: %v", step.name, broken)
		}
		if t.Failed() {
			t.Fatalf("the daemon's log:\n%s", d.Log())
		}
	}
}

// What scripts are told until the end, with omega and without. Those of keepalived are
// cut off when it ends before they have begun, so it may have told less, but nothing else.
func TestFarewell(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, omega string
		want        []string
	}{
		{name: "plain", want: []string{"quorum up"}},
		{name: "omega", omega: "omega", want: []string{"down", "quorum down", "quorum up"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Run("keepalived", func(t *testing.T) {
				t.Parallel()
				for _, line := range told(t, netlab.Keepalived, tt.omega) {
					if !slices.Contains(tt.want, line) {
						t.Errorf("keepalived says %q, too", line)
					}
				}
			})
			t.Run("holdfast", func(t *testing.T) {
				t.Parallel()
				var got []string
				for range 5 { // scripts have a second at the end, which a machine may stall for
					if got = told(t, netlab.Holdfast(t), tt.omega); slices.Equal(got, tt.want) {
						return
					}
				}
				t.Errorf("scripts were told %q, want %q", got, tt.want)
			})
		})
	}
}

// told starts and stops a daemon with one virtual server, and returns in order of the
// alphabet what its scripts were told.
func told(t *testing.T, bin, omega string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "told")
	script := file + ".sh"
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" >>"+file+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	lines := func() []string {
		text, _ := os.ReadFile(file)
		return sorted(string(text))
	}
	d := lab(t).Namespace("lb").Daemon(bin, fmt.Sprintf(`global_defs {
    script_user root
}
virtual_server %s 80 {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    %s
    quorum_up "%[3]s quorum up"
    quorum_down "%[3]s quorum down"
    real_server 10.10.0.11 80 {
        notify_up "%[3]s up"
        notify_down "%[3]s down"
    }
}
`, netlab.VIP, omega, script), "-C")
	if _, ok := netlab.Poll(30*time.Second, func() bool { return slices.Contains(lines(), "quorum up") }); !ok {
		t.Fatalf("the quorum is not announced:\n%s", d.Log())
	}
	d.Stop()
	seen, since := lines(), time.Now()
	netlab.Poll(20*time.Second, func() bool { // scripts run beside the daemon, also beyond its end
		if now := lines(); len(now) > len(seen) {
			seen, since = now, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
	slices.Sort(seen)
	return seen
}
