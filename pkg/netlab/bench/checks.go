package main

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// measureChecks runs many checkers against local servers for half a minute, and then has
// one server fail.
func measureChecks(b *bench) {
	sizes := []struct {
		kind  string
		count int
	}{{"tcp", 2000}, {"tcp", 10000}, {"http", 5000}}
	if b.quick {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		title := fmt.Sprintf("%d %s checkers, delay_loop 5", size.count, size.kind)
		b.compare(title, 1, func(bin string) figures { return b.check(bin, size.kind, size.count) })
	}
}

const (
	perService = 50
	period     = 5 * time.Second
	again      = time.Second // delay_before_retry of the server that fails
)

// checkers is a configuration with one checker for each server.
func checkers(kind string, count int) string {
	check := func(port uint16) string {
		retries := ""
		if port != goodPort {
			retries = fmt.Sprintf(" retry 1\n delay_before_retry %d\n", again/time.Second)
		}
		if kind == "http" {
			return fmt.Sprintf("HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 2\n connect_port %d\n%s }", port, retries)
		}
		return fmt.Sprintf("TCP_CHECK {\n connect_timeout 2\n connect_port %d\n%s }", port, retries)
	}
	return times(count/perService, func(i int) string {
		return fmt.Sprintf("virtual_server 10.0.%d.%d 80 {\n delay_loop %d\n lb_algo rr\n lb_kind NAT\n protocol TCP\n alpha\n", i/250, 1+i%250, period/time.Second) +
			times(perService, func(j int) string {
				n := i*perService + j
				return fmt.Sprintf(" real_server %v 80 {\n weight 1\n %s\n }\n", server(n), check(port(n, count)))
			}) + "}\n"
	})
}

func server(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 1, byte(n / 250), byte(1 + n%250)})
}

// The servers that fail later, spread over all of them, have a port each from failingPort
// on.
const (
	goodPort    = 81
	failingPort = 82
	failing     = 20
)

func port(n, count int) uint16 {
	if every := count / failing; n%every == every/2 {
		return uint16(failingPort + n/every)
	}
	return goodPort
}

func (b *bench) check(bin, kind string, count int) figures {
	lb := netlab.New(b).Namespace("lb")
	lb.AddLink(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lan"}})
	answer := ""
	if kind == "http" {
		answer = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
	}
	all := netip.IPv4Unspecified()
	good := lb.Sink(netip.AddrPortFrom(all, goodPort), answer)
	var weak []weakServer
	for n := range count {
		if port := port(n, count); port != goodPort {
			weak = append(weak, weakServer{server(n), lb.Sink(netip.AddrPortFrom(all, port), answer)})
		}
	}
	d := lb.NewDaemon(bin, checkers(kind, count), "-C")
	d.Start()
	ended := false
	defer func() {
		if !ended {
			log := d.Log()
			b.Logf("%d destinations, %d visits, the end of the log:\n%s", lb.Destinations(), good.Visits(), log[max(0, len(log)-2000):])
		}
	}()
	f := figures{"all up s": b.took("all servers up", 4*time.Minute, func() bool {
		time.Sleep(100 * time.Millisecond) // counting ten thousand takes its time, too
		return lb.Destinations() == count
	})}

	time.Sleep(period) // what made them all come up is over
	good.Reset()
	asleep := sleeper()
	cpu, idle, begun := d.CPU(), b.idle(), time.Now()
	time.Sleep(30 * time.Second)
	used, unused, passed := d.CPU()-cpu, b.idle()-idle, time.Since(begun)
	f["processor busy %"] = 100 * (1 - unused.Seconds()/passed.Seconds())
	f["late p99 ms, who only sleeps"], f["late max ms, who only sleeps"] = tail(asleep())
	made := float64(good.Visits()) * float64(count) / float64(count-failing)
	f["CPU %"] = 100 * used.Seconds() / passed.Seconds()
	f["CPU us per check"] = used.Seconds() * 1e6 / made
	f["checks made %"] = 100 * made / (float64(count) * passed.Seconds() / period.Seconds())
	f["peak MB"] = d.PeakMemory()
	f["late p99 ms"], f["late max ms"] = tail(good.Lateness(period))
	out := b.fail(lb, weak)
	f["out of IPVS after the last attempt was due ms, median"] = ms(out[len(out)/2])
	f["out of IPVS after the last attempt was due ms, worst"] = ms(out[len(out)-1])
	ended = true
	return f
}

// weakServer is a server that is going to fail.
type weakServer struct {
	addr netip.Addr
	*netlab.Sink
}

// fail closes the port of each server just after it was checked, and measures from when the
// second attempt after that, which decides, is due until its removal is requested, sorted.
func (b *bench) fail(lb *netlab.Namespace, servers []weakServer) (out []time.Duration) {
	watch, begun := lb.WatchIPVS(), time.Now()
	up := slices.Clone(servers)
	b.took("a visit to each server that is going to fail", 2*period, func() bool {
		up = slices.DeleteFunc(up, func(s weakServer) bool {
			visited := s.Last().After(begun)
			if visited {
				s.Close()
			}
			return visited
		})
		return len(up) == 0
	})
	for _, s := range servers {
		due := s.Last().Add(period + again)
		b.took("removal of a server that failed", time.Minute, func() bool {
			at := watch.Removed(s.addr)
			if !at.IsZero() {
				out = append(out, at.Sub(due))
			}
			return !at.IsZero()
		})
	}
	slices.Sort(out)
	return out
}

// sleeper is a program that sleeps again and again, and does nothing else: as late as it
// wakes, everybody is. The function it returns ends it and tells how late it was, sorted.
func sleeper() (late func() []time.Duration) {
	const pause = 5 * time.Millisecond
	stop, result := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var late []time.Duration
		for {
			begun := time.Now()
			select {
			case <-stop:
				slices.Sort(late)
				result <- late
				return
			case <-time.After(pause):
			}
			late = append(late, time.Since(begun)-pause)
		}
	}()
	return func() []time.Duration { close(stop); return <-result }
}

// idle is how long the machine's processors, of which a guest has one, had nothing to do.
func (b *bench) idle() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatalf("%v", err)
	}
	const ticks = 100 // a second, whatever the kernel's own clock does
	n, err := strconv.Atoi(strings.Fields(string(stat))[4])
	if err != nil {
		b.Fatalf("/proc/stat: %v", err)
	}
	return time.Duration(n) * time.Second / time.Duration(ticks*runtime.NumCPU())
}

// tail is the value below which 99 of 100 are, and the largest, in milliseconds.
func tail(sorted []time.Duration) (p99, most float64) {
	if len(sorted) == 0 {
		return math.NaN(), math.NaN()
	}
	return ms(sorted[len(sorted)*99/100]), ms(sorted[len(sorted)-1])
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
