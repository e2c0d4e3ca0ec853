package main

import (
	"fmt"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// measureIPVS programs tables of several sizes.
func measureIPVS(b *bench) {
	sizes := []int{100, 1000, 5000}
	if b.quick {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		b.compare(fmt.Sprintf("%d virtual servers with 4 real servers", size), b.runs, func(bin string) figures {
			return b.program(bin, size, 4)
		})
	}
	b.compare("1,000 x 4, one server changed by a reload", b.runs, func(bin string) figures {
		return b.reload(bin, 1000, 4, func(i, j int) bool { return i == 500 && j == 0 })
	})
	if !b.quick {
		b.compare("2,300 x 16, a thousand weights changed by a reload", min(b.runs, 3), func(bin string) figures {
			return b.reload(bin, 2300, 16, func(i, j int) bool { return i < 1000 && j == 0 })
		})
	}
}

// services is a configuration of unchecked servers; changed ones have weight 2.
func services(n, per int, changed func(i, j int) bool) string {
	return times(n, func(i int) string {
		return fmt.Sprintf("virtual_server 10.%d.%d.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n", 1+i/250, i%250) +
			times(per, func(j int) string {
				weight := 1
				if changed != nil && changed(i, j) {
					weight = 2
				}
				return fmt.Sprintf(" real_server 172.%d.%d.%d 80 {\n weight %d\n }\n", 16+i/250, i%250, j+1, weight)
			}) + "}\n"
	})
}

// program measures from the start of the process until the last destination is in the
// kernel, and from SIGTERM until the process has ended and the tables are empty.
func (b *bench) program(bin string, n, per int) figures {
	lb := netlab.New(b).Namespace("lb")
	watch := lb.WatchIPVS()
	d := lb.NewDaemon(bin, services(n, per, nil), "-C")
	d.Start()
	f := figures{"start s": b.took("programmed", 60*time.Second, func() bool { return lb.Destinations() == n*per })}
	f["peak MB"] = d.PeakMemory()
	stop := time.Now()
	d.Stop()
	f["stop s"] = time.Since(stop).Seconds()
	f["left after the stop"] = float64(lb.Destinations())
	seen := 0
	for _, count := range watch.Commands() {
		seen += count
	}
	f["requests to IPVS"] = float64(seen)
	return f
}

// reload measures from SIGHUP until the last changed weight is in the kernel.
func (b *bench) reload(bin string, n, per int, changed func(i, j int) bool) figures {
	want := 0
	for i := range n {
		for j := range per {
			if changed(i, j) {
				want++
			}
		}
	}
	lb := netlab.New(b).Namespace("lb")
	d := lb.NewDaemon(bin, services(n, per, nil), "-C")
	d.Start()
	b.took("programmed", 120*time.Second, func() bool { return lb.Destinations() == n*per })
	cpu := d.CPU()
	d.Reload(services(n, per, changed))
	f := figures{"reload s": b.took("reloaded", 60*time.Second, func() bool { return lb.DestinationsWithWeight(2) == want })}
	f["reload CPU s"] = (d.CPU() - cpu).Seconds()
	return f
}
