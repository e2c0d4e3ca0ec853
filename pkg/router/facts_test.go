package router

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
)

func TestAssess(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*config.Instance)
		group   *config.SyncGroup
		facts   facts
		links   []netstate.Link
		reasons string
		weight  int
		pending bool
	}{
		{name: "well"},
		{name: "interface down", links: []netstate.Link{eth(1, "eth0", false)}, reasons: "interface eth0 down"},
		{
			name:    "interface without multicast",
			links:   []netstate.Link{{Index: 1, Name: "eth0", MAC: "\x02\x00\x00\x00\x00\x01", Admin: true, Carrier: true}},
			reasons: "interface eth0 without multicast",
		},
		{
			name:   "interface without multicast, which unicast does not need",
			links:  []netstate.Link{{Index: 1, Name: "eth0", MAC: "\x02\x00\x00\x00\x00\x01", Admin: true, Carrier: true}},
			change: func(c *config.Instance) { c.Unicast = true },
		},
		{name: "interface missing", links: []netstate.Link{}, reasons: "interface eth0 missing"},
		{
			name: "not tracked", links: []netstate.Link{eth(1, "eth0", false)},
			change: func(c *config.Instance) { c.DontTrackPrimary = true },
		},
		{name: "no address", change: func(c *config.Instance) { c.SrcIP = netip.Addr{} }, reasons: "no IPv4 address for interface eth0"},
		{name: "source missing", change: func(c *config.Instance) { c.TrackSrcIP = true }, reasons: "source address 192.0.2.1 missing"},
		{
			name:    "address on a missing interface",
			change:  func(c *config.Instance) { c.VIPs[0].Dev = "eth9" },
			reasons: "interface eth9 of 192.0.2.100 missing",
		},
		{
			name: "tracked interface, without and with weight",
			change: func(c *config.Instance) {
				c.TrackInterfaces = []config.Track{{Name: "eth1"}, {Name: "eth2", Weight: -20}}
			},
			links:   []netstate.Link{eth(1, "eth0", true), eth(2, "eth1", false), eth(3, "eth2", false)},
			reasons: "interface eth1 down", weight: -20,
		},
		{
			name: "the weight of an interface that an address needs",
			change: func(c *config.Instance) {
				c.ExcludedVIPs = []config.Address{{Prefix: netip.MustParsePrefix("198.51.100.1/24"), Dev: "eth1"}}
				c.TrackInterfaces = []config.Track{{Name: "eth1", Weight: -20}}
			},
			links:   []netstate.Link{eth(1, "eth0", true), eth(2, "eth1", false)},
			reasons: "interface eth1 down",
		},
		{
			name: "interfaces of addresses, routes and rules",
			change: func(c *config.Instance) {
				c.ExcludedVIPs = []config.Address{{Prefix: netip.MustParsePrefix("198.51.100.1/24"), Dev: "eth1"}, {Prefix: netip.MustParsePrefix("198.51.100.2/24"), Dev: "eth1"}}
				c.Routes = []config.Route{{Dev: "eth2"}, {Dev: "eth5", NoTrack: true}, {Dev: "eth6"}}
				c.Rules = []config.Rule{{IIF: "eth3"}, {OIF: "eth4"}}
			},
			links:   []netstate.Link{eth(1, "eth0", true), eth(2, "eth1", false), eth(3, "eth2", false), eth(4, "eth3", false), eth(5, "eth4", false), eth(6, "eth5", false), eth(7, "eth6", true)},
			reasons: "interface eth1 down, interface eth2 down, interface eth3 down, interface eth4 down",
		},
		{
			name:   "a script that has not answered holds back, a weighted one does not",
			change: func(c *config.Instance) { c.TrackScripts = []config.Track{{Name: "a"}, {Name: "b", Weight: 20}} }, pending: true,
		},
		{
			name:   "so does one whose success would be a fault",
			change: func(c *config.Instance) { c.TrackScripts = []config.Track{{Name: "a", Reverse: true}} }, pending: true,
		},
		{
			name:   "scripts",
			change: func(c *config.Instance) { c.TrackScripts = []config.Track{{Name: "a"}, {Name: "b", Weight: 20}} },
			facts:  facts{scripts: map[string]bool{"a": false, "b": true}}, reasons: "script a", weight: 20,
		},
		{
			name: "processes and BFD",
			change: func(c *config.Instance) {
				c.TrackProcesses, c.TrackBFD = []config.Track{{Name: "p"}}, []config.Track{{Name: "b"}}
			},
			facts: facts{processes: map[string]bool{"p": false}, bfd: map[string]bool{"b": false}}, reasons: "process p, BFD b",
		},
		{
			name:   "files",
			change: func(c *config.Instance) { c.TrackFiles = []config.Track{{Name: "f", Weight: 2}, {Name: "g"}} },
			facts:  facts{files: map[string]int64{"f": -15, "g": 1}}, reasons: "file g", weight: -30,
		},
		{
			name:   "weights of members count for nothing in a group, those of the group do",
			group:  &config.SyncGroup{Name: "G", Members: []string{"A"}, TrackScripts: []config.Track{{Name: "b", Weight: 7}}},
			change: func(c *config.Instance) { c.TrackScripts = []config.Track{{Name: "a", Weight: 20}} },
			facts:  facts{scripts: map[string]bool{"a": true, "b": true}}, weight: 7,
		},
		{
			name:   "weights of interfaces count in a group, too",
			group:  &config.SyncGroup{Name: "G", Members: []string{"A"}},
			change: func(c *config.Instance) { c.TrackInterfaces = []config.Track{{Name: "eth1", Weight: -7}} },
			links:  []netstate.Link{eth(1, "eth0", true), eth(2, "eth1", false)}, weight: -7,
		},
		{
			name:   "sync_group_tracking_weight",
			group:  &config.SyncGroup{Name: "G", Members: []string{"A"}, TrackingWeight: true},
			change: func(c *config.Instance) { c.TrackScripts = []config.Track{{Name: "a", Weight: 20}} },
			facts:  facts{scripts: map[string]bool{"a": true}}, weight: 20,
		},
		{
			name:   "a lost witness costs all priority and is no fault",
			change: func(c *config.Instance) { c.TrackPing = &config.TrackPing{} },
			facts:  facts{pings: map[string]bool{"A": false}}, weight: -254,
		},
		{
			name: "VRF missing", links: []netstate.Link{}, reasons: "VRF red missing, interface eth0 of 192.0.2.100 missing",
			change: func(c *config.Instance) { c.Unicast, c.Interface, c.VRF = true, "", "red" },
		},
		{
			name: "VRF there", links: []netstate.Link{eth(1, "eth0", true), {Index: 7, Name: "red", Kind: "vrf"}},
			change: func(c *config.Instance) { c.Unicast, c.Interface, c.VRF = true, "", "red" },
		},
		{
			name:   "no unicast peer",
			change: func(c *config.Instance) { c.Unicast, c.UnicastFaultNoPeer = true, true }, reasons: "no unicast peers",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := instanceConfig("A", "eth0", 1, "192.0.2.100/24")
			if c.change != nil {
				c.change(i)
			}
			cfg := &config.Config{Instances: []*config.Instance{i}}
			if c.group != nil {
				cfg.SyncGroups = []*config.SyncGroup{c.group}
			}
			links := c.links
			if links == nil {
				links = []netstate.Link{eth(1, "eth0", true)}
			}
			r := still(t, cfg, links...)
			r.facts = c.facts
			got := r.assess(r.instances[0])
			if s := strings.Join(namesOf(got.reasons), ", "); s != c.reasons || got.weight != c.weight || got.pending != c.pending {
				t.Errorf("got %q, weight %d, pending %v; want %q, %d, %v", s, got.weight, got.pending, c.reasons, c.weight, c.pending)
			}
		})
	}
}

// Without an address of its own to look for, track_src_ip asks for nothing more than
// any instance: keepalived becomes master, too.
func TestTrackSourceThatIsNotNamed(t *testing.T) {
	c := instanceConfig("A", "eth0", 1, "192.0.2.100/24")
	c.TrackSrcIP, c.SrcIP = true, netip.Addr{}
	r := still(t, &config.Config{Instances: []*config.Instance{c}}, eth(1, "eth0", true))
	r.instances[0].source = netip.MustParseAddr("192.0.2.1")
	if got := namesOf(r.assess(r.instances[0]).reasons); len(got) > 0 {
		t.Errorf("faults %q", got)
	}
}
