package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// measureAdverts is how punctual adverts are and what they cost.
func measureAdverts(b *bench) {
	for _, busy := range []bool{false, true} {
		with := "idle machine"
		if busy {
			with = "all processors busy"
		}
		for _, n := range []int{1, 50, 255} {
			b.compare(fmt.Sprintf("adverts, %d instances, advert_int 1, %s", n, with), 1, func(bin string) figures {
				return b.adverts(bin, n, time.Second, "", busy)
			})
		}
		for _, n := range []int{1, 10} {
			b.compare(fmt.Sprintf("adverts, %d instances, advert_int 0.01, vrrp_rt_priority 50, %s", n, with), 1, func(bin string) figures {
				return b.adverts(bin, n, 10*time.Millisecond, hurried, busy)
			})
		}
	}
}

// hurried asks for a real-time priority. Whoever has it and works for longer than a limit without
// a pause is killed; keepalived does for ten instances, by its own default.
const hurried = "global_defs {\n vrrp_rt_priority 50\n vrrp_rlimit_rttime 1000000\n}\n"

// adverts is how much later than due adverts left, and what the daemon used meanwhile.
func (b *bench) adverts(bin string, n int, every time.Duration, global string, busy bool) figures {
	l := b.lan()
	wire := l.port[0].Capture()
	d := l.r[0].Daemon(bin, global+instances(n, 200, fmt.Sprint(every.Seconds()), ""), "-P")
	b.took("master", 15*time.Second, func() bool { return len(l.r[0].Addrs("eth0")) > n })
	time.Sleep(12 * time.Second) // the second set of announcements has gone out, even with keepalived
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
			late = append(late, max(0, milliseconds(a.At.Sub(was)-every)))
		}
		last[a.VRID] = a.At
	}
	slices.SortFunc(late, cmp.Compare)
	if len(late) == 0 {
		b.Fatalf("no adverts")
	}
	return figures{
		"late p50 ms": late[len(late)/2], "late p99 ms": late[len(late)*99/100], "late max ms": late[len(late)-1],
		"CPU s a minute": used.Seconds() / passed.Minutes(), "peak MB": d.PeakMemory(), "memory MB": d.Memory(),
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

// measureAddresses is how long it takes to take over many addresses.
func measureAddresses(b *bench) {
	b.compare("1,000 addresses taken over", min(b.runs, 3), b.thousand)
}

// thousand measures from a new master's first advert.
func (b *bench) thousand(bin string) figures {
	l := b.lan()
	wire := l.port[0].Capture()
	list := times(1000, func(i int) string { return " " + excluded(i) + "/32\n" })
	l.r[0].Daemon(bin, instances(1, 150, "0.1", " virtual_ipaddress_excluded {\n"+list+" }\n"), "-P")
	b.took("all addresses", 60*time.Second, func() bool { return len(l.r[0].Addrs("eth0")) > 1000 })
	last := make(map[string]time.Time)
	b.took("all announcements", 60*time.Second, func() bool {
		time.Sleep(20 * time.Millisecond)
		for i := range 1000 {
			a := excluded(i)
			if _, known := last[a]; known {
				continue
			}
			seen := netlab.Announcements(wire.Received(), a)
			if len(seen) == 0 {
				return false
			}
			last[a] = seen[0].At
		}
		return true
	})
	begun := netlab.Adverts(wire.Received(), 0)[0].At
	var end time.Time
	for _, at := range last {
		if at.After(end) {
			end = at
		}
	}
	return figures{"until the last is announced ms": milliseconds(end.Sub(begun))}
}

func excluded(i int) string { return fmt.Sprintf("10.6.%d.%d", i/250, 1+i%250) }
