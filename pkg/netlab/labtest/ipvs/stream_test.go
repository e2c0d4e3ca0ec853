package ipvs_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// pool is a pool of checked servers.
const pool = `virtual_server ` + netlab.VIP + ` 80 {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 10.10.0.11 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
        }
    }
    real_server 10.10.0.12 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
        }
    }
}
`

// streamed is a service for short requests and one for long sessions, each with two
// checked servers and more.
func streamed(sched string, more string) string {
	var b strings.Builder
	for _, port := range []int{80, 81} {
		fmt.Fprintf(&b, "virtual_server %s %d {\n delay_loop 1\n lb_algo %s\n lb_kind NAT\n protocol TCP\n", netlab.VIP, port, sched)
		for server := range 2 {
			fmt.Fprintf(&b, " real_server 10.10.0.1%d %d {\n weight 2\n TCP_CHECK {\n connect_timeout 3\n }\n }\n", server+1, port)
		}
		if more != "" {
			fmt.Fprintf(&b, " real_server 10.10.0.13 %d {\n %s\n }\n", port, more)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// Two hundred clients at once, some with short requests and most with one connection each
// that they keep, do not notice what is done to the director: servers come, change and
// go, the file is read again, the role is killed, the daemon is replaced.
func TestConnectionsGoOn(t *testing.T) {
	const long, short = 160, 48
	site := lab(t).Site(1, 3)
	site.NAT()
	site.Serve("http", 80)
	site.Serve("talk", 81)
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	d := lb.Daemon(netlab.Holdfast(t), streamed("rr", ""), "-C", "-I")
	site.Eventually(10*time.Second, "four destinations", func() bool { return lb.Destinations() == 4 })

	sessions := site.Client.Sessions(netlab.VIP+":81", long, time.Second, 10*time.Second)
	if by := sessions.ByName(); by["web1"] != long/2 || by["web2"] != long/2 {
		t.Fatalf("sessions by server %v", by)
	}
	load := site.Client.Load("http", netlab.VIP+":80", short, 250*time.Millisecond, 10*time.Second)
	watch := lb.WatchIPVS()
	reload := func(sched, more string) func() { return func() { d.Reload(streamed(sched, more)) } }
	for _, step := range []struct {
		name string
		do   func()
		want string // requests that reach IPVS
	}{
		{"a server more", reload("rr", "weight 2"), "2 new dest"},
		{"another weight", reload("rr", "weight 7"), "2 set dest"},
		{"another scheduler", reload("wlc", "weight 7"), "2 set service"},
		{"the same file", reload("wlc", "weight 7"), ""},
		{"the role is killed", func() {
			old := d.RolePid("checkers")
			if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			site.Eventually(10*time.Second, "a new checkers process", func() bool {
				now := d.RolePid("checkers")
				return now != 0 && now != old
			})
		}, ""},
		{"the daemon is replaced", func() { d.Stop(); d.Start() }, ""},
		{"weight 0", reload("wlc", "weight 0"), "2 set dest"},
		{"a server less", reload("wlc", ""), "2 del dest"},
	} {
		watch.Reset()
		step.do()
		begun, answers := time.Now(), sessions.Answers()
		site.Eventually(20*time.Second, step.name+": requests and answers", func() bool {
			return watch.Commands().Edits().String() == step.want && load.Since(begun).OK > 100 && sessions.Answers() > answers+long
		})
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
