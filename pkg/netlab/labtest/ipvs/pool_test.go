package ipvs_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// pools are two services with the same three servers, so that each check has two users.
type pools struct {
	global   string
	checks   [2][]string // of every server, by service
	retries  int
	backward bool // list the servers from the last to the first
}

func (p pools) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n %s\n}\n", p.global)
	for i, checks := range p.checks {
		fmt.Fprintf(&b, "virtual_server %s %d {\n delay_loop 1\n retry %d\n delay_before_retry 1\n connect_timeout 3\n warmup 0\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"+
			" sorry_server 10.10.0.99 80\n", netlab.VIP, 80+i, p.retries)
		servers := []int{11, 12, 13}
		if p.backward {
			slices.Reverse(servers)
		}
		for _, n := range servers {
			fmt.Fprintf(&b, " real_server 10.10.0.%d 80 {\n %s\n }\n", n, strings.Join(checks, "\n "))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// The scenarios of real bug reports: what happens to checked servers, and which requests
// that makes to IPVS; none but these.
func TestPools(t *testing.T) {
	t.Parallel()
	const (
		tcp     = "TCP_CHECK {\n }"
		page    = "HTTP_GET {\n url {\n path /\n }\n }"
		newPage = "HTTP_GET {\n url {\n path /new\n }\n }"
	)
	site := lab(t).Site(1, 3)
	site.NAT()
	webs := site.Serve("http", 80)
	webs[1].Status = func(path string) int {
		if path == "/new" {
			return http.StatusNotFound
		}
		return http.StatusOK
	}
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32")
	watch := lb.WatchIPVS()

	conf := pools{checks: [2][]string{{tcp, page}, {tcp, page}}, retries: 1}
	d := lb.Daemon(netlab.Holdfast(t), conf.String(), "-C")
	site.Eventually(20*time.Second, "six destinations", func() bool { return lb.Destinations() == 6 })
	settled(t, lb, d, 2*time.Second)
	reload := func(change func()) func() {
		return func() { change(); d.Reload(conf.String()) }
	}
	each := func(turn func(*netlab.Backend)) func() {
		return func() {
			for _, web := range webs {
				turn(web)
			}
		}
	}
	for _, step := range []struct {
		name string
		do   func()
		want string // requests that reach IPVS
	}{
		{"every check fails at once, and only the sorry server is left", each((*netlab.Backend).Down), "6 del dest, 2 new dest"},
		{"all servers come back, and the sorry server goes", each((*netlab.Backend).Up), "2 del dest, 6 new dest"},
		{"reordered checks keep their state", reload(func() { conf.checks[0] = []string{page, tcp} }), ""},
		{"reordered servers keep their state", reload(func() { conf.backward = true }), ""},
		{"a changed check takes out whom it finds ill, and only where it changed", reload(func() { conf.checks[0] = []string{newPage, tcp} }), "1 del dest"},
		{"changed back, it finds the server well", reload(func() { conf.checks[0] = []string{page, tcp} }), "1 new dest"},
		{"checks that are no longer shared keep their verdicts", reload(func() { conf.global = "shared_checks false" }), ""},
		{"a server that is ill leaves each service by its own check", webs[2].Down, "2 del dest"},
		{"checks that are shared again keep their verdicts, good and bad", reload(func() { conf.global = "" }), ""},
		{"a server that is well comes back to all users of a check", webs[2].Up, "2 new dest"},
		{"other retries are another check, and the server is as well as before", reload(func() { conf.retries = 30 }), ""},
		{"a network that flaps takes nobody away whom retries outlast", func() {
			for range 4 {
				lb.Run("ip", "link", "set", "eth1", "down")
				<-time.After(600 * time.Millisecond)
				lb.Run("ip", "link", "set", "eth1", "up")
				<-time.After(600 * time.Millisecond)
			}
		}, ""},
	} {
		watch.Reset()
		step.do()
		site.Eventually(30*time.Second, step.name, func() bool { return watch.Commands().Edits().String() == step.want })
		settled(t, lb, d, 2*time.Second) // longer than a period
		if got := watch.Commands().Edits().String(); got != step.want {
			t.Fatalf("%s: %q, want %q; the daemon's log:\n%s", step.name, got, step.want, d.Log())
		}
	}
}
