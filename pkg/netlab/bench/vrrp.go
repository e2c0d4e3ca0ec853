package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

const address = "10.5.0.50"

// lan is two routers and a client.
type lan struct {
	*netlab.Lab
	r      [2]*netlab.Namespace
	port   [2]*netlab.Port
	client *netlab.Namespace
}

func (b *bench) lan() *lan {
	l := &lan{Lab: netlab.New(b)}
	sw := l.Switch("sw")
	for i := range l.r {
		l.r[i] = l.Namespace(fmt.Sprintf("r%d", i+1))
		l.port[i] = sw.Connect(l.r[i], "eth0", fmt.Sprintf("10.5.0.%d/24", i+1))
		l.r[i].Serve("udp", "0.0.0.0:7")
	}
	l.client = l.Namespace("client")
	sw.Connect(l.client, "eth0", "10.5.0.100/24")
	return l
}

func instances(n, priority int, advert string) string {
	return times(n, func(i int) string {
		vip := address + "/24"
		if i > 0 {
			vip = fmt.Sprintf("10.5.1.%d/32", i)
		}
		return fmt.Sprintf("vrrp_instance VI_%d {\n state BACKUP\n interface eth0\n virtual_router_id %d\n priority %d\n advert_int %s\n version 3\n virtual_ipaddress {\n %s\n }\n}\n",
			i, i+1, priority, advert, vip)
	})
}

func measureVRRP(b *bench) {
	for _, advert := range []string{"1", "0.1", "0.01"} {
		for _, end := range []struct {
			name string
			do   func(*lan, *netlab.Daemon)
		}{
			{"SIGTERM", func(_ *lan, d *netlab.Daemon) { go d.Stop() }},
			{"host death", func(l *lan, d *netlab.Daemon) { l.port[0].Block(true); d.Crash() }},
			{"link down", func(l *lan, _ *netlab.Daemon) { l.port[0].Unplug() }},
		} {
			b.compare(fmt.Sprintf("client's outage, advert_int %s, %s", advert, end.name), b.runs, func(bin string) figures {
				return b.outage(bin, advert, end.do)
			})
		}
	}
	for _, n := range []int{1, 50, 255} {
		for _, busy := range []bool{false, true} {
			b.compare(fmt.Sprintf("lateness of adverts, %d instances, advert_int 1, busy machine: %t", n, busy), 1, func(bin string) figures {
				return b.lateness(bin, n, busy)
			})
		}
	}
	b.compare("1,000 addresses taken over", min(b.runs, 3), b.thousand)
}

// outage is how long a client that asks every few milliseconds gets no answer.
func (b *bench) outage(bin, advert string, end func(*lan, *netlab.Daemon)) figures {
	l := b.lan()
	first := l.r[0].Daemon(bin, instances(1, 150, advert), "-P")
	l.r[1].Daemon(bin, instances(1, 100, advert), "-P")
	b.took("r1 is master", 15*time.Second, func() bool { return l.r[0].Has(address) && !l.r[1].Has(address) })
	load := l.client.Load("udp", address+":7", 8, 4*time.Millisecond, 30*time.Millisecond)
	time.Sleep(300 * time.Millisecond)
	ended := time.Now()
	end(l, first)
	b.took("r2 is master", 15*time.Second, func() bool { return l.r[1].Has(address) })
	time.Sleep(500 * time.Millisecond)
	load.Stop()
	if last := load.Since(time.Now().Add(-300 * time.Millisecond)); last.OK == 0 {
		b.Fatalf("r2 does not serve: %v", last.Errors)
	}
	return figures{"outage ms": float64(load.Since(ended).Gap.Microseconds()) / 1000}
}

// lateness is how much later than due adverts left, over half a minute, and what the
// daemon used meanwhile.
func (b *bench) lateness(bin string, n int, busy bool) figures {
	l := b.lan()
	wire := l.port[0].Capture()
	d := l.r[0].Daemon(bin, instances(n, 200, "1"), "-P")
	b.took("master", 15*time.Second, func() bool { return len(l.r[0].Addrs("eth0")) >= n })
	time.Sleep(2 * time.Second)
	if busy {
		stop := make(chan struct{})
		defer close(stop)
		for range runtime.NumCPU() {
			go spin(stop)
		}
	}
	cpu, begun := d.CPU(), time.Now()
	time.Sleep(20 * time.Second)
	used, passed := d.CPU()-cpu, time.Since(begun)

	last := map[uint8]time.Time{}
	var late []float64
	for _, a := range netlab.Adverts(wire.Received(), 0) {
		if was, ok := last[a.VRID]; ok && a.At.After(begun) {
			late = append(late, max(0, float64((a.At.Sub(was)-time.Second).Microseconds())/1000))
		}
		last[a.VRID] = a.At
	}
	slices.SortFunc(late, cmp.Compare)
	if len(late) == 0 {
		b.Fatalf("no adverts")
	}
	return figures{
		"late p50 ms": late[len(late)/2], "late p99 ms": late[len(late)*99/100], "late max ms": late[len(late)-1],
		"CPU s a minute": used.Seconds() / passed.Minutes(), "peak MB": d.PeakMemory(),
	}
}

func spin(stop chan struct{}) {
	for x := uint64(1); ; x = x*6364136223846793005 + 1 {
		select {
		case <-stop:
			return
		default:
		}
	}
}

// thousand is the time from the first to the last gratuitous ARP for a thousand
// addresses, and until all of them are set.
func (b *bench) thousand(bin string) figures {
	l := b.lan()
	wire := l.port[0].Capture()
	excluded := " virtual_ipaddress_excluded {\n" + times(1000, func(i int) string { return fmt.Sprintf(" 10.6.%d.%d/32\n", i/250, 1+i%250) }) + " }\n"
	conf := instances(1, 150, "0.1")
	conf = conf[:len(conf)-2] + excluded + "}\n"
	l.r[0].Daemon(bin, conf, "-P")
	f := figures{"until all are set s": b.took("all addresses", 30*time.Second, func() bool { return len(l.r[0].Addrs("eth0")) > 1000 })}
	last := fmt.Sprintf("10.6.%d.%d", 999/250, 1+999%250)
	f["until the last is announced s"] = b.took("announced", 30*time.Second, func() bool {
		return len(netlab.Announcements(wire.Received(), last)) > 0
	}) + f["until all are set s"]
	return f
}
