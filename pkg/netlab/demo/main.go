// Command demo shows holdfast at work: two directors, three web servers and a client on
// a network inside this machine, with the kernel's IPVS. It is started by "make demo".
//
// HOLDFAST_BIN names the daemon; any with keepalived's command line will do.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

const config = "examples/dr-two-directors.conf"

func main() { os.Exit(netlab.Run(run)) }

func run() int {
	s := &story{start: time.Now()}
	s.Log = func(text string) { s.say("%s", text) }
	return s.Do(func() {
		show(s)
		s.say("Done.")
	})
}

// show is the whole story.
func show(s *story) {
	text, err := os.ReadFile(config)
	if err != nil {
		s.Fatalf("%v (run the demonstration from the project's directory)", err)
	}
	master := string(text)
	backup := strings.Replace(master, "priority 150", "priority 100", 1)

	site := netlab.New(s).Site(2, 3)
	site.DR()
	webs := site.Serve("http", 80)
	lb1, lb2 := site.Directors[0], site.Directors[1]
	for _, lb := range site.Directors { // as "holdfast doctor" says: with DR a port that is used again would lead to the dead server
		lb.Sysctl("net/ipv4/vs/expire_nodest_conn", "1")
	}
	bin := netlab.Holdfast(s)

	s.say("Two directors start with %s (priorities 150 and 100).", config)
	first := lb1.Daemon(bin, master)
	lb2.Daemon(bin, backup)
	took := site.Eventually(15*time.Second, "lb1 has the virtual address", func() bool { return lb1.Has(netlab.VIP) })
	site.Eventually(10*time.Second, "three servers in both tables", func() bool {
		return lb1.Destinations() == 3 && lb2.Destinations() == 3
	})
	s.say("lb1 is master after %s and has %s.", seconds(took), netlab.VIP)
	s.table(lb1)
	s.status(first)
	s.say("The client makes 30 requests to %s:", netlab.VIP)
	s.counts(site.Client.AskMany("http", netlab.VIP+":80", 30))

	load := site.Client.Load("http", netlab.VIP+":80", 4, 25*time.Millisecond, 10*time.Second)
	s.say("From here on, four clients ask without a pause. web2 is killed.")
	killed := time.Now()
	webs[1].Down()
	took = site.Eventually(15*time.Second, "web2 is out", func() bool { return lb1.Destinations() == 2 })
	s.say("Out of the table after %s:", seconds(took))
	s.table(lb1)
	out := time.Now()
	pause(2 * time.Second)
	before, after := load.Between(killed, out), load.Since(out)
	s.say("Requests that failed until then: %d of %d. In the two seconds since: %d of %d.",
		before.Failed, before.OK+before.Failed, after.Failed, after.OK+after.Failed)
	s.must(after.Failed == 0, "a request failed after the dead server was removed: %v", after.Errors)

	s.say("web2 comes back.")
	webs[1].Up()
	took = site.Eventually(15*time.Second, "web2 is in again", func() bool { return lb1.Destinations() == 3 })
	back := time.Now()
	pause(time.Second)
	s.say("In the table again after %s. One second of requests:", seconds(took))
	s.counts(load.Since(back).ByName)

	s.say("lb1 dies: SIGKILL to all its processes, and its cables are dead.")
	load.Stop()
	load = site.Client.Load("http", netlab.VIP+":80", 4, 25*time.Millisecond, time.Second) // who asks a dead director is not to wait for long
	died := time.Now()
	first.Crash()
	site.Cables[0].Unplug()
	took = site.Eventually(15*time.Second, "lb2 has the virtual address", func() bool { return lb2.Has(netlab.VIP) })
	pause(1500 * time.Millisecond)
	outage := load.Since(died)
	s.say("lb2 has the address after %s. The client was without an answer for %s; then:", seconds(took), seconds(outage.Gap))
	s.counts(site.Client.AskMany("http", netlab.VIP+":80", 30))
	s.table(lb2)

	s.say("lb1 boots again, without address and table, and starts its daemon.")
	lb1.DelAddr("eth0", netlab.VIP+"/24")
	lb1.Run("ipvsadm", "-C")
	site.Cables[0].Plug()
	first.Start()
	booted := time.Now()
	took = site.Eventually(20*time.Second, "lb1 is master again", func() bool {
		return lb1.Has(netlab.VIP) && !lb2.Has(netlab.VIP)
	})
	pause(time.Second)
	load.Stop()
	last := load.Since(booted)
	s.say("It has the higher priority and takes the address back after %s.", seconds(took))
	s.say("Longest time without an answer meanwhile: %s; failed requests: %d of %d.", seconds(last.Gap), last.Failed, last.OK+last.Failed)
	s.counts(site.Client.AskMany("http", netlab.VIP+":80", 30))
	s.table(lb1)
}

// pause lets the clients' requests go on for a while.
func pause(d time.Duration) { time.Sleep(d) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// story is the narrator.
type story struct {
	netlab.Program
	start time.Time
}

// must ends the story with a reason unless ok.
func (s *story) must(ok bool, format string, args ...any) {
	if !ok {
		s.Fatalf(format, args...)
	}
}

// say prints a line of the story with the time since its beginning.
func (s *story) say(format string, args ...any) {
	fmt.Printf("\n%5.1f s  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// table prints a director's ipvsadm -Ln.
func (s *story) table(lb *netlab.Namespace) {
	fmt.Printf("\n         %s# ipvsadm -Ln\n", lb.Name)
	for line := range strings.Lines(lb.Run("ipvsadm", "-Ln")) {
		fmt.Print("         ", line)
	}
}

// status prints what the daemon says about itself; keepalived has no such command.
func (s *story) status(d *netlab.Daemon) {
	out, err := d.Ask("status")
	if err != nil {
		return
	}
	fmt.Printf("\n         lb1# holdfast status\n")
	for line := range strings.Lines(out) {
		fmt.Print("         ", line)
	}
}

// counts prints how many requests each server answered.
func (s *story) counts(by map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(by)) {
		fmt.Printf("         %4d %s\n", by[name], name)
	}
	s.must(by["-"] == 0, "%d requests failed", by["-"])
}
