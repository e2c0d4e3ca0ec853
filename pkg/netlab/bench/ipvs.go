package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// The largest installation that is known.
const fieldServices, fieldServers = 2300, 16

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
	b.compare("what 100 x 4 asks of the kernel, from start to stop", 1, b.calls)
	one := func(i, j int) bool { return i == 500 && j == 0 }
	b.compare("1,000 x 4, one server changed by a reload", b.runs, func(bin string) figures {
		return b.reload(bin, 1000, 4, one)
	})
	b.compare("what that asks of the kernel", 1, func(bin string) figures { return b.requests(bin, 1000, 4, one) })
	b.compare("1,000 x 4, killed and started again with one more service", b.runs, func(bin string) figures {
		return b.adopt(bin, 1000, 4)
	})
	if b.quick {
		return
	}
	b.compare("2,300 x 16, a thousand weights changed by a reload", min(b.runs, 3), func(bin string) figures {
		return b.reload(bin, fieldServices, fieldServers, func(i, j int) bool { return i < 1000 && j == 0 })
	})
	b.compare("2,300 x 16, reloaded twenty times", 1, b.field)
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
	d, f := b.started(lb, bin, n, per)
	stop := time.Now()
	d.Stop()
	f["stop s"] = time.Since(stop).Seconds()
	f["left after the stop"] = float64(lb.Destinations())
	return f
}

// started starts a daemon and waits until its table is programmed.
func (b *bench) started(lb *netlab.Namespace, bin string, n, per int) (*netlab.Daemon, figures) {
	d := lb.NewDaemon(bin, services(n, per, nil), "-C")
	d.Start()
	f := figures{"start s": b.took("programmed", 120*time.Second, func() bool { return lb.Destinations() == n*per })}
	f["peak MB"] = d.PeakMemory()
	return d, f
}

// calls counts the system calls and the requests to IPVS of a start and a stop.
func (b *bench) calls(bin string) figures {
	const n, per = 100, 4
	lb := netlab.New(b).Namespace("lb")
	watch := lb.WatchIPVS()
	if bin == netlab.Keepalived {
		bin = "/usr/sbin/keepalived"
	}
	conf := lb.NewDaemon(bin, services(n, per, nil))
	counts := filepath.Join(conf.Dir, "calls")
	d := lb.Start(filepath.Join(conf.Dir, "log"), "strace", "-f", "-c", "-o", counts,
		bin, "-n", "-l", "-D", "-C", "-f", conf.Config,
		"-p", conf.Dir+"/p", "-r", conf.Dir+"/r", "-c", conf.Dir+"/c", "-b", conf.Dir+"/b")
	b.took("programmed", 60*time.Second, func() bool { return lb.Destinations() == n*per })
	time.Sleep(500 * time.Millisecond)
	lb.Run("pkill", "-TERM", "-o", "-P", strconv.Itoa(d.Pid()))
	d.Wait(30 * time.Second)
	text, err := os.ReadFile(counts)
	if err != nil {
		b.Fatalf("%v", err)
	}
	return figures{"system calls": total(string(text)), "requests to IPVS": float64(sum(watch.Commands()))}
}

// total is the number of calls in the last line of what strace -c writes.
func total(text string) float64 {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 4 && f[len(f)-1] == "total" {
			n, _ := strconv.ParseFloat(f[3], 64)
			return n
		}
	}
	return 0
}

func sum(c netlab.IPVSCommands) (n int) {
	for _, count := range c {
		n += count
	}
	return n
}

// reload measures from SIGHUP until the last changed weight is in the kernel.
func (b *bench) reload(bin string, n, per int, changed func(i, j int) bool) figures {
	lb := netlab.New(b).Namespace("lb")
	d, _ := b.started(lb, bin, n, per)
	time.Sleep(time.Second)
	cpu := d.CPU()
	f := figures{"reload s": b.reweigh(lb, d, n, per, changed)}
	f["reload CPU s"] = (d.CPU() - cpu).Seconds()
	f["peak MB"] = d.PeakMemory()
	return f
}

// reweigh reloads and returns how long it took until the weights were right.
func (b *bench) reweigh(lb *netlab.Namespace, d *netlab.Daemon, n, per int, changed func(i, j int) bool) float64 {
	want := 0
	for i := range n {
		for j := range per {
			if changed(i, j) {
				want++
			}
		}
	}
	d.Reload(services(n, per, changed))
	return b.took("reloaded", 60*time.Second, func() bool { return lb.DestinationsWithWeight(2) == want })
}

// requests counts what a reload asks of IPVS.
func (b *bench) requests(bin string, n, per int, changed func(i, j int) bool) figures {
	lb := netlab.New(b).Namespace("lb")
	watch := lb.WatchIPVS()
	d, _ := b.started(lb, bin, n, per)
	time.Sleep(time.Second)
	watch.Reset()
	b.reweigh(lb, d, n, per, changed)
	time.Sleep(time.Second) // and not much longer: then the table is compared as a matter of routine
	edits := sum(watch.Commands().Edits())
	return figures{"edits": float64(edits), "questions": float64(sum(watch.Commands()) - edits)}
}

// adopt measures from the start of a daemon whose predecessor was killed until a service
// that the predecessor did not have is complete.
func (b *bench) adopt(bin string, n, per int) figures {
	lb := netlab.New(b).Namespace("lb")
	d, _ := b.started(lb, bin, n, per)
	d.Crash()
	d.Write(services(n+1, per, nil))
	d.Start()
	f := figures{"restart s": b.took("programmed", 60*time.Second, func() bool { return lb.Destinations() == (n+1)*per })}
	f["peak MB"] = d.PeakMemory()
	return f
}

// field reloads the largest known installation again and again, each time with a thousand
// other weights.
func (b *bench) field(bin string) figures {
	const n, per, reloads = fieldServices, fieldServers, 20
	lb := netlab.New(b).Namespace("lb")
	d, f := b.started(lb, bin, n, per)
	rested := func() float64 { time.Sleep(12 * time.Second); return d.Memory() }
	for i := range reloads {
		heavy := func(s, r int) bool { return i%2 == 0 && s < 1000 && r == 0 }
		f["slowest reload s"] = max(f["slowest reload s"], b.reweigh(lb, d, n, per, heavy))
		time.Sleep(time.Second)
		if i == 0 {
			f["MB after the first reload"] = rested()
		}
	}
	f["MB after the last reload"] = rested()
	f["peak MB"] = d.PeakMemory()
	stop := time.Now()
	d.Stop()
	f["stop s"] = time.Since(stop).Seconds()
	f["left after the stop"] = float64(lb.Destinations())
	return f
}
