package ipvs_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// fullNAT is a service whose servers see the director's address in their own network.
func fullNAT(weight int) string {
	return fmt.Sprintf(`virtual_server %s 80 {
    delay_loop 1
    lb_algo rr
    lb_kind FULLNAT
    snat_address 10.10.0.2
    protocol TCP
    real_server 10.10.0.11 80 {
        weight %d
    }
    real_server 10.10.0.12 80 {
        weight 1
    }
}
`, netlab.VIP, weight)
}

// With FULLNAT servers in another network answer without a route back. Connections go on
// when the role dies and when the file is read again, and nothing is left at the end.
func TestFullNAT(t *testing.T) {
	site := lab(t).Site(1, 2)
	for i, web := range site.Webs {
		web.AddAddr("eth0", fmt.Sprintf("10.10.0.%d/24", i+11)) // and no route to the clients
	}
	site.Serve("http", 80)
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	before := lb.Run("sysctl", "-n", "net.ipv4.vs.conntrack")
	d := lb.Daemon(netlab.Holdfast(t), strings.Replace(fullNAT(1), "lb_kind FULLNAT", "lb_kind NAT", 1), "-C")
	site.Eventually(10*time.Second, "two destinations", func() bool { return lb.Destinations() == 2 })
	if got := site.Client.AskMany("http", netlab.VIP+":80", 1); got["-"] != 1 {
		t.Fatalf("with NAT alone the client hears %v: the servers have a way back", got)
	}
	d.Stop()

	d = lb.Daemon(netlab.Holdfast(t), fullNAT(1), "-C")
	site.Eventually(10*time.Second, "two destinations", func() bool { return lb.Destinations() == 2 })
	if got := site.Client.AskMany("http", netlab.VIP+":80", 6); !equalCounts(got, map[string]int{"web1": 3, "web2": 3}) {
		t.Fatalf("answers by server %v", got)
	}
	load := site.Client.Load("http", netlab.VIP+":80", 4, 20*time.Millisecond, 10*time.Second)
	old := d.RolePid("checkers")
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	site.Eventually(10*time.Second, "a new checkers process", func() bool { now := d.RolePid("checkers"); return now != 0 && now != old })
	d.Reload(fullNAT(3))
	site.Eventually(10*time.Second, "the new weight", func() bool { return lb.DestinationsWithWeight(3) == 1 })
	begun := time.Now()
	site.Eventually(10*time.Second, "requests", func() bool { return load.Since(begun).OK > 100 })
	load.Stop()
	if r := load.All(); r.Failed > 0 {
		t.Errorf("%d of %d requests failed: %v", r.Failed, r.OK+r.Failed, r.Errors)
	}
	d.Stop()
	if rules := lb.Run("iptables-legacy-save"); strings.Contains(rules, "holdfast") {
		t.Errorf("rules left behind:\n%s", rules)
	}
	// The process that found it off has died without a word; its successor cannot know.
	lb.Sysctl("net/ipv4/vs/conntrack", before)
	d.Start()
	site.Eventually(10*time.Second, "two destinations", func() bool { return lb.Destinations() == 2 })
	d.Stop()
	if after := lb.Run("sysctl", "-n", "net.ipv4.vs.conntrack"); after != before {
		t.Errorf("net.ipv4.vs.conntrack is %s, was %s", after, before)
	}
}

// A UDP client that always uses one port is answered by another server soon after its own
// has failed, if expire_connections says so; otherwise its flow stays where it was.
func TestFlowsMove(t *testing.T) {
	for _, tt := range []struct {
		name, extra string
		moves       bool
	}{
		{name: "as the kernel does"},
		{name: "expire_connections", extra: "expire_connections true", moves: true},
		{name: "with inhibit_on_failure", extra: "expire_connections true\n inhibit_on_failure", moves: true},
		{name: "persistent", extra: "expire_connections true\n persistence_timeout 60", moves: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			site := lab(t).Site(1, 2)
			site.NAT()
			site.Serve("udp", 53)
			health := site.Serve("tcp", 54)
			lb := site.Directors[0]
			lb.AddAddr("eth0", netlab.VIP+"/32")
			var b strings.Builder
			fmt.Fprintf(&b, "virtual_server %s 53 {\n delay_loop 1\n lb_algo rr\n lb_kind NAT\n protocol UDP\n %s\n", netlab.VIP, tt.extra)
			for i := range 2 {
				fmt.Fprintf(&b, " real_server 10.10.0.1%d 53 {\n TCP_CHECK {\n connect_port 54\n connect_timeout 3\n retry 0\n }\n }\n", i+1)
			}
			b.WriteString("}\n")
			d := lb.Daemon(netlab.Holdfast(t), b.String(), "-C")
			site.Eventually(10*time.Second, "two destinations", func() bool { return lb.DestinationsWithWeight(1) == 2 })

			flow := site.Client.Flow(netlab.VIP + ":53")
			first := flow.Ask(10 * time.Second)
			if first == "" {
				t.Fatal("no answer")
			}
			for i, web := range site.Webs {
				if web.Name == first {
					health[i].Down()
				}
			}
			site.Eventually(10*time.Second, "failure", func() bool { return lb.DestinationsWithWeight(1) == 1 })
			// Flows are expired by a worker of the kernel, a tick later.
			within := time.Second
			if tt.moves {
				within = 10 * time.Second
			}
			_, moved := netlab.Poll(within, func() bool {
				name := flow.Ask(200 * time.Millisecond)
				return name != "" && name != first
			})
			if moved != tt.moves {
				t.Errorf("moved is %v, want %v", moved, tt.moves)
			}
			d.Stop()
			if got := strings.TrimSpace(lb.Run("sysctl", "-n", "net.ipv4.vs.expire_nodest_conn")); got != "0" {
				t.Errorf("net.ipv4.vs.expire_nodest_conn is %s afterwards", got)
			}
		})
	}
}
