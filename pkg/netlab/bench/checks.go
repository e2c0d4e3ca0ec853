package main

import (
	"fmt"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// measureChecks runs many checkers against local servers for half a minute.
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

const perService = 50

func checkers(kind string, count int) string {
	check := "TCP_CHECK {\n connect_timeout 2\n connect_port 81\n }"
	if kind == "http" {
		check = "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 2\n connect_port 80\n }"
	}
	return times(count/perService, func(i int) string {
		return fmt.Sprintf("virtual_server 10.0.%d.%d 80 {\n delay_loop 5\n lb_algo rr\n lb_kind NAT\n protocol TCP\n alpha\n", i/250, 1+i%250) +
			times(perService, func(j int) string {
				n := i*perService + j
				return fmt.Sprintf(" real_server 127.1.%d.%d 80 {\n weight 1\n %s\n }\n", n/250, 1+n%250, check)
			}) + "}\n"
	})
}

func (b *bench) check(bin, kind string, count int) figures {
	lab := netlab.New(b)
	lb := lab.Namespace("lb")
	lb.AddLink(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lan"}})
	lb.Serve("http", "0.0.0.0:80")
	sink := lb.Sink("0.0.0.0:81")
	d := lb.NewDaemon(bin, checkers(kind, count), "-C")
	d.Start()
	f := figures{"all up s": b.took("all servers up", 120*time.Second, func() bool { return lb.Destinations() == count })}
	sink.Reset()
	cpu, begun := d.CPU(), time.Now()
	time.Sleep(30 * time.Second)
	used, passed := d.CPU()-cpu, time.Since(begun)
	f["CPU %"] = 100 * used.Seconds() / passed.Seconds()
	f["CPU us per check"] = used.Seconds() * 1e6 / (float64(count) * passed.Seconds() / 5)
	f["peak MB"] = d.PeakMemory()
	if kind == "tcp" {
		f["late p99 ms"] = sink.Lateness(5*time.Second, 99)
		f["late max ms"] = sink.Lateness(5*time.Second, 100)
	}
	return f
}
