package netlab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) { MainNative(m) }

// twoHosts is a switch with two hosts.
func twoHosts(t *testing.T) (a, b *Namespace, cable *Port) {
	Require(t)
	lab := New(t)
	sw := lab.Switch("sw")
	a, b = lab.Namespace("a"), lab.Namespace("b")
	sw.Connect(a, "eth0", "10.0.0.1/24", "fd00::1/64")
	return a, b, sw.Connect(b, "eth0", "10.0.0.2/24", "fd00::2/64")
}

func TestSink(t *testing.T) {
	Require(t)
	n := New(t).Namespace("a")
	for kind, answer := range map[string]string{"tcp": "", "http": "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"} {
		t.Run(kind, func(t *testing.T) {
			s := n.Sink(netip.MustParseAddrPort("0.0.0.0:80"), answer)
			defer s.Close()
			visit := func(addr string) error {
				return n.Do(func() error {
					c, err := net.Dial("tcp", addr)
					if err != nil {
						return err
					}
					defer c.Close()
					io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
					if got, err := io.ReadAll(c); answer != "" && (err != nil || string(got) != answer) {
						return fmt.Errorf("answer %q, %v", got, err)
					}
					return nil
				})
			}
			before := time.Now()
			for _, addr := range []string{"127.0.0.1:80", "127.0.0.2:80", "127.0.0.1:80", "127.0.0.1:80"} {
				if err := visit(addr); err != nil {
					t.Fatal(err)
				}
			}
			n.lab.Eventually(5*time.Second, "four visits", func() bool { return s.Visits() == 4 })
			if last := s.Last(); last.Before(before.Round(0)) || last.After(time.Now()) {
				t.Errorf("the last visit was at %v, after %v", last, before)
			}
			// One address was visited twice again, the other was not.
			if late := s.Lateness(0); len(late) != 2 || late[1] == 0 {
				t.Errorf("later than at once: %v", late)
			}
			if late := s.Lateness(time.Hour); len(late) != 2 || late[1] != 0 {
				t.Errorf("later than after an hour: %v", late)
			}
			if s.Reset(); s.Visits() != 0 {
				t.Errorf("%d visits after all were forgotten", s.Visits())
			}
			s.Close()
			if err := visit("127.0.0.1:80"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("a visit to a closed port: %v", err)
			}
		})
	}
}

// answer is long enough for a neighbour that has to be asked for twice.
const answer = 5 * time.Second

func TestAsk(t *testing.T) {
	a, b, _ := twoHosts(t)
	for _, kind := range []string{"http", "tcp", "udp"} {
		for _, addr := range []string{"10.0.0.2:80", "[fd00::2]:80"} {
			t.Run(kind+" "+addr, func(t *testing.T) {
				srv := b.Serve(kind, addr)
				defer srv.Down()
				if got, err := a.Ask(kind, addr, answer); got != "b" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
				srv.Down()
				if got, err := a.Ask(kind, addr, time.Second); err == nil {
					t.Errorf("%q answered while down", got)
				}
			})
		}
	}
}

// A server on all addresses answers from the one that was asked.
func TestAskSecondAddress(t *testing.T) {
	a, b, _ := twoHosts(t)
	b.AddAddr("eth0", "10.0.0.50/24", "fd00::50/128")
	b.Serve("udp", ":53")
	b.Serve("udp", "0.0.0.0:54")
	for _, addr := range []string{"10.0.0.2:53", "10.0.0.50:53", "[fd00::2]:53", "[fd00::50]:53", "10.0.0.50:54"} {
		if got, err := a.Ask("udp", addr, answer); got != "b" || err != nil {
			t.Errorf("%s: got %q, %v", addr, got, err)
		}
	}
}

func TestLoadSeesAnOutage(t *testing.T) {
	a, b, _ := twoHosts(t)
	srv := b.Serve("http", "10.0.0.2:80")
	load := a.Load("http", "10.0.0.2:80", 2, time.Millisecond, answer)
	a.lab.Eventually(5*time.Second, "requests", func() bool { return load.All().OK > 20 })
	if r := load.All(); r.Failed != 0 || r.ByName["b"] != r.OK {
		t.Errorf("before the outage: %+v", r)
	}
	srv.Down()
	down := time.Now()
	a.lab.Eventually(5*time.Second, "failures", func() bool { return load.All().Failed > 5 })
	if r := load.Since(down); r.OK != 0 || r.Failed == 0 || len(r.Errors) == 0 {
		t.Errorf("while down: %+v", r)
	}
	srv.Up()
	up := time.Now()
	a.lab.Eventually(5*time.Second, "requests again", func() bool { return load.Since(up).OK > 5 })
	load.Stop()
	if r := load.Since(up); r.Failed != 0 {
		t.Errorf("after the outage: %+v", r)
	}
	if r := load.All(); r.Gap < up.Sub(down) {
		t.Errorf("the longest gap is %v, but the server was down for %v", r.Gap, up.Sub(down))
	}
}

func TestPort(t *testing.T) {
	a, b, cable := twoHosts(t)
	b.Serve("tcp", "10.0.0.2:7")
	worksWithin := func(d time.Duration) bool {
		_, err := a.Ask("tcp", "10.0.0.2:7", d)
		return err == nil
	}
	works := func() bool { return worksWithin(answer) }
	silent := func() bool { return !worksWithin(200 * time.Millisecond) }
	carrier := func() bool { return strings.Contains(b.Run("ip", "link", "show", "eth0"), "LOWER_UP") }
	if !works() || !carrier() {
		t.Fatal("no connection at the start")
	}
	cable.Block(true)
	if !silent() || !carrier() {
		t.Error("blocked port: frames pass, or the carrier is gone")
	}
	cable.Block(false)
	if !works() {
		t.Error("port still blocked")
	}
	cable.Unplug()
	if !silent() || carrier() {
		t.Error("unplugged port: frames pass, or there is a carrier")
	}
	cable.Plug()
	a.lab.Eventually(5*time.Second, "plugged in again", works)
}

func TestKeepalivedSpeaks(t *testing.T) {
	a, b, _ := twoHosts(t)
	capture := a.Capture("eth0")
	d := b.Daemon(Keepalived, `
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 255
    advert_int 0.2
    version 3
    virtual_ipaddress { 10.0.0.50/24 }
}
`, "-P")
	a.lab.Eventually(10*time.Second, "the VIP", func() bool { return b.Has("10.0.0.50") })
	a.lab.Eventually(5*time.Second, "adverts", func() bool { return len(Adverts(capture.Frames(), 51)) > 2 })
	first := Adverts(capture.Frames(), 51)[0]
	if first.Priority != 255 || first.Version != 3 || first.TTL != 255 || first.Interval != 200*time.Millisecond || first.Src.String() != "10.0.0.2" {
		t.Errorf("advert %+v", first)
	}
	if got := Announcements(capture.Frames(), "10.0.0.50"); len(got) == 0 || got[0].MAC.String() != b.MAC("eth0").String() {
		t.Errorf("announcements %v", got)
	}
	if d.RolePid("vrrp") == 0 {
		t.Error("no pid file of the vrrp process")
	}
	d.WaitLog(time.Second, `Entering MASTER STATE`)
	if code := d.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if b.Has("10.0.0.50") {
		t.Error("the VIP is still there")
	}
}
