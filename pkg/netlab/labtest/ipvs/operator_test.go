package ipvs_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// checkedPool is a pool of TCP services with settings of its own, and with quick checks.
func checkedPool(servers int, weight int, extra string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "virtual_server %s 80 {\n delay_loop 1\n lb_algo rr\n lb_kind NAT\n protocol TCP\n %s\n", netlab.VIP, extra)
	for i := range servers {
		fmt.Fprintf(&b, " real_server 10.10.0.1%d 80 {\n weight %d\n TCP_CHECK {\n connect_timeout 3\n retry 0\n }\n }\n", i+1, weight)
	}
	b.WriteString("}\n")
	return b.String()
}

// holdfast runs a subcommand for a daemon.
func holdfast(t *testing.T, lb *netlab.Namespace, d *netlab.Daemon, args ...string) string {
	t.Helper()
	return lb.Run(netlab.Holdfast(t), append(args, "-c", d.Dir+"/checkers.pid")...)
}

// weights are the weights of the destinations by address.
func weights(lb *netlab.Namespace) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(lb.Run("ipvsadm", "-Sn")) {
		f := strings.Fields(line)
		for i, w := range f {
			if w == "-r" {
				out[f[i+1]] = f[len(f)-1]
			}
		}
	}
	return out
}

// A server that drains keeps the connection it has and gets no new ones, also over a
// reload and a flap of its health; when the last connection has gone it leaves the table.
func TestDrain(t *testing.T) {
	t.Parallel()
	site := lab(t).Site(1, 2)
	site.NAT()
	web := site.Serve("http", 80)
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	d := lb.Daemon(netlab.Holdfast(t), checkedPool(2, 3, ""), "-C")
	site.Eventually(10*time.Second, "two destinations", func() bool { return lb.DestinationsWithWeight(3) == 2 })
	// One long connection to each server, which its keeper closes at the end.
	var long []net.Conn
	for range 2 {
		site.Client.Do(func() error {
			c, err := net.Dial("tcp", netlab.VIP+":80")
			if err != nil {
				t.Fatal(err)
			}
			long = append(long, c)
			return nil
		})
	}
	site.Eventually(5*time.Second, "a connection to each", func() bool {
		return strings.Count(lb.Run("ipvsadm", "-Lnc"), "ESTABLISHED") == 2
	})
	holdfast(t, lb, d, "drain", netlab.VIP+":80", "10.10.0.11:80", "--timeout", "60s")
	site.Eventually(5*time.Second, "weight 0", func() bool { return weights(lb)["10.10.0.11:80"] == "0" })
	if got := site.Client.AskMany("http", netlab.VIP+":80", 4); !equalCounts(got, map[string]int{"web2": 4}) {
		t.Errorf("answers while web1 drains: %v", got)
	}
	d.Reload(checkedPool(2, 5, ""))
	site.Eventually(5*time.Second, "the new weight of the other", func() bool { return weights(lb)["10.10.0.12:80"] == "5" })
	if got := weights(lb)["10.10.0.11:80"]; got != "0" {
		t.Errorf("weight %s after the reload", got)
	}
	for i, c := range long { // they are still served
		fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if answer, err := io.ReadAll(c); err != nil || len(answer) == 0 {
			t.Errorf("long connection %d: %q, %v", i, answer, err)
		}
		c.Close()
	}
	site.Eventually(10*time.Second, "drained", func() bool { return lb.Destinations() == 1 })
	if !strings.Contains(d.Log(), "is drained") {
		t.Error("the log does not say that it is drained")
	}
	holdfast(t, lb, d, "ready", netlab.VIP+":80", "10.10.0.11:80")
	site.Eventually(5*time.Second, "ready", func() bool { return weights(lb)["10.10.0.11:80"] == "5" })

	// A drain without a timeout outlives a failure of the server.
	holdfast(t, lb, d, "drain", netlab.VIP+":80", "10.10.0.11:80")
	web[0].Down()
	site.Eventually(10*time.Second, "the failure", func() bool { return lb.Destinations() == 1 })
	web[0].Up()
	site.Eventually(10*time.Second, "the return", func() bool { return lb.Destinations() == 2 })
	if got := weights(lb)["10.10.0.11:80"]; got != "0" {
		t.Errorf("weight %s after the flap", got)
	}
	holdfast(t, lb, d, "maint", netlab.VIP+":80", "10.10.0.11:80")
	site.Eventually(5*time.Second, "maintenance", func() bool { return lb.Destinations() == 1 })
}

