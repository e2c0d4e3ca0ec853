package kernel

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	moby "github.com/moby/ipvs"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

var update = flag.Bool("update", false, "rewrite the golden files")

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

func ipvsadm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ipvsadm", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ipvsadm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// ipvsadmReads compares with a golden file, sorted: the kernel's order of
// services is that of a hash table.
func ipvsadmReads(t *testing.T, c *Conn) {
	write(t, c, ipvstest.Everything())
	lines := strings.Split(strings.TrimSpace(ipvsadm(t, "-Sn")), "\n")
	slices.Sort(lines)
	got := []byte(strings.Join(lines, "\n") + "\n")
	const golden = "testdata/everything.txt"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("ipvsadm -Sn differs from %s (-want +got):\n%s", golden, diff)
	}
}

func ipvsadmWrites(t *testing.T, c *Conn) {
	write(t, c, ipvstest.Everything())
	saved := ipvsadm(t, "-Sn")
	ipvsadm(t, "-C")
	restore := exec.Command("ipvsadm", "-R")
	restore.Stdin = strings.NewReader(saved)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("ipvsadm -R: %v\n%s", err, out)
	}
	have, err := c.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := ipvstest.Everything()
	want[0].Destinations[3].Upper, want[0].Destinations[3].Lower = 0, 0 // not saved
	if plan := ipvs.Plan(have, want); len(plan) != 0 {
		t.Errorf("after ipvsadm -S | ipvsadm -R there is something to do: %v", plan)
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

func mobyService(s ipvs.Service) *moby.Service {
	m := &moby.Service{
		AddressFamily: uint16(s.Family), FWMark: s.FWMark, SchedName: s.Scheduler,
		Flags: uint32(s.Flags), Timeout: uint32(s.Timeout / time.Second), Netmask: s.Netmask,
	}
	if s.Family == ipvs.IPv4 {
		m.Netmask = native.Uint32(network.AppendUint32(nil, s.Netmask))
	}
	if s.FWMark == 0 {
		m.Protocol, m.Address, m.Port = uint16(s.Protocol), s.Addr.AsSlice(), s.Port
	}
	return m
}

func mobyDestination(d ipvs.Destination) *moby.Destination {
	return &moby.Destination{
		Address: d.Addr.AsSlice(), Port: d.Port, Weight: int(d.Weight), ConnectionFlags: uint32(d.Method),
		AddressFamily: uint16(d.Family()), UpperThreshold: d.Upper, LowerThreshold: d.Lower,
	}
}

func mobyHandle(t *testing.T) *moby.Handle {
	t.Helper()
	h, err := moby.New("")
	if err != nil {
		t.Fatalf("moby: %v", err)
	}
	t.Cleanup(h.Close)
	return h
}

func mobyReads(t *testing.T, c *Conn) {
	write(t, c, plain())
	h := mobyHandle(t)
	for _, e := range plain() {
		want := mobyService(e.Service)
		got, err := h.GetService(want)
		if err != nil {
			t.Errorf("%v: moby: %v", e.Key, err)
			continue
		}
		got.Flags &= uint32(ipvs.SettableFlags)
		if got.SchedName != want.SchedName || got.Flags != want.Flags || got.Netmask != want.Netmask ||
			got.Timeout != want.Timeout || got.FWMark != want.FWMark {
			t.Errorf("%v: moby reads %+v, want %+v", e.Key, got, want)
		}
		ds, err := h.GetDestinations(want)
		if err != nil || len(ds) != len(e.Destinations) {
			t.Errorf("%v: moby reads %d destinations, %v, want %d", e.Key, len(ds), err, len(e.Destinations))
			continue
		}
		slices.Reverse(ds)
		for i, d := range ds {
			want := mobyDestination(e.Destinations[i])
			if !d.Address.Equal(want.Address) || d.Port != want.Port || d.Weight != want.Weight ||
				d.ConnectionFlags&methodMask != want.ConnectionFlags ||
				d.UpperThreshold != want.UpperThreshold || d.LowerThreshold != want.LowerThreshold {
				t.Errorf("%v: moby reads %+v, want %+v", e.Key, d, want)
			}
		}
	}
}

func mobyWrites(t *testing.T, c *Conn) {
	h := mobyHandle(t)
	for _, e := range plain() {
		s := mobyService(e.Service)
		if err := h.NewService(s); err != nil {
			t.Fatalf("%v: moby: %v", e.Key, err)
		}
		for _, d := range e.Destinations {
			if err := h.NewDestination(s, mobyDestination(d)); err != nil {
				t.Fatalf("%v: moby: %v", d.AddrPort(), err)
			}
		}
	}
	have, err := c.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan := ipvs.Plan(have, plain()); len(plan) != 0 {
		t.Errorf("what moby wrote reads differently, to do: %+v", plan)
	}
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

// TestLostAnswer asks for something that is never answered.
func TestLostAnswer(t *testing.T) {
	sock, err := dial(receiveBuffer)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	var m message
	sock.seq++
	m.end(m.begin(unix.NLMSG_NOOP, 0, sock.seq, 0, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := sock.exchange(ctx, m.b, sock.seq, answers{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("exchange without an answer: %v, want %v", err, context.DeadlineExceeded)
	}
}

// answer builds one message of the kernel.
func answer(typ, flags uint16, seq uint32, body []byte) []byte {
	b := native.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = native.AppendUint16(b, typ)
	b = native.AppendUint16(b, flags)
	b = native.AppendUint32(b, seq)
	b = native.AppendUint32(b, 0)
	return append(b, body...)
}

func errno(e syscall.Errno) []byte { return native.AppendUint32(nil, uint32(-int32(e))) }

func TestTake(t *testing.T) {
	header := bytes.Repeat([]byte{0}, unix.SizeofNlMsghdr)
	var text message
	text.string(unix.NLMSGERR_ATTR_MSG, "no way")
	for _, tt := range []struct {
		name    string
		in      []byte
		done    bool
		err     error
		refused string
	}{
		{name: "an acknowledgement of the last request", in: answer(unix.NLMSG_ERROR, 0, 9, append(errno(0), header...)), done: true},
		{name: "an acknowledgement of an earlier one", in: answer(unix.NLMSG_ERROR, 0, 8, append(errno(0), header...))},
		{name: "a refusal", in: answer(unix.NLMSG_ERROR, 0, 9, append(errno(syscall.ESRCH), header...)), done: true, refused: "no such process"},
		{
			name: "a refusal with words",
			in: answer(unix.NLMSG_ERROR, unix.NLM_F_CAPPED|unix.NLM_F_ACK_TLVS, 9,
				slices.Concat(errno(syscall.EINVAL), header, text.b)),
			done: true, refused: "no way (invalid argument)",
		},
		{name: "the end of a dump", in: answer(unix.NLMSG_DONE, 0, 9, errno(0)), done: true},
		{name: "a dump that failed", in: answer(unix.NLMSG_DONE, 0, 9, errno(syscall.EIO)), done: true, refused: "input/output error"},
		{name: "an interrupted dump", in: answer(30, unix.NLM_F_DUMP_INTR, 9, []byte{1, 1, 0, 0}), err: ipvs.ErrUncertain},
		{name: "an answer to the future", in: answer(unix.NLMSG_DONE, 0, 10, nil), err: errGarbled},
		{name: "a length beyond the end", in: answer(unix.NLMSG_DONE, 0, 9, errno(0))[:18], err: errGarbled},
		{name: "a refusal without a number", in: answer(unix.NLMSG_ERROR, 0, 9, nil), err: errGarbled},
		{name: "data without a header", in: answer(30, 0, 9, []byte{1}), err: errGarbled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused := ""
			done, err := answers{refused: func(_ uint32, why refusal) { refused = why.Error() }}.take(tt.in, 9)
			if done != tt.done || !errors.Is(err, tt.err) || refused != tt.refused {
				t.Errorf("take = %v, %v, refused %q; want %v, %v, %q", done, err, refused, tt.done, tt.err, tt.refused)
			}
		})
	}
}

func FuzzTake(f *testing.F) {
	f.Add(answer(unix.NLMSG_ERROR, unix.NLM_F_CAPPED|unix.NLM_F_ACK_TLVS, 9, append(errno(syscall.ESRCH), 0, 0)))
	f.Add(answer(unix.NLMSG_DONE, 0, 9, nil))
	for _, e := range ipvstest.Everything() {
		var m message
		m.op(&ipvs.Op{Verb: ipvs.AddService, Service: e.Service})
		f.Add(answer(30, 0, 9, append([]byte{1, 1, 0, 0}, m.b...)))
		for _, d := range e.Destinations {
			m.b = nil
			m.op(&ipvs.Op{Verb: ipvs.AddDestination, Service: e.Service, Destination: d})
			f.Add(answer(30, 0, 9, append([]byte{1, 1, 0, 0}, m.b...)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		answers{
			refused: func(_ uint32, why refusal) { _ = why.Error() },
			data: func(body []byte) error {
				if s, err := decodeService(body, make(names)); err == nil && s.FWMark == 0 && !s.Addr.IsValid() {
					t.Errorf("decoded a service without address: %+v", s)
				}
				if d, err := decodeDestination(body, ipvs.IPv4); err == nil && !d.Addr.IsValid() {
					t.Errorf("decoded a destination without address: %+v", d)
				}
				decodeDaemon(body)
				return nil
			},
		}.take(b, 9)
	})
}

// TestCodec reads what we write, without a kernel.
func TestCodec(t *testing.T) {
	for _, e := range ipvstest.Everything() {
		var m message
		m.op(&ipvs.Op{Verb: ipvs.AddService, Service: e.Service})
		if got, err := decodeService(m.b, make(names)); err != nil || got.Service != e.Service {
			t.Errorf("decodeService = %+v, %v, want %+v", got.Service, err, e.Service)
		}
		for _, d := range e.Destinations {
			m.b = m.b[:0]
			m.op(&ipvs.Op{Verb: ipvs.EditDestination, Service: e.Service, Destination: d})
			if got, err := decodeDestination(m.b, e.Family); err != nil || got.Destination != d {
				t.Errorf("decodeDestination = %+v, %v, want %+v", got.Destination, err, d)
			}
		}
	}
	for _, d := range []ipvs.SyncDaemon{
		{Role: ipvs.SyncMaster, Interface: "eth0"},
		{Role: ipvs.SyncBackup, Interface: "eth0", ID: 255, MaxLen: 1500, Group: netip.MustParseAddr("ff02::51"), Port: 8849, TTL: 5},
	} {
		var m message
		m.daemon(&d)
		if got := decodeDaemon(m.b); got != d {
			t.Errorf("decodeDaemon = %+v, want %+v", got, d)
		}
	}
}
