package doctor

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// healthy is a machine on which everything of full works.
func healthy() Facts {
	return Facts{
		Root: true, IPVS: true,
		Sysctls: map[string]string{
			"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1", "net/ipv4/vs/conntrack": "1",
			"net/ipv4/vs/expire_nodest_conn": "1", "net/ipv4/vs/expire_quiescent_template": "1",
		},
		Interfaces: map[string]Interface{"eth0": {Up: true, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}},
		Roles:      map[string]bool{"vrrp": true, "checkers": true},
	}
}

func full() *config.Config {
	return &config.Config{
		Instances: []*config.Instance{{Name: "V", Interface: "eth0"}},
		VirtualServers: []*config.VirtualServer{
			{Protocol: config.TCP, Persistence: time.Minute, Method: config.Method{FullNAT: true}, RealServers: []*config.RealServer{{}}},
			{Protocol: config.UDP, IPv6: true, RealServers: []*config.RealServer{{}}},
		},
	}
}

// ids are the findings that are not fine.
func ids(list []Finding) []string {
	var out []string
	for _, f := range list {
		if f.Level != Fine {
			out = append(out, string(f.Level)+" "+f.ID)
		}
	}
	return out
}

func TestDiagnose(t *testing.T) {
	tests := []struct {
		name string
		ail  func(*Facts)
		want []string
	}{
		{"healthy", func(*Facts) {}, nil},
		{"not root", func(f *Facts) { f.Root = false }, []string{"problem not-root"}},
		{"keepalived runs", func(f *Facts) { f.Keepalived = []int{7} }, []string{"problem keepalived-running"}},
		{"no IPVS hides its settings", func(f *Facts) { f.IPVS = false; f.Sysctls["net/ipv4/ip_forward"] = "0" }, []string{"problem no-ipvs"}},
		{"no forwarding", func(f *Facts) { f.Sysctls["net/ipv4/ip_forward"] = "0" }, []string{"problem no-forwarding"}},
		{"no IPv6 forwarding", func(f *Facts) { f.Sysctls["net/ipv6/conf/all/forwarding"] = "0" }, []string{"problem no-forwarding6"}},
		{"no conntrack", func(f *Facts) { f.Sysctls["net/ipv4/vs/conntrack"] = "0" }, []string{"problem conntrack-off"}},
		{"kept connections", func(f *Facts) {
			f.Sysctls["net/ipv4/vs/expire_nodest_conn"] = "0"
			f.Sysctls["net/ipv4/vs/expire_quiescent_template"] = "0"
		}, []string{"advice expire-nodest-conn", "advice expire-quiescent-template"}},
		{"a setting that this kernel lacks", func(f *Facts) { delete(f.Sysctls, "net/ipv4/vs/conntrack") }, nil},
		{"interface missing", func(f *Facts) { f.Interfaces = nil }, []string{"problem interface-missing"}},
		{"interface down", func(f *Facts) { f.Interfaces["eth0"] = Interface{} }, []string{"problem interface-down"}},
		{"no IPv4 address", func(f *Facts) {
			f.Interfaces["eth0"] = Interface{Up: true, Addresses: []netip.Addr{netip.MustParseAddr("fe80::1")}}
		}, []string{"problem interface-no-address"}},
		{"a role is silent", func(f *Facts) { f.Roles["checkers"] = false }, []string{"advice role-checkers"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			tt.ail(&f)
			if diff := cmp.Diff(tt.want, ids(Diagnose(full(), f))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProblemsComeFirstAndSayWhatToDo(t *testing.T) {
	f := healthy()
	f.Sysctls["net/ipv4/vs/expire_nodest_conn"] = "0"
	f.Sysctls["net/ipv4/ip_forward"] = "0"
	got := Diagnose(full(), f)
	if !slices.IsSortedFunc(got, func(a, b Finding) int {
		rank := map[Level]int{Problem: 0, Advice: 1, Fine: 2}
		return rank[a.Level] - rank[b.Level]
	}) {
		t.Errorf("not in order: %v", ids(got))
	}
	for _, g := range got {
		if g.Level != Fine && (g.Fix == "" || g.Why == "") {
			t.Errorf("%s says neither why nor what to do: %+v", g.ID, g)
		}
	}
	if want := "sysctl -w net.ipv4.ip_forward=1"; got[0].Fix != want {
		t.Errorf("first fix %q, want %q", got[0].Fix, want)
	}
}

func TestOnlyWhatTheConfigurationNeeds(t *testing.T) {
	f := healthy()
	for name := range f.Sysctls {
		f.Sysctls[name] = "0"
	}
	c := &config.Config{VirtualServers: []*config.VirtualServer{{
		Protocol: config.TCP, ExpireConns: config.True, RealServers: []*config.RealServer{{Method: config.Method{Kind: config.DR}}},
	}}}
	if got := ids(Diagnose(c, f)); got != nil {
		t.Errorf("a DR service over TCP that moves its flows needs no setting, but: %v", got)
	}
}