// The weight of a server that returns grows step by step.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	site := lab(t).Site(1, 2)
	site.NAT()
	web := site.Serve("http", 80)
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	lb.Daemon(netlab.Holdfast(t), checkedPool(2, 100, "slow_start 10"), "-C")
	site.Eventually(10*time.Second, "full weight at the start", func() bool { return lb.DestinationsWithWeight(100) == 2 })
	web[0].Down()
	site.Eventually(10*time.Second, "the failure", func() bool { return lb.Destinations() == 1 })
	web[0].Up()
	steps := map[string]bool{}
	site.Eventually(20*time.Second, "full weight again", func() bool {
		w := weights(lb)["10.10.0.11:80"]
		if w != "" && w != "100" {
			steps[w] = true
		}
		return w == "100"
	})
	if len(steps) < 3 {
		t.Errorf("weights on the way: %v, want several", steps)
	}
}

// Below min_up the operator's choice applies, whatever the checks say.
func TestMinUp(t *testing.T) {
	const sorry = "sorry_server 10.10.0.14 80\n"
	for _, tt := range []struct {
		name, extra string
		want        string // who is in the table when three of three have failed
	}{
		{"sorry", sorry + "min_up 60% sorry", "10.10.0.14:80"},
		{"all", sorry + "min_up 60% all", "10.10.0.11:80 10.10.0.12:80 10.10.0.13:80"},
		{"keep_last", sorry + "min_up 60% keep_last", "10.10.0.12:80 10.10.0.13:80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			site := lab(t).Site(1, 4)
			site.NAT()
			web := site.Serve("http", 80)
			lb := site.Directors[0]
			lb.AddAddr("eth0", netlab.VIP+"/32")
			lb.Daemon(netlab.Holdfast(t), checkedPool(3, 1, tt.extra), "-C")
			in := func() string {
				var list []string
				w := weights(lb)
				for i := range 4 {
					if at := fmt.Sprintf("10.10.0.1%d:80", i+1); w[at] != "" {
						list = append(list, at)
					}
				}
				return strings.Join(list, " ")
			}
			site.Eventually(10*time.Second, "three servers", func() bool { return strings.Count(in(), ":") == 3 })
			web[0].Down()
			site.Eventually(10*time.Second, "one failure is none too many", func() bool { return in() == "10.10.0.12:80 10.10.0.13:80" })
			web[1].Down()
			web[2].Down()
			site.Eventually(10*time.Second, "the choice", func() bool { return in() == tt.want })
			for _, w := range web[:3] {
				w.Up()
			}
			site.Eventually(10*time.Second, "recovery", func() bool { return in() == "10.10.0.11:80 10.10.0.12:80 10.10.0.13:80" })
			if got := site.Client.AskMany("http", netlab.VIP+":80", 3); got["-"] > 0 {
				t.Errorf("answers at the end: %v", got)
			}
		})
	}
}

// Two groups with one address are one service, which the log names; it goes with its last
// user.
func TestSharedService(t *testing.T) {
	t.Parallel()
	site := lab(t).Site(1, 2)
	site.NAT()
	site.Serve("http", 80)
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	group := func(name string, server int) string {
		return fmt.Sprintf("virtual_server_group %s {\n %s 80\n}\nvirtual_server group %s {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n real_server 10.10.0.1%d 80 {\n }\n}\n",
			name, netlab.VIP, name, server)
	}
	d := lb.Daemon(netlab.Holdfast(t), group("blue", 1)+group("green", 2), "-C")
	site.Eventually(10*time.Second, "two destinations", func() bool { return lb.Destinations() == 2 })
	if got := site.Client.AskMany("http", netlab.VIP+":80", 4); !equalCounts(got, map[string]int{"web1": 2, "web2": 2}) {
		t.Errorf("answers %v", got)
	}
	if !strings.Contains(d.Log(), "both use the IPVS service") {
		t.Error("the log does not name the shared service")
	}
	load := site.Client.Load("http", netlab.VIP+":80", 2, 20*time.Millisecond, 10*time.Second)
	d.Reload(group("green", 2))
	site.Eventually(10*time.Second, "one destination", func() bool { return lb.Destinations() == 1 })
	load.Stop()
	if r := load.All(); r.Failed > 0 {
		t.Errorf("%d requests failed: %v", r.Failed, r.Errors)
	}
	d.Stop()
	if got := lb.IPVS(); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}
