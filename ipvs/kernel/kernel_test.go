package kernel

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// TestKernel holds everything that needs IPVS, so that one guest runs it all.
func TestKernel(t *testing.T) {
	netlab.InGuest(t, func(t *testing.T) {
		c, err := Open(t.Context())
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		defer c.Close()
		t.Run("conformance", func(t *testing.T) { ipvstest.Conformance(t, c) })
		for _, part := range []struct {
			name string
			test func(*testing.T, *Conn)
		}{
			{"ipvsadm reads what we write", ipvsadmReads},
			{"we read what ipvsadm writes", ipvsadmWrites},
			{"moby reads what we write", mobyReads},
			{"we read what moby writes", mobyWrites},
			{"counters have 64 bits and persistent connections", counters},
			{"a socket that overran is replaced", overrun},
			{"a closed socket is replaced", replaced},
			{"refusals are explained", explained},
		} {
			t.Run(part.name, func(t *testing.T) {
				if err := c.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				part.test(t, c)
			})
		}
	})
}

func write(t *testing.T, c *Conn, want ipvs.Table) {
	t.Helper()
	failed, err := c.Apply(t.Context(), ipvs.Plan(nil, want))
	if err != nil || len(failed) != 0 {
		t.Fatalf("Apply: %v, refused %v", err, failed)
	}
}

// plain is what moby/ipvs can say: one family, no tunnels, no engine, weights of
// 16 bits.
func plain() ipvs.Table {
	var t ipvs.Table
	for _, e := range ipvstest.Everything() {
		if e.Engine != "" {
			continue
		}
		e.Destinations = slices.DeleteFunc(slices.Clone(e.Destinations), func(d ipvs.Destination) bool {
			return d.Family() != e.Family || d.Encap != ipvs.Encap{} || d.Weight > 0xffff
		})
		t = append(t, e)
	}
	return t
}

// counters sends real connections through a persistent service on loopback.
func counters(t *testing.T, c *Conn) {
	backend, err := net.Listen("tcp", "127.0.0.1:8081")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	go func() {
		for {
			conn, err := backend.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(conn, conn); conn.Close() }()
		}
	}()
	s := ipvs.Service{
		Key: ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("127.0.0.1:8080")), Scheduler: "rr",
		Flags: ipvs.Persistent, Timeout: time.Minute, Netmask: 0xffffffff,
	}
	d := ipvs.Destination{Addr: netip.MustParseAddr("127.0.0.1"), Port: 8081, Weight: 1}
	write(t, c, ipvs.Table{{Service: s, Destinations: []ipvs.Destination{d}}})

	const n = 3
	for range n {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:8080", 5*time.Second)
		if err != nil {
			t.Fatalf("through the service: %v", err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		conn.Write([]byte("hello"))
		if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
			t.Fatalf("through the service: %v", err)
		}
	}
	var service ipvs.EntryStatus
	var got ipvs.DestinationStatus
	_, ok := netlab.Poll(10*time.Second, func() bool { // the kernel sums up every two seconds
		status, err := c.Status(t.Context(), nil)
		if err != nil || len(status) != 1 || len(status[0].Destinations) != 1 {
			t.Fatalf("Status = %+v, %v", status, err)
		}
		service, got = status[0], status[0].Destinations[0]
		return got.Stats.Connections == n && service.Stats.Connections == n
	})
	if !ok || got.Active != n || got.Persistent != 1 || got.Stats.BytesIn == 0 || got.Stats.PacketsOut == 0 {
		t.Errorf("after %d connections the service says %+v, its destination %+v", n, service.Stats, got)
	}
}

// overrun makes the kernel lose answers: every request of a batch fails, and
// there is no room for so many refusals.
func overrun(t *testing.T, c *Conn) {
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.sock.raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1) })
	ops := slices.Repeat([]ipvs.Op{{Verb: ipvs.DeleteService, Service: ipvstest.Everything()[0].Service}}, batch)
	if _, err := c.Apply(t.Context(), ops); !errors.Is(err, ipvs.ErrUncertain) {
		t.Errorf("Apply with lost answers: %v, want %v", err, ipvs.ErrUncertain)
	}
	if failed, err := c.Apply(t.Context(), ops); err != nil || len(failed) != len(ops) {
		t.Errorf("the next Apply: %d refused, %v, want all %d", len(failed), err, len(ops))
	}
}

func replaced(t *testing.T, c *Conn) {
	c.sock.close()
	if _, err := c.Read(t.Context(), nil); err == nil {
		t.Error("Read through a closed socket succeeds")
	}
	if _, err := c.Read(t.Context(), nil); err != nil {
		t.Errorf("the next Read: %v", err)
	}
}

func explained(t *testing.T, c *Conn) {
	s := ipvstest.Everything()[0].Service
	other := s
	other.Port, other.Scheduler = 81, "nosuch"
	four, six := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::5")
	failed, err := c.Apply(t.Context(), []ipvs.Op{
		{Verb: ipvs.AddService, Service: other},
		{Verb: ipvs.AddService, Service: s},
		{Verb: ipvs.AddService, Service: s},
		{Verb: ipvs.AddDestination, Service: other, Destination: ipvs.Destination{Addr: four, Port: 80}},
		{Verb: ipvs.DeleteDestination, Service: s, Destination: ipvs.Destination{Addr: four, Port: 80}},
		{Verb: ipvs.AddDestination, Service: s, Destination: ipvs.Destination{Addr: six, Port: 80}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`add service 192.0.2.1:81/tcp: the kernel has no scheduler "nosuch" (no such file or directory)`,
		`add service 192.0.2.1:80/tcp: it is already there (file exists)`,
		`add 10.0.0.1:80 to 192.0.2.1:81/tcp: no such service (no such process)`,
		`delete 10.0.0.1:80 from 192.0.2.1:80/tcp: no such destination (no such file or directory)`,
		`add [2001:db8::5]:80 to 192.0.2.1:80/tcp: an IPv6 server behind an IPv4 service must be reached by TUN (invalid argument)`,
	}
	var got []string
	for _, f := range failed {
		got = append(got, f.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

// TestNoIPVS is about kernels without IPVS. That they are not taken for kernels
// that do everything without a word is what moby/ipvs gets wrong.
func TestNoIPVS(t *testing.T) {
	sock, err := dial(receiveBuffer)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	if _, err := sock.lookUp(t.Context(), "no such family"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("looking up a family that does not exist: %v, want %v", err, syscall.ENOENT)
	}
	if family, err := sock.lookUp(t.Context(), "nlctrl"); err != nil || family != unix.GENL_ID_CTRL {
		t.Errorf("looking up nlctrl = %d, %v, want %d", family, err, unix.GENL_ID_CTRL)
	}

	t.Setenv("PATH", "") // no modprobe
	c, err := Open(t.Context())
	if err == nil {
		c.Close()
		t.Skip("this kernel has IPVS")
	}
	if !errors.Is(err, ipvs.ErrNoIPVS) || !strings.Contains(err.Error(), "modprobe ip_vs") {
		t.Errorf("Open without IPVS: %v, want %v", err, ipvs.ErrNoIPVS)
	}
}
