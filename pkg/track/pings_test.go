package track

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/icmp"
)

func TestWitnessVerdict(t *testing.T) {
	for _, c := range []struct {
		name    string
		all     bool
		targets []State
		want    State
	}{
		{"any, one answers", false, []State{Down, Up}, Up},
		{"any, one answers and one is not known", false, []State{Unknown, Up}, Up},
		{"any, none answers", false, []State{Down, Down}, Down},
		{"any, not known yet", false, []State{Down, Unknown}, Unknown},
		{"all, one is missing", true, []State{Unknown, Down, Up}, Down},
		{"all answer", true, []State{Up, Up}, Up},
		{"all, not known yet", true, []State{Up, Unknown}, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Witness{All: c.all}).verdict(c.targets); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPings(t *testing.T) {
	probe, err := icmp.ListenPacket("ip4:icmp", "127.0.0.1")
	if err != nil {
		t.Skip("needs the right to open raw sockets: ", err)
	}
	probe.Close()
	events := make(chan Event, 16)
	p := NewPings(func(e Event) { events <- e })
	defer p.Close()
	here, nowhere := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("240.0.0.1")
	base := Witness{Interval: 10 * time.Millisecond, Rise: 1, Fall: 2}
	for _, c := range []struct {
		name    string
		targets []netip.Addr
		all     bool
		want    State
	}{
		{"A", []netip.Addr{nowhere, here}, false, Up},
		{"A", []netip.Addr{nowhere, here}, true, Down},
		{"B", []netip.Addr{nowhere}, false, Down},
	} {
		w := base
		w.Name, w.Targets, w.All, w.Timeout = c.name, c.targets, c.all, time.Second
		if c.want == Up { // a machine may stand still for a second before the answer is read
			w.Timeout = 5 * time.Second
		}
		p.Set([]Witness{w})
		if e := <-events; e.Kind != KindPing || e.Name != c.name || e.State != c.want {
			t.Errorf("%+v: reported %+v, want %v", c, e, c.want)
		}
	}
}
