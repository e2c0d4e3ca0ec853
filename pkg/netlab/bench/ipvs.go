package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
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
	one := table{1000, 4, func(i, j int) bool { return i == 500 && j == 0 }}
	b.compare("1,000 x 4, one server changed by a reload", b.runs, func(bin string) figures { return b.reload(bin, one, 500) })
	b.compare("what that asks of the kernel", 1, func(bin string) figures { return b.requests(bin, one) })
	b.compare("1,000 x 4, killed and started again with one more service", b.runs, func(bin string) figures {
		return b.adopt(bin, 1000, 4)
	})
	if b.quick {
		return
	}
	thousand := table{fieldServices, fieldServers, func(i, j int) bool { return i < 1000 && j == 0 }}
	b.compare("2,300 x 16, a thousand weights changed by a reload", min(b.runs, 3), func(bin string) figures {
		return b.reload(bin, thousand, 999)
	})
	b.compare("2,300 x 16, reloaded twenty times", 1, b.field)
}

// table is a number of virtual servers with as many unchecked servers each. Those that
// changed says have weight 2.
type table struct {
	services, per int
	changed       func(i, j int) bool
}

func (t table) weight(i, j int) int {
	if t.changed != nil && t.changed(i, j) {
		return 2
	}
	return 1
}

func (t table) config() string {
	return times(t.services, func(i int) string {
		return fmt.Sprintf("virtual_server 10.%d.%d.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n", 1+i/250, i%250) +
			times(t.per, func(j int) string {
				return fmt.Sprintf(" real_server 172.%d.%d.%d 80 {\n weight %d\n }\n", 16+i/250, i%250, j+1, t.weight(i, j))
			}) + "}\n"
	})
}

// await waits until the kernel has the table, and returns how long that took. It asks for
// one service, the last that there is something to do for, as to read all of them takes as
// long as what is measured; all are looked at when that one is right.
func (b *bench) await(lb *netlab.Namespace, t table, last int) float64 {
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(1 + last/250), byte(last % 250), 1}), 80)
	var want []int
	for j := range t.per {
		want = append(want, t.weight(last, j))
	}
	heavy := 0
	for i := range t.services {
		for j := range t.per {
			heavy += t.weight(i, j) - 1
		}
	}
	begun := time.Now()
	took := b.took("the last service", 2*time.Minute, func() bool { return slices.Equal(lb.Weights(address), want) })
	all := func() bool { return lb.Destinations() == t.services*t.per && lb.DestinationsWithWeight(2) == heavy }
	if !all() {
		b.took("all services", 2*time.Minute, all)
		took = time.Since(begun).Seconds()
	}
	return took
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
	t := table{services: n, per: per}
	d := lb.NewDaemon(bin, t.config(), "-C")
	d.Start()
	f := figures{"start s": b.await(lb, t, n-1)}
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
	conf := lb.NewDaemon(bin, table{services: n, per: per}.config())
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
func (b *bench) reload(bin string, t table, last int) figures {
	lb := netlab.New(b).Namespace("lb")
	d, _ := b.started(lb, bin, t.services, t.per)
	time.Sleep(time.Second)
	cpu := d.CPU()
	d.Reload(t.config())
	f := figures{"reload s": b.await(lb, t, last)}
	f["reload CPU s"] = (d.CPU() - cpu).Seconds()
	f["peak MB"] = d.PeakMemory()
	return f
}

// requests counts what a reload asks of IPVS.
func (b *bench) requests(bin string, t table) figures {
	lb := netlab.New(b).Namespace("lb")
	watch := lb.WatchIPVS()
	d, _ := b.started(lb, bin, t.services, t.per)
	time.Sleep(time.Second)
	watch.Reset()
	d.Reload(t.config())
	b.took("reloaded", time.Minute, func() bool { return lb.DestinationsWithWeight(2) > 0 }) // which asks nothing of IPVS
	time.Sleep(time.Second)                                                                  // and not much longer: then the table is compared as a matter of routine
	edits := sum(watch.Commands().Edits())
	return figures{"edits": float64(edits), "questions": float64(sum(watch.Commands()) - edits)}
}

// adopt measures from the start of a daemon whose predecessor was killed until a service
// that the predecessor did not have is complete.
func (b *bench) adopt(bin string, n, per int) figures {
	lb := netlab.New(b).Namespace("lb")
	d, _ := b.started(lb, bin, n, per)
	d.Crash()
	t := table{services: n + 1, per: per}
	d.Write(t.config())
	d.Start()
	f := figures{"restart s": b.await(lb, t, n)}
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
		t := table{n, per, func(s, r int) bool { return i%2 == 0 && s < 1000 && r == 0 }}
		d.Reload(t.config())
		f["slowest reload s"] = max(f["slowest reload s"], b.await(lb, t, 999))
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
