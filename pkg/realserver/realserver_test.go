package realserver

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	vip4 = netip.MustParseAddr("192.0.2.10")
	vip6 = netip.MustParseAddr("2001:db8::10")
)

// fresh is a machine as Debian leaves it.
func fresh() State {
	return State{
		Links:     map[string]bool{"lo": true, "eth0": true},
		Addresses: map[netip.Addr]string{netip.MustParseAddr("192.0.2.5"): "eth0"},
		Sysctls:   map[string]string{"net/ipv4/conf/all/arp_ignore": "0", "net/ipv4/conf/all/arp_announce": "0"},
	}
}

// do applies steps to a copy of the state.
func do(have State, steps []Step) State {
	out := State{Links: map[string]bool{}, Addresses: map[netip.Addr]string{}, Sysctls: map[string]string{}}
	for k, v := range have.Links {
		out.Links[k] = v
	}
	for k, v := range have.Addresses {
		out.Addresses[k] = v
	}
	for k, v := range have.Sysctls {
		out.Sysctls[k] = v
	}
	for _, s := range steps {
		switch s.Verb {
		case LoadModule:
			out.Links[map[string]string{"ipip": "tunl0", "ip6_tunnel": "ip6tnl0"}[s.Name]] = false
		case SetSysctl:
			out.Sysctls[s.Name] = s.Value
		case SetLinkUp:
			out.Links[s.Device] = true
		case SetLinkDown:
			out.Links[s.Device] = false
		case AddAddress:
			out.Addresses[s.Address] = s.Device
		case DelAddress:
			delete(out.Addresses, s.Address)
		}
	}
	return out
}

func commands(steps []Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Command())
	}
	return out
}

func TestUp(t *testing.T) {
	tests := []struct {
		name   string
		vips   []netip.Addr
		method Method
		want   []string
	}{
		{"DR is silent before it has the address", []netip.Addr{vip4}, DR, []string{
			"sysctl -w net.ipv4.conf.all.arp_ignore=1",
			"sysctl -w net.ipv4.conf.all.arp_announce=2",
			"ip addr add 192.0.2.10/32 dev lo",
		}},
		{"IPv6 needs no silence", []netip.Addr{vip6}, DR, []string{"ip addr add 2001:db8::10/128 dev lo"}},
		{"TUN", []netip.Addr{vip4, vip6}, TUN, []string{
			"modprobe ipip",
			"modprobe ip6_tunnel",
			"sysctl -w net.ipv4.conf.all.arp_ignore=1",
			"sysctl -w net.ipv4.conf.all.arp_announce=2",
			"sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
			"ip link set tunl0 up",
			"ip link set ip6tnl0 up",
			"ip addr add 192.0.2.10/32 dev tunl0",
			"ip addr add 2001:db8::10/128 dev ip6tnl0",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, commands(Up(tt.vips, tt.method, fresh()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStricterSettingsStay(t *testing.T) {
	have := fresh()
	have.Sysctls["net/ipv4/conf/all/arp_ignore"] = "2"
	have.Sysctls["net/ipv4/conf/all/arp_announce"] = "2"
	if diff := cmp.Diff([]string{"ip addr add 192.0.2.10/32 dev lo"}, commands(Up([]netip.Addr{vip4}, DR, have))); diff != "" {
		t.Error(diff)
	}
}

// TestUpAndDown: up again changes nothing, a check is content, and down in any
// number of steps leaves the machine as it was.
func TestUpAndDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]Method{DR, TUN}).Draw(t, "method")
		all := []netip.Addr{vip4, vip6, netip.MustParseAddr("192.0.2.11")}
		vips := all[:rapid.IntRange(1, 3).Draw(t, "addresses")]
		before := fresh()
		if rapid.Bool().Draw(t, "one was there") {
			before.Addresses[vips[0]] = method.Device(vips[0])
			before.Links[method.Device(vips[0])] = true
		}
		var r Record
		steps := Up(vips, method, before)
		r.Note(steps, before)
		have := do(before, steps)
		if again := Up(vips, method, have); len(again) > 0 {
			t.Fatalf("up again: %v", commands(again))
		}
		if found := Check(vips, method, have); len(found) > 0 {
			t.Fatalf("check after up: %v", found)
		}
		for _, v := range vips {
			var back []Step
			back, r = Down([]netip.Addr{v}, have, r)
			have = do(have, back)
		}
		if diff := cmp.Diff(before.Addresses, have.Addresses, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("addresses after down:\n%s", diff)
		}
		for name, v := range before.Sysctls {
			if have.Sysctls[name] != v {
				t.Errorf("%s is %s after down, was %s", name, have.Sysctls[name], v)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	have := fresh()
	have.Addresses[vip4] = "eth0"
	found := strings.Join(Check([]netip.Addr{vip4, vip6}, DR, have), "\n")
	for _, want := range []string{
		"192.0.2.10 is on eth0, where this machine answers for it; it belongs on lo",
		"2001:db8::10 is not on this machine, so packets for it are dropped: ip addr add 2001:db8::10/128 dev lo",
		"sysctl -w net.ipv4.conf.all.arp_ignore=1",
		"sysctl -w net.ipv4.conf.all.arp_announce=2",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("the check does not say %q; it says:\n%s", want, found)
		}
	}
}
