package kernel

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
	"github.com/holdfast-lb/holdfast/pkg/realserver"
)

func TestMain(m *testing.M) { netlab.MainNative(m) }

// TestDirectRouting prepares a backend: a client on the same network gets no
// answer to ARP for the address, yet packets that a director hands over are
// served; and everything can be undone.
func TestDirectRouting(t *testing.T) {
	netlab.Require(t)
	l := netlab.New(t)
	sw := l.Switch("lan")
	backend, client := l.Namespace("backend"), l.Namespace("client")
	sw.Connect(backend, "eth0", "192.0.2.5/24")
	sw.Connect(client, "eth0", "192.0.2.100/24")
	vip := netip.MustParseAddr("192.0.2.10")
	record := filepath.Join(l.Dir, "record.json")

	before := read(t, backend)
	up := func() []realserver.Step {
		have := read(t, backend)
		steps := realserver.Up([]netip.Addr{vip}, realserver.DR, have)
		var done []realserver.Step
		inside(t, backend, func() (err error) { done, err = Do(steps); return err })
		r, err := Load(record)
		if err != nil {
			t.Fatal(err)
		}
		r.Note(done, have)
		if err := Save(record, r); err != nil {
			t.Fatal(err)
		}
		return done
	}
	if len(up()) == 0 {
		t.Fatal("nothing was changed")
	}
	if again := up(); len(again) != 0 {
		t.Errorf("a second time changes %v", again)
	}
	if found := realserver.Check([]netip.Addr{vip}, realserver.DR, read(t, backend)); len(found) > 0 {
		t.Errorf("check: %v", found)
	}

	backend.Serve("tcp", "192.0.2.10:80")
	if _, err := client.Ask("tcp", "192.0.2.10:80", 500*time.Millisecond); err == nil {
		t.Error("the backend answers ARP for the virtual address")
	}
	// What a director does: hand the packet over at the Ethernet level.
	client.Run("ip", "neigh", "replace", "192.0.2.10", "lladdr", backend.MAC("eth0").String(), "dev", "eth0")
	if _, err := client.Ask("tcp", "192.0.2.10:80", 10*time.Second); err != nil {
		t.Errorf("a packet for the virtual address is not served: %v", err)
	}

	r, err := Load(record)
	if err != nil {
		t.Fatal(err)
	}
	steps, left := realserver.Down([]netip.Addr{vip}, read(t, backend), r)
	inside(t, backend, func() error { _, err := Do(steps); return err })
	if err := Save(record, left); err != nil {
		t.Fatal(err)
	}
	equal := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(before, read(t, backend), equal); diff != "" {
		t.Errorf("down leaves a difference:\n%s", diff)
	}
}

// TestTunnel does the same where the kernel has tunnels.
func TestTunnel(t *testing.T) {
	netlab.InGuest(t, func(t *testing.T) {
		l := netlab.New(t)
		backend := l.Namespace("backend")
		vips := []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")}
		have := read(t, backend)
		steps := realserver.Up(vips, realserver.TUN, have)
		inside(t, backend, func() error { _, err := Do(steps); return err })
		if found := realserver.Check(vips, realserver.TUN, read(t, backend)); len(found) > 0 {
			t.Errorf("check: %v", found)
		}
		for _, v := range vips {
			if !backend.Has(v.String()) {
				t.Errorf("%v is not on the backend", v)
			}
		}
	})
}

func read(t *testing.T, n *netlab.Namespace) (s realserver.State) {
	t.Helper()
	inside(t, n, func() (err error) { s, err = Read(); return err })
	return s
}

func inside(t *testing.T, n *netlab.Namespace, f func() error) {
	t.Helper()
	if err := n.Do(f); err != nil {
		t.Fatal(err)
	}
}
