package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// measureTakeover ends the master in several ways.
func measureTakeover(b *bench) {
	for _, advert := range []string{"1", "0.1", "0.01"} {
		for _, end := range []struct {
			name string
			do   func(*lan, *netlab.Daemon)
		}{
			{"SIGTERM", func(_ *lan, d *netlab.Daemon) { d.Signal(syscall.SIGTERM) }},
			{"SIGKILL", func(_ *lan, d *netlab.Daemon) { d.Crash() }},
			{"host death", func(l *lan, d *netlab.Daemon) { l.port[0].Block(true); d.Crash() }},
			{"link down", func(l *lan, _ *netlab.Daemon) { l.port[0].Unplug() }},
		} {
			b.compare(fmt.Sprintf("takeover, advert_int %s, %s", advert, end.name), b.runs, func(bin string) figures {
				return b.takeover(bin, advert, end.do)
			})
		}
	}
	b.compare("SIGKILL of the vrrp process, advert_int 1", b.runs, b.killRole)
}

// pair is a master, its backup and a client that asks the virtual address every few
// milliseconds.
type pair struct {
	*lan
	master *netlab.Daemon
	wire   *netlab.Capture // at the port of the backup
	load   *netlab.Load
}

func (b *bench) pair(bin, advert string) *pair {
	p := &pair{lan: b.lan()}
	p.wire = p.port[1].Capture()
	p.master = p.r[0].Daemon(bin, instances(1, 150, advert, ""), "-P")
	p.r[1].Daemon(bin, instances(1, 100, advert, ""), "-P")
	b.took("r1 is master", 15*time.Second, func() bool { return p.r[0].Has(address) && !p.r[1].Has(address) })
	p.load = p.client.Load("udp", address+":7", 8, 4*time.Millisecond, 30*time.Millisecond)
	// How long a takeover lasts depends on how long ago the last advert was sent.
	every, _ := time.ParseDuration(advert + "s")
	time.Sleep(300*time.Millisecond + time.Duration(b.phase*float64(every)))
	return p
}

// takeover measures from the event until the backup's first advert, and how long the
// client gets no answer.
func (b *bench) takeover(bin, advert string, end func(*lan, *netlab.Daemon)) figures {
	p := b.pair(bin, advert)
	ended := time.Now()
	end(p.lan, p.master)
	b.took("r2 is master", 15*time.Second, func() bool { return p.r[1].Has(address) })
	time.Sleep(200 * time.Millisecond)
	after := time.Now()
	time.Sleep(500 * time.Millisecond)
	p.load.Stop()
	if last := p.load.Since(after); last.OK == 0 {
		b.Fatalf("r2 does not serve: %v", last.Errors)
	}
	f := figures{"client without answer ms": milliseconds(p.load.Since(ended).Gap)}
	for _, a := range netlab.Adverts(p.wire.Received(), 0) {
		if a.At.After(ended) {
			f["takeover ms"] = milliseconds(a.At.Sub(ended))
			break
		}
	}
	return f
}

// killRole kills the process that speaks VRRP, and nothing else.
func (b *bench) killRole(bin string) figures {
	p := b.pair(bin, "1")
	ended := time.Now()
	syscall.Kill(p.master.RolePid("vrrp"), syscall.SIGKILL)
	time.Sleep(6 * time.Second)
	p.load.Stop()
	f := figures{"client without answer ms": milliseconds(p.load.Since(ended).Gap), "takeovers": 0}
	for _, a := range netlab.Adverts(p.wire.Received(), 0) {
		if a.At.After(ended) && a.Priority == 100 {
			f["takeovers"] = 1
		}
	}
	return f
}

// measureStop is how long a daemon takes to leave.
func measureStop(b *bench) {
	for _, n := range []int{1, 255} {
		b.compare(fmt.Sprintf("SIGTERM until the process has ended, %d instances", n), b.runs, func(bin string) figures {
			return b.stop(bin, n, "")
		})
	}
	b.compare("SIGTERM until the process has ended, 100 instances with use_vmac", min(b.runs, 3), func(bin string) figures {
		return b.stop(bin, 100, " use_vmac\n")
	})
}

func (b *bench) stop(bin string, n int, more string) figures {
	l := b.lan()
	wire := l.port[0].Capture()
	d := l.r[0].Daemon(bin, instances(n, 150, "1", more), "-P")
	b.took("master", 60*time.Second, func() bool { return len(vrids(netlab.Adverts(wire.Received(), 0))) == n })
	time.Sleep(3 * time.Second)
	begun := time.Now()
	d.Stop()
	f := figures{"exit ms": milliseconds(time.Since(begun))}
	var last time.Time
	for _, a := range netlab.Adverts(wire.Received(), 0) {
		if a.Priority == 0 && a.At.After(begun) {
			last = a.At
		}
	}
	f["last advert with priority 0 ms"] = milliseconds(last.Sub(begun))
	return f
}

func vrids(adverts []netlab.Advert) map[uint8]bool {
	seen := map[uint8]bool{}
	for _, a := range adverts {
		seen[a.VRID] = true
	}
	return seen
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
