package kernel

import (
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/doctor"
	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func TestMain(m *testing.M) { netlab.MainNative(m) }

func TestFacts(t *testing.T) {
	netlab.Require(t)
	l := netlab.New(t)
	host, peer := l.Namespace("host"), l.Namespace("peer")
	sw := l.Switch("lan")
	sw.Connect(host, "eth0", "192.0.2.1/24")
	port := sw.Connect(peer, "eth0", "192.0.2.2/24")
	k := host.Daemon(netlab.Keepalived, "vrrp_instance V {\n interface eth0\n virtual_router_id 9\n virtual_ipaddress {\n 192.0.2.9\n }\n}\n")
	k.WaitLog(5*time.Second, "Entering BACKUP STATE")
	host.Sysctl("net/ipv4/ip_forward", "1")

	look := func(n *netlab.Namespace) (f doctor.Facts) {
		t.Helper()
		err := n.Do(func() (err error) {
			f, err = Facts(t.Context(), map[string][]string{"vrrp": {filepath.Join(l.Dir, "nobody.sock")}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := look(host)
	if !f.Root || f.Sysctls["net/ipv4/ip_forward"] != "1" || f.Roles["vrrp"] {
		t.Errorf("root %v, ip_forward %q, vrrp answers %v; want true, 1, false", f.Root, f.Sysctls["net/ipv4/ip_forward"], f.Roles["vrrp"])
	}
	if eth0 := f.Interfaces["eth0"]; !eth0.Up || !slices.Contains(eth0.Addresses, netip.MustParseAddr("192.0.2.1")) {
		t.Errorf("eth0: %+v", eth0)
	}
	if !slices.Equal(f.Keepalived, []int{k.Pid()}) {
		t.Errorf("keepalived runs as %v, want the parent, %d", f.Keepalived, k.Pid())
	}
	port.Unplug()
	l.Eventually(5*time.Second, "eth0 loses its carrier", func() bool { return !look(peer).Interfaces["eth0"].Up })
	if f = look(peer); len(f.Keepalived) != 0 {
		t.Errorf("keepalived seen in another namespace: %v", f.Keepalived)
	}
}
