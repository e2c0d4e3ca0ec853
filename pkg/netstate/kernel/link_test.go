package kernel

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/vishvananda/netlink"
)

func TestEnsureLink(t *testing.T) {
	_, k := host(t)
	v := netstate.VirtualLink{Name: "vrrp.51", Kind: "macvlan", Parent: indexOf(t, k, "eth0"), MAC: netstate.VirtualMAC(51, netstate.IPv4)}
	first, made, err := k.EnsureLink(v)
	if err != nil || !made {
		t.Fatalf("made %v, error %v", made, err)
	}
	if first.MAC.String() != "00:00:5e:00:01:33" || !first.Usable() {
		t.Errorf("made %+v", first)
	}
	again, made, err := k.EnsureLink(v)
	if err != nil || made || again.Index != first.Index {
		t.Errorf("a matching link was not used again: made %v, error %v, %+v", made, err, again)
	}
	v.MAC = netstate.VirtualMAC(52, netstate.IPv4)
	other, made, err := k.EnsureLink(v)
	if err != nil || !made || other.MAC != v.MAC {
		t.Errorf("a link with another MAC was not replaced: made %v, error %v, %+v", made, err, other)
	}
	v.Name = "eth1"
	if _, _, err := k.EnsureLink(v); err == nil {
		t.Error("a dummy of that name was taken over")
	}
	if err := k.RemoveLinks(other.Index); err != nil {
		t.Error(err)
	}
	if err := k.RemoveLinks(other.Index); err != nil {
		t.Errorf("removing it again: %v", err)
	}
	for _, a := range read(t, k).Addresses {
		if a.Link == other.Index {
			t.Errorf("the virtual link generated %v", a)
		}
	}
}

func TestRemoveLinks(t *testing.T) {
	ns, k := host(t)
	parent := indexOf(t, k, "eth0")
	makeThree := func() []int {
		t.Helper()
		var list []int
		for vrid := range uint8(3) {
			v := netstate.VirtualLink{Name: "vrrp." + string('a'+rune(vrid)), Kind: "macvlan", Parent: parent, MAC: netstate.VirtualMAC(vrid, netstate.IPv4)}
			l, _, err := k.EnsureLink(v)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, l.Index)
		}
		return list
	}
	left := func() (names []string) {
		for _, l := range read(t, k).Links {
			if l.Name != "lo" {
				names = append(names, l.Name)
			}
		}
		slices.Sort(names)
		return names
	}

	list := makeThree()
	if err := k.RemoveLinks(append(list, 4711)...); err != nil {
		t.Error(err)
	}
	if got := left(); !slices.Equal(got, []string{"eth0", "eth1"}) {
		t.Errorf("left: %q", got)
	}

	// Somebody else's interface survives, whatever group it is in.
	ns.AddLink(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "other", Group: doomed}, PeerName: "peer"})
	if err := k.RemoveLinks(makeThree()...); err != nil {
		t.Error(err)
	}
	if got := left(); !slices.Equal(got, []string{"eth0", "eth1", "other", "peer"}) {
		t.Errorf("left beside another member of the group: %q", got)
	}
}

// TestEnsureLinkFollowsVRF runs where the kernel is known to have VRFs.
func TestEnsureLinkFollowsVRF(t *testing.T) { netlab.InGuest(t, ensureLinkFollowsVRF) }

func ensureLinkFollowsVRF(t *testing.T) {
	ns, k := host(t)
	vrf := &netlink.Vrf{LinkAttrs: netlink.LinkAttrs{Name: "red"}, Table: 10}
	if err := ns.Netlink().LinkAdd(vrf); err != nil {
		t.Fatal(err)
	}
	ns.Run("ip", "link", "set", "eth0", "master", "red")
	l, _, err := k.EnsureLink(netstate.VirtualLink{Name: "vrrp.1", Kind: "macvlan", Parent: indexOf(t, k, "eth0"), MAC: netstate.VirtualMAC(1, netstate.IPv4)})
	if err != nil {
		t.Fatal(err)
	}
	if l.Master != indexOf(t, k, "red") {
		t.Errorf("master %d is not the VRF", l.Master)
	}
	ns.Run("ip", "link", "set", "eth0", "nomaster")
	if err := k.FollowVRF(l); err != nil {
		t.Error(err)
	}
	if out, _ := ns.Command("ip", "-o", "link", "show", "dev", "vrrp.1", "master", "red"); out != "" {
		t.Errorf("still in the VRF: %s", out)
	}
}

// Whatever is asked and answered, no ARP message names an address on a virtual
// interface together with the MAC of the parent.
func TestVirtualAddressKeepsItsMAC(t *testing.T) {
	netlab.Require(t)
	lab := netlab.New(t)
	host, peer, lan := lab.Namespace("host"), lab.Namespace("peer"), lab.Switch("lan")
	lan.Connect(host, "eth0", "192.0.2.1/24")
	lan.Connect(peer, "eth0", "192.0.2.9/24")
	mac := netstate.VirtualMAC(51, netstate.IPv4)
	err := host.Do(func() error {
		k, err := Open()
		if err != nil {
			return err
		}
		defer k.Close()
		l, _, err := k.EnsureLink(netstate.VirtualLink{Name: "vrrp.51", Kind: "macvlan", Parent: indexOf(t, k, "eth0"), MAC: mac})
		if err != nil {
			return err
		}
		if err := NewSysctls().SetVirtualSysctls("eth0", "vrrp.51", netstate.IPv4); err != nil {
			return err
		}
		k.Apply(context.Background(), []netstate.Op{{Verb: netstate.Add, Item: netstate.NewAddress(l.Index, netip.MustParsePrefix("192.0.2.50/32"))}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	capture := peer.Capture("eth0")
	host.Command("ping", "-c", "1", "-W", "1", "-I", "192.0.2.50", "192.0.2.77") // nobody there
	if out, err := peer.Command("ping", "-c", "1", "-W", "2", "192.0.2.50"); err != nil {
		t.Errorf("the virtual address does not answer: %s", out)
	}
	asked, answered := false, false
	look := func() bool {
		for _, f := range capture.Frames() {
			b := f.Data
			if len(b) < 42 || b[12] != 0x08 || b[13] != 0x06 {
				continue
			}
			asked = asked || b[21] == 1 && netip.AddrFrom4([4]byte(b[38:42])).String() == "192.0.2.77"
			if netip.AddrFrom4([4]byte(b[28:32])).String() != "192.0.2.50" {
				continue
			}
			answered = answered || b[21] == 2
			if netstate.MAC(b[22:28]) != mac {
				t.Errorf("ARP operation %d says that the virtual address is at %v", b[21], netstate.MAC(b[22:28]))
				return true
			}
		}
		return asked && answered
	}
	if _, ok := netlab.Poll(3*time.Second, look); !ok {
		t.Errorf("asked %v, answered %v: the test saw too little", asked, answered)
	}
}
