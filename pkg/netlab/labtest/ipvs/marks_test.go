package ipvs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// markedGroup has an address of each family with these ports in a group, which
// nftables_ipvs makes one service.
func markedGroup(ports ...string) string {
	group := func(name, vip, one, two string) string {
		return fmt.Sprintf(`virtual_server_group %s {
    %s
}
virtual_server group %s {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server %s 80 {
    }
    real_server %s 80 {
    }
}
`, name, vip+" "+strings.Join(ports, "\n    "+vip+" "), name, one, two)
	}
	return "global_defs {\n    nftables_ipvs lab_ipvs\n    nftables_ipvs_start_fwmark 500\n}\n" +
		group("four", netlab.VIP, "10.10.0.11", "10.10.0.12") +
		group("six", netlab.VIP6, "fd00:20::11", "fd00:20::12")
}

// With nftables_ipvs packets for the addresses of a group get a mark, and marks lead to
// the servers; rules follow the group over a reload and go at the end.
func TestMarkedGroup(t *testing.T) {
	t.Parallel()
	site := lab(t).Site(1, 2)
	site.NAT()
	site.Serve("http", 80)
	lb := site.Directors[0]
	lb.AddAddr("eth0", netlab.VIP+"/32", netlab.VIP6+"/128")
	d := lb.Daemon(netlab.Holdfast(t), markedGroup("80", "8080"), "-C")
	site.Eventually(10*time.Second, "one service for each family", func() bool { return lb.Destinations() == 4 })
	if services := strings.Join(lb.IPVS(), "\n"); strings.Count(services, "-A -f") != 2 || strings.Contains(services, "-A -t") {
		t.Errorf("services:\n%s", services)
	}
	// Each client's share depends on what the others ask meanwhile; that each server has
	// one, does not.
	serves := func(port string, want bool) bool {
		for _, addr := range []string{netlab.VIP + ":" + port, "[" + netlab.VIP6 + "]:" + port} {
			got := site.Client.AskMany("http", addr, 4)
			if good := got["-"] == 0 && got["web1"] > 0 && got["web2"] > 0; good != want || !want && got["-"] != 4 {
				return false
			}
		}
		return true
	}
	eventually := func(what, port string, want bool) {
		t.Helper()
		site.Eventually(15*time.Second, what, func() bool { return serves(port, want) })
	}
	eventually("the first port", "80", true)
	eventually("the second port", "8080", true)
	if !serves("8081", false) {
		t.Error("a port that is not in the group is served")
	}

	load := site.Client.Load("http", netlab.VIP+":80", 2, 50*time.Millisecond, 10*time.Second)
	watch := lb.WatchIPVS()
	d.Reload(markedGroup("80", "8081"))
	eventually("the new port", "8081", true)
	eventually("the end of the old port", "8080", false)
	load.Stop()
	if r := load.All(); r.Failed > 0 {
		t.Errorf("%d of %d requests failed over the reload: %v", r.Failed, r.OK+r.Failed, r.Errors)
	}
	if edits := watch.Commands().Edits().String(); edits != "" {
		t.Errorf("the services did not change, but were edited: %s", edits)
	}

	d.Stop()
	if left := lb.IPVS(); len(left) > 0 {
		t.Errorf("services are left: %v", left)
	}
	// Where the kernel's nftables cannot do it, the older tools have.
	for _, tool := range [][]string{{"nft", "list", "ruleset"}, {"iptables-legacy-save"}, {"ip6tables-legacy-save"}} {
		if left := lb.Run(tool[0], tool[1:]...); strings.Contains(left, "500") || strings.Contains(left, "lab_ipvs") {
			t.Errorf("rules are left:\n%s", left)
		}
	}
}
