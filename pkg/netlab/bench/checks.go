package main

import (
	"fmt"
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

// checkers is a configuration with one checker for each server. The last server is at a
// port of its own.
func checkers(kind string, count int) string {
	check := func(port int) string {
		retries := ""
		if port == failingPort {
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
				n, port := i*perService+j, goodPort
				if n == count-1 {
					port = failingPort
				}
				return fmt.Sprintf(" real_server 127.1.%d.%d 80 {\n weight 1\n %s\n }\n", n/250, 1+n%250, check(port))
			}) + "}\n"
	})
}

const (
	goodPort    = 81
	failingPort = 82
)

func (b *bench) check(bin, kind string, count int) figures {
	lb := netlab.New(b).Namespace("lb")
	lb.AddLink(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lan"}})
	answer := ""
	if kind == "http" {
		answer = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
	}
	good, failing := lb.Sink(fmt.Sprintf("0.0.0.0:%d", goodPort), answer), lb.Sink(fmt.Sprintf("0.0.0.0:%d", failingPort), answer)
	d := lb.NewDaemon(bin, checkers(kind, count), "-C")
	d.Start()
	ended := false
	defer func() {
		if !ended {
			log := d.Log()
			b.Logf("%d destinations, %d and %d visits, the end of the log:\n%s", lb.Destinations(), good.Visits(), failing.Visits(), log[max(0, len(log)-2000):])
		}
	}()
	f := figures{"all up s": b.took("all servers up", 4*time.Minute, func() bool {
		time.Sleep(100 * time.Millisecond) // counting ten thousand takes its time, too
		return lb.Destinations() == count
	})}

	time.Sleep(period) // what made them all come up is over
	good.Reset()
	stall := stalls()
	cpu, begun := d.CPU(), time.Now()
	time.Sleep(30 * time.Second)
	used, passed := d.CPU()-cpu, time.Since(begun)
	f["worst stall of the machine ms"] = ms(stall())
	made := float64(good.Visits()) * float64(count) / float64(count-1)
	f["CPU %"] = 100 * used.Seconds() / passed.Seconds()
	f["CPU us per check"] = used.Seconds() * 1e6 / made
	f["checks made %"] = 100 * made / (float64(count) * passed.Seconds() / period.Seconds())
	f["peak MB"] = d.PeakMemory()
	if late := good.Lateness(period); len(late) > 0 {
		f["late p99 ms"], f["late max ms"] = ms(late[len(late)*99/100]), ms(late[len(late)-1])
	}
	f["out of IPVS after the last attempt was due ms"] = b.fail(lb, failing)
	ended = true
	return f
}

// fail closes the port of one server just after it was checked, and measures from when
// the second attempt after that, which decides, is due until its removal is requested.
func (b *bench) fail(lb *netlab.Namespace, s *netlab.Sink) float64 {
	watch := lb.WatchIPVS()
	before := s.Last()
	b.took("a visit to the server that is going to fail", 2*period, func() bool { time.Sleep(time.Millisecond); return s.Last().After(before) })
	s.Close()
	due := s.Last().Add(period + again)
	var out time.Time
	b.took("removal of the server that failed", time.Minute, func() bool {
		time.Sleep(10 * time.Millisecond)
		out = watch.First("del dest")
		return !out.IsZero()
	})
	return ms(out.Sub(due))
}

// stalls notices how long the machine did not let us run at all. The function it returns
// ends that and tells the longest time.
func stalls() (worst func() time.Duration) {
	const pause = 5 * time.Millisecond
	stop, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		for last := time.Now(); ; {
			select {
			case <-stop:
				result <- most
				return
			case <-time.After(pause):
			}
			now := time.Now()
			most, last = max(most, now.Sub(last)-pause), now
		}
	}()
	return func() time.Duration { close(stop); return <-result }
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
