package ipvs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

const advertInterval = 200 * time.Millisecond

// hundred is the configuration of a router and a hundred virtual servers with two real
// servers each. The real servers of number changed have another weight and a third.
func hundred(changed int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `vrrp_instance VI {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 255
    advert_int %.1f
    version 3
    virtual_ipaddress {
        %s/24
    }
}
`, advertInterval.Seconds(), netlab.VIP)
	for i := range 100 {
		weight, third := 1, ""
		if i == changed {
			weight, third = 5, " real_server 10.10.0.13 80 {\n weight 1\n }\n"
		}
		fmt.Fprintf(&b, `virtual_server %s %d {
 lb_algo rr
 lb_kind NAT
 protocol TCP
 real_server 10.10.0.11 80 {
 weight %d
 }
 real_server 10.10.0.12 80 {
 weight 1
 }
%s}
`, netlab.VIP, 8000+i, weight, third)
	}
	return b.String()
}

// A reload that changes one weight and adds one server makes two edits. Counters of all
// others stay, and no advert is late by more than half an interval.
func TestReloadIsExact(t *testing.T) {
	site := lab(t).Site(1, 3)
	site.NAT()
	site.Serve("http", 80)
	lb := site.Directors[0]
	watch := lb.WatchIPVS()
	wire := site.Cables[0].Capture()
	d := lb.Daemon(netlab.Holdfast(t), hundred(-1))
	site.Eventually(20*time.Second, "200 destinations", func() bool { return lb.Destinations() == 200 })
	site.Eventually(10*time.Second, "the virtual address", func() bool { return lb.Has(netlab.VIP) })
	for i := range 10 {
		addr := fmt.Sprintf("%s:%d", netlab.VIP, 8000+i)
		if got := site.Client.AskMany("http", addr, 4); got["-"] > 0 {
			t.Fatalf("%s: %v", addr, got)
		}
	}
	// The kernel adds its counters up every two seconds.
	site.Eventually(10*time.Second, "the tenth service's counters", func() bool {
		f := strings.Fields(counters(lb)[netlab.VIP+":8009"][0])
		return len(f) > 2 && f[2] == "4"
	})
	before := counters(lb)

	watch.Reset()
	began := time.Now()
	stalls := site.WatchStalls()
	d.Reload(hundred(50))
	site.Eventually(10*time.Second, "201 destinations", func() bool { return lb.Destinations() == 201 })
	settled(t, lb, d, time.Second)
	if got, want := watch.Commands().Edits().String(), "1 new dest, 1 set dest"; got != want {
		t.Errorf("edits %q, want %q", got, want)
	}
	after := counters(lb)
	changed := fmt.Sprintf("%s:%d", netlab.VIP, 8050)
	for service, was := range before {
		if service != changed && !slices.Equal(after[service], was) {
			t.Errorf("%s: counters were %v and are %v", service, was, after[service])
		}
	}
	if late := latest(wire, began); late > advertInterval*3/2+2*stalls.Worst() {
		t.Errorf("%v between two adverts, want %v and at most half of it more; the machine itself stalled for %v", late, advertInterval, stalls.Worst())
	}

	watch.Reset()
	d.Reload(hundred(50))
	d.WaitLog(10*time.Second, `(?s)Reload complete.*Reload complete`)
	settled(t, lb, d, time.Second)
	if got := watch.Commands().Edits().String(); got != "" {
		t.Errorf("a reload of the same file made edits: %q", got)
	}
}

// counters are the lines of "ipvsadm -Ln --stats" by service.
func counters(ns *netlab.Namespace) map[string][]string {
	out := map[string][]string{}
	var service string
	for line := range strings.Lines(ns.Run("ipvsadm", "-Ln", "--stats")) {
		f := strings.Fields(line)
		switch {
		case len(f) > 2 && f[0] == "TCP":
			service = f[1]
			out[service] = []string{line}
		case len(f) > 2 && f[0] == "->" && service != "":
			out[service] = append(out[service], line)
		}
	}
	return out
}

// latest is the longest time between two adverts since a time.
func latest(wire *netlab.Capture, since time.Time) time.Duration {
	var last time.Time
	var gap time.Duration
	for _, a := range netlab.Adverts(wire.Received(), 51) {
		if a.At.Before(since) {
			continue
		}
		if !last.IsZero() {
			gap = max(gap, a.At.Sub(last))
		}
		last = a.At
	}
	if last.IsZero() {
		return time.Hour
	}
	return gap
}

// What somebody changes behind the daemon's back is repaired; what the file never named
// is left alone.
func TestDrift(t *testing.T) {
	site := lab(t).Site(1, 2)
	site.NAT()
	site.Serve("http", 80)
	lb := site.Directors[0]
	d := lb.Daemon(netlab.Holdfast(t), pool, "-C")
	site.Eventually(10*time.Second, "two destinations", func() bool { return lb.Destinations() == 2 })
	want := lb.IPVS()
	for _, change := range [][]string{
		{"-e", "-t", netlab.VIP + ":80", "-r", "10.10.0.11:80", "-m", "-w", "9"},
		{"-d", "-t", netlab.VIP + ":80", "-r", "10.10.0.12:80"},
		{"-a", "-t", netlab.VIP + ":80", "-r", "10.10.0.99:80", "-m"},
		{"-E", "-t", netlab.VIP + ":80", "-s", "wlc"},
		{"-D", "-t", netlab.VIP + ":80"},
		{"-C"},
	} {
		lb.Run("ipvsadm", change...)
		if cmp.Equal(lb.IPVS(), want) {
			t.Fatalf("ipvsadm %v changed nothing", change)
		}
		site.Eventually(12*time.Second, fmt.Sprintf("repair of %v", change), func() bool { return cmp.Equal(lb.IPVS(), want) })
	}
	stranger := []string{"-A", "-t", "192.168.10.109:99", "-s", "rr"}
	lb.Run("ipvsadm", stranger...)
	lb.Run("ipvsadm", "-d", "-t", netlab.VIP+":80", "-r", "10.10.0.12:80")
	site.Eventually(12*time.Second, "repair", func() bool { return lb.Destinations() == 2 })
	if !strings.Contains(strings.Join(lb.IPVS(), "\n"), "192.168.10.109:99") {
		t.Error("the stranger's service is gone")
	}
	d.Stop()
	if got := lb.IPVS(); len(got) != 1 {
		t.Errorf("after the stop: %v", got)
	}
}
