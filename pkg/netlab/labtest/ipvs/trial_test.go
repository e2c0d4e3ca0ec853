package ipvs_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// moment is a change of the table, and how long it took since the server changed.
type moment struct {
	to   string // "in", "out", or a weight
	took time.Duration
}

func (m moment) String() string { return fmt.Sprintf("%s %.2fs", m.to, m.took.Seconds()) }

func agree(a, b []moment, apart time.Duration) bool {
	return slices.EqualFunc(a, b, func(a, b moment) bool { return a.to == b.to && (a.took-b.took).Abs() <= apart })
}

// course is what became of a patient: how the table changed, and what the log said.
type course struct {
	moments []moment
	said    []string // sorted
}

func (c course) String() string { return fmt.Sprint(c.moments) }

// trial is one daemon with all its patients in one host.
type trial struct {
	t    *testing.T
	bin  string
	lab  *netlab.Lab
	beds []*bed
	ns   *netlab.Namespace
	dir  string
	cert tls.Certificate

	daemon *netlab.Daemon
	began  time.Time

	mu    sync.Mutex
	table map[int]string // weight by port of the service
}

func newTrial(t *testing.T, bin string, patients []patient) *trial {
	t.Helper()
	r := &trial{t: t, bin: bin, lab: lab(t), dir: t.TempDir(), cert: certificate(t)}
	r.ns = r.lab.Namespace("lb")
	r.ns.AddLink(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lan"}})
	r.ns.AddAddr("lan", "10.9.0.1/24", "10.9.0.100/32", "10.9.0.11/32", "10.9.0.16/32", "10.9.0.17/32", "10.9.0.18/32", "fd09::1/64", "fd09::100/128", "fd09::11/128")
	for i, p := range patients {
		r.beds = append(r.beds, &bed{trial: r, t: t, patient: p, port: 2000 + i})
	}
	path := filepath.Join(r.dir, "check")
	// The file says how to end. A program that hangs is not to leave anything behind.
	if err := os.WriteFile(path, []byte("#!/bin/sh\nread -r how <\"$1\"\n[ \"$how\" = hang ] && exec sleep 20\nexit \"$how\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// begin starts everything.
func (r *trial) begin() {
	var conf strings.Builder
	conf.WriteString("global_defs {\n script_user root\n checker_log_all_failures\n}\n")
	for _, b := range r.beds {
		r.write(&conf, b)
		b.turn = b.patient.serve(b)
		b.change(b.first)
	}
	r.began = time.Now()
	r.daemon = r.ns.Daemon(r.bin, conf.String(), "-C")
	r.t.Cleanup(func() {
		if r.t.Failed() {
			r.t.Logf("the log:\n%s", r.daemon.Log())
		}
	})
}

// end stops the daemon, and returns its log.
func (r *trial) end() string {
	r.daemon.Stop()
	return r.daemon.Log()
}

// run returns what happened to each patient.
func (r *trial) run() map[string]course {
	r.begin()
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() { defer close(watched); r.watch(stop) }()
	defer func() { close(stop); <-watched }()
	var mu sync.Mutex
	var all sync.WaitGroup
	out := make(map[string]course)
	for _, b := range r.beds {
		all.Go(func() {
			seen := r.follow(b, r.began)
			mu.Lock()
			defer mu.Unlock()
			out[b.name] = course{moments: seen}
		})
	}
	all.Wait()
	log := r.end()
	for _, b := range r.beds {
		out[b.name] = course{out[b.name].moments, b.said(log)}
	}
	return out
}

// said are the lines of a log about a patient, without their dates. As long as a session
// has not been up, they depend on which end is the first to say something. The keepalived
// of the distribution calls all checks of web servers by one name.
func (b *bed) said(log string) []string {
	const date = len("Mon Jan  2 15:04:05 2006: ")
	var lines []string
	for line := range strings.Lines(log) {
		if len(line) < date || !strings.Contains(line, fmt.Sprintf(":%d", b.port)) {
			continue
		}
		lines = append(lines, strings.NewReplacer(b.dir, "DIR", "SSL_CHECK", "HTTP_CHECK").Replace(line[date:]))
	}
	if b.chance > 0 {
		lines = lines[max(0, slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Gained quorum") })):]
	}
	slices.Sort(lines)
	return lines
}

// write adds the service of a patient to the configuration.
func (r *trial) write(to *strings.Builder, b *bed) {
	fill := strings.NewReplacer("PORT", fmt.Sprint(b.port), "DIR", r.dir).Replace
	to.WriteString(fill(b.root))
	alpha, vip, real := "alpha", "10.9.0.100", "10.9.0.11"
	if b.first {
		alpha = ""
	}
	if b.ipv6 {
		vip, real = "fd09::100", "fd09::11"
	}
	fmt.Fprintf(to, "virtual_server %s %d {\n delay_loop 2\n retry 2\n delay_before_retry 1\n connect_timeout 1\n warmup 0\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"+
		" %s\n real_server %s %d {\n weight 10\n %s\n }\n}\n", vip, b.port, alpha, real, b.port, fill(b.check))
}

// follow lets a patient fall ill and recover, and notes when the daemon knew.
func (r *trial) follow(b *bed, began time.Time) []moment {
	// Long enough that what happens falls into the middle of a period.
	const pause = 2600 * time.Millisecond
	ill, well := b.patient.ill, "10"
	if ill == "" {
		ill = "out"
	}
	first, states := well, []string{ill, well, ill, well}
	if b.first {
		first, states = ill, []string{well, ill, well}
	}
	took, ok := r.await(b.port, first, began)
	seen := []moment{{first, took}}
	for _, state := range states {
		if !ok {
			return append(seen, moment{"never " + state, 0})
		}
		<-time.After(pause)
		at := time.Now()
		b.change(state == ill)
		took, ok = r.await(b.port, state, at)
		seen = append(seen, moment{state, took})
	}
	return seen
}

// await waits until the table has a patient in a state.
func (r *trial) await(port int, state string, since time.Time) (time.Duration, bool) {
	_, ok := netlab.Poll(20*time.Second, func() bool { return r.state(port) == state })
	return time.Since(since), ok
}

// state is the weight of a patient, or "out"; empty while nothing is known.
func (r *trial) state(port int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch weight, in := r.table[port]; {
	case r.table == nil:
		return ""
	case in:
		return weight
	}
	return "out"
}

// watch reads the table again and again.
func (r *trial) watch(stop chan struct{}) {
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case <-stop:
			return
		case <-tick:
		}
		table, services := make(map[int]string), 0
		port := 0
		text := r.ns.ProcIPVS()
		if len(text) >= os.Getpagesize() { // the kernel skips lines there, for the sake of other namespaces
			r.t.Error("the table is too long to be read at once")
			return
		}
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			switch {
			case len(f) > 1 && f[0] == "TCP":
				services++
				fmt.Sscanf(f[1][strings.LastIndexByte(f[1], ':')+1:], "%x", &port)
			case len(f) > 3 && f[0] == "->" && port != 0:
				table[port] = f[3]
			}
		}
		if services == 0 { // not begun yet
			continue
		}
		r.mu.Lock()
		r.table = table
		r.mu.Unlock()
	}
}
